import type { Btid } from './btid.ts'
import { parseBtid } from './btid.ts'
import { InvalidBtidError } from './errors.ts'

/** What a NAF says in `psk_identity_hint` when it takes GBA keys of the ME (TS 24.109 clause 5.3.3.3). */
export const PSK_IDENTITY_HINT = '3GPP-bootstrapping'

/** The longest first: each shorter one begins it. */
const PREFIXES = ['3GPP-bootstrapping-uicc', PSK_IDENTITY_HINT] as const

/** What a UE said in `psk_identity`. */
export interface PskIdentity {
  /** The key of the ME, or that of the UICC. */
  readonly label: 'gba-me' | 'gba-u'
  readonly btid: Btid
}

/**
 * The `psk_identity` of a UE. `Choice:` with `;` between, which NAFs take beside `.`, `:` and none.
 *
 * @see TS 24.109 clause 5.3.3.1.2, TS 24.109 clause 5.3.3.1.3
 */
export function pskIdentityOf(btid: string): string {
  return `${PSK_IDENTITY_HINT};${btid}`
}

/**
 * Reads a `psk_identity`; undefined when it names no bootstrapped key. Clause and handsets differ in what stands between
 * prefix and B-TID, so any one of `;`, `.`, `:` may, or nothing.
 *
 * @see TS 24.109 clause 5.3.3.1.2, TS 24.109 clause 5.3.3.1.3
 */
export function parsePskIdentity(identity: string): PskIdentity | undefined {
  const prefix = PREFIXES.find((known) => identity.startsWith(known))
  if (prefix === undefined) return undefined
  try {
    const btid = parseBtid(identity.slice(prefix.length).replace(/^[;.:]/, ''))
    return { label: prefix === PSK_IDENTITY_HINT ? 'gba-me' : 'gba-u', btid }
  } catch (error) {
    if (error instanceof InvalidBtidError) return undefined
    throw error
  }
}
