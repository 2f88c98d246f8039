/** Below this many taken entries the array is not worth copying. */
const COMPACT_MIN = 1_024

/** First in, first out, at a constant cost for each entry however many wait. */
export class Fifo<T> {
  #entries: T[] = []
  #head = 0

  get length(): number {
    return this.#entries.length - this.#head
  }

  get first(): T | undefined {
    return this.#entries[this.#head]
  }

  push(entry: T): void {
    this.#entries.push(entry)
  }

  shift(): T | undefined {
    if (this.#head === this.#entries.length) return undefined
    const entry = this.#entries[this.#head]
    this.#head += 1
    if (this.#head === this.#entries.length) this.clear()
    else if (this.#head >= COMPACT_MIN && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return entry
  }

  clear(): void {
    this.#entries = []
    this.#head = 0
  }
}
