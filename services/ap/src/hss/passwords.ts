import { type Clock, type Impi, type Impu, parseImpi, Secret } from '@rollcall/core'
import type { DigestAlgorithm } from '@rollcall/digest'
import { type LookupRequest, type LookupResponse, DigestAlgorithm as ProtoAlgorithm } from '@rollcall/proto-gen/digest'
import { ExpiringCache } from '../cache/expiring-cache.ts'
import { LookupError } from '../errors.ts'
import { identitiesOf } from '../zn/naf-keys.ts'

/** What the HSS says of a user with a password. */
export interface PasswordUser {
  readonly impi: Impi
  readonly identities: readonly Impu[]
  readonly ha1: ReadonlyMap<DigestAlgorithm, Secret>
}

/** Asks the HSS. @throws LookupError */
export type AskHss = (request: LookupRequest) => Promise<LookupResponse>

const ALGORITHMS: ReadonlyMap<ProtoAlgorithm, DigestAlgorithm> = new Map([
  [ProtoAlgorithm.DIGEST_ALGORITHM_MD5, 'MD5'],
  [ProtoAlgorithm.DIGEST_ALGORITHM_SHA_256, 'SHA-256'],
  [ProtoAlgorithm.DIGEST_ALGORITHM_SHA_512_256, 'SHA-512-256'],
])

/** `Choice:` a changed password, or a removed user, counts after this. */
const FRESH_MS = 30_000
const USERS_MAX = 10_000
/** Questions at once; beyond it the UE is told to come again. */
const ASKED_MAX = 500

/** Users with a password, from the HSS and kept for a short time. */
export class Passwords {
  readonly #ask: AskHss
  readonly #clock: Clock
  readonly #known: ExpiringCache<PasswordUser | LookupError>
  #asked = 0

  constructor(o: { readonly ask: AskHss; readonly clock: Clock }) {
    this.#ask = o.ask
    this.#clock = o.clock
    this.#known = new ExpiringCache(o.clock, USERS_MAX)
  }

  /** @throws LookupError */
  async get(username: string, realm: string): Promise<PasswordUser> {
    const name = `${realm} ${username}`
    const known = this.#known.get(name)
    if (known instanceof LookupError) throw known
    if (known !== undefined) return known
    if (this.#asked >= ASKED_MAX) throw new LookupError('unavailable')
    this.#asked += 1
    try {
      const user = passwordUserOf(await this.#ask({ username, realm }))
      this.#known.set(name, user, this.#clock.now() + FRESH_MS)
      return user
    } catch (error) {
      if (error instanceof LookupError && error.failure !== 'unavailable') {
        this.#known.set(name, error, this.#clock.now() + FRESH_MS)
      }
      throw error
    } finally {
      this.#asked -= 1
    }
  }
}

function passwordUserOf(answer: LookupResponse): PasswordUser {
  const ha1 = new Map<DigestAlgorithm, Secret>()
  for (const { algorithm, value } of answer.ha1) {
    const name = ALGORITHMS.get(algorithm)
    if (name !== undefined) ha1.set(name, new Secret(value))
    value.fill(0)
  }
  return { impi: parseImpi(answer.impi), identities: identitiesOf(answer.impus), ha1 }
}
