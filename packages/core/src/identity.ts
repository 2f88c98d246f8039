import { RollcallError } from './errors.ts'

/** A private user identity, `user@realm` without a scheme (TS 23.003 clause 13.3). */
export type Impi = string & { readonly __brand: 'Impi' }

/** A public user identity: a SIP or tel URI in canonical form, without parameters (TS 23.003 clause 13.4). */
export type Impu = string & { readonly __brand: 'Impu' }

/** The text is no IMPI or no IMPU. */
export class InvalidIdentityError extends RollcallError {
  override readonly name = 'InvalidIdentityError'
  readonly code = 'INVALID_IDENTITY'
  readonly text: string
  constructor(kind: 'IMPI' | 'IMPU', text: string) {
    super(`${JSON.stringify(text.slice(0, 80))} is no ${kind}`)
    this.text = text
  }
}

/** Longest identity taken, in octets: a NAI has at most 253 (RFC 7542 section 2.3). */
const IDENTITY_OCTETS_MAX = 253

/**
 * Reads a private identity: `user@realm`, the realm in lower case, since it is a domain name.
 *
 * @throws InvalidIdentityError
 */
export function parseImpi(text: string): Impi {
  const match = /^([^\s@:;<>"]+)@([A-Za-z0-9.-]+)$/.exec(text)
  if (!match || text.length > IDENTITY_OCTETS_MAX) throw new InvalidIdentityError('IMPI', text)
  return `${match[1]}@${String(match[2]).toLowerCase()}` as Impi
}

/**
 * Reads a public identity and gives its canonical form: scheme and host in lower case, no parameters, no default port,
 * no visual separators in a tel number (RFC 3261 section 19.1.4, RFC 3966 section 5).
 *
 * @throws InvalidIdentityError also for a SIP URI without user part.
 */
export function parseImpu(text: string): Impu {
  if (text.length > IDENTITY_OCTETS_MAX) throw new InvalidIdentityError('IMPU', text)
  const sip =
    /^(sips?):([^\s@:;<>?"]+)(?::[^\s@]*)?@(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?(?:[;?].*)?$/i.exec(text)
  if (sip) {
    const scheme = String(sip[1]).toLowerCase()
    const port = sip[4] === undefined || sip[4] === (scheme === 'sips' ? '5061' : '5060') ? '' : `:${sip[4]}`
    return `${scheme}:${unescapeUser(String(sip[2]))}@${String(sip[3]).toLowerCase()}${port}` as Impu
  }
  const tel = /^tel:(\+?[0-9*#().A-Fa-f-]+)(?:;.*)?$/i.exec(text)
  const digits = tel?.[1]?.replace(/[().-]/g, '')
  if (!digits || digits === '+') throw new InvalidIdentityError('IMPU', text)
  return `tel:${digits.toLowerCase()}` as Impu
}

/** Undoes escapes of unreserved characters, which never change a URI's meaning (RFC 3261 section 19.1.4). */
function unescapeUser(user: string): string {
  return user.replace(/%[0-9a-fA-F]{2}/g, (hex) => {
    const char = String.fromCharCode(Number.parseInt(hex.slice(1), 16))
    return /[A-Za-z0-9\-_.!~*'()]/.test(char) ? char : hex.toUpperCase()
  })
}
