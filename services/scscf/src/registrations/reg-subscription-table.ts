import type { Impu } from '@rollcall/core'
import type { RegSubscription, SubscriptionChange } from './reg-subscription.ts'

/** A subscription, and the set whose state it watches. */
export interface KeptSubscription {
  readonly canonicalImpu: Impu
  readonly subscription: RegSubscription
}

/**
 * The subscriptions to registration state of one partition. It changes by `apply` alone. One subscription a set,
 * subscriber and contact: another one of the same three takes its place, for whoever has lost a dialog subscribes anew.
 */
export class RegSubscriptionTable {
  readonly #byId = new Map<string, KeptSubscription>()
  readonly #bySet = new Map<Impu, Map<string, RegSubscription>>()

  get size(): number {
    return this.#byId.size
  }

  all(): IterableIterator<KeptSubscription> {
    return this.#byId.values()
  }

  get(id: string): KeptSubscription | undefined {
    return this.#byId.get(id)
  }

  of(canonicalImpu: Impu): readonly RegSubscription[] {
    return [...(this.#bySet.get(canonicalImpu)?.values() ?? [])]
  }

  /** Gives the subscriptions that are there no more. */
  apply(canonicalImpu: Impu, change: SubscriptionChange): readonly RegSubscription[] {
    if (change.kind === 'unsubscribed') return this.#remove(canonicalImpu, change.id)
    const { subscription } = change
    const replaced = this.of(canonicalImpu).filter((other) => isReplacedBy(other, subscription))
    for (const { id } of replaced) this.#remove(canonicalImpu, id)
    this.#byId.set(subscription.id, { canonicalImpu, subscription })
    const own = this.#bySet.get(canonicalImpu) ?? new Map<string, RegSubscription>()
    own.set(subscription.id, subscription)
    this.#bySet.set(canonicalImpu, own)
    return replaced
  }

  #remove(canonicalImpu: Impu, id: string): readonly RegSubscription[] {
    const kept = this.#byId.get(id)
    if (!kept) return []
    this.#byId.delete(id)
    const own = this.#bySet.get(canonicalImpu)
    own?.delete(id)
    if (own?.size === 0) this.#bySet.delete(canonicalImpu)
    return [kept.subscription]
  }
}

/** Whether `one` gives way to `other`, which is a subscription of its own. */
function isReplacedBy(one: RegSubscription, other: RegSubscription): boolean {
  return (
    one.id !== other.id &&
    one.subscriber === other.subscriber &&
    one.remoteTarget === other.remoteTarget &&
    one.eventId === other.eventId
  )
}
