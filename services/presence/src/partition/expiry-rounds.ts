import type { Clock, Impu, Timer } from '@rollcall/core'
import type { Presentities } from './presentities.ts'

/** Presentities looked at in one turn: their records must fit into the log's queue (its reserve is 256). */
const PER_TURN_MAX = 128
/** What is due beyond that has its turn after this, so that answers have theirs. */
const NEXT_TURN_MS = 5
/** More records than this on their way: expiry waits, for requests come first, also when it is due in all partitions. */
const DEPTH_MAX = 128

/** Ends what ran out, some presentities in each turn, as long as the store takes their records. */
export class ExpiryRounds {
  readonly #clock: Clock
  readonly #presentities: Presentities
  readonly #depth: () => number | undefined
  readonly #expire: (presentity: Impu, nowMs: number) => void
  #next: Timer | undefined

  constructor(o: {
    readonly clock: Clock
    readonly presentities: Presentities
    /** Records on their way; undefined when the store takes none. */
    readonly depth: () => number | undefined
    /** Ends what ran out of one presentity, in a record of its own. */
    readonly expire: (presentity: Impu, nowMs: number) => void
  }) {
    this.#clock = o.clock
    this.#presentities = o.presentities
    this.#depth = o.depth
    this.#expire = o.expire
  }

  /** One turn, and as many after it as it takes. Without the store it ends: it is to be called again when that is there. */
  run(): void {
    this.stop()
    const nowMs = this.#clock.now()
    for (let presentities = 0; presentities < PER_TURN_MAX; presentities++) {
      const depth = this.#depth()
      if (depth === undefined) return
      if (depth >= DEPTH_MAX) break
      const due = this.#presentities.takeDue(nowMs)
      if (due === undefined) return
      this.#expire(due, nowMs)
    }
    this.#next = this.#clock.setTimer(NEXT_TURN_MS, () => this.run())
  }

  /** Ends what ran out of one presentity, out of turn. */
  runFor(presentity: Impu): void {
    const nowMs = this.#clock.now()
    if (this.#depth() !== undefined && this.#presentities.takeIfDue(presentity, nowMs)) this.#expire(presentity, nowMs)
  }

  stop(): void {
    this.#next?.cancel()
    this.#next = undefined
  }
}
