/** A seeded source of chance: quick, repeatable, and not for keys. Each user of it has one of its own. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Another source, whose numbers do not depend on how many this one is asked for later. */
  fork(): Chance {
    return new Chance(this.#next())
  }

  /** From 0 up to 1, without it. */
  share(): number {
    return this.#next() / 0x1_0000_0000
  }

  /** A whole number from 0 up to `limit`, without it. */
  below(limit: number): number {
    return Math.floor(this.share() * limit)
  }

  between(low: number, high: number): number {
    return low + this.share() * (high - low)
  }

  /** True in so many of a thousand cases. */
  inThousand(cases: number): boolean {
    return this.share() * 1_000 < cases
  }

  pick<T>(of: readonly [T, ...T[]]): T
  pick<T>(of: readonly T[]): T | undefined
  pick<T>(of: readonly T[]): T | undefined {
    return of[this.below(of.length)]
  }

  /** Octets, for what wants them. */
  bytes(count: number): Buffer {
    const octets = Buffer.allocUnsafe(count)
    for (let at = 0; at < count; at += 1) octets[at] = this.#next() & 0xff
    return octets
  }

  /** SplitMix32. */
  #next(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}
