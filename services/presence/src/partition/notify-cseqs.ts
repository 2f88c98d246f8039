import type { Subscription } from '../actor/state.ts'
import { NOTIFY_CSEQ_MAX, NOTIFY_CSEQ_STRIDE } from '../limits.ts'

/** What is remembered of a dialog in which this owner has sent something. */
interface Sent {
  lastCseq: number
  count: number
  /** Where the base was asked to move to. */
  movedToCseq: number
}

/**
 * The CSeqs of NOTIFYs. Each owner has a stride of its own in every dialog, and they grow by one within it.
 *
 * @see ARCHITECTURE, decision 4; RFC 3261 section 12.2.1.1
 */
export class NotifyCseqs {
  readonly #ownerOrdinal: number
  /** One entry a dialog that was told something; it goes with the dialog. */
  readonly #sent = new Map<string, Sent>()

  constructor(ownerOrdinal: number) {
    this.#ownerOrdinal = ownerOrdinal
  }

  /** NOTIFYs of this owner in a dialog. */
  countOf(subscriptionId: string): number {
    return this.#sent.get(subscriptionId)?.count ?? 0
  }

  /** Where the CSeqs of the dialog stand, for a record that moves its base. */
  lastOf(subscription: Subscription): number {
    return this.#sent.get(subscription.id)?.lastCseq ?? this.#floor(subscription)
  }

  /**
   * Takes the next one: `exhausted` when the dialog has none left but for its last NOTIFY, `not-yet` when this owner's
   * stride is used up and the record that moves the base is not there yet. `onStride` is called once half of it is used.
   */
  take(
    subscription: Subscription,
    o: { readonly isLast: boolean; readonly onStride: (lastCseq: number) => void },
  ): number | 'not-yet' | 'exhausted' {
    const floor = this.#floor(subscription)
    const { id } = subscription
    const sent = this.#sent.get(id) ?? { lastCseq: floor, count: 0, movedToCseq: 0 }
    const cseq = sent.lastCseq + 1
    if (cseq >= NOTIFY_CSEQ_MAX && !o.isLast) return 'exhausted'
    const used = cseq - floor
    // guard: cseq-stride-end — a stride that is used up would reach into the next owner’s
    if (used >= NOTIFY_CSEQ_STRIDE) return 'not-yet'
    if (used > NOTIFY_CSEQ_STRIDE / 2 && sent.movedToCseq <= floor) {
      sent.movedToCseq = sent.lastCseq
      o.onStride(sent.lastCseq)
    }
    sent.lastCseq = cseq
    sent.count += 1
    this.#sent.set(id, sent)
    return cseq
  }

  forget(subscriptionId: string): void {
    this.#sent.delete(subscriptionId)
  }

  /** The lowest CSeq that this owner does not use: all before it were other owners'. */
  #floor({ notifyBase }: Subscription): number {
    // guard: cseq-stride — a late NOTIFY of the owner before must be out of order (decision 4)
    return notifyBase.cseq + (this.#ownerOrdinal - notifyBase.ownerOrdinal) * NOTIFY_CSEQ_STRIDE
  }
}
