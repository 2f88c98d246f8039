import type { Clock } from '@rollcall/core'

interface Entry<V> {
  readonly value: V
  readonly expiresMs: number
}

/** Values by key until their time is over; at `sizeMax` the one that was longest not used goes. */
export class ExpiringCache<V> {
  readonly #clock: Clock
  readonly #sizeMax: number
  /** In the order of use. */
  readonly #entries = new Map<string, Entry<V>>()

  constructor(clock: Clock, sizeMax: number) {
    this.#clock = clock
    this.#sizeMax = sizeMax
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    // guard: key-expiry — a key is of no use past its time (TS 33.220 clause 4.5.3)
    if (entry.expiresMs <= this.#clock.now()) return undefined
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: V, expiresMs: number): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, expiresMs })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#sizeMax && oldest !== undefined) this.#entries.delete(oldest)
  }
}
