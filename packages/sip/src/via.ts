import { SLASH, skipBlanks, tokenEnd } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { formatHostPort, parseHostPort } from './host-port.ts'
import { formatParams, type Params, parseParams } from './params.ts'

/** One element of Via. `branch`, `received` and `rport` are among the parameters. */
export interface Via {
  /** As it came, usually upper case: `UDP`. */
  readonly transport: string
  /** The host of sent-by; an IPv6 reference has its brackets. */
  readonly host: string
  readonly port: number | undefined
  readonly params: Params
}

/**
 * Reads one element of Via.
 *
 * @throws SipSyntaxError also when the protocol is not SIP/2.0.
 * @see RFC 3261 section 20.42
 */
export function parseVia(text: string): Via {
  const transportStart = text.startsWith('SIP/2.0/') ? 8 : skipProtocol(text)
  const transportEnd = tokenEnd(text, transportStart)
  const hostStart = skipBlanks(text, transportEnd)
  if (transportEnd === transportStart || hostStart === transportEnd) throw new SipSyntaxError('Via', 'has no transport')
  const { host, port, end } = parseHostPort(text, hostStart, 'Via')
  return { transport: text.slice(transportStart, transportEnd), host, port, params: parseParams(text, end, 'Via') }
}

/** Skips `SIP / 2.0 /` written with blanks or in another case: legal, and rare. */
function skipProtocol(text: string): number {
  let at = 0
  for (const word of ['SIP', '2.0']) {
    const end = tokenEnd(text, at)
    if (text.slice(at, end).toUpperCase() !== word) throw new SipSyntaxError('Via', 'is not of SIP/2.0')
    at = skipBlanks(text, end)
    if (text.charCodeAt(at) !== SLASH) throw new SipSyntaxError('Via', 'is not of SIP/2.0')
    at = skipBlanks(text, at + 1)
  }
  return at
}

export function formatVia(via: Via): string {
  return `SIP/2.0/${via.transport} ${formatHostPort(via.host, via.port)}${formatParams(via.params)}`
}
