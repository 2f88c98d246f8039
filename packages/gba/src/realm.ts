/** What a NAF's realm begins with (TS 24.109 clauses 5.2.4 and 5.2.5): the key of the ME, and that of the UICC. */
export type RealmPrefix = '3GPP-bootstrapping' | '3GPP-bootstrapping-uicc' | '3GPP-bootstrapping-digest'

const PREFIXES: readonly RealmPrefix[] = ['3GPP-bootstrapping', '3GPP-bootstrapping-uicc', '3GPP-bootstrapping-digest']

/** One part of a NAF's realm. */
export interface RealmPart {
  readonly prefix: RealmPrefix
  readonly fqdn: string
}

/**
 * The realm by which a NAF asks for bootstrapping, or for a new one.
 *
 * @see TS 24.109 clauses 5.2.4 and 5.2.5
 */
export function nafRealmOf(fqdn: string, prefix: RealmPrefix = '3GPP-bootstrapping'): string {
  return `${prefix}@${fqdn}`
}

/**
 * The parts of a NAF's realm, in its order; what is no bootstrapping realm is left out, so that a realm of other kinds
 * of authentication gives none. Host names come in lower case.
 *
 * @see TS 24.109 clause 5.2.4
 */
export function parseNafRealm(realm: string): RealmPart[] {
  return realm.split(';').flatMap((text) => {
    const part = text.trim()
    const at = part.indexOf('@')
    const prefix = PREFIXES.find((known) => known === part.slice(0, at))
    const fqdn = part.slice(at + 1).toLowerCase()
    return prefix === undefined || fqdn === '' ? [] : [{ prefix, fqdn }]
  })
}
