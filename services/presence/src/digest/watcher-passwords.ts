import { type Impi, type Impu, InvalidIdentityError, parseImpi, parseImpu, Secret } from '@rollcall/core'
import type { DigestAlgorithm } from '@rollcall/digest'
import { type LookupRequest, type LookupResponse, DigestAlgorithm as WireAlgorithm } from '@rollcall/proto-gen/digest'
import { RpcError } from '@rollcall/runtime'

/** A subscriber with a password for our realm, as the HSS knows him. */
export interface PasswordUser {
  readonly impi: Impi
  /** Those of the implicit set that are not barred, the canonical one first. */
  readonly impus: readonly Impu[]
  readonly ha1: ReadonlyMap<DigestAlgorithm, Secret>
}

/** Asks the HSS. @throws RpcError */
export type AskForPassword = (request: LookupRequest, parent: string) => Promise<LookupResponse>

/** Questions at once, each of two seconds at most; beyond it watchers are told to come again. */
const ASKED_MAX = 500

const ALGORITHMS: ReadonlyMap<WireAlgorithm, DigestAlgorithm> = new Map([
  [WireAlgorithm.DIGEST_ALGORITHM_MD5, 'MD5'],
  [WireAlgorithm.DIGEST_ALGORITHM_SHA_256, 'SHA-256'],
  [WireAlgorithm.DIGEST_ALGORITHM_SHA_512_256, 'SHA-512-256'],
])

/**
 * Passwords of watchers, from the HSS. `Choice:` nothing is kept: a password that was taken away counts no more at once, and
 * who is unknown waits as long for his answer as who is known.
 *
 * @see TS 33.141 clause 5.1.4
 */
export class WatcherPasswords {
  readonly #ask: AskForPassword
  #asked = 0

  constructor(ask: AskForPassword) {
    this.#ask = ask
  }

  /** `unknown`: no such user, or none with a password for this realm; `away`: nobody can say. */
  async find(username: string, realm: string, parent: string): Promise<PasswordUser | 'unknown' | 'away'> {
    if (this.#asked >= ASKED_MAX) return 'away'
    this.#asked += 1
    try {
      return passwordUserOf(await this.#ask({ username, realm }, parent))
    } catch (error) {
      if (error instanceof RpcError) return error.code === 'RPC_NOT_FOUND' ? 'unknown' : 'away'
      // An answer that nobody can use is none.
      if (error instanceof InvalidIdentityError) return 'away'
      throw error
    } finally {
      this.#asked -= 1
    }
  }
}

function passwordUserOf({ impi, impus, canonicalImpu, ha1 }: LookupResponse): PasswordUser {
  const byAlgorithm = new Map<DigestAlgorithm, Secret>()
  for (const { algorithm, value } of ha1) {
    const name = ALGORITHMS.get(algorithm)
    if (name !== undefined) byAlgorithm.set(name, new Secret(value))
    value.fill(0)
  }
  const first = impus.filter((impu) => impu === canonicalImpu)
  const others = impus.filter((impu) => impu !== canonicalImpu)
  return { impi: parseImpi(impi), impus: [...first, ...others].map(parseImpu), ha1: byAlgorithm }
}
