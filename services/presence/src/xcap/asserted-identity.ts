/** Identities in one header: more than an implicit set has. */
const IDENTITIES_MAX = 64

/**
 * Reads `X-3GPP-Asserted-Identity: "sip:alice@example.com", "tel:+15550100"`.
 *
 * @returns the identities; none when the header is absent or is anything else.
 * @see TS 24.109 annex G (the header of the Authentication Proxy)
 */
export function parseAssertedIdentity(field: string | undefined): readonly string[] {
  const identities: string[] = []
  let rest = field?.trim() ?? ''
  while (rest !== '') {
    const quoted = /^"([^"\\\s]+)"\s*(?:,\s*|$)/.exec(rest)
    if (!quoted || identities.length === IDENTITIES_MAX) return []
    identities.push(quoted[1] ?? '')
    rest = rest.slice(quoted[0].length)
  }
  return identities
}
