/**
 * Keys by when each is to be looked at: a binary heap in two plain arrays, some 20 octets a key. The same key may stand
 * there more than once, and a key may have no meaning any more: who takes it out finds that out.
 */
export class DueHeap<K> {
  readonly #keys: K[] = []
  readonly #dues: number[] = []

  get size(): number {
    return this.#keys.length
  }

  /** When the first one is to be looked at; infinite when there is none. */
  get nextDueMs(): number {
    return this.#dues[0] ?? Number.POSITIVE_INFINITY
  }

  add(key: K, dueMs: number): void {
    let at = this.#keys.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.#dues[parent] as number
      if (above <= dueMs) break
      this.#put(at, this.#keys[parent] as K, above)
      at = parent
    }
    this.#put(at, key, dueMs)
  }

  /** Takes the first one. */
  take(): K | undefined {
    const first = this.#keys[0]
    const key = this.#keys.pop()
    const dueMs = this.#dues.pop()
    if (key !== undefined && dueMs !== undefined && this.size > 0) this.#sink(key, dueMs)
    return first
  }

  /** All, in no order. */
  *entries(): Iterable<readonly [key: K, dueMs: number]> {
    for (let at = 0; at < this.size; at++) yield [this.#keys[at] as K, this.#dues[at] as number]
  }

  /** Puts a key in at the top and lets it sink to its place. */
  #sink(key: K, dueMs: number): void {
    const last = this.size
    let at = 0
    for (let child = 1; child < last; child = 2 * at + 1) {
      if (child + 1 < last && (this.#dues[child + 1] as number) < (this.#dues[child] as number)) child += 1
      const below = this.#dues[child] as number
      if (below >= dueMs) break
      this.#put(at, this.#keys[child] as K, below)
      at = child
    }
    this.#put(at, key, dueMs)
  }

  #put(at: number, key: K, dueMs: number): void {
    this.#keys[at] = key
    this.#dues[at] = dueMs
  }
}
