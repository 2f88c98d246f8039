import { type AuthParam, formatAuth, parseAuthenticationInfo as parseParams, SipSyntaxError } from '@rollcall/sip'
import { MalformedDigestError } from './errors.ts'
import { parseQop, type Qop } from './response.ts'

/** What an answer says of itself: that its sender knows the password too, and the nonce to go on with. */
export interface AuthenticationInfo {
  readonly rspauth?: string | undefined
  readonly qop?: Qop | undefined
  readonly cnonce?: string | undefined
  readonly nc?: string | undefined
  readonly nextnonce?: string | undefined
}

/** The value of Authentication-Info (RFC 7616 section 3.5). */
export function formatAuthenticationInfo(info: AuthenticationInfo): string {
  const params = new Map<string, AuthParam>()
  const set = (name: string, value: string | undefined, quoted: boolean): void => {
    if (value !== undefined) params.set(name, { value, quoted })
  }
  set('nextnonce', info.nextnonce, true)
  set('qop', info.qop, false)
  set('rspauth', info.rspauth, true)
  set('cnonce', info.cnonce, true)
  set('nc', info.nc, false)
  return formatAuth({ scheme: '', params })
}

/**
 * Reads the value of Authentication-Info.
 *
 * @throws MalformedDigestError
 * @see RFC 7616 section 3.5
 */
export function parseAuthenticationInfo(value: string): AuthenticationInfo {
  try {
    const { params } = parseParams(value)
    const text = (name: string): string | undefined => params.get(name)?.value
    return {
      rspauth: text('rspauth')?.toLowerCase(),
      qop: parseQop(text('qop')),
      cnonce: text('cnonce'),
      nc: text('nc'),
      nextnonce: text('nextnonce'),
    }
  } catch (error) {
    if (error instanceof SipSyntaxError) throw new MalformedDigestError('Authentication-Info cannot be read')
    throw error
  }
}
