import type { Random, Secret } from '@rollcall/core'
import { type Challenge, formatCredentials, ha1Of, type ResponseInput, responseOf } from '@rollcall/digest'

/** Who answers a challenge. */
export interface DigestUser {
  readonly username: string
  readonly password: Secret
}

/** A proof that went out, so that the answer's can be checked. */
export interface SentProof {
  /** Value of Authorization. */
  readonly authorization: string
  readonly input: Omit<ResponseInput, 'method' | 'body'>
}

const CNONCE_OCTETS = 8

/**
 * The client's side of Digest towards one server: the last challenge, and the nonce count that grows with each request.
 *
 * @see RFC 7616 section 3.4, RFC 8760 section 2
 */
export class DigestClient {
  readonly #random: Random
  #challenge: Challenge | undefined
  #nc = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** The proof for a request; nothing before the first challenge. */
  prove(
    request: { readonly method: string; readonly uri: string; readonly body?: Buffer | undefined },
    user: DigestUser,
  ): SentProof | undefined {
    const challenge = this.#challenge
    if (challenge === undefined) return undefined
    this.#nc += 1
    const { realm, nonce, opaque, algorithm } = challenge
    const { username } = user
    const input = {
      algorithm,
      ha1: ha1Of({ algorithm, realm, ...user }),
      uri: request.uri,
      nonce,
      qop: challenge.qop.includes('auth-int') ? 'auth-int' : 'auth',
      nc: this.#nc.toString(16).padStart(8, '0'),
      cnonce: this.#random.bytes(CNONCE_OCTETS).toString('hex'),
    } as const
    const response = responseOf({ ...input, method: request.method, body: request.body })
    return { input, authorization: formatCredentials({ ...input, username, realm, response, opaque }) }
  }

  challenged(challenge: Challenge): void {
    this.#challenge = challenge
    this.#nc = 0
  }

  /** The server told which nonce comes next. */
  nextNonce(nonce: string): void {
    if (this.#challenge !== undefined) this.challenged({ ...this.#challenge, nonce })
  }
}
