import { assert, type Clock, type Impu, type Timer } from '@rollcall/core'
import type { PresencePolicy } from '@rollcall/policy'
import { AnsweredRequests, type LoadedRecord, type RequestKey } from '@rollcall/store'
import { applyChanges, type Touched } from '../actor/apply.ts'
import type { Change } from '../actor/change.ts'
import { decide, type RequestInput, type UpkeepInput } from '../actor/decide.ts'
import type { Decision } from '../actor/decision.ts'
import type { PublishInput } from '../actor/publish.ts'
import { emptyState, nextExpiryMs, type PresentityState, type Subscription } from '../actor/state.ts'
import type { ResubscribeInput, SubscribeInput } from '../actor/subscribe.ts'
import type { Terms } from '../actor/terms.ts'
import { type AnswerListener, PendingAnswer, type UnavailableReason } from './answers.ts'
import { Appender, NOBODY_WAITS } from './appender.ts'
import { type CatchUp, CatchUpMarks } from './catch-up.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import type { DecisionRecord } from './log-record.ts'
import type { Notice, NoticeCause } from './notice.ts'
import { draftNotices, type NoticeDraft } from './notices.ts'
import { Notifier, type SendNotify } from './notifier.ts'
import type { NotifyOutcome } from './notify-outcome.ts'
import type { PartitionLog, PartitionSource } from './partition-log.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { Watermarks } from './watermarks.ts'

/** How long the answer to a request is kept: 64*T1 with the default T1 (RFC 3261 section 17.1.2.2). */
const ANSWER_RETAIN_MS = 32_000
/** Answers kept in one partition: some 600 requests a second. */
const ANSWERS_MAX = 20_000
/** Records of one partition on their way to the log; more requests than that are refused until some are there. */
const APPENDS_MAX = 4_096
/** Upkeep: what ran out, watermarks (at most one a second), what waited for the store. */
const TICK_MS = 1_000

/** Presentities looked at in one turn: their records must fit into the log's queue (its reserve is 256). */
const EXPIRIES_PER_TICK_MAX = 128

/** What an owner needs of the world. */
export interface OwnerContext {
  readonly clock: Clock
  readonly terms: Terms
  readonly notifyGraceMs: number
  readonly sendNotify: (partition: number, ...args: Parameters<SendNotify>) => void
  readonly events: OwnerEvents
}

/** What an owner tells the service. */
interface OwnerEvents {
  /** Publications or subscriptions ran out. */
  expired(count: number): void
  /** A subscription was ended by us before its time. */
  ended(presentity: Impu, subscription: Subscription, reason: string): void
  notified(outcome: NotifyOutcome): void
  /** A change of presence is durable, and so many watchers are told. */
  fanOut(watchers: number, traceparent: string): void
}

/** A request as far as it is read outside of its partition. */
export interface OwnedRequest {
  readonly presentity: Impu
  readonly key: RequestKey
  readonly traceparent: string
  readonly input: PublishInput | Omit<SubscribeInput, 'notifyBase'> | Omit<ResubscribeInput, 'notifyBase'>
  /** The presentity's policy as it is now; absent when nobody asked for it. */
  readonly policy: CurrentPolicy | undefined
  /** Hears at once, with the answer not yet given, what was decided. */
  readonly decided: (decision: Decision) => void
}

/** A policy with a name that changes when it does. */
export interface CurrentPolicy {
  readonly digest: string
  readonly policy: PresencePolicy
  readonly impus: readonly Impu[]
}

/** Why something is committed, and who waits for it. */
interface CommitCause {
  readonly nowMs: number
  readonly traceparent: string
  readonly answered: DecisionRecord['answered']
  readonly pending: PendingAnswer | undefined
  readonly isSubscribe: boolean
}

/**
 * The owner of one partition: all its presentities in memory, its log as the truth. A request is decided and applied at
 * once; what comes of it (the answer, the NOTIFYs) leaves when the log has acknowledged the record.
 *
 * @see ARCHITECTURE, decisions 1 and 4
 */
export class PartitionOwner {
  readonly partition: number
  /** Resolves when the partition is not ours any more, with the reason. */
  readonly lost: Promise<unknown>
  readonly #o: OwnerContext
  readonly #presentities = new Map<Impu, PresentityState>()
  readonly #bySubscription = new Map<string, Impu>()
  readonly #policyDigests = new Map<Impu, string>()
  readonly #answers: AnsweredRequests<PendingAnswer>
  readonly #expiries = new ExpiryQueue<Impu>()
  readonly #watermarks = new Watermarks()
  readonly #deferred: (() => void)[] = []
  #log: PartitionLog | undefined
  #appender: Appender | undefined
  #notifier: Notifier | undefined
  #ordinal = 0
  #tick: Timer | undefined
  #isStopped = false
  #lose: (why: unknown) => void = () => {}

  private constructor(partition: number, context: OwnerContext) {
    this.partition = partition
    this.#o = context
    const { clock } = context
    this.#answers = new AnsweredRequests({ retainMs: ANSWER_RETAIN_MS, entriesMax: ANSWERS_MAX, clock })
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
  }

  /**
   * Takes the partition, reads its log, and begins to serve: what ran out meanwhile is ended, and whoever was left
   * untold is told.
   *
   * @throws whatever the log throws; RecordUnreadableError.
   */
  static async take(source: PartitionSource, partition: number, context: OwnerContext): Promise<PartitionOwner> {
    const owner = new PartitionOwner(partition, context)
    const marks = new CatchUpMarks()
    const log = await source.take(partition, (record) => owner.#load(record, marks))
    try {
      await owner.#begin(log, marks)
    } catch (error) {
      owner.stop()
      await log.release()
      throw error
    }
    return owner
  }

  /** Presentities with something to remember. */
  get presentities(): Iterable<PresentityState> {
    return this.#presentities.values()
  }

  presentity(presentity: Impu): PresentityState | undefined {
    return this.#presentities.get(presentity)
  }

  /** Whose subscription this is. */
  presentityOf(subscriptionId: string): Impu | undefined {
    return this.#bySubscription.get(subscriptionId)
  }

  /** NOTIFYs sent in a dialog since this owner began. */
  notifyCount(subscriptionId: string): number {
    return this.#notifier?.sentCount(subscriptionId) ?? 0
  }

  get isAvailable(): boolean {
    return this.#appender?.isAvailable === true
  }

  /** Decides a request, and answers it when that is durable. */
  request(request: OwnedRequest, listener: AnswerListener): void {
    if (this.replay(request.key, listener)) return
    const unavailable = this.#unavailable()
    if (unavailable) {
      listener.unavailable(unavailable)
      return
    }
    const nowMs = this.#o.clock.now()
    if (this.#expiries.take(request.presentity, nowMs)) this.#expire(request.presentity, nowMs)
    if (request.policy) this.#observePolicy(request.presentity, request.policy, request.traceparent)
    const state = this.#presentities.get(request.presentity) ?? emptyState(request.presentity)
    const decision = decide(state, this.#complete(request.input, state), nowMs, this.#o.terms)
    const { answer } = decision
    assert(answer, 'a request has an answer')
    request.decided(decision)
    if (decision.changes.length === 0) {
      listener.answer(answer)
      return
    }
    const pending = new PendingAnswer(answer, 'pending', [listener])
    this.#answers.remember(request.key, pending, nowMs)
    this.#commit(state, decision.changes, {
      nowMs,
      traceparent: request.traceparent,
      answered: { key: request.key, answer },
      pending,
      isSubscribe: request.input.kind !== 'publish',
    })
  }

  /** Answers a request that was decided before, as it was answered then; gives false when it was not. */
  replay(key: RequestKey, listener: AnswerListener): boolean {
    const earlier = this.#answers.find(key)
    earlier?.join(listener)
    return earlier !== undefined
  }

  /** Stops at once: nothing more is sent, decided or written. What waits for an answer hears of it. */
  stop(): void {
    this.#isStopped = true
    this.#tick?.cancel()
    this.#notifier?.stop()
    this.#presentities.clear()
    this.#bySubscription.clear()
    this.#appender?.stop()
    this.#deferred.length = 0
  }

  /** Ends in peace: what was decided becomes durable and is answered first. */
  async release(): Promise<void> {
    this.#tick?.cancel()
    this.#noteWatermark()
    await this.#log?.release()
    this.stop()
  }

  #unavailable(): UnavailableReason | undefined {
    if (this.#isStopped) return 'partition-lost'
    if (!this.#appender?.isAvailable) return 'store-away'
    return this.#appender.depth >= APPENDS_MAX ? 'overload' : undefined
  }

  #load(loaded: LoadedRecord, marks: CatchUpMarks): void {
    const record = decodeRecord(loaded.record)
    switch (record.kind) {
      case 'owner-started':
        this.#ordinal = record.ordinal
        return
      case 'watermark':
        marks.told(record.sequence, record.lagging)
        this.#watermarks.loaded(record)
        return
      case 'decision': {
        const { sequence, traceparent = '' } = loaded
        const state = this.#presentities.get(record.presentity) ?? emptyState(record.presentity)
        const touched = this.#apply(state, record, traceparent)
        marks.touch(record.presentity, touched, { sequence, traceparent })
        if (touches(touched)) this.#watermarks.caused(sequence)
        if (record.answered) {
          const { key, answer } = record.answered
          this.#answers.remember(key, new PendingAnswer(answer, 'durable'), record.decidedAtMs)
        }
        return
      }
    }
  }

  async #begin(log: PartitionLog, marks: CatchUpMarks): Promise<void> {
    const { clock, sendNotify, notifyGraceMs, events } = this.#o
    this.#log = log
    this.#appender = new Appender(log, (why) => this.#giveUp(why))
    this.#ordinal += 1
    this.#notifier = new Notifier({
      clock,
      send: (...args) => sendNotify(this.partition, ...args),
      graceMs: notifyGraceMs,
      ownerOrdinal: this.#ordinal,
      current: ({ presentity, subscription }) => this.#presentities.get(presentity)?.subscriptions.get(subscription.id),
      onEnd: (notice, why) => this.#endSubscription(notice, why),
      onStride: (notice, cseq) => this.#moveNotifyBase(notice, cseq),
      onOutcome: (outcome) => events.notified(outcome),
    })
    void log.lost.then((why: unknown) => this.#giveUp(why))
    // Before any NOTIFY leaves: the owner after this one must not use the same CSeqs.
    await log.append(encodeRecord({ kind: 'owner-started', decidedAtMs: clock.now(), ordinal: this.#ordinal }))
    this.#expireDue(clock.now())
    this.#catchUp(marks)
    this.#tick = clock.setTimer(TICK_MS, () => this.#onTick())
  }

  /** Tells whoever the owner before may have left untold; who is told already hears of the newer state anyway. */
  #catchUp(marks: CatchUpMarks): void {
    for (const item of marks.list()) {
      const state = this.#presentities.get(item.presentity) ?? emptyState(item.presentity)
      const cause = { sequence: item.sequence, traceparent: item.traceparent, isSubscribe: false }
      for (const draft of draftNotices(state, whomToTell(item))) {
        if (!this.#notifier?.isTelling(draft.subscription.id)) this.#offer(item.presentity, draft, cause)
      }
    }
  }

  #onTick(): void {
    if (this.#isStopped) return
    this.#tick = this.#o.clock.setTimer(TICK_MS, () => this.#onTick())
    if (!this.isAvailable) return
    this.#appender?.settleOpen(this.#watermarks.current(this.#o.clock.now()))
    for (const act of this.#deferred.splice(0)) act()
    this.#expireDue(this.#o.clock.now())
    this.#noteWatermark()
  }

  /** Ends what ran out, each presentity's in a record of its own; what is left over has its turn at the next tick. */
  #expireDue(nowMs: number): void {
    for (let turns = 0; turns < EXPIRIES_PER_TICK_MAX && this.isAvailable; turns++) {
      const due = this.#expiries.takeDue(nowMs)
      if (due === undefined) return
      this.#expire(due, nowMs)
    }
  }

  #expire(presentity: Impu, nowMs: number): void {
    const state = this.#presentities.get(presentity)
    if (!state) return
    let expired = 0
    for (let more = 1; more > 0; expired += more) more = this.#upkeep(state, { kind: 'expire' }, '')
    this.#o.events.expired(expired)
    this.#expiries.schedule(presentity, Math.max(nextExpiryMs(state), nowMs))
  }

  /** Decides the watchers anew when the policy is another than before. */
  #observePolicy(presentity: Impu, { digest, policy, impus }: CurrentPolicy, traceparent: string): void {
    if (this.#policyDigests.get(presentity) === digest) return
    const state = this.#presentities.get(presentity)
    if (!state || state.subscriptions.size === 0) return
    while (this.#upkeep(state, { kind: 'policy', policy, impus }, traceparent) > 0);
    if (this.#presentities.has(presentity)) this.#policyDigests.set(presentity, digest)
  }

  #endSubscription(notice: Notice, why: 'gone' | 'giveup' | 'deactivated'): void {
    const { presentity, subscription } = notice
    const reason = why === 'gone' ? 'timeout' : why
    this.#o.events.ended(presentity, subscription, why)
    const input = { kind: 'end', subscriptionId: subscription.id, reason, silent: why !== 'deactivated' } as const
    this.#whenAvailable(presentity, input)
  }

  #moveNotifyBase({ presentity, subscription }: Notice, cseq: number): void {
    const notifyBase = { cseq, ownerOrdinal: this.#ordinal }
    this.#whenAvailable(presentity, { kind: 'move-notify-base', subscriptionId: subscription.id, notifyBase })
  }

  #whenAvailable(presentity: Impu, input: UpkeepInput): void {
    const act = (): void => {
      const state = this.#presentities.get(presentity)
      if (state) this.#upkeep(state, input, '')
    }
    if (this.isAvailable) act()
    else this.#deferred.push(act)
  }

  /** Decides and commits what the owner does by itself; gives the number of changes. */
  #upkeep(state: PresentityState, input: UpkeepInput, traceparent: string): number {
    const nowMs = this.#o.clock.now()
    const { changes } = decide(state, input, nowMs, this.#o.terms)
    if (changes.length > 0) {
      this.#commit(state, changes, { nowMs, traceparent, answered: undefined, pending: undefined, isSubscribe: false })
    }
    return changes.length
  }

  #complete(input: OwnedRequest['input'], state: PresentityState): RequestInput {
    switch (input.kind) {
      case 'publish':
        return input
      case 'subscribe':
        return { ...input, notifyBase: { cseq: 0, ownerOrdinal: this.#ordinal } }
      case 'resubscribe': {
        const subscription = state.subscriptions.get(input.subscriptionId)
        const cseq = subscription ? (this.#notifier?.lastCseq(subscription) ?? 0) : 0
        return { ...input, notifyBase: { cseq, ownerOrdinal: this.#ordinal } }
      }
    }
  }

  /** Applies the changes, writes them, and lets go what waits for them when they are durable. */
  #commit(state: PresentityState, changes: readonly Change[], cause: CommitCause): void {
    const { presentity } = state
    const { traceparent, answered, pending } = cause
    const record = { kind: 'decision', decidedAtMs: cause.nowMs, presentity, answered, changes } as const
    const touched = this.#apply(state, record, traceparent)
    const drafts = draftNotices(state, touched)
    for (const { subscription, reason } of touched.ended) {
      if (reason === 'rejected') this.#o.events.ended(presentity, subscription, reason)
    }
    this.#appender?.append(record, traceparent, {
      durable: (sequence) => {
        pending?.settle()
        if (drafts.length > 0) this.#tell(presentity, drafts, touched, { ...cause, sequence })
      },
      leftOpen: (reason) => pending?.leaveOpen(reason),
    })
  }

  #tell(
    presentity: Impu,
    drafts: readonly NoticeDraft[],
    touched: Touched,
    { sequence, traceparent, isSubscribe }: NoticeCause,
  ): void {
    this.#watermarks.caused(sequence)
    if (touched.presence) this.#o.events.fanOut(drafts.length, traceparent)
    for (const draft of drafts) {
      const isItsOwn = draft.ended !== undefined || touched.subscriptions.has(draft.subscription.id)
      this.#offer(presentity, draft, { sequence, traceparent, isSubscribe: isSubscribe && isItsOwn })
    }
  }

  #offer(presentity: Impu, draft: NoticeDraft, cause: NoticeCause): void {
    this.#notifier?.offer({ ...draft, presentity, cause, oldestSequence: cause.sequence })
  }

  #noteWatermark(): void {
    const backlog = this.#notifier?.backlog()
    // Behind an open record the sequences are not known yet.
    if (!backlog || !this.#appender?.isAvailable || this.#appender.hasOpen) return
    const record = this.#watermarks.next(backlog, this.#o.clock.now())
    if (record) this.#appender.append(record, '', NOBODY_WAITS)
  }

  #giveUp(why: unknown): void {
    if (this.#isStopped) return
    this.stop()
    void this.#log?.release()
    this.#lose(why)
  }

  /** Makes a record's changes in memory and keeps the indexes. */
  #apply(state: PresentityState, record: DecisionRecord, traceparent: string): Touched {
    const { presentity } = state
    const touched = applyChanges(state, record.changes, { decidedAtMs: record.decidedAtMs, traceparent })
    for (const change of record.changes) this.#indexChange(presentity, change)
    for (const { subscription } of touched.ended) this.#bySubscription.delete(subscription.id)
    if (state.publications.size === 0 && state.subscriptions.size === 0) {
      this.#presentities.delete(presentity)
      this.#policyDigests.delete(presentity)
    } else this.#presentities.set(presentity, state)
    return touched
  }

  #indexChange(presentity: Impu, change: Change): void {
    switch (change.kind) {
      case 'publication-stored':
      case 'publication-refreshed':
      case 'subscription-refreshed':
        this.#expiries.schedule(presentity, change.expiresAtMs)
        return
      case 'subscription-stored':
        this.#expiries.schedule(presentity, change.subscription.expiresAtMs)
        this.#bySubscription.set(change.subscription.id, presentity)
        return
      case 'publication-removed':
      case 'subscription-decided':
      case 'subscription-ended':
      case 'notify-base-moved':
        return
    }
  }
}

function touches({ presence, winfo, subscriptions, ended }: Touched): boolean {
  return presence || winfo || subscriptions.size > 0 || ended.length > 0
}

function whomToTell({ whom }: CatchUp): Touched {
  return {
    presence: whom.kind === 'presence',
    winfo: whom.kind === 'winfo',
    subscriptions: new Set(whom.kind === 'subscription' ? [whom.id] : []),
    ended: whom.kind === 'ended' ? [whom.ended] : [],
  }
}
