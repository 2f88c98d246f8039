import type { Clock } from '@rollcall/core'

/**
 * Remembers things for `retainMs` and up to half as long again, in three generations: forgetting costs nothing an entry.
 * When `entriesMax` came since the last change of generations, the oldest go early.
 */
export class Recent<V> {
  readonly #clock: Clock
  readonly #generationMs: number
  readonly #generationMax: number
  #newest = new Map<string, V>()
  #older = new Map<string, V>()
  #oldest = new Map<string, V>()
  #sinceMs: number

  constructor(o: { readonly clock: Clock; readonly retainMs: number; readonly entriesMax: number }) {
    this.#clock = o.clock
    this.#generationMs = o.retainMs / 2
    this.#generationMax = Math.max(1, Math.floor(o.entriesMax / 3))
    this.#sinceMs = o.clock.monotonic()
  }

  find(key: string): V | undefined {
    this.#turn()
    return this.#newest.get(key) ?? this.#older.get(key) ?? this.#oldest.get(key)
  }

  remember(key: string, value: V): void {
    this.#turn()
    if (this.#newest.size >= this.#generationMax) this.#age()
    this.#newest.set(key, value)
  }

  #turn(): void {
    const nowMs = this.#clock.monotonic()
    for (let turns = 0; turns < 3 && nowMs - this.#sinceMs >= this.#generationMs; turns++) {
      this.#age()
      this.#sinceMs += this.#generationMs
    }
    if (nowMs - this.#sinceMs >= this.#generationMs) this.#sinceMs = nowMs
  }

  #age(): void {
    this.#oldest = this.#older
    this.#older = this.#newest
    this.#newest = new Map()
  }
}
