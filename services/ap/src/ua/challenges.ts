import { type DigestAlgorithm, formatChallenge, type NonceKeeper } from '@rollcall/digest'
import { type Naf, QOPS } from '../nafs/naf.ts'

export interface ChallengeOptions {
  readonly naf: Naf
  readonly nonces: NonceKeeper
  /** The realm whose proof was right and whose nonce was not good any more. */
  readonly staleRealm: string | undefined
  readonly userAgent: string | undefined
  readonly passwordRealm: string
  readonly passwordAlgorithms: readonly DigestAlgorithm[]
}

/** By this a UE says that it has GBA keys (TS 24.109 clause 5.2.1). */
const GBA_PRODUCT = /(?:^|[\s;,(])3gpp-gba(?:-uicc)?(?:$|[\s;,)/])/i

/** Passwords have nonces of their own at each NAF. */
export function passwordScope(naf: Naf, realm: string): string {
  return `password ${realm} ${naf.fqdn}`
}

/**
 * The values of WWW-Authenticate for a UE that has to prove itself; none when no proof could be given by HTTP. A UE that
 * says it can bootstrap is asked for that alone; to others the password comes first, for many clients take the first.
 *
 * @see TS 24.109 clause 5.2.4, TS 24.109 clause 5.3.2.3, RFC 8760 section 2.3
 */
export function challengesFor(o: ChallengeOptions): string[] {
  const { naf, nonces, staleRealm } = o
  const gba: string[] = []
  if (naf.means.has('gba-digest')) {
    const realm = naf.gbaRealm
    const nonce = nonces.issue(realm)
    gba.push(formatChallenge({ realm, nonce, algorithm: 'MD5', qop: QOPS, isStale: staleRealm === realm }))
    if (GBA_PRODUCT.test(o.userAgent ?? '')) return gba
  }
  if (!naf.means.has('password')) return gba
  const realm = o.passwordRealm
  const isStale = staleRealm === realm
  const passwords = o.passwordAlgorithms.map((algorithm) =>
    formatChallenge({ realm, nonce: nonces.issue(passwordScope(naf, realm)), algorithm, qop: QOPS, isStale }),
  )
  return [...passwords, ...gba]
}
