import type { Lagging, WatermarkRecord } from './log-record.ts'
import { older } from './notice.ts'
import type { Backlog } from './untold.ts'

/** Lagging subscriptions that are listed; if there are more, the watermark waits for them instead. */
const LAGGING_MAX = 256

/**
 * Knows up to which record everybody has been told, so that the next owner tells only what came after (ARCHITECTURE,
 * decision 4). A watcher out of reach does not hold it up: it is listed.
 */
export class Watermarks {
  #lastCause = 0n
  #noted: Pick<WatermarkRecord, 'sequence' | 'lagging'> = { sequence: 0n, lagging: [] }

  /** A watermark of an owner before. */
  loaded({ sequence, lagging }: Pick<WatermarkRecord, 'sequence' | 'lagging'>): void {
    this.#noted = { sequence, lagging }
  }

  /** The last one, for a snapshot. */
  get noted(): Pick<WatermarkRecord, 'sequence' | 'lagging'> {
    return this.#noted
  }

  /** The record with this sequence concerns somebody. */
  caused(sequence: bigint): void {
    if (sequence > this.#lastCause) this.#lastCause = sequence
  }

  /** The record to write, if it would say anything new. */
  next({ oldestSequence, late }: Backlog, nowMs: number): WatermarkRecord | undefined {
    let sequence = oldestSequence === undefined ? this.#lastCause : older(this.#lastCause, oldestSequence - 1n)
    const listed: Lagging[] = []
    if (late.size <= LAGGING_MAX) {
      for (const { presentity, subscription } of late.notices)
        listed.push({ presentity, subscriptionId: subscription.id })
    } else if (late.oldestSequence !== undefined) sequence = older(sequence, late.oldestSequence - 1n)
    if (sequence < this.#noted.sequence) sequence = this.#noted.sequence
    if (sequence === this.#noted.sequence && same(listed, this.#noted.lagging)) return undefined
    this.#noted = { sequence, lagging: listed }
    return this.current(nowMs)
  }

  /** The last one once more: it says nothing new, and can be written at any time. */
  current(nowMs: number): WatermarkRecord {
    return { kind: 'watermark', decidedAtMs: nowMs, ...this.#noted }
  }
}

function same(some: readonly Lagging[], others: readonly Lagging[]): boolean {
  const ids = new Set(others.map(({ subscriptionId }) => subscriptionId))
  return some.length === others.length && some.every(({ subscriptionId }) => ids.has(subscriptionId))
}
