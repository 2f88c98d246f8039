import type { Secret } from '@rollcall/core'
import { type DigestAlgorithm, parseDigestAlgorithm } from './algorithm.ts'
import type { AuthenticationInfo } from './authentication-info.ts'
import type { Credentials } from './credentials.ts'
import type { NonceKeeper } from './nonce-keeper.ts'
import { parseQop, type Qop, type ResponseInput, responseOf, sameResponse } from './response.ts'

/** What was challenged with, and the key that the user should have. */
export interface ProofInput {
  readonly credentials: Credentials
  readonly method: string
  readonly body?: Uint8Array | undefined
  /** H(A1) for the realm of the credentials and `algorithm`. */
  readonly ha1: Secret
  readonly algorithm: DigestAlgorithm
  /** What was offered; nothing else is taken. */
  readonly qop: readonly Qop[]
  readonly nonces: NonceKeeper
  /** Of the nonce. */
  readonly scope: string
}

export type ProofOutcome =
  | { readonly kind: 'right'; readonly proof: RightProof }
  /** The key is right and the nonce is not of use any more: challenge with `stale=true`. */
  | { readonly kind: 'stale' }
  /** The key is right and this very count was used before. */
  | { readonly kind: 'replayed' }
  | { readonly kind: 'wrong'; readonly reason: 'qop' | 'algorithm' | 'count' | 'response' }

/** A proof that was right; it makes the answer's own. */
export class RightProof {
  readonly #input: Omit<ResponseInput, 'method' | 'body'>
  readonly #nextnonce: string | undefined

  constructor(input: Omit<ResponseInput, 'method' | 'body'>, nextnonce: string | undefined) {
    this.#input = input
    this.#nextnonce = nextnonce
  }

  /** What Authentication-Info says for an answer with this body (RFC 7616 section 3.5). */
  answer(body: Uint8Array): AuthenticationInfo {
    const { qop, cnonce, nc } = this.#input
    const rspauth = responseOf({ ...this.#input, method: 'answer', body })
    return { rspauth, qop, cnonce, nc, nextnonce: this.#nextnonce }
  }
}

/**
 * Says whether credentials prove that the key is known, once. Whether `uri` names what was asked for is the caller's to say,
 * for HTTP and SIP compare that each in its way.
 *
 * Nothing is remembered unless the proof is right. `Choice:` a response without qop is wrong: it has no count, so that it
 * could be replayed.
 *
 * @see RFC 7616 sections 3.4 and 3.4.5, TS 24.109 clause 5.2.3
 */
export function checkProof(o: ProofInput): ProofOutcome {
  const { credentials: given, nonces, scope } = o
  const qop = parseQop(given.qop)
  // guard: proof-qop — without a count a proof could be replayed, and auth instead of auth-int leaves the body open
  if (qop === undefined || !o.qop.includes(qop)) return { kind: 'wrong', reason: 'qop' }
  // guard: proof-algorithm — who answers by a weaker algorithm than was asked for is answered nothing (RFC 8760 section 3)
  if (parseDigestAlgorithm(given.algorithm) !== o.algorithm) return { kind: 'wrong', reason: 'algorithm' }
  if (given.nc === undefined || !/^[0-9a-f]{8}$/i.test(given.nc) || !given.cnonce) {
    return { kind: 'wrong', reason: 'count' }
  }
  const nc = Number.parseInt(given.nc, 16)
  if (nc === 0) return { kind: 'wrong', reason: 'count' }
  const { algorithm, ha1, method, body } = o
  const { uri, nonce, cnonce } = given
  const answered = { algorithm, ha1, uri, nonce, qop, nc: given.nc, cnonce }
  // guard: proof-response — who cannot answer does not know the key (RFC 7616 section 3.4.1)
  if (!sameResponse(responseOf({ ...answered, method, body }), given.response.toLowerCase()))
    return { kind: 'wrong', reason: 'response' }
  // guard: proof-nonce — a right proof for a nonce that is not good now may have been recorded
  if (!nonces.isGood(given.nonce, scope)) return { kind: 'stale' }
  // guard: proof-replay — a right proof that came before is a copy
  if (!nonces.claim(given.nonce, scope, nc)) return { kind: 'replayed' }
  const next = nonces.isAging(given.nonce, scope) ? nonces.issue(scope) : undefined
  return { kind: 'right', proof: new RightProof(answered, next) }
}
