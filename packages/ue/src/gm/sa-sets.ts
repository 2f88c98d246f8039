import { assert, type Clock, type Timer } from '@rollcall/core'
import type { SaEnd, SaSetParameters } from '@rollcall/esp'
import type { SaBackEnd } from '@rollcall/esp-net'

/**
 * Where a set of SAs stands at the UE: `temporary` from the 401 to the 200, `established` from then on, `old` when a newer
 * one is established.
 *
 * @see TS 33.203 clause 7.4, TS 24.229 clause 5.1.1.5.1
 */
export type SaSetState = 'temporary' | 'established' | 'old'

/** A set as it may be shown: without keys. */
export interface SaSetView {
  readonly id: string
  readonly state: SaSetState
  /** The UE's end. */
  readonly local: SaEnd
  /** The P-CSCF's end. */
  readonly remote: SaEnd
  readonly alg: string
  readonly ealg: string
  readonly expiresAtMs: number
}

interface Entry {
  readonly parameters: SaSetParameters
  state: SaSetState
  expiresAtMs: number
  timer: Timer
}

/**
 * The SA sets of one UE, and their lives: at most a temporary one, an established one, and old ones that carry the ends
 * of what was begun in them.
 */
export class SaSets {
  /** Told when the established set came to its end. */
  onExpired: (() => void) | undefined
  readonly #backEnd: SaBackEnd
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(backEnd: SaBackEnd, clock: Clock) {
    this.#backEnd = backEnd
    this.#clock = clock
  }

  get established(): SaSetView | undefined {
    return this.views().find(({ state }) => state === 'established')
  }

  state(id: string): SaSetState | undefined {
    return this.#entries.get(id)?.state
  }

  /** All sets, the newest last. */
  views(): SaSetView[] {
    return [...this.#entries.values()].map(({ parameters, state, expiresAtMs }) => ({
      id: parameters.id,
      state,
      local: parameters.local,
      remote: parameters.remote,
      alg: parameters.keys.integrity,
      ealg: parameters.keys.encryption,
      expiresAtMs,
    }))
  }

  /** Installs a temporary set; an earlier one is replaced. */
  async addTemporary(parameters: SaSetParameters, lifetimeMs: number): Promise<void> {
    for (const [id, entry] of this.#entries) if (entry.state === 'temporary') await this.remove(id)
    await this.#backEnd.install(parameters)
    const entry: Entry = {
      parameters,
      state: 'temporary',
      expiresAtMs: this.#clock.now() + lifetimeMs,
      timer: this.#expireIn(parameters.id, lifetimeMs),
    }
    this.#entries.set(parameters.id, entry)
  }

  /**
   * A temporary set becomes the established one. After an initial registration all others go at once; after another the
   * one before stays for `graceMs`, so that what was begun in it can end in it.
   */
  async establish(id: string, o: { lifetimeMs: number; graceMs: number; isInitial: boolean }): Promise<void> {
    const fresh = this.#entries.get(id)
    assert(fresh?.state === 'temporary', 'a temporary set is established')
    let untilMs = this.#clock.now() + o.lifetimeMs
    for (const [otherId, other] of this.#entries) {
      if (other === fresh) continue
      // The new set lives as long as the one before would have: TS 24.229 clause 5.1.1.5.1.
      if (other.state === 'established' && !o.isInitial) untilMs = Math.max(untilMs, other.expiresAtMs)
      if (o.isInitial) await this.remove(otherId)
      else if (other.state === 'established') this.#retire(otherId, other, o.graceMs)
    }
    fresh.state = 'established'
    this.#prolong(id, fresh, untilMs)
  }

  /** A registration was refreshed without a new set: the one there is lives on. */
  extend(lifetimeMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (entry.state !== 'established') continue
      this.#prolong(id, entry, Math.max(entry.expiresAtMs, this.#clock.now() + lifetimeMs))
    }
  }

  async remove(id: string): Promise<void> {
    const entry = this.#entries.get(id)
    if (!entry) return
    entry.timer.cancel()
    this.#entries.delete(id)
    await this.#backEnd.remove(id)
  }

  /** Lets all sets go, as when the UE has de-registered or was lost by its P-CSCF. */
  async clear(): Promise<void> {
    for (const id of [...this.#entries.keys()]) await this.remove(id)
  }

  #retire(id: string, entry: Entry, graceMs: number): void {
    entry.state = 'old'
    this.#prolong(id, entry, Math.min(entry.expiresAtMs, this.#clock.now() + graceMs))
  }

  #prolong(id: string, entry: Entry, untilMs: number): void {
    entry.timer.cancel()
    entry.expiresAtMs = untilMs
    entry.timer = this.#expireIn(id, untilMs - this.#clock.now())
  }

  #expireIn(id: string, lifetimeMs: number): Timer {
    return this.#clock.setTimer(lifetimeMs, async () => {
      const wasEstablished = this.#entries.get(id)?.state === 'established'
      await this.remove(id)
      if (wasEstablished) this.onExpired?.()
    })
  }
}
