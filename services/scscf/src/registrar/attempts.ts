import type { Impi } from '@rollcall/core'
import type { Attempt } from './attempt.ts'
import type { RegisterRequest } from './register-request.ts'

/** Bounds of the table. */
export interface AttemptLimits {
  /** Attempts of one IMPI at once. */
  readonly perImpiMax: number
  readonly attemptsMax: number
  /** Attempts in other tables that count towards `attemptsMax`. */
  readonly others?: () => number
}

/** Whether there is room for an attempt that is not in the table yet. */
export type Admission =
  | { readonly kind: 'admitted'; readonly dropped: Attempt | undefined }
  /** `attempts-full`: too many of this IMPI; `overload`: too many in all. */
  | { readonly kind: 'refused'; readonly reason: 'attempts-full' | 'overload' }

/** The attempts that are pending, by IMPI. */
export class Attempts {
  readonly #limits: AttemptLimits
  /** In order of age: the newest last. */
  readonly #byImpi = new Map<Impi, Map<string, Attempt>>()
  #size = 0

  constructor(limits: AttemptLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  /**
   * The key of the attempt that `request` belongs to, whether it is in the table or not.
   *
   * What came unprotected belongs to what came from the same source before. An answer that came over a security
   * association came from another port than its challenge went to: it is found by Call-ID and nonce, and the P-CSCF
   * vouches that this association was made by that challenge.
   */
  keyOf(request: RegisterRequest): string {
    const { authorization } = request
    if (request.isProtected && authorization.kind !== 'none') {
      for (const { key, phase, callId } of this.#byImpi.get(request.impi)?.values() ?? []) {
        if (phase.kind !== 'challenged' || callId !== request.callId) continue
        if (phase.challenge.nonce === authorization.nonce) return key
      }
    }
    return JSON.stringify([request.source.host, request.source.port, request.callId])
  }

  get(impi: Impi, key: string): Attempt | undefined {
    return this.#byImpi.get(impi)?.get(key)
  }

  /**
   * Makes room for a new attempt of `request`, or does not: with too many pending, an unprotected newcomer is refused.
   * One that is protected, or comes from where the registered contact is (`isKnownSource`), takes the place of the newest
   * unprotected attempt instead, for otherwise strangers could lock the user out.
   */
  admit(request: RegisterRequest, isKnownSource: boolean): Admission {
    const own = this.#byImpi.get(request.impi)
    if (own && own.size >= this.#limits.perImpiMax) {
      const dropped = request.isProtected || isKnownSource ? droppable(own) : undefined
      if (!dropped) return { kind: 'refused', reason: 'attempts-full' }
      this.delete(dropped)
      return { kind: 'admitted', dropped }
    }
    const { attemptsMax, others } = this.#limits
    if (this.#size + (others?.() ?? 0) >= attemptsMax) return { kind: 'refused', reason: 'overload' }
    return { kind: 'admitted', dropped: undefined }
  }

  /** Stores an attempt, in the place of the one with the same key if there is one. */
  put(attempt: Attempt): void {
    let own = this.#byImpi.get(attempt.impi)
    if (!own) {
      own = new Map()
      this.#byImpi.set(attempt.impi, own)
    }
    if (!own.has(attempt.key)) this.#size++
    own.set(attempt.key, attempt)
  }

  delete(attempt: Pick<Attempt, 'impi' | 'key'>): void {
    const own = this.#byImpi.get(attempt.impi)
    if (!own?.delete(attempt.key)) return
    this.#size--
    if (own.size === 0) this.#byImpi.delete(attempt.impi)
  }
}

/** The newest unprotected attempt that waits for its UE, else the oldest protected one that does. */
function droppable(own: ReadonlyMap<string, Attempt>): Attempt | undefined {
  const waiting = [...own.values()].filter(({ phase }) => phase.kind === 'challenged')
  return waiting.findLast(({ isProtected }) => !isProtected) ?? waiting[0]
}
