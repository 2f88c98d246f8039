import { assert, type Clock, type Impu, type Timer } from '@rollcall/core'
import type { Lease } from '@rollcall/store'
import type { EventPackage, Subscription } from '../actor/state.ts'
import { isOtherwiseRuled } from '../actor/view.ts'
import { EndedTellings } from './ended-tellings.ts'
import { Fifo } from './fifo.ts'
import { type Flight, Flights } from './flights.ts'
import type { Notice, Ruling } from './notice.ts'
import { NotifyCseqs } from './notify-cseqs.ts'
import type { NotifyOutcome } from './notify-outcome.ts'
import { Pacer } from './pacer.ts'
import { Telling } from './telling.ts'
import { ToldDialogs } from './told-dialogs.ts'
import { type Backlog, Untold } from './untold.ts'

/** NOTIFYs built before others get a turn: a fan-out must not hold up the answers. */
const SENDS_PER_TURN_MAX = 64
/** Waits between tries, the last one for good (readings, Presence 1). */
const BACK_OFF_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]

/**
 * Sends one NOTIFY; calls `done` once. `mayLeave` is to be asked as near to the socket as can be, each time that it goes
 * out: when it says no, the NOTIFY is `withdrawn`.
 */
export type SendNotify = (
  notice: Notice,
  cseq: number,
  mayLeave: () => boolean,
  done: (outcome: NotifyOutcome) => void,
) => void

export interface NotifierOptions {
  readonly clock: Clock
  readonly send: SendNotify
  /** The right to tell: without it everything waits. */
  readonly lease: Lease
  /** How long a watcher may be unreachable before its subscription ends. */
  readonly graceMs: number
  /** Shortest time between two NOTIFYs of changes in one dialog; 0: none. */
  readonly intervalMs: Readonly<Record<EventPackage, number>>
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

/**
 * Tells watchers. One NOTIFY is under way in a dialog at a time; states that come meanwhile merge into the newest, which
 * is sent next, and not before the interval since the last change is over. A watcher who cannot be reached is tried again
 * later and later; after `graceMs` its subscription ends. While the lease is not live nothing leaves.
 *
 * @see readings, Presence 1; RFC 6665 section 4.2.2; RFC 3856 section 6.10; ARCHITECTURE, decision 3
 */
export class Notifier {
  readonly #o: NotifierOptions
  /** At most one a subscription, and one each of those that have ended and are not told of it. */
  readonly #telling = new Map<string, Telling>()
  readonly #waiting = new Fifo<Telling>()
  readonly #ended = new EndedTellings()
  readonly #untold = new Untold()
  readonly #told = new ToldDialogs()
  readonly #cseqs: NotifyCseqs
  readonly #flights: Flights
  readonly #pacers: Readonly<Record<EventPackage, Pacer<Telling>>>
  readonly #releaseLease: () => void
  /** Until it fires, what was sent counts against the turn. */
  #turn: Timer | undefined
  #sentInTurn = 0
  #whenIdle: (() => void) | undefined
  #isStopped = false

  constructor(options: NotifierOptions) {
    const { clock, intervalMs, lease, ownerOrdinal } = options
    this.#o = options
    this.#cseqs = new NotifyCseqs(ownerOrdinal)
    this.#flights = new Flights(clock, () => this.#sendSome())
    const onRested = (telling: Telling): void => this.#rested(telling)
    this.#pacers = {
      presence: new Pacer({ clock, intervalMs: intervalMs.presence, onRested }),
      'presence.winfo': new Pacer({ clock, intervalMs: intervalMs['presence.winfo'], onRested }),
      'xcap-diff': new Pacer({ clock, intervalMs: intervalMs['xcap-diff'], onRested }),
    }
    this.#releaseLease = lease.onChange((isLive) => {
      if (isLive) this.#sendSome()
    })
  }

  /** Dialogs with something to tell, and those that were told of a change a moment ago. */
  get size(): number {
    return this.#telling.size
  }

  get backlog(): Backlog {
    return this.#untold.backlog
  }

  /** All that is not told yet, the newest of each dialog. */
  *notices(): Iterable<Notice> {
    for (const { notice, next } of this.#telling.values()) {
      const newest = notice?.ended ? notice : (next ?? notice)
      if (newest) yield newest
    }
  }

  /** Is something to be told in this dialog already? */
  isTelling(subscriptionId: string): boolean {
    return this.#telling.get(subscriptionId)?.notice !== undefined
  }

  /** NOTIFYs sent in a dialog since this owner began. */
  sentCount(subscriptionId: string): number {
    return this.#cseqs.countOf(subscriptionId)
  }

  /** Where the CSeqs of the dialog stand, for a record that moves its base. */
  lastCseq(subscription: Subscription): number {
    return this.#cseqs.lastOf(subscription)
  }

  /** Takes the state of one moment to be told; it must be durable. */
  offer(notice: Notice): void {
    if (this.#isStopped) return
    const { id } = notice.subscription
    let telling = this.#telling.get(id)
    if (!telling) {
      telling = new Telling(id)
      this.#telling.set(id, telling)
    }
    telling.add(notice)
    if (notice.ended) this.#ended.add(notice.presentity, telling)
    this.#untold.note(telling)
    switch (telling.state) {
      case 'held':
      case 'resting':
        this.#proceed(telling)
        return
      case 'backing-off':
        // Who leaves is reachable now, or will never be: no use in waiting on.
        if (telling.isUrgent) this.#wait(telling)
        return
      case 'waiting':
      case 'in-flight':
      case 'over':
        return
    }
  }

  /** The dialog is gone: nothing is told in it any more. */
  drop(subscriptionId: string): void {
    const telling = this.#telling.get(subscriptionId)
    if (telling) this.#finish(telling)
    this.#cseqs.forget(subscriptionId)
    this.#told.forget(subscriptionId)
  }

  /** Last NOTIFYs of the presentity's watchers that have not left yet show no more than they may see now. */
  decideEnded(presentity: Impu, rulingNow: (subscription: Subscription) => Ruling): void {
    this.#ended.decideAnew(presentity, rulingNow)
  }

  /**
   * Resolves when the NOTIFYs with content are answered that are under way to watchers of the presentity who have ended,
   * or after `graceMs`.
   */
  async landed(presentity: Impu, graceMs: number): Promise<void> {
    await this.#ended.landed(presentity, this.#o.clock, graceMs)
  }

  /** Resolves when no NOTIFY is on its way, or after `graceMs`: who is silent is not waited for. */
  async idle(graceMs: number): Promise<void> {
    if (this.#isIdle()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#whenIdle = resolve
    const timer = this.#o.clock.setTimer(graceMs, resolve)
    await promise
    timer.cancel()
    this.#whenIdle = undefined
  }

  /** Nothing is sent any more, and no answer heard. */
  stop(): void {
    this.#isStopped = true
    this.#releaseLease()
    this.#turn?.cancel()
    this.#flights.stop()
    for (const pacer of Object.values(this.#pacers)) pacer.stop()
    for (const { timer } of this.#telling.values()) timer?.cancel()
    this.#telling.clear()
    this.#waiting.clear()
    this.#untold.clear()
    this.#told.clear()
    this.#whenIdle?.()
  }

  #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#flights.fast === 0
  }

  /** There is something to tell and nothing under way: now, or when the dialog has rested. */
  #proceed(telling: Telling): void {
    if (telling.isUrgent || !telling.isResting) this.#wait(telling)
    else telling.state = 'resting'
  }

  #wait(telling: Telling): void {
    telling.timer?.cancel()
    telling.timer = undefined
    telling.state = 'waiting'
    this.#waiting.push(telling)
    this.#sendSome()
  }

  /** Sends what may be sent: a few a turn of the clock, so that others have theirs. */
  #sendSome(): void {
    if (this.#isStopped) return
    // guard: lease-check — an owner cut off from the store tells nobody anything: a successor may have other rules by now
    if (!this.#o.lease.isLive) return
    let sends = Math.min(this.#flights.room, SENDS_PER_TURN_MAX - this.#sentInTurn)
    while (sends > 0) {
      const telling = this.#waiting.shift()
      if (!telling) break
      if (telling.state !== 'waiting') continue
      sends -= 1
      this.#sentInTurn += 1
      this.#turn ??= this.#o.clock.setTimer(0, () => {
        this.#turn = undefined
        this.#sentInTurn = 0
        this.#sendSome()
      })
      this.#send(telling)
    }
    if (this.#isIdle()) this.#whenIdle?.()
  }

  #send(telling: Telling): void {
    const { notice } = telling
    assert(notice, 'what waits has something to tell')
    if (!this.#isCurrent(notice)) {
      telling.state = 'held'
      return
    }
    const cseq = this.#cseqs.take(this.#o.current(notice) ?? notice.subscription, {
      isLast: notice.ended !== undefined,
      onStride: (lastCseq) => this.#o.onStride(notice, lastCseq),
    })
    if (cseq === 'exhausted') {
      this.#finish(telling)
      this.#o.onEnd(notice, 'deactivated')
      return
    }
    if (cseq === 'not-yet') {
      this.#backOff(telling, notice)
      return
    }
    telling.state = 'in-flight'
    telling.flown = notice
    if (!telling.isUrgent && !telling.isResting) {
      telling.isResting = this.#pacers[notice.subscription.eventPackage].rest(telling)
    }
    const sent = this.#told.sending(notice, telling.isUrgent)
    telling.isUrgent = false
    telling.flight += 1
    const number = telling.flight
    const flight = this.#flights.start()
    const mayLeave = (): boolean => this.#mayLeave(telling, number, notice)
    this.#o.send(sent, cseq, mayLeave, (outcome) => this.#done(telling, flight, outcome))
  }

  /** Asked each time that a NOTIFY goes out, also after it has waited in a queue of the hop or was on a lost stream. */
  #mayLeave(telling: Telling, number: number, notice: Notice): boolean {
    // guard: may-leave-stopped — the partition is another owner's now
    if (this.#isStopped) return false
    // guard: may-leave-withdrawn — it was taken back after it was handed to the hop
    if (telling.flight !== number) return false
    // guard: may-leave-lease — the lease may have ended while it waited in the hop
    if (!this.#o.lease.isLive) return false
    // guard: may-leave-handling — its watcher may have been decided anew while it waited in the hop
    if (!this.#isCurrent(notice)) return false
    // guard: may-leave-rules — rules that were changed while it waited in the hop may show its watcher less
    if (telling.next && isOtherwiseRuled(notice.view, telling.next.view, notice.subscription)) return false
    return true
  }

  /** Is what the notice says still what the watcher may see? What ended says it to the end, or was taken back. */
  #isCurrent(notice: Notice): boolean {
    return notice.ended !== undefined || this.#o.current(notice)?.handling === notice.subscription.handling
  }

  #done(telling: Telling, flight: Flight, outcome: NotifyOutcome): void {
    if (this.#isStopped) return
    this.#flights.land(flight)
    telling.land()
    this.#o.onOutcome(outcome)
    const { notice } = telling
    if (telling.state === 'in-flight' && notice) {
      switch (outcome) {
        case 'delivered':
          this.#told.arrived(notice)
          this.#goOn(telling, notice)
          break
        case 'refused':
          this.#goOn(telling, notice)
          break
        case 'unreachable':
          this.#backOff(telling, notice)
          break
        case 'withdrawn':
          telling.rejoin()
          this.#wait(telling)
          break
        case 'gone':
          this.#end(telling, notice, 'gone')
          break
      }
    }
    this.#sendSome()
  }

  #goOn(telling: Telling, told: Notice): void {
    if (told.ended) {
      this.drop(telling.id)
      return
    }
    telling.advance()
    this.#untold.note(telling)
    if (telling.notice) this.#proceed(telling)
    else if (telling.isResting) telling.state = 'resting'
    else this.#finish(telling)
  }

  #backOff(telling: Telling, notice: Notice): void {
    const nowMs = this.#o.clock.monotonic()
    if (telling.failures === 0) telling.firstFailureMs = nowMs
    telling.failures += 1
    telling.rejoin()
    if (nowMs - telling.firstFailureMs >= this.#o.graceMs) {
      this.#end(telling, telling.notice ?? notice, 'giveup')
      return
    }
    this.#untold.note(telling)
    telling.state = 'backing-off'
    const waitMs = BACK_OFF_MS[Math.min(telling.failures, BACK_OFF_MS.length) - 1] ?? 0
    telling.timer = this.#o.clock.setTimer(waitMs, () => this.#wait(telling))
  }

  /** Nobody is there. The CSeqs are kept until the subscription has ended, for something may be told before that. */
  #end(telling: Telling, notice: Notice, why: 'gone' | 'giveup'): void {
    if (notice.ended) {
      this.drop(telling.id)
      return
    }
    this.#finish(telling)
    this.#o.onEnd(notice, why)
  }

  #rested(telling: Telling): void {
    telling.isResting = false
    if (telling.state !== 'resting') return
    if (telling.notice) this.#wait(telling)
    else this.#finish(telling)
  }

  #finish(telling: Telling): void {
    telling.timer?.cancel()
    telling.state = 'over'
    this.#untold.note(telling)
    this.#telling.delete(telling.id)
    const presentity = (telling.next ?? telling.notice)?.presentity
    if (presentity) this.#ended.remove(presentity, telling)
  }
}
