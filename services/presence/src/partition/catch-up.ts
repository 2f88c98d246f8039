import type { Impu } from '@rollcall/core'
import type { EndedSubscription, Touched } from '../actor/apply.ts'
import type { PresentityState } from '../actor/state.ts'
import type { Lagging, UntoldRecord } from './log-record.ts'

/** A sequence and the trace of the record that has it. */
interface Mark {
  readonly sequence: bigint
  readonly traceparent: string
}

/** What of one presentity may be untold. */
interface Untold {
  presence: Mark | undefined
  winfo: Mark | undefined
  documents: Mark | undefined
  readonly subscriptions: Map<string, Mark>
  readonly ended: Map<string, Mark & { readonly ended: EndedSubscription }>
}

/** One subscription that a new owner has to tell something. */
export interface CatchUp {
  readonly presentity: Impu
  readonly sequence: bigint
  readonly traceparent: string
  /** Whom: a subscription, all of a package, or one that has ended. */
  readonly whom:
    | { readonly kind: 'subscription'; readonly id: string }
    | { readonly kind: 'presence' }
    | { readonly kind: 'winfo' }
    | { readonly kind: 'documents' }
    | { readonly kind: 'ended'; readonly ended: EndedSubscription }
}

/**
 * The same as what a record would have touched. Who watches documents is told which there are, for which there were is
 * not known any more.
 */
export function touchedBy({ whom }: CatchUp, { subscriptions }: PresentityState): Touched {
  const ids = whom.kind === 'documents' ? subscriptions.xcapIds : whom.kind === 'subscription' ? [whom.id] : []
  return {
    presence: whom.kind === 'presence',
    winfo: whom.kind === 'winfo',
    subscriptions: new Set(ids),
    documents: [],
    gone: [],
    ended: whom.kind === 'ended' ? [whom.ended] : [],
  }
}

/**
 * Follows the log while it is read, to find whom the owner before may have left untold: whoever a record after the last
 * watermark touched, and who was lagging then. Watchers of presentities without such a record hear nothing.
 *
 * @see ARCHITECTURE, decision 4; readings, Store 3
 */
export class CatchUpMarks {
  readonly #untold = new Map<Impu, Untold>()
  #watermark = 0n
  #lagging: readonly Lagging[] = []

  /** A decision was applied. */
  touch(presentity: Impu, touched: Touched, mark: Mark): void {
    const untold = this.#of(presentity)
    if (touched.presence) untold.presence = mark
    if (touched.winfo) untold.winfo = mark
    if (touched.documents.length > 0) untold.documents = mark
    for (const id of touched.subscriptions) untold.subscriptions.set(id, mark)
    for (const ended of touched.ended) {
      const { id } = ended.subscription
      untold.subscriptions.delete(id)
      if (ended.silent) untold.ended.delete(id)
      else untold.ended.set(id, { ...mark, ended })
    }
  }

  /** A snapshot says that somebody was not told. */
  leftUntold(presentity: Impu, whom: UntoldRecord['whom'], mark: Mark): void {
    const untold = this.#of(presentity)
    if ('subscriptionId' in whom) untold.subscriptions.set(whom.subscriptionId, mark)
    else untold.ended.set(whom.ended.subscription.id, { ...mark, ended: { ...whom.ended, silent: false } })
  }

  /** A watermark was read: all up to `sequence` was told, but for those who lagged. */
  told(sequence: bigint, lagging: readonly Lagging[]): void {
    this.#watermark = sequence
    this.#lagging = lagging
    const late = new Set(lagging.map(({ subscriptionId }) => subscriptionId))
    const isTold = (mark: Mark | undefined): boolean => mark === undefined || mark.sequence <= sequence
    for (const [presentity, untold] of this.#untold) {
      if (isTold(untold.presence)) untold.presence = undefined
      if (isTold(untold.winfo)) untold.winfo = undefined
      if (isTold(untold.documents)) untold.documents = undefined
      for (const [id, mark] of untold.subscriptions) if (isTold(mark)) untold.subscriptions.delete(id)
      for (const [id, mark] of untold.ended) if (isTold(mark) && !late.has(id)) untold.ended.delete(id)
      const left = untold.subscriptions.size + untold.ended.size
      if (!untold.presence && !untold.winfo && !untold.documents && left === 0) this.#untold.delete(presentity)
    }
  }

  /** Whom to tell, once the log is read. A subscription may appear twice; it is told once. */
  *list(): Iterable<CatchUp> {
    for (const [presentity, { presence, winfo, documents, subscriptions, ended }] of this.#untold) {
      if (presence) yield { presentity, ...presence, whom: { kind: 'presence' } }
      if (winfo) yield { presentity, ...winfo, whom: { kind: 'winfo' } }
      if (documents) yield { presentity, ...documents, whom: { kind: 'documents' } }
      for (const [id, mark] of subscriptions) yield { presentity, ...mark, whom: { kind: 'subscription', id } }
      for (const { ended: one, sequence, traceparent } of ended.values()) {
        yield { presentity, sequence, traceparent, whom: { kind: 'ended', ended: one } }
      }
    }
    for (const { presentity, subscriptionId } of this.#lagging) {
      const whom = { kind: 'subscription', id: subscriptionId } as const
      yield { presentity, sequence: this.#watermark, traceparent: '', whom }
    }
  }

  #of(presentity: Impu): Untold {
    const known = this.#untold.get(presentity)
    if (known) return known
    const fresh = {
      presence: undefined,
      winfo: undefined,
      documents: undefined,
      subscriptions: new Map(),
      ended: new Map(),
    }
    this.#untold.set(presentity, fresh)
    return fresh
  }
}
