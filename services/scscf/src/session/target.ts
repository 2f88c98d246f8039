import { type Impu, parseImpu, RollcallError } from '@rollcall/core'
import { parseSipUri } from '@rollcall/sip'
import type { RefusalReason } from '../refusal.ts'

/** Whom a Request-URI names. */
export type Target = { readonly ok: true; readonly impu: Impu } | { readonly ok: false; readonly reason: RefusalReason }

/**
 * The public identity that a Request-URI names: a user of the home domain, or a telephone number, which the HSS resolves
 * without ENUM (readings, SIP hop 5). A SIP URI with `user=phone` and a global number names that number.
 *
 * @see TS 24.229 clauses 5.3.2.1 and 5.4.3.3
 */
export function readTarget(requestUri: string, realm: string): Target {
  try {
    if (/^tel:/i.test(requestUri)) return { ok: true, impu: parseImpu(requestUri) }
    if (!/^sips?:/i.test(requestUri)) return { ok: false, reason: 'target-scheme' }
    const uri = parseSipUri(requestUri)
    if (uri.host.toLowerCase() !== realm) return { ok: false, reason: 'target-foreign' }
    const isNumber = uri.params.get('user') === 'phone' && /^\+[0-9().-]+$/.test(uri.user ?? '')
    if (isNumber) return { ok: true, impu: parseImpu(`tel:${uri.user}`) }
    return { ok: true, impu: parseImpu(requestUri) }
  } catch (error) {
    if (error instanceof RollcallError) return { ok: false, reason: 'target-malformed' }
    throw error
  }
}
