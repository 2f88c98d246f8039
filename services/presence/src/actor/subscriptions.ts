import { DueHeap } from './due-heap.ts'
import { FEW, FewMap } from './few-map.ts'
import type { Subscription } from './state.ts'

const NONE: readonly string[] = []
/** Keys without meaning that are left in the heap before it is made anew. */
const STALE_MIN = 64

/**
 * The subscriptions to one presentity. Of a crowd it knows without looking through it which of them have run out, and
 * which watch the watchers, for most of what happens concerns nobody else.
 */
export class Subscriptions extends FewMap<Subscription> {
  /** Of those to the package `presence.winfo`: the presentity's own, so there are few. */
  #winfoIds: readonly string[] = NONE
  /** Of those to the package `xcap-diff`: the presentity's own as well. */
  #xcapIds: readonly string[] = NONE
  /** Of a crowd: each at its time or before it. */
  #expiries: DueHeap<string> | undefined

  constructor() {
    super(idOf)
  }

  /** Those who are told about watchers. */
  get winfoIds(): readonly string[] {
    return this.#winfoIds
  }

  /** Those who are told about documents. */
  get xcapIds(): readonly string[] {
    return this.#xcapIds
  }

  /** When the next one runs out, or, in a crowd, some time before that. */
  get nextExpiryMs(): number {
    if (this.#expiries) return this.#expiries.nextDueMs
    let nextMs = Number.POSITIVE_INFINITY
    for (const { expiresAtMs } of this.values()) nextMs = Math.min(nextMs, expiresAtMs)
    return nextMs
  }

  /** Those that have run out by `nowMs`, at most `max` of them. */
  expired(nowMs: number, max: number): readonly Subscription[] {
    const heap = this.#expiries
    if (!heap) return [...this.values()].filter(({ expiresAtMs }) => expiresAtMs <= nowMs).slice(0, max)
    const expired = new Set<Subscription>()
    while (heap.nextDueMs <= nowMs && expired.size < max) {
      const one = this.get(heap.take() ?? '')
      if (!one) continue
      // It may have been refreshed since: then it is looked at again when it is due.
      if (one.expiresAtMs > nowMs) heap.add(one.id, one.expiresAtMs)
      else expired.add(one)
    }
    // They are here until somebody takes them out.
    for (const { id, expiresAtMs } of expired) heap.add(id, expiresAtMs)
    return [...expired]
  }

  override set(subscription: Subscription): void {
    const { id, eventPackage, expiresAtMs } = subscription
    const before = this.#expiries ? this.get(id) : undefined
    super.set(subscription)
    if (eventPackage === 'presence.winfo' && !this.#winfoIds.includes(id)) this.#winfoIds = [...this.#winfoIds, id]
    if (eventPackage === 'xcap-diff' && !this.#xcapIds.includes(id)) this.#xcapIds = [...this.#xcapIds, id]
    if (!this.#expiries) {
      if (this.size > FEW) this.#expiries = this.#index()
    } else if (!before || expiresAtMs < before.expiresAtMs) {
      this.#expiries.add(id, expiresAtMs)
      this.#compact()
    }
  }

  override delete(id: string): boolean {
    if (!super.delete(id)) return false
    if (this.#winfoIds.includes(id)) this.#winfoIds = this.#winfoIds.filter((one) => one !== id)
    if (this.#xcapIds.includes(id)) this.#xcapIds = this.#xcapIds.filter((one) => one !== id)
    if (this.size <= FEW / 2) this.#expiries = undefined
    else this.#compact()
    return true
  }

  #compact(): void {
    const heap = this.#expiries
    if (heap && heap.size > 2 * this.size + STALE_MIN) this.#expiries = this.#index()
  }

  #index(): DueHeap<string> {
    const heap = new DueHeap<string>()
    for (const { id, expiresAtMs } of this.values()) heap.add(id, expiresAtMs)
    return heap
  }
}

function idOf(subscription: Subscription): string {
  return subscription.id
}
