import type { Clock, Impi, Timer } from '@rollcall/core'
import type { EndedRegistration } from '../registrations/ended-registration.ts'

/** The HSS is tried again after 1, 2, 4 … 60 s. */
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000

/** Ends that wait for the HSS; beyond it the oldest is forgotten, and the HSS learns of it at the next registration. */
const PENDING_MAX = 10_000

/**
 * Tells the HSS of registrations that ended. While it is away they wait and are told again, unless the user registers in
 * the meantime: the registration is over all the same, and a UE is not kept waiting for what it cannot change.
 */
export class Deassignments {
  readonly #clock: Clock
  readonly #tell: (ended: EndedRegistration) => Promise<boolean>
  readonly #pending = new Map<Impi, EndedRegistration>()
  #timer: Timer | undefined
  #retryMs = RETRY_MS_MIN
  #isStopped = false

  constructor(options: {
    readonly clock: Clock
    /** True when the HSS has heard it. */
    readonly tell: (ended: EndedRegistration) => Promise<boolean>
  }) {
    this.#clock = options.clock
    this.#tell = options.tell
  }

  get size(): number {
    return this.#pending.size
  }

  /** Tells now, or later when the HSS is away. */
  async add(ended: EndedRegistration): Promise<void> {
    this.#keep(ended)
    await this.#try(ended)
  }

  /** The user registers again: what was to be told is no longer true. */
  forget(impi: Impi): void {
    this.#pending.delete(impi)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  async #try(ended: EndedRegistration): Promise<boolean> {
    const isTold = await this.#tell(ended)
    if (isTold) {
      if (this.#pending.get(ended.impi) === ended) this.#pending.delete(ended.impi)
      this.#retryMs = RETRY_MS_MIN
    } else {
      this.#arm()
    }
    return isTold
  }

  #keep(ended: EndedRegistration): void {
    this.#pending.delete(ended.impi)
    this.#pending.set(ended.impi, ended)
    if (this.#pending.size <= PENDING_MAX) return
    const oldest = this.#pending.keys().next()
    if (!oldest.done) this.#pending.delete(oldest.value)
  }

  #arm(): void {
    if (this.#timer || this.#isStopped || this.#pending.size === 0) return
    this.#timer = this.#clock.setTimer(this.#retryMs, () => {
      this.#timer = undefined
      void this.#retry()
    })
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2)
  }

  /** One after the other: the first that is not heard ends the round. */
  async #retry(): Promise<void> {
    for (const ended of [...this.#pending.values()]) {
      if (this.#pending.get(ended.impi) !== ended) continue
      if (!(await this.#try(ended))) return
    }
  }
}
