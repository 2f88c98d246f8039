import type { Clock, Timer } from '@rollcall/core'

/** What came out of the queue. */
export type Taken<T> =
  | { readonly kind: 'item'; readonly item: T }
  | { readonly kind: 'ended' }
  | { readonly kind: 'timeout' }

interface Waiter<T> {
  readonly settle: (taken: Taken<T>) => void
  readonly timer: Timer | undefined
}

/**
 * A queue between who receives and who reads. At its bound the oldest item gives way and is counted: each NOTIFY holds
 * the whole state, so that the newest ones are those which matter.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #itemsMax: number
  readonly #clock: Clock
  readonly #items: T[] = []
  readonly #waiters: Waiter<T>[] = []
  #hasEnded = false
  #dropped = 0

  constructor(o: { itemsMax: number; clock: Clock }) {
    this.#itemsMax = o.itemsMax
    this.#clock = o.clock
  }

  /** Items that gave way to newer ones. */
  get dropped(): number {
    return this.#dropped
  }

  push(item: T): void {
    if (this.#hasEnded) return
    const waiter = this.#waiters.shift()
    if (waiter) {
      waiter.timer?.cancel()
      waiter.settle({ kind: 'item', item })
      return
    }
    if (this.#items.length >= this.#itemsMax) {
      this.#items.shift()
      this.#dropped += 1
    }
    this.#items.push(item)
  }

  /** No more items: what is in the queue can still be taken. */
  end(): void {
    this.#hasEnded = true
    for (const waiter of this.#waiters.splice(0)) {
      waiter.timer?.cancel()
      waiter.settle({ kind: 'ended' })
    }
  }

  /** Takes the oldest item, and waits for one when there is none: without an end, or for `timeoutMs`. */
  take(timeoutMs?: number): Promise<Taken<T>> {
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve({ kind: 'item', item })
    if (this.#hasEnded) return Promise.resolve({ kind: 'ended' })
    return new Promise((settle) => {
      const timer = timeoutMs === undefined ? undefined : this.#clock.setTimer(timeoutMs, () => this.#giveUp(waiter))
      const waiter: Waiter<T> = { settle, timer }
      this.#waiters.push(waiter)
    })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const taken = await this.take()
      if (taken.kind !== 'item') return
      yield taken.item
    }
  }

  #giveUp(waiter: Waiter<T>): void {
    const at = this.#waiters.indexOf(waiter)
    if (at >= 0) this.#waiters.splice(at, 1)
    waiter.settle({ kind: 'timeout' })
  }
}
