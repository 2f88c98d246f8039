import type { Impu } from '@rollcall/core'
import type { Touched } from '../actor/apply.ts'
import type { Change } from '../actor/change.ts'
import { decide, type UpkeepInput } from '../actor/decide.ts'
import type { PresentityState, Subscription } from '../actor/state.ts'
import type { PendingAnswer } from './answers.ts'
import { type Appender, NOBODY_WAITS } from './appender.ts'
import { Deferred } from './deferred.ts'
import type { DecisionRecord } from './log-record.ts'
import { endedUnder, type NoticeCause, type Ruling } from './notice.ts'
import { draftNotices, type NoticeDraft } from './notices.ts'
import type { Notifier } from './notifier.ts'
import type { OwnerContext } from './owner-context.ts'
import type { Presentities } from './presentities.ts'
import { RefusalsTold } from './refusals-told.ts'
import type { UnderWay } from './snapshot.ts'
import type { Watermarks } from './watermarks.ts'

/** Why something is committed, and who waits for it. */
export interface CommitCause {
  readonly nowMs: number
  readonly traceparent: string
  readonly answered: DecisionRecord['answered']
  readonly pending: PendingAnswer | undefined
  readonly isSubscribe: boolean
}

/** What a record under way is to tell, which a policy may take back before it is durable. */
interface Committed extends UnderWay {
  drafts: readonly NoticeDraft[]
  whenDurable?: (() => void)[]
}

export interface CommitsOptions {
  readonly context: Pick<OwnerContext, 'clock' | 'terms' | 'events'>
  readonly presentities: Presentities
  readonly watermarks: Watermarks
  readonly appender: Appender
  readonly notifier: Notifier
  /** A presentity has no watchers any more. */
  readonly onUnwatched: (presentity: Impu) => void
}

/** Applies what was decided at once, writes it, and lets go what waits for it when it is durable. */
export class Commits {
  readonly #o: CommitsOptions
  /** Records under way that concern somebody; as many as the appender lets through. */
  readonly #underWay = new Set<Committed>()
  /** The newest record, while it is not durable. */
  #newest: Committed | undefined
  readonly #deferred = new Deferred()
  readonly #refusals: RefusalsTold
  #flushUnderWay: Promise<void> = Promise.resolve()
  #nextFlush: Promise<void> | undefined

  constructor(options: CommitsOptions) {
    this.#o = options
    this.#refusals = new RefusalsTold(options.context.clock)
  }

  get underWay(): Iterable<UnderWay> {
    return this.#underWay
  }

  commit(presentity: Impu, changes: readonly Change[], cause: CommitCause): void {
    const { context, presentities, appender, notifier } = this.#o
    const { traceparent, answered, pending } = cause
    const record = { kind: 'decision', decidedAtMs: cause.nowMs, presentity, answered, changes } as const
    const touched = presentities.apply(record, traceparent)
    const state = presentities.of(presentity)
    const isLess = touched.ended.length + touched.gone.length > 0
    if (isLess && state.subscriptions.size === 0 && !state.waiting) this.#o.onUnwatched(presentity)
    this.#noteRefusals(state, touched)
    const drafts = draftNotices(state, touched, cause.nowMs)
    for (const { subscription, reason, silent } of touched.ended) {
      if (reason === 'rejected') context.events.ended(presentity, subscription, reason)
      if (silent) notifier.drop(subscription.id)
    }
    const underWay: Committed = { presentity, traceparent, drafts }
    if (drafts.length > 0) this.#underWay.add(underWay)
    this.#newest = underWay
    // guard: durable-before-2xx — nothing that was answered 2xx may be lost (decision 1)
    appender.append(record, traceparent, {
      durable: (sequence) => {
        this.#underWay.delete(underWay)
        if (this.#newest === underWay) this.#newest = undefined
        for (const resolve of underWay.whenDurable ?? []) resolve()
        pending?.settle()
        if (drafts.length > 0) this.#tell(underWay, touched, { ...cause, sequence })
      },
      leftOpen: (reason) => pending?.leaveOpen(reason),
    })
  }

  /** Decides and commits what the owner does by itself; gives the number of changes. */
  upkeep(presentity: Impu, input: UpkeepInput, traceparent = ''): number {
    const { context, presentities } = this.#o
    const state = presentities.get(presentity)
    if (!state) return 0
    const nowMs = context.clock.now()
    const { changes } = decide(state, input, nowMs, context.terms)
    if (changes.length > 0) {
      const cause = { nowMs, traceparent, answered: undefined, pending: undefined, isSubscribe: false }
      this.commit(presentity, changes, cause)
    }
    return changes.length
  }

  /** The same for one subscription, now or when the store is there again. */
  upkeepSoon(presentity: Impu, input: Extract<UpkeepInput, { readonly subscriptionId: string }>): void {
    const act = (): void => void this.upkeep(presentity, input)
    if (this.#o.appender.isAvailable) act()
    else this.#deferred.put(`${input.kind} ${input.subscriptionId}`, act)
  }

  /** Does the presentity hear of it when this watcher is refused? */
  tellsRefusal(
    { presentity, subscriptions }: PresentityState,
    watcher: Pick<Subscription, 'watcher' | 'isHidden'>,
  ): boolean {
    return subscriptions.winfoIds.length > 0 && this.#refusals.mayTell(presentity, watcher)
  }

  /** The store is there: what waited for it is done, and what was left open is let go. */
  catchUp(): void {
    this.#o.appender.settleOpen(this.#current())
    for (const act of this.#deferred.take()) act()
  }

  /** Last NOTIFYs whose records are not durable yet show no more than their watchers may see now. */
  decideUnderWay(presentity: Impu, rulingNow: (subscription: Subscription) => Ruling): void {
    for (const underWay of this.#underWay) {
      if (underWay.presentity !== presentity) continue
      underWay.drafts = underWay.drafts.map((draft) => endedUnder(draft, rulingNow))
    }
  }

  /** Has somebody told, of what is durable. */
  offer(presentity: Impu, draft: NoticeDraft, cause: NoticeCause): void {
    this.#o.notifier.offer({ ...draft, presentity, cause, oldestSequence: cause.sequence })
  }

  noteWatermark(): void {
    const { appender, context, notifier, watermarks } = this.#o
    // Behind an open record the sequences are not known yet.
    if (!appender.isAvailable || appender.hasOpen) return
    const record = watermarks.next(notifier.backlog, context.clock.now())
    if (record) appender.append(record, '', NOBODY_WAITS)
  }

  /** Resolves when what was committed until now is durable. */
  async committed(): Promise<void> {
    const newest = this.#newest
    if (!newest) return
    const { promise, resolve } = Promise.withResolvers<void>()
    newest.whenDurable ??= []
    newest.whenDurable.push(resolve)
    await promise
  }

  /** Resolves when all that was handed to the log until now is durable: what says nothing new stands behind it then. */
  flush(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#o.appender.append(this.#current(), '', { durable: () => resolve(), leftOpen() {} })
    return promise
  }

  /** The same, with one record for all who ask while another is under way. */
  flushShared(): Promise<void> {
    this.#nextFlush ??= this.#flushUnderWay.then(() => {
      this.#nextFlush = undefined
      this.#flushUnderWay = this.flush()
      return this.#flushUnderWay
    })
    return this.#nextFlush
  }

  stop(): void {
    this.#deferred.clear()
    this.#refusals.clear()
    this.#underWay.clear()
  }

  #noteRefusals({ presentity, subscriptions }: PresentityState, { ended, gone }: Touched): void {
    if (subscriptions.winfoIds.length === 0) return
    for (const { subscription, reason } of ended)
      if (reason === 'rejected') this.#refusals.note(presentity, subscription)
    for (const one of gone) if (one.reason === 'rejected') this.#refusals.note(presentity, one)
  }

  #current() {
    return this.#o.watermarks.current(this.#o.context.clock.now())
  }

  #tell({ presentity, drafts }: UnderWay, touched: Touched, cause: NoticeCause): void {
    const { context, watermarks } = this.#o
    const { sequence, traceparent, isSubscribe } = cause
    watermarks.caused(sequence)
    if (touched.presence) context.events.fanOut(drafts.length, traceparent)
    for (const draft of drafts) {
      const isItsOwn = draft.ended !== undefined || touched.subscriptions.has(draft.subscription.id)
      this.offer(presentity, draft, { sequence, traceparent, isSubscribe: isSubscribe && isItsOwn })
    }
  }
}
