import { assert, type Clock, type Timer } from '@rollcall/core'
import type { Subscription } from '../actor/state.ts'
import { NOTIFY_CSEQ_MAX, NOTIFY_CSEQ_STRIDE } from '../limits.ts'
import { mergeNotices, type Notice } from './notice.ts'
import type { NotifyOutcome } from './notify-outcome.ts'

/** NOTIFYs under way at once in one partition: a fan-out must not fill the hop's queue. */
const IN_FLIGHT_MAX = 512
/** NOTIFYs built before others get a turn: a fan-out must not hold up the answers. */
const SENDS_PER_TURN_MAX = 64
/** Waits between tries, the last one for good (readings, Presence 1). */
const BACK_OFF_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]

/** Sends one NOTIFY; calls back once. */
export type SendNotify = (notice: Notice, cseq: number, done: (outcome: NotifyOutcome) => void) => void

export interface NotifierOptions {
  readonly clock: Clock
  readonly send: SendNotify
  /** How long a watcher may be unreachable before its subscription ends. */
  readonly graceMs: number
  /** Ordinal of this owner. */
  readonly ownerOrdinal: number
  /** The subscription as it is now; undefined when it has ended. */
  readonly current: (notice: Notice) => Subscription | undefined
  /** The dialog is gone, or has been unreachable for too long, or has no CSeqs left. */
  readonly onEnd: (notice: Notice, why: 'gone' | 'giveup' | 'deactivated') => void
  /** More than half of this owner's CSeqs in the dialog are used. */
  readonly onStride: (notice: Notice, lastCseq: number) => void
  readonly onOutcome: (outcome: NotifyOutcome) => void
}

/** A dialog with something to tell; one with nothing is not kept. */
interface Telling {
  readonly id: string
  state: 'waiting' | 'in-flight' | 'backing-off'
  /** The one under way, or the next one. */
  notice: Notice
  /** Came while one was under way. */
  next: Notice | undefined
  failures: number
  firstFailureMs: number
  timer: Timer | undefined
}

/** What is remembered of a dialog in which this owner has sent something. */
interface Sent {
  lastCseq: number
  count: number
  /** Where the base was asked to move to. */
  movedToCseq: number
}

/**
 * Tells watchers. One NOTIFY is under way in a dialog at a time; states that come meanwhile merge into the newest, which
 * is sent next. A watcher who cannot be reached is tried again later and later; after `graceMs` its subscription ends.
 *
 * @see readings, Presence 1; RFC 6665 section 4.2.2; RFC 3261 section 12.2.1.1 for CSeqs that grow by one
 */
export class Notifier {
  readonly #o: NotifierOptions
  readonly #telling = new Map<string, Telling>()
  readonly #waiting: Telling[] = []
  readonly #sent = new Map<string, Sent>()
  #inFlight = 0
  /** Until it fires, what was sent counts against the turn. */
  #turn: Timer | undefined
  #sentInTurn = 0
  #isStopped = false

  constructor(options: NotifierOptions) {
    this.#o = options
  }

  /** Dialogs with something to tell. */
  get size(): number {
    return this.#telling.size
  }

  /** Is something to be told in this dialog already? */
  isTelling(subscriptionId: string): boolean {
    return this.#telling.has(subscriptionId)
  }

  /** NOTIFYs sent in a dialog since this owner began. */
  sentCount(subscriptionId: string): number {
    return this.#sent.get(subscriptionId)?.count ?? 0
  }

  /** Where the CSeqs of the dialog stand, for a record that moves its base. */
  lastCseq(subscription: Subscription): number {
    return this.#sent.get(subscription.id)?.lastCseq ?? this.#floor(subscription)
  }

  /** Takes the state of one moment to be told; it must be durable. */
  offer(notice: Notice): void {
    if (this.#isStopped) return
    const { id } = notice.subscription
    const telling = this.#telling.get(id)
    if (!telling) {
      this.#wait({
        id,
        state: 'waiting',
        notice,
        next: undefined,
        failures: 0,
        firstFailureMs: 0,
        timer: undefined,
      })
      return
    }
    if (telling.state === 'in-flight') telling.next = telling.next ? mergeNotices(telling.next, notice) : notice
    else telling.notice = mergeNotices(telling.notice, notice)
    // Who leaves is reachable now, or will never be: no use in waiting on.
    if (telling.state === 'backing-off' && (notice.ended || notice.cause.isSubscribe)) this.#retry(telling)
  }

  /** Nothing is sent any more, and no answer heard. */
  stop(): void {
    this.#isStopped = true
    this.#turn?.cancel()
    for (const { timer } of this.#telling.values()) timer?.cancel()
    this.#telling.clear()
    this.#waiting.length = 0
  }

  /**
   * How far all is told: the sequence of the oldest record that somebody reachable has not heard of, and who is not
   * reachable. Undefined: everybody reachable has heard everything.
   */
  backlog(): { readonly oldestSequence: bigint | undefined; readonly lagging: readonly Notice[] } {
    let oldestSequence: bigint | undefined
    const lagging: Notice[] = []
    for (const { notice, next, failures } of this.#telling.values()) {
      if (failures > 0) lagging.push(next ?? notice)
      else if (oldestSequence === undefined || notice.oldestSequence < oldestSequence) {
        oldestSequence = notice.oldestSequence
      }
    }
    return { oldestSequence, lagging }
  }

  #wait(telling: Telling): void {
    telling.state = 'waiting'
    this.#telling.set(telling.id, telling)
    this.#waiting.push(telling)
    this.#sendSome()
  }

  /** Sends what may be sent: a few a turn of the clock, so that others have theirs. */
  #sendSome(): void {
    const sends = Math.min(IN_FLIGHT_MAX - this.#inFlight, SENDS_PER_TURN_MAX - this.#sentInTurn)
    if (sends <= 0 || this.#waiting.length === 0) return
    const chosen = this.#waiting.splice(0, sends)
    this.#sentInTurn += chosen.length
    this.#turn ??= this.#o.clock.setTimer(0, () => {
      this.#turn = undefined
      this.#sentInTurn = 0
      this.#sendSome()
    })
    for (const telling of chosen) {
      assert(telling.state === 'waiting', 'only what waits is in the queue')
      this.#send(telling)
    }
  }

  #send(telling: Telling): void {
    const { notice } = telling
    const cseq = this.#nextCseq(notice)
    if (cseq === 'exhausted') {
      this.#forget(telling)
      this.#o.onEnd(notice, 'deactivated')
      return
    }
    if (cseq === 'not-yet') {
      this.#backOff(telling)
      return
    }
    telling.state = 'in-flight'
    this.#inFlight += 1
    this.#o.send(notice, cseq, (outcome) => this.#done(telling, outcome))
  }

  #done(telling: Telling, outcome: NotifyOutcome): void {
    if (this.#isStopped) return
    this.#inFlight -= 1
    this.#o.onOutcome(outcome)
    switch (outcome) {
      case 'delivered':
      case 'refused':
        this.#goOn(telling)
        break
      case 'unreachable':
        this.#backOff(telling)
        break
      case 'gone':
        this.#forget(telling)
        if (!telling.notice.ended) this.#o.onEnd(telling.notice, 'gone')
        break
    }
    this.#sendSome()
  }

  #goOn(telling: Telling): void {
    const { notice, next } = telling
    telling.failures = 0
    if (notice.ended || !next) {
      this.#telling.delete(telling.id)
      if (notice.ended) this.#sent.delete(telling.id)
      return
    }
    telling.notice = next
    telling.next = undefined
    this.#wait(telling)
  }

  #backOff(telling: Telling): void {
    const nowMs = this.#o.clock.monotonic()
    if (telling.failures === 0) telling.firstFailureMs = nowMs
    telling.failures += 1
    if (telling.next) telling.notice = mergeNotices(telling.notice, telling.next)
    telling.next = undefined
    if (nowMs - telling.firstFailureMs >= this.#o.graceMs) {
      this.#forget(telling)
      if (!telling.notice.ended) this.#o.onEnd(telling.notice, 'giveup')
      return
    }
    telling.state = 'backing-off'
    const waitMs = BACK_OFF_MS[Math.min(telling.failures, BACK_OFF_MS.length) - 1] ?? 0
    telling.timer = this.#o.clock.setTimer(waitMs, () => this.#retry(telling))
  }

  #retry(telling: Telling): void {
    telling.timer?.cancel()
    telling.timer = undefined
    this.#wait(telling)
  }

  #forget(telling: Telling): void {
    telling.timer?.cancel()
    this.#telling.delete(telling.id)
    this.#sent.delete(telling.id)
  }

  /** The lowest CSeq that this owner does not use: all before it were other owners' (ARCHITECTURE, decision 4). */
  #floor({ notifyBase }: Subscription): number {
    return notifyBase.cseq + (this.#o.ownerOrdinal - notifyBase.ownerOrdinal) * NOTIFY_CSEQ_STRIDE
  }

  #nextCseq(notice: Notice): number | 'not-yet' | 'exhausted' {
    const subscription = this.#o.current(notice) ?? notice.subscription
    const floor = this.#floor(subscription)
    const { id } = subscription
    const sent = this.#sent.get(id) ?? { lastCseq: floor, count: 0, movedToCseq: 0 }
    const cseq = sent.lastCseq + 1
    if (cseq >= NOTIFY_CSEQ_MAX && !notice.ended) return 'exhausted'
    const used = cseq - floor
    if (used >= NOTIFY_CSEQ_STRIDE) return 'not-yet'
    if (used > NOTIFY_CSEQ_STRIDE / 2 && sent.movedToCseq <= floor) {
      sent.movedToCseq = sent.lastCseq
      this.#o.onStride(notice, sent.lastCseq)
    }
    sent.lastCseq = cseq
    sent.count += 1
    this.#sent.set(id, sent)
    return cseq
  }
}
