import { assert, type Impu, type Timer } from '@rollcall/core'
import { AnsweredRequests, type HeldPartition, type RequestKey } from '@rollcall/store'
import type { XcapOutcome } from '@rollcall/xcap'
import { decide, type RequestInput } from '../actor/decide.ts'
import type { PresentityState } from '../actor/state.ts'
import { PartitionLostError } from '../errors.ts'
import { type AnswerListener, PendingAnswer, type UnavailableReason } from './answers.ts'
import { Appender } from './appender.ts'
import { type CatchUpMarks, touchedBy } from './catch-up.ts'
import { Commits } from './commits.ts'
import { ExpiryRounds } from './expiry-rounds.ts'
import { Lifetime } from './lifetime.ts'
import { Loading } from './loading.ts'
import type { Notice } from './notice.ts'
import { draftNotices } from './notices.ts'
import { Notifier } from './notifier.ts'
import type { CurrentPolicy, DocumentAsk, OwnedRequest, OwnerContext, Ownership } from './owner-context.ts'
import { OwnerDocuments } from './owner-documents.ts'
import type { PartitionLog, PartitionSource } from './partition-log.ts'
import { Presentities } from './presentities.ts'
import { encodeRecord } from './record-codec.ts'
import { captureSnapshot } from './snapshot.ts'
import { WatcherDecisions } from './watcher-decisions.ts'
import { Watermarks } from './watermarks.ts'

/** How long the answer to a request is kept: 64*T1 with the default T1 (RFC 3261 section 17.1.2.2). */
const ANSWER_RETAIN_MS = 32_000
/** Answers kept in one partition: some 1,000 requests a second; beyond that the oldest go earlier. */
const ANSWERS_MAX = 32_768
/** Upkeep: what ran out, watermarks (at most one a second), what waited for the store, snapshots. */
const TICK_MS = 1_000
/** NOTIFYs under way get this long to be answered: at a hand-over, so that the next owner need not tell again. */
const TELL_GRACE_MS = 250
/** And when a policy blocks their watchers: what left before it was in force has mostly arrived by then. */
const LAND_GRACE_MS = 1_000

/**
 * The owner of one partition: all its presentities in memory, its log as the truth. A request is decided and applied at
 * once; what comes of it (the answer, the NOTIFYs) leaves when the log has acknowledged the record.
 *
 * @see ARCHITECTURE, decisions 1, 3 and 4
 */
export class PartitionOwner implements HeldPartition {
  readonly partition: number
  readonly lost: Promise<unknown>
  readonly #o: OwnerContext
  readonly #ownership: Ownership
  readonly #log: PartitionLog
  readonly #presentities: Presentities
  readonly #answers: AnsweredRequests<PendingAnswer>
  readonly #watermarks: Watermarks
  /** Counts the owners of the partition. */
  readonly #ordinal: number
  readonly #lifetime = new Lifetime()
  readonly #appender: Appender
  readonly #notifier: Notifier
  readonly #commits: Commits
  readonly #decisions: WatcherDecisions
  readonly #documents: OwnerDocuments
  readonly #expiry: ExpiryRounds
  #tick: Timer | undefined
  #lose: (why: unknown) => void = () => {}

  private constructor(log: PartitionLog, loaded: Loading, ownership: Ownership, context: OwnerContext) {
    const { clock, load } = context
    const { presentities, answers, watermarks } = loaded
    this.partition = ownership.partition
    this.#o = context
    this.#ownership = ownership
    this.#log = log
    this.#presentities = presentities
    this.#answers = answers
    this.#watermarks = watermarks
    this.#ordinal = loaded.ordinal + 1
    const appender = new Appender({ log, clock, load, onDiverged: (why) => this.#giveUp(why) })
    const notifier = this.#createNotifier()
    const onUnwatched = (presentity: Impu): void => this.#decisions.unwatch(presentity)
    this.#appender = appender
    this.#notifier = notifier
    const commits = new Commits({ context, presentities, watermarks, appender, notifier, onUnwatched })
    const decisions = new WatcherDecisions({ clock, presentities, commits, notifier, loadedAtMs: loaded.lastAtMs })
    this.#commits = commits
    this.#decisions = decisions
    this.#documents = new OwnerDocuments({
      ...{ clock, presentities, commits, decisions },
      terms: context.terms,
      limits: context.limits,
      lease: ownership.lease,
      lifetime: this.#lifetime,
      inForce: (presentity) => this.#inForce(presentity),
    })
    this.#expiry = new ExpiryRounds({
      clock,
      presentities,
      depth: () => (this.isAvailable ? appender.depth : undefined),
      expire: (presentity, nowMs) => this.#expire(presentity, nowMs),
    })
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
    void log.lost.then((why: unknown) => this.#giveUp(why))
  }

  /**
   * Takes the partition, reads its log, and begins to serve: what ran out meanwhile is ended, and whoever was left
   * untold is told, once the lease lets it.
   *
   * @throws whatever the log throws; RecordUnreadableError.
   */
  static async take(source: PartitionSource, ownership: Ownership, context: OwnerContext): Promise<PartitionOwner> {
    const { clock } = context
    const loading = new Loading({
      presentities: new Presentities(),
      answers: new AnsweredRequests({ retainMs: ANSWER_RETAIN_MS, entriesMax: ANSWERS_MAX, clock }),
      watermarks: new Watermarks(),
    })
    const log = await source.take(ownership.partition, (record) => loading.take(record), {
      floor: ownership.floor,
    })
    const owner = new PartitionOwner(log, loading, ownership, context)
    try {
      await owner.#begin(loading.marks)
    } catch (error) {
      owner.drop()
      throw error
    }
    return owner
  }

  get epoch(): bigint {
    return this.#log.epoch
  }

  get acknowledged(): bigint {
    return this.#log.acknowledged
  }

  /** How much is remembered; each is known without counting. */
  get size(): { readonly presentities: number; readonly publications: number; readonly subscriptions: number } {
    const { size: presentities, publications, subscriptions } = this.#presentities
    return { presentities, publications, subscriptions }
  }

  /** Watchers who wait for a word without a subscription. */
  get waiting(): number {
    return this.#presentities.waiting
  }

  presentity(presentity: Impu): PresentityState | undefined {
    return this.#presentities.get(presentity)
  }

  /** Whose subscription this is. */
  presentityOf(subscriptionId: string): Impu | undefined {
    return this.#presentities.presentityOf(subscriptionId)
  }

  /** NOTIFYs sent in a dialog since this owner began. */
  notifyCount(subscriptionId: string): number {
    return this.#notifier.sentCount(subscriptionId)
  }

  /** False from the moment that it is handed over or lost. */
  get isServing(): boolean {
    return this.#lifetime.isServing
  }

  get isAvailable(): boolean {
    return this.isServing && this.#appender.isAvailable
  }

  /** May what is remembered here be told to anybody now? */
  get mayTell(): boolean {
    return this.isServing && this.#ownership.lease.isLive
  }

  /** Decides a request, and answers it when that is durable. */
  request(request: OwnedRequest, listener: AnswerListener): void {
    if (this.replay(request.key, listener)) return
    const unavailable = this.#unavailable() ?? this.#refusal(request)
    if (unavailable) {
      listener.unavailable(unavailable)
      return
    }
    const nowMs = this.#o.clock.now()
    const { presentity, traceparent, policy } = request
    this.#expiry.runFor(presentity)
    if (policy && this.#decisions.isWatched(presentity)) this.#decisions.observePolicy(presentity, policy, traceparent)
    const state = this.#presentities.of(presentity)
    const decision = decide(state, this.#complete(request.input, state), nowMs, this.#o.terms)
    const { answer } = decision
    assert(answer, 'a request has an answer')
    // guard: refusal-lease — no record fences a refusal, and a later owner may know what this one does not
    if (decision.changes.length === 0 && !this.#ownership.lease.isLive) {
      listener.unavailable('lease-ended')
      return
    }
    request.decided(decision)
    if (decision.changes.length === 0) {
      listener.answer(answer)
      return
    }
    const pending = new PendingAnswer(answer, [listener])
    this.#answers.remember(request.key, pending, nowMs)
    this.#commits.commit(presentity, decision.changes, {
      nowMs,
      traceparent,
      answered: { key: request.key, answer },
      pending,
      isSubscribe: request.input.kind === 'subscribe' || request.input.kind === 'resubscribe',
    })
    if (decision.nextChangeMs !== undefined) this.#presentities.rulesChangeAt(presentity, decision.nextChangeMs)
    const isSphereChanged = request.input.kind === 'publish' && state.documents?.usesSphere
    if (isSphereChanged && policy) this.#decisions.decideAnew(presentity, policy, traceparent)
  }

  /** Answers a request that was decided before, as it was answered then; gives false when it was not. */
  replay(key: RequestKey, listener: AnswerListener): boolean {
    const earlier = this.#answers.find(key)
    earlier?.join(listener)
    return earlier !== undefined
  }

  /**
   * Answers a request in a dialog that is not known here: as before when it ended by that very request. Gives false when
   * it never was, or is over for longer than a request comes again.
   */
  answerUnknownDialog(key: RequestKey, listener: AnswerListener): boolean {
    if (this.replay(key, listener)) return true
    // guard: unknown-dialog-lease — it may have begun with an owner after this one
    if (this.#ownership.lease.isLive) return false
    listener.unavailable('lease-ended')
    return true
  }

  /**
   * Decides all watchers of the presentity anew. Resolves when that is durable and no earlier owner can tell anybody
   * anything any more: from then on no NOTIFY with content leaves for who is blocked now. A revision that is lower than
   * one seen before changes nothing, and waits for that one.
   *
   * @throws PartitionLostError when the partition is lost meanwhile, or the store takes nothing now: then nothing is said
   *   about whether it is in force.
   */
  async changePolicy(presentity: Impu, policy: CurrentPolicy): Promise<void> {
    const unavailable = this.#unavailable()
    if (unavailable) throw new PartitionLostError(unavailable)
    this.#decisions.observePolicy(presentity, policy, '')
    // guard: policy-durable — a policy that is decided and not durable may be undone by the next owner
    await this.#lifetime.within(this.#commits.flush())
    await this.#inForce(presentity)
  }

  /**
   * Decides an XCAP request for one of the presentity's documents. A change is durable when this resolves; one of rules
   * besides is in force, as with `changePolicy`: from then on no NOTIFY with content leaves for who is blocked now.
   *
   * @throws PartitionLostError when the partition is lost meanwhile, the store takes nothing now, or there is no room: then
   *   nothing is said about whether the change is made.
   * @see RFC 4825 section 8; RFC 5025 section 4
   */
  async document(ask: DocumentAsk): Promise<XcapOutcome> {
    const unavailable = this.#unavailable()
    if (unavailable) throw new PartitionLostError(unavailable)
    return await this.#documents.ask(ask)
  }

  /**
   * Ends what a watcher had subscribed to here until `beforeMs`. Gives their number when that is durable: an owner that
   * has been replaced without knowing it finds out by that, and does not say so.
   *
   * @throws PartitionLostError when the partition is lost meanwhile, or the store takes nothing now.
   */
  async endWatcher(impus: readonly Impu[], beforeMs: number): Promise<number> {
    const unavailable = this.#unavailable()
    if (unavailable) throw new PartitionLostError(unavailable)
    let ended = 0
    for (const [presentity, subscriptionIds] of this.#presentities.watchedBy(impus, beforeMs)) {
      const input = { kind: 'end-watcher', subscriptionIds } as const
      for (let more = 1; more > 0; ended += more) more = this.#commits.upkeep(presentity, input)
    }
    // guard: watcher-end-durable — the S-CSCF does not tell again what was answered 200
    await this.#lifetime.within(this.#commits.flushShared())
    return ended
  }

  /** Stops at once: nothing more is sent, decided or written. What waits for an answer hears of it. */
  stop(): void {
    this.#tick?.cancel()
    this.#expiry.stop()
    this.#notifier.stop()
    this.#appender.stop()
    this.#commits.stop()
    this.#presentities.clear()
    this.#decisions.clear()
    this.#lifetime.end()
  }

  drop(): void {
    this.stop()
    this.#log.drop()
  }

  /** Ends in peace: what was decided becomes durable and is answered first. */
  async release(): Promise<void> {
    if (!this.#lifetime.release()) return
    this.#tick?.cancel()
    this.#expiry.stop()
    await this.#notifier.idle(TELL_GRACE_MS)
    this.#commits.noteWatermark()
    await this.#log.release()
    this.stop()
  }

  /** Resolves when nobody tells the presentity's watchers any more what was just taken away from them. */
  async #inForce(presentity: Impu): Promise<void> {
    await this.#notifier.landed(presentity, LAND_GRACE_MS)
    // guard: policy-sole — an owner before this one may still tell the watcher what it may not see any more
    await this.#lifetime.within(this.#ownership.sole)
  }

  #createNotifier(): Notifier {
    const { clock, sendNotify, notifyGraceMs, notifyIntervalMs, events } = this.#o
    const presentities = this.#presentities
    return new Notifier({
      clock,
      lease: this.#ownership.lease,
      send: (...args) => sendNotify(this.partition, ...args),
      graceMs: notifyGraceMs,
      intervalMs: notifyIntervalMs,
      ownerOrdinal: this.#ordinal,
      current: ({ presentity, subscription }) => presentities.get(presentity)?.subscriptions.get(subscription.id),
      onEnd: (notice, why) => this.#endSubscription(notice, why),
      onStride: (notice, cseq) => this.#moveNotifyBase(notice, cseq),
      onOutcome: (outcome) => events.notified(outcome),
    })
  }

  #unavailable(): UnavailableReason | undefined {
    if (!this.isServing) return 'partition-lost'
    if (!this.#appender.isAvailable) return 'store-away'
    return this.#appender.isOverloaded ? 'overload' : undefined
  }

  /** Why this request is not decided here and now, though others may be. */
  #refusal({ presentity, input, policy }: OwnedRequest): UnavailableReason | undefined {
    const isRead = input.kind === 'subscribe' || input.kind === 'resubscribe'
    // guard: read-lease — a SUBSCRIBE is answered with state, which may be another owner's to tell by now
    if (isRead && !this.#ownership.lease.isLive) return 'lease-ended'
    // guard: policy-stale — what was read before the policy changed must not let anybody in after it
    if (policy && policy.revision < (this.#decisions.revisionOf(presentity) ?? 0n)) return 'policy-stale'
    return this.#presentities.isFullFor(presentity, input, this.#o.limits) ? 'partition-full' : undefined
  }

  async #begin(marks: CatchUpMarks): Promise<void> {
    const { clock } = this.#o
    // Before any NOTIFY leaves: the owner after this one must not use the same CSeqs.
    await this.#log.append(encodeRecord({ kind: 'owner-started', decidedAtMs: clock.now(), ordinal: this.#ordinal }))
    this.#expiry.run()
    this.#catchUp(marks)
    this.#tick = clock.setTimer(TICK_MS, () => this.#onTick())
  }

  /** Tells whoever the owner before may have left untold; who is told already hears of the newer state anyway. */
  #catchUp(marks: CatchUpMarks): void {
    for (const item of marks.list()) {
      // What ran out and had no turn yet is not told as if it had not.
      this.#expiry.runFor(item.presentity)
      const state = this.#presentities.of(item.presentity)
      const cause = { sequence: item.sequence, traceparent: item.traceparent, isSubscribe: false }
      for (const draft of draftNotices(state, touchedBy(item, state), this.#o.clock.now())) {
        if (this.#notifier.isTelling(draft.subscription.id)) continue
        let isBare = false
        // guard: bare-catch-up — who had left was not decided anew when the policy changed after that
        if (draft.ended) isBare = true
        this.#commits.offer(item.presentity, { ...draft, isBare }, cause)
      }
    }
  }

  #onTick(): void {
    if (!this.isServing) return
    this.#tick = this.#o.clock.setTimer(TICK_MS, () => this.#onTick())
    if (!this.isAvailable) return
    this.#commits.catchUp()
    this.#expiry.run()
    this.#commits.noteWatermark()
    this.#snapshotIfDue()
  }

  #expire(presentity: Impu, nowMs: number): void {
    let expired = 0
    for (let more = 1; more > 0; expired += more) more = this.#commits.upkeep(presentity, { kind: 'expire' })
    this.#o.events.expired(expired)
    const usesSphere = this.#presentities.get(presentity)?.documents?.usesSphere
    // Her sphere may be what ran out.
    if (expired > 0 && usesSphere) this.#decisions.decideByRules(presentity)
    this.#decisions.decideTimed(presentity)
    this.#presentities.reschedule(presentity, nowMs)
  }

  #endSubscription(notice: Notice, why: 'gone' | 'giveup' | 'deactivated'): void {
    const { presentity, subscription } = notice
    const reason = why === 'gone' ? 'timeout' : why
    this.#o.events.ended(presentity, subscription, why)
    const input = { kind: 'end', subscriptionId: subscription.id, reason, silent: why !== 'deactivated' } as const
    this.#commits.upkeepSoon(presentity, input)
  }

  #moveNotifyBase({ presentity, subscription }: Notice, cseq: number): void {
    const notifyBase = { cseq, ownerOrdinal: this.#ordinal }
    this.#commits.upkeepSoon(presentity, { kind: 'move-notify-base', subscriptionId: subscription.id, notifyBase })
  }

  #complete(input: OwnedRequest['input'], state: PresentityState): RequestInput {
    switch (input.kind) {
      case 'publish':
      case 'register':
        return input
      case 'subscribe':
        return {
          ...input,
          notifyBase: { cseq: 0, ownerOrdinal: this.#ordinal },
          tellsRefusal: this.#commits.tellsRefusal(state, input),
        }
      case 'resubscribe': {
        const subscription = state.subscriptions.get(input.subscriptionId)
        const cseq = subscription ? this.#notifier.lastCseq(subscription) : 0
        return { ...input, notifyBase: { cseq, ownerOrdinal: this.#ordinal } }
      }
    }
  }

  #snapshotIfDue(): void {
    const { snapshots, clock, events } = this.#o
    if (!this.#log.wantsSnapshot || !snapshots.take()) return
    const records = captureSnapshot({
      nowMs: clock.now(),
      ordinal: this.#ordinal,
      watermark: this.#watermarks.noted,
      presentities: this.#presentities.values(),
      answers: this.#answers.entries(),
      notices: this.#notifier.notices(),
      underWay: this.#commits.underWay,
    })
    void this.#log
      .snapshot(records)
      .then(
        () => events.snapshot(this.partition, undefined),
        (error: unknown) => events.snapshot(this.partition, error),
      )
      .finally(() => snapshots.leave())
  }

  #giveUp(why: unknown): void {
    if (this.#lifetime.isOver) return
    this.drop()
    this.#lose(why)
  }
}
