import type { Impi } from '@rollcall/core'
import type { Flow } from '../edge/flow.ts'
import type { SecurityAgreement } from '../sec-agree/security-client.ts'
import type { Agreed } from '../sec-agree/security-verify.ts'

/**
 * One attempt to register, from SM1 to its end. Attempts of one IMPI are told apart by where they come from and by
 * Call-ID, so that nobody who sends from elsewhere disturbs another's (readings, Access 2).
 */
export interface Attempt {
  readonly key: string
  readonly impi: Impi
  readonly callId: string
  /** What the flow token will name, if the registration is not known already. */
  readonly registrationId: Buffer
  /** Where SM1 came from: its 401 and every final error to SM7 go there. */
  readonly origin: Flow
  /** The set that SM1 came on; undefined when it came unprotected. */
  readonly originSet: string | undefined
  /** The UE's address, as the IP header had it. */
  readonly address: string
  /** What SM1 offered; undefined when it came protected and offered nothing, which is enough unless it is challenged. */
  readonly agreement: SecurityAgreement | undefined
  /** What became of it; the challenge, when there is one. */
  challenge: Challenge | undefined
}

/** What SM7 must answer, and the temporary set that it must come on. */
export interface Challenge {
  readonly setId: string
  readonly nonce: string
  readonly agreed: Agreed
  /** SM7 is on its way: a second one waits for the outcome of the first. */
  isBeingAnswered: boolean
}

export type Begin =
  /** `dropped`: the newcomer took the place of this one; `restarted`: it begins the same attempt anew. */
  | { readonly ok: true; readonly dropped: Attempt | undefined; readonly restarted: Attempt | undefined }
  | { readonly ok: false; readonly reason: 'attempts-full' | 'attempts-full-impi' }

/** The key of an attempt. */
export function attemptKey(impi: Impi, source: { address: string; port: number }, callId: string): string {
  return JSON.stringify([impi, source.address, source.port, callId])
}

/** The attempts that are pending. */
export class Attempts {
  readonly #perImpiMax: number
  readonly #attemptsMax: number
  /** In order of age: the newest last. */
  readonly #byImpi = new Map<Impi, Map<string, Attempt>>()
  readonly #bySet = new Map<string, Attempt>()
  #size = 0
  #unprotected = 0

  constructor(o: { readonly perImpiMax: number; readonly attemptsMax: number }) {
    this.#perImpiMax = o.perImpiMax
    this.#attemptsMax = o.attemptsMax
  }

  get size(): number {
    return this.#size
  }

  /**
   * Takes a new attempt in. With too many pending an unprotected newcomer is refused; one that came over an SA set, or
   * from where the registered contact is (`isKnownSource`), takes the place of an unprotected one, for otherwise
   * strangers could lock the user out. Unprotected attempts and those of the registered have a bound each: however many
   * strangers begin, who is registered can register again.
   */
  begin(attempt: Attempt, isKnownSource: boolean): Begin {
    const own = this.#byImpi.get(attempt.impi)
    const restarted = own?.get(attempt.key)
    let dropped: Attempt | undefined
    if (!restarted && own && own.size >= this.#perImpiMax) {
      const mayReplace = attempt.originSet !== undefined || isKnownSource
      // guard: attempt-known-source — strangers do not take the places of whom they claim to be
      dropped = mayReplace ? givesWay(own, attempt) : undefined
      if (!dropped && !this.#hasRoomInSa(own, attempt)) return { ok: false, reason: 'attempts-full-impi' }
    }
    if (!restarted && !dropped && this.#isFull(attempt)) return { ok: false, reason: 'attempts-full' }
    if (restarted) this.end(restarted)
    if (dropped) this.end(dropped)
    this.#put(attempt)
    return { ok: true, dropped, restarted }
  }

  /** Whether this very attempt is still the one that counts. */
  isPending(attempt: Attempt): boolean {
    return this.#byImpi.get(attempt.impi)?.get(attempt.key) === attempt
  }

  /** Notes the challenge that the attempt got. */
  challenged(attempt: Attempt, challenge: Challenge): void {
    this.unchallenged(attempt)
    attempt.challenge = challenge
    this.#bySet.set(challenge.setId, attempt)
  }

  /** Forgets the challenge of an attempt that gets another one: its set may go without ending the attempt. */
  unchallenged(attempt: Attempt): void {
    if (attempt.challenge) this.#bySet.delete(attempt.challenge.setId)
    attempt.challenge = undefined
  }

  /** The attempt that made the temporary set `setId`. */
  ofSet(setId: string): Attempt | undefined {
    return this.#bySet.get(setId)
  }

  /** The attempt of `impi` that was challenged with this nonce. */
  ofNonce(impi: Impi, nonce: string): Attempt | undefined {
    for (const attempt of this.#byImpi.get(impi)?.values() ?? []) {
      if (attempt.challenge?.nonce === nonce) return attempt
    }
    return undefined
  }

  /** Forgets an attempt; does nothing when another has taken its place. */
  end(attempt: Attempt): void {
    if (attempt.challenge) this.#bySet.delete(attempt.challenge.setId)
    if (!this.isPending(attempt)) return
    const own = this.#byImpi.get(attempt.impi)
    own?.delete(attempt.key)
    this.#size -= 1
    if (attempt.originSet === undefined) this.#unprotected -= 1
    if (own?.size === 0) this.#byImpi.delete(attempt.impi)
  }

  #put(attempt: Attempt): void {
    const own = this.#byImpi.get(attempt.impi) ?? new Map<string, Attempt>()
    own.set(attempt.key, attempt)
    this.#byImpi.set(attempt.impi, own)
    this.#size += 1
    if (attempt.originSet === undefined) this.#unprotected += 1
  }

  /** Strangers' attempts that cannot give way, since the core is slow, do not keep the user's own SA from registering. */
  #hasRoomInSa(own: ReadonlyMap<string, Attempt>, { originSet }: Attempt): boolean {
    if (originSet === undefined) return false
    return [...own.values()].filter((other) => other.originSet !== undefined).length < this.#perImpiMax
  }

  /** A flood without protection fills its own half alone. */
  #isFull(attempt: Attempt): boolean {
    const isUnprotected = attempt.originSet === undefined
    return (isUnprotected ? this.#unprotected : this.#size - this.#unprotected) >= this.#attemptsMax
  }
}

/**
 * Which unprotected attempt makes room. One whose answer is at the core is left alone, and of those from the newcomer's
 * own address one that the core has not answered yet: they end by themselves.
 *
 * `Choice:` first what the newcomer itself began (same address and port), then the newest from another address, and of
 * those from the newcomer's own address the oldest: behind one NAT nobody can be told from his neighbour, and who begins
 * at the source's rate leaves each the time to answer its challenge.
 */
function givesWay(own: ReadonlyMap<string, Attempt>, newcomer: Attempt): Attempt | undefined {
  const candidates = [...own.values()].filter(
    ({ originSet, challenge, address }) =>
      // guard: attempt-being-answered — an answer that is at the core is not taken from whom it is of
      originSet === undefined && (challenge ? !challenge.isBeingAnswered : address !== newcomer.address),
  )
  return (
    candidates.find(({ origin }) => isSameSource(origin, newcomer.origin)) ??
    candidates.findLast(({ address }) => address !== newcomer.address) ??
    candidates[0]
  )
}

function isSameSource(a: Flow, b: Flow): boolean {
  return a.kind === 'unprotected' && b.kind === 'unprotected' && a.address === b.address && a.port === b.port
}
