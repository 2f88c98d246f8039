/** As many are looked through one by one: that takes no longer than asking a Map, and a tenth of its memory. */
export const FEW = 16

const NONE: readonly never[] = []

/**
 * Values by a key that each holds itself, in the order in which their keys came. Most presentities have one publication
 * and a watcher or two: one value stands there as it is, a few in an array of just their number; a crowd has a Map.
 * A value is no array.
 */
export class FewMap<V extends object> {
  readonly #keyOf: (value: V) => string
  /** One, or a few; `NONE` also when there are many. */
  #few: V | readonly V[] = NONE
  #many: Map<string, V> | undefined

  constructor(keyOf: (value: V) => string) {
    this.#keyOf = keyOf
  }

  get size(): number {
    if (this.#many) return this.#many.size
    return isList(this.#few) ? this.#few.length : 1
  }

  get(key: string): V | undefined {
    if (this.#many) return this.#many.get(key)
    if (!isList(this.#few)) return this.#keyOf(this.#few) === key ? this.#few : undefined
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
    const few = this.#list()
    for (let at = 0; at < few.length; at++) {
      if (this.#keyOf(few[at] as V) !== key) continue
      this.#keep(few.with(at, value))
      return
    }
    if (few.length < FEW) this.#keep(few.concat(value))
    else {
      this.#many = new Map(few.map((one) => [this.#keyOf(one), one]))
      this.#many.set(key, value)
      this.#few = NONE
    }
  }

  /** Takes the value of `key` away, if there is one, and puts another one at the end: for who changes its key. */
  replace(key: string, value: V): void {
    if (!this.#many && !isList(this.#few) && this.#keyOf(this.#few) === key) this.#few = value
    else {
      this.delete(key)
      this.set(value)
    }
  }

  /** Takes the value of `key` away; false when there is none. */
  delete(key: string): boolean {
    if (!this.#many) {
      if (!this.has(key)) return false
      this.#keep(this.#list().filter((value) => this.#keyOf(value) !== key))
      return true
    }
    if (!this.#many.delete(key)) return false
    // Half of it, so that a crowd of about so many does not go to and fro.
    if (this.#many.size <= FEW / 2) {
      this.#keep([...this.#many.values()])
      this.#many = undefined
    }
    return true
  }

  /** While few, an array of this moment; of a crowd, as a Map has it, also who comes or goes meanwhile. */
  values(): Iterable<V> {
    return this.#many ? this.#many.values() : this.#list()
  }

  *keys(): Iterable<string> {
    for (const value of this.values()) yield this.#keyOf(value)
  }

  #list(): readonly V[] {
    return isList(this.#few) ? this.#few : [this.#few]
  }

  #keep(few: readonly V[]): void {
    const [only] = few
    this.#few = only !== undefined && few.length === 1 ? only : few.length === 0 ? NONE : few
  }
}

function isList<V extends object>(few: V | readonly V[]): few is readonly V[] {
  return Array.isArray(few)
}
