/** As many are looked through one by one: that takes no longer than asking a Map, and a tenth of its memory. */
const FEW = 8

const NONE: readonly never[] = []

/**
 * Values by a key that each holds itself, in the order in which their keys came. Most presentities have one publication
 * and a watcher or two: while there are few, they stand in an array of just their number; a crowd has a Map.
 */
export class FewMap<V extends object> {
  readonly #keyOf: (value: V) => string
  #few: readonly V[] = NONE
  #many: Map<string, V> | undefined

  constructor(keyOf: (value: V) => string) {
    this.#keyOf = keyOf
  }

  get size(): number {
    return this.#many ? this.#many.size : this.#few.length
  }

  get(key: string): V | undefined {
    if (this.#many) return this.#many.get(key)
    for (const value of this.#few) if (this.#keyOf(value) === key) return value
    return undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** Puts a value under its own key, in the place of the one that has it. */
  set(value: V): void {
    const key = this.#keyOf(value)
    if (this.#many) {
      this.#many.set(key, value)
      return
    }
    const at = this.#few.findIndex((one) => this.#keyOf(one) === key)
    if (at >= 0) this.#few = this.#few.with(at, value)
    else if (this.#few.length < FEW) this.#few = this.#few.concat(value)
    else {
      this.#many = new Map(this.#few.map((one) => [this.#keyOf(one), one]))
      this.#many.set(key, value)
      this.#few = NONE
    }
  }

  /** Takes the value of `key` away; false when there is none. */
  delete(key: string): boolean {
    if (!this.#many) {
      const before = this.#few.length
      if (!this.has(key)) return false
      this.#few = before === 1 ? NONE : this.#few.filter((value) => this.#keyOf(value) !== key)
      return true
    }
    if (!this.#many.delete(key)) return false
    // Half of it, so that a crowd of about so many does not go to and fro.
    if (this.#many.size <= FEW / 2) {
      this.#few = [...this.#many.values()]
      this.#many = undefined
    }
    return true
  }

  /** While few, those of this moment; of a crowd, as a Map has it, also who comes or goes meanwhile. */
  values(): Iterable<V> {
    return this.#many ? this.#many.values() : this.#few
  }

  *keys(): Iterable<string> {
    for (const value of this.values()) yield this.#keyOf(value)
  }
}
