import { DueHeap } from '../actor/due-heap.ts'

/** Something that is looked at when a time has come. */
interface Scheduled {
  /** When next; infinite: not at all. Changed by the queue alone. */
  lookAtMs: number
}

/** Entries without meaning that are left in the heap before it is made anew. */
const STALE_MIN = 1_024

/**
 * What is to be looked at when. An entry that comes too early costs one look, so that moving a due time back, which every
 * refresh does, costs nothing. What has no meaning any more is at most half of it.
 */
export class ExpiryQueue<T extends Scheduled> {
  #heap = new DueHeap<T>()
  /** Items that are to be looked at. */
  #size = 0

  /** Due time of the first entry; infinite when there is none. */
  get nextDueMs(): number {
    return this.#heap.nextDueMs
  }

  /** Asks to look at `item` at `dueMs`, or earlier if that was asked before. */
  schedule(item: T, dueMs: number): void {
    if (item.lookAtMs <= dueMs) return
    if (item.lookAtMs === Number.POSITIVE_INFINITY) this.#size += 1
    item.lookAtMs = dueMs
    this.#heap.add(item, dueMs)
    this.#compact()
  }

  /** The item is not to be looked at any more. */
  forget(item: T): void {
    if (this.#unschedule(item)) this.#compact()
  }

  clear(): void {
    this.#heap = new DueHeap()
    this.#size = 0
  }

  /** Takes the next item that is due. */
  takeDue(nowMs: number): T | undefined {
    for (let dueMs = this.nextDueMs; dueMs <= nowMs; dueMs = this.nextDueMs) {
      const item = this.#heap.take()
      // One that was asked for earlier meanwhile has another entry.
      if (item?.lookAtMs === dueMs && this.#unschedule(item)) return item
    }
    return undefined
  }

  /** Takes `item` if it is due; its entry in the heap is passed over later. */
  take(item: T, nowMs: number): boolean {
    return item.lookAtMs <= nowMs && this.#unschedule(item)
  }

  #unschedule(item: T): boolean {
    if (item.lookAtMs === Number.POSITIVE_INFINITY) return false
    item.lookAtMs = Number.POSITIVE_INFINITY
    this.#size -= 1
    return true
  }

  #compact(): void {
    if (this.#heap.size - this.#size < Math.max(STALE_MIN, this.#size)) return
    const heap = new DueHeap<T>()
    for (const [item, dueMs] of this.#heap.entries()) if (item.lookAtMs === dueMs) heap.add(item, dueMs)
    this.#heap = heap
  }
}
