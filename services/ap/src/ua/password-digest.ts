import {
  type Credentials,
  checkProof,
  type DigestAlgorithm,
  type NonceKeeper,
  parseDigestAlgorithm,
} from '@rollcall/digest'
import { LookupError } from '../errors.ts'
import type { Passwords } from '../hss/passwords.ts'
import { QOPS } from '../nafs/naf.ts'
import { challenge, refuse, type UaOutcome } from './outcome.ts'

export interface PasswordDigestInput {
  readonly credentials: Credentials
  readonly realm: string
  readonly scope: string
  readonly algorithms: readonly DigestAlgorithm[]
  readonly method: string
  readonly body: Buffer
  readonly passwords: Passwords
  readonly nonces: NonceKeeper
}

/**
 * Checks a proof with a password that the operator provisioned. A user who is unknown, or has none, is told what one is
 * told whose password is wrong.
 *
 * @see TS 33.141 clause 5.1.4, RFC 7616, RFC 8760
 */
export async function checkPasswordDigest(o: PasswordDigestInput): Promise<UaOutcome> {
  const { credentials, algorithms, nonces, scope } = o
  const algorithm = parseDigestAlgorithm(credentials.algorithm)
  // guard: password-algorithm — what was not offered is not taken, or a weaker hash could be had for the asking
  if (algorithm === undefined || !algorithms.includes(algorithm)) return challenge('wrong-response')
  if (!nonces.isGood(credentials.nonce, scope)) return challenge('stale-nonce', true)
  try {
    const { ha1: all, impi, identities } = await o.passwords.get(credentials.username, o.realm)
    const ha1 = all.get(algorithm)
    if (ha1 === undefined) return challenge('user-unknown')
    const outcome = checkProof({ ...o, credentials, ha1, algorithm, qop: QOPS })
    if (outcome.kind === 'wrong') return challenge('wrong-response')
    if (outcome.kind === 'stale') return challenge('stale-nonce', true)
    if (outcome.kind === 'replayed') return challenge('replayed', true)
    return { kind: 'user', user: { means: 'password', identities, impi, flags: [] }, proof: outcome.proof }
  } catch (error) {
    if (!(error instanceof LookupError)) throw error
    return error.failure === 'unavailable' ? refuse('lookup-unavailable', 503) : challenge('user-unknown')
  }
}
