import {
  formatVia,
  paramValue,
  type SipMessage,
  type SipRequest,
  SipSyntaxError,
  topVia,
  type Via,
} from '@rollcall/sip'
import type { SocketAddress } from '@rollcall/sip-net'

/** What the topmost Via of a request says. */
export interface TopVia {
  /** Where the response goes. */
  readonly replyTo: SocketAddress
  /** What the request and its retransmissions share (RFC 3261 section 17.2.3). */
  readonly key: string
}

/** Without a port in Via (RFC 3261 section 18.2.2). */
const PORT_DEFAULT = 5_060
const TLS_PORT_DEFAULT = 5_061

/**
 * Notes in the topmost Via of a request what was seen of its sender, and says where the response goes: always to the
 * address that the request came from, and to its port when the client asks for that.
 * `Choice:` `maddr` is not followed: nobody may direct answers to a third.
 *
 * @see RFC 3261 sections 18.2.1 and 18.2.2; RFC 3581 section 4
 */
export function noteSource(request: SipRequest, via: Via, branch: string, source: SocketAddress): TopVia {
  const wantsPort = via.params.has('rport')
  if (wantsPort || via.host !== source.address) note(request, via, source)
  const port = wantsPort ? source.port : (via.port ?? PORT_DEFAULT)
  // Two clients may choose the same branch: what tells them apart is where they are.
  const key = `${branch} ${request.method} ${via.host} ${via.port ?? ''} ${source.address}`
  return { replyTo: { address: source.address, port }, key }
}

/**
 * The same for a request of which nothing has been read, because it cannot be.
 *
 * @throws SipSyntaxError when its topmost Via cannot be read either, or has no branch.
 */
export function readTopVia(request: SipRequest, source: SocketAddress): TopVia {
  const via = topVia(request)
  const branch = paramValue(via.params, 'branch')
  if (branch === undefined) throw new SipSyntaxError('Via', 'has no branch')
  return noteSource(request, via, branch, source)
}

/** Port that a peer takes connections on, by the Via of its request; it need not be the one that it called from. */
export function sentByPort(via: Via, transport: 'TLS' | 'TCP'): number {
  return via.port ?? (transport === 'TLS' ? TLS_PORT_DEFAULT : PORT_DEFAULT)
}

function note(request: SipRequest, via: Via, { address, port }: SocketAddress): void {
  const params = new Map(via.params)
  if (params.has('rport')) params.set('rport', String(port))
  params.set('received', address)
  replaceTopVia(request, formatVia({ ...via, params }))
}

/** Puts `via` in the place of the topmost Via, and gives what was there. */
export function replaceTopVia(message: SipMessage, via: string): string | undefined {
  const former = message.headers.removeFirst('Via')
  message.headers.prepend('Via', via)
  return former
}
