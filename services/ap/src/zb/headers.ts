import type { HttpRequest, HttpsClientAnswer } from '@rollcall/runtime'
import type { Assertion } from './intended-identity.ts'

/**
 * What goes on of what a UE sent. All else stays here: proofs, what belongs to this connection, and whatever a server behind
 * might take for an assertion of ours, under any spelling.
 */
const FORWARDED = [
  'accept',
  'accept-encoding',
  'accept-language',
  'content-encoding',
  'content-language',
  'content-type',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'user-agent',
] as const

/** What does not go back: of the connection behind (RFC 9110 section 7.6.1), and proofs that are not the UE's to give. */
const KEPT_BACK: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'www-authenticate',
  'authentication-info',
  'set-cookie',
  'x-3gpp-asserted-identity',
  'x-3gpp-authorization-flags',
  'traceparent',
])

/** A header goes back as one value, or as several lines. */
type HeaderValues = Record<string, string | string[]>

/**
 * The header of a request as the server behind gets it.
 *
 * @see TS 24.109 clause 7.2, TS 24.109 annex G
 */
export function requestHeaders(
  request: HttpRequest,
  fqdn: string,
  assertion: Extract<Assertion, { kind: 'asserted' }>,
  flags: readonly number[],
): Record<string, string> {
  const headers: Record<string, string> = { Host: fqdn }
  // guard: asserted-identity-from-outside — a UE that asserts identities by itself is not believed (TS 33.222 clause 6.5)
  for (const name of FORWARDED) {
    const value = request.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  headers['X-3GPP-Asserted-Identity'] = quoted(assertion.identities)
  if (assertion.intended !== undefined) headers['X-3GPP-Intended-Identity'] = quoted([assertion.intended])
  if (flags.length > 0) headers['X-3GPP-Authorization-Flags'] = quoted(flags.map(String))
  return headers
}

/** The header of an answer as the UE gets it. */
export function answerHeaders({ rawHeaders, headers }: HttpsClientAnswer): HeaderValues {
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const kept: HeaderValues = {}
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2)
    const lower = name.toLowerCase()
    if (KEPT_BACK.has(lower) || named.has(lower)) continue
    const before = kept[name]
    kept[name] = before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value]
  }
  return kept
}

function quoted(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(', ')
}
