import type { Notice } from './notice.ts'
import { Outstanding } from './outstanding.ts'
import type { Telling } from './telling.ts'

/** How far all is told. */
export interface Backlog {
  /** Of the oldest record that somebody reachable has not heard of; undefined: they have heard everything. */
  readonly oldestSequence: bigint | undefined
  /** Who is not reachable. */
  readonly late: {
    readonly size: number
    /** Of the oldest record that one of them has not heard of. */
    readonly oldestSequence: bigint | undefined
    /** What each is to be told, to be read at once. */
    readonly notices: Iterable<Notice>
  }
}

/** Keeps, at a constant cost for each step, what a watermark must know of all dialogs that are being told something. */
export class Untold {
  readonly #fresh = new Outstanding()
  readonly #late = new Outstanding()
  readonly #lateTellings = new Set<Telling>()

  /** Something of the telling changed. */
  note(telling: Telling): void {
    const { counted, notice, failures, state } = telling
    const isLate = failures > 0
    const sequence = state === 'over' ? undefined : notice?.oldestSequence
    if (counted?.sequence === sequence && (counted === undefined || counted.isLate === isLate)) return
    if (counted) {
      this.#of(counted.isLate).remove(counted.sequence)
      if (counted.isLate) this.#lateTellings.delete(telling)
    }
    telling.counted = sequence === undefined ? undefined : { isLate, sequence }
    if (sequence === undefined) return
    this.#of(isLate).add(sequence)
    if (isLate) this.#lateTellings.add(telling)
  }

  get backlog(): Backlog {
    return {
      oldestSequence: this.#fresh.oldest,
      late: { size: this.#lateTellings.size, oldestSequence: this.#late.oldest, notices: this.#notices() },
    }
  }

  clear(): void {
    this.#fresh.clear()
    this.#late.clear()
    this.#lateTellings.clear()
  }

  *#notices(): Iterable<Notice> {
    for (const { notice, next } of this.#lateTellings) {
      const newest = next ?? notice
      if (newest) yield newest
    }
  }

  #of(isLate: boolean): Outstanding {
    return isLate ? this.#late : this.#fresh
  }
}
