import { formatVia, parseVia, type SipRequest, SipSyntaxError, type Via } from '@rollcall/sip'
import type { UdpAddress } from '@rollcall/sip-net'

/** What the topmost Via of a request says. */
export interface TopVia {
  /** Where the response goes. */
  readonly replyTo: UdpAddress
  /** What the request and its retransmissions share (RFC 3261 section 17.2.3). */
  readonly key: string
}

/** Without a port in Via (RFC 3261 section 18.2.2). */
const PORT_DEFAULT = 5_060

/**
 * Reads the topmost Via of a request that came from `source`, notes there what was seen, and says where the response
 * goes: always to the address that the request came from, and to its port when the client asks for that.
 * `Choice:` `maddr` is not followed: nobody may direct answers to a third.
 *
 * @throws SipSyntaxError when the Via cannot be read, or has no branch.
 * @see RFC 3261 sections 18.2.1 and 18.2.2; RFC 3581 section 4
 */
export function readTopVia(request: SipRequest, source: UdpAddress): TopVia {
  const line = request.headers.get('Via')
  if (line === undefined) throw new SipSyntaxError('Via', 'is absent')
  // Nearly always there is one element on the line; then there is nothing to split.
  const via = parseVia(line.includes(',') ? (request.headers.list('Via')[0] ?? '') : line)
  const branch = via.params.get('branch')
  if (typeof branch !== 'string') throw new SipSyntaxError('Via', 'has no branch')
  const wantsPort = via.params.has('rport')
  if (wantsPort || via.host !== source.address) note(request, via, source)
  const port = wantsPort ? source.port : (via.port ?? PORT_DEFAULT)
  // Two clients may choose the same branch: what tells them apart is where they are.
  const key = `${branch} ${request.method} ${via.host} ${via.port ?? ''} ${source.address}`
  return { replyTo: { address: source.address, port }, key }
}

function note(request: SipRequest, via: Via, { address, port }: UdpAddress): void {
  const params = new Map(via.params)
  if (params.has('rport')) params.set('rport', String(port))
  params.set('received', address)
  request.headers.removeFirst('Via')
  request.headers.prepend('Via', formatVia({ ...via, params }))
}
