import { paramValue, type SipMessage, SipSyntaxError, topBranch, topVia } from '@rollcall/sip'

/** Methods that may stand in a label or a span's name; a UE can invent any number of others. */
const LABELLED = ['REGISTER', 'SUBSCRIBE', 'PUBLISH', 'NOTIFY', 'OPTIONS', 'INVITE', 'MESSAGE', 'ACK', 'CANCEL', 'BYE']

export function methodLabel(method: string): string {
  return LABELLED.includes(method) ? method : 'OTHER'
}

/** The branch of the topmost Via; undefined when there is none that can be read. */
export function branchOf(message: SipMessage): string | undefined {
  try {
    return topBranch(message)
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

/** A branch that its sender promises to be his alone (RFC 3261 section 8.1.1.7). */
const BRANCH_COOKIE = 'z9hG4bK'

/**
 * What a request has in common with its retransmissions alone, on the way that it came: as the server transactions tell
 * requests apart, so that nothing passes for a retransmission that makes a new transaction. Undefined when that cannot be
 * told.
 *
 * @see RFC 3261 section 17.2.3
 */
export function requestKeyOf(message: SipMessage & { kind: 'request' }): string | undefined {
  try {
    const { host, port, params } = topVia(message)
    const branch = paramValue(params, 'branch')
    if (!branch?.startsWith(BRANCH_COOKIE)) return undefined
    return `${branch}\n${host.toLowerCase()}:${port ?? ''}\n${message.method}`
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

/** How many octets a message takes, within a few dozen: enough to know whether a datagram holds it. */
export function octetsOf(message: SipMessage): number {
  const startLine = message.kind === 'request' ? message.method.length + message.uri.length : message.reason.length
  let octets = startLine + message.body.length + MARGIN_OCTETS
  for (const [name, value] of message.headers.entries()) octets += name.length + value.length + 4
  return octets
}

/** `SIP/2.0`, a status, Content-Length and the empty line. */
const MARGIN_OCTETS = 48
