import { assert, type Impu, type Timer } from '@rollcall/core'
import type { PresencePolicy, SubHandling } from '@rollcall/policy'
import { AnsweredRequests, type HeldPartition, type RequestKey } from '@rollcall/store'
import { decideXcap, type StoredDocument, type XcapOutcome } from '@rollcall/xcap'
import type { Change } from '../actor/change.ts'
import { decide, type RequestInput } from '../actor/decide.ts'
import { decisionContext } from '../actor/decision-context.ts'
import { Documents, documentKey, isRulesKey } from '../actor/documents.ts'
import { policyOf } from '../actor/policy-of.ts'
import type { PresentityState, Subscription } from '../actor/state.ts'
import { handlingOf } from '../actor/subscribe.ts'
import { PartitionLostError } from '../errors.ts'
import { CHANGES_PER_RECORD_MAX, DOCUMENTS_MAX } from '../limits.ts'
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
import type { PartitionLog, PartitionSource } from './partition-log.ts'
import { PolicyRevisions } from './policy-revisions.ts'
import { Presentities } from './presentities.ts'
import { encodeRecord } from './record-codec.ts'
import { captureSnapshot } from './snapshot.ts'
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
  readonly #policies = new PolicyRevisions()
  readonly #lifetime = new Lifetime()
  /** Whose documents have changed and are not durable yet; as many as wait for an answer. */
  readonly #documentsUnderWay = new Map<Impu, Promise<unknown>>()
  readonly #appender: Appender
  readonly #notifier: Notifier
  readonly #commits: Commits
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
    const onUnwatched = (presentity: Impu): void => this.#policies.unwatch(presentity)
    this.#appender = appender
    this.#notifier = notifier
    this.#commits = new Commits({ context, presentities, watermarks, appender, notifier, onUnwatched })
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
    if (policy && this.#isWatched(presentity)) this.#observePolicy(presentity, policy, traceparent)
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
    const isSphereChanged = request.input.kind === 'publish' && state.documents?.usesSphere
    if (isSphereChanged && policy) this.#decideAnew(presentity, policy, traceparent)
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
    this.#observePolicy(presentity, policy, '')
    // guard: policy-durable — a policy that is decided and not durable may be undone by the next owner
    await this.#lifetime.within(this.#commits.flush())
    await this.#notifier.landed(presentity, LAND_GRACE_MS)
    // guard: policy-sole — an owner before this one may still tell the watcher what it may not see any more
    await this.#lifetime.within(this.#ownership.sole)
  }

  /**
   * Decides an XCAP request for one of the presentity's documents. A change is durable when this resolves; one of rules
   * besides is in force, as with `changePolicy`: from then on no NOTIFY with content leaves for who is blocked now.
   *
   * @throws PartitionLostError when the partition is lost meanwhile, the store takes nothing now, or there is no room: then
   *   nothing is said about whether the change is made.
   * @see RFC 4825 section 8; RFC 5025 section 8
   */
  async document({ presentity, request, usage, newEtag, user, traceparent, read }: DocumentAsk): Promise<XcapOutcome> {
    const unavailable = this.#unavailable()
    if (unavailable) throw new PartitionLostError(unavailable)
    // guard: document-lease — another owner may have a newer version by now, and a refusal is said of this one
    if (!this.#ownership.lease.isLive) throw new PartitionLostError('lease-ended')
    const key = documentKey(usage.auid, request.uri.document)
    const { documents } = this.#presentities.of(presentity)
    const stored = read ? read(documents) : documents?.get(key)
    const outcome = decideXcap(request, stored, usage, newEtag)
    if (outcome.kind !== 'write') {
      // guard: document-read-durable — what is not durable yet may never have been: nobody is told of it, or refused by it
      await this.#documentsUnderWay.get(presentity)
      return outcome
    }
    const { document } = outcome
    if (document?.etag !== stored?.etag) {
      if (document) this.#checkRoom(presentity, document, documents, stored)
      const change: Change = document
        ? { kind: 'document-stored', key, ...document }
        : { kind: 'document-removed', key }
      const nowMs = this.#o.clock.now()
      const cause = { nowMs, traceparent, answered: undefined, pending: undefined, isSubscribe: false }
      const changes: Change[] = [change]
      // In the record of the rules: a log holds both, or neither.
      if (isRulesKey(key)) changes.push(...this.#decisionsUnder(presentity, key, document, user, nowMs))
      this.#commits.commit(presentity, changes, cause)
      if (isRulesKey(key)) this.#decideAnew(presentity, user, traceparent)
    }
    // guard: document-durable — nothing that was answered 2xx may be lost, nor answered to who asks again before it is durable
    await this.#documentsDurable(presentity)
    if (!isRulesKey(key)) return outcome
    await this.#notifier.landed(presentity, LAND_GRACE_MS)
    // guard: rules-sole — an owner before this one may still tell the watcher what it may not see any more
    await this.#lifetime.within(this.#ownership.sole)
    return outcome
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
    this.#policies.clear()
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
    if (policy && policy.revision < (this.#policies.of(presentity) ?? 0n)) return 'policy-stale'
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
      for (const draft of draftNotices(state, touchedBy(item), this.#o.clock.now())) {
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
    this.#decideTimed()
    this.#commits.noteWatermark()
    this.#snapshotIfDue()
  }

  /** @throws PartitionLostError when the document does not fit. */
  #checkRoom(
    presentity: Impu,
    { octets }: StoredDocument,
    documents: PresentityState['documents'],
    replaced: StoredDocument | undefined,
  ): void {
    const more = octets.length - (replaced?.octets.length ?? 0)
    const isOneMore = !replaced && (documents?.size ?? 0) >= DOCUMENTS_MAX
    if (isOneMore || this.#presentities.isFullForDocument(presentity, more, this.#o.limits)) {
      throw new PartitionLostError('partition-full')
    }
  }

  /** Rules that hold from then on, or until then: whom they concern is decided anew, to the second. */
  #decideTimed(): void {
    for (const { presentity, documents } of this.#presentities.timed) {
      if (documents?.rules) this.#decideByRules(presentity, documents.rules)
    }
  }

  /** Without a word of the HSS: who watches herself is known by her subscription. */
  #decideByRules(presentity: Impu, policy: PresencePolicy): void {
    if (!this.#isWatched(presentity)) return
    const own = [...this.#presentities.of(presentity).subscriptions.values()].filter(({ isOwn }) => isOwn)
    this.#decideAnew(presentity, { policy, impus: [presentity, ...own.flatMap(({ watcher }) => watcher)] }, '')
  }

  #expire(presentity: Impu, nowMs: number): void {
    let expired = 0
    for (let more = 1; more > 0; expired += more) more = this.#commits.upkeep(presentity, { kind: 'expire' })
    this.#o.events.expired(expired)
    this.#presentities.reschedule(presentity, nowMs)
    const documents = this.#presentities.get(presentity)?.documents
    // Her sphere may be what ran out.
    if (expired > 0 && documents?.usesSphere && documents.rules) this.#decideByRules(presentity, documents.rules)
  }

  /** Decides the watchers anew when the policy is newer than the one they were decided by. */
  #observePolicy(presentity: Impu, { revision, policy, impus }: CurrentPolicy, traceparent: string): void {
    const known = this.#policies.of(presentity)
    if (known !== undefined && revision <= known) return
    this.#decideAnew(presentity, { policy, impus }, traceparent)
    this.#policies.note(presentity, revision, this.#isWatched(presentity))
  }

  /** Resolves when the presentity's documents are durable as they are now; whoever reads them meanwhile waits for the same. */
  async #documentsDurable(presentity: Impu): Promise<void> {
    const durable = this.#lifetime.within(this.#commits.flush())
    this.#documentsUnderWay.set(presentity, durable)
    try {
      await durable
    } finally {
      if (this.#documentsUnderWay.get(presentity) === durable) this.#documentsUnderWay.delete(presentity)
    }
  }

  /** What becomes of the watchers when a document of rules changes: as many as fit into its record. */
  #decisionsUnder(
    presentity: Impu,
    key: string,
    document: StoredDocument | undefined,
    { policy: provisioned, impus }: CurrentPolicy,
    nowMs: number,
  ): readonly Change[] {
    const state = this.#presentities.of(presentity)
    const documents = (state.documents ?? new Documents()).with(key, document)
    const input = { kind: 'policy', policy: policyOf({ documents }, provisioned), impus } as const
    return decide(state, input, nowMs, this.#o.terms).changes.slice(0, CHANGES_PER_RECORD_MAX - 1)
  }

  /** Decides all watchers anew, those among them who have just left. */
  #decideAnew(presentity: Impu, { policy, impus }: Omit<CurrentPolicy, 'revision'>, traceparent: string): void {
    const state = this.#presentities.of(presentity)
    const inForce = policyOf(state, policy)
    const context = decisionContext(state.publications.values(), this.#o.clock.now())
    const handlingNow = ({ watcher, isHidden, eventPackage, handling }: Subscription): SubHandling => {
      if (eventPackage !== 'presence') return handling
      const isOwn = watcher.some((identity) => impus.includes(identity))
      return handlingOf({ watcher, isHidden, isOwn }, inForce, context)
    }
    // guard: policy-ended — a last NOTIFY that was not sent yet must not show what its watcher may not see any more
    this.#notifier.decideEnded(presentity, handlingNow)
    // guard: policy-under-way — whoever left a moment ago is told so when that is durable, which may be after this change is
    this.#commits.decideUnderWay(presentity, handlingNow)
    while (this.#commits.upkeep(presentity, { kind: 'policy', policy: inForce, impus }, traceparent) > 0);
  }

  #isWatched(presentity: Impu): boolean {
    return (this.#presentities.get(presentity)?.subscriptions.size ?? 0) > 0
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
        return { ...input, notifyBase: { cseq: 0, ownerOrdinal: this.#ordinal } }
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
