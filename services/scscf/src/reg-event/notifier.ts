import { assert, type Clock, type Timer } from '@rollcall/core'
import type { EndedContact } from '../registrations/ended-registration.ts'
import type { RegSubscription } from '../registrations/reg-subscription.ts'
import { contactKey, type RegistrationSet } from '../registrations/registration.ts'
import { ENDED_UNTOLD_MAX, FLIGHTS_MAX, NOTIFY_CSEQ_MAX, NOTIFY_CSEQ_STRIDE } from './limits.ts'
import type { NotifyOutcome } from './notify-outcome.ts'

/** Waits between tries of who cannot be reached, the last one for good (readings, Presence 1). */
const BACK_OFF_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]
/** Those who had their turn are forgotten when they are so many. */
const WAITING_TRIM = 1_024
/** So long a subscriber may be unreachable before the subscription ends (readings, Presence 1). */
const GRACE_MS = 300_000

/** Why a subscription ends, as Subscription-State says it (RFC 6665 section 4.1.3). */
export type FinalReason = 'noresource' | 'timeout' | 'deactivated'

/** What is to be told in one dialog: always the newest state, and what has ended since the last NOTIFY. */
export interface RegNotice {
  readonly ended: readonly EndedContact[]
  /** It is the last one. */
  readonly final: FinalReason | undefined
  /** The set as it was when nothing was left of it. */
  readonly lastSet: RegistrationSet | undefined
}

export interface RegNotifierOptions {
  readonly clock: Clock
  /** The subscription as it is now; undefined when it has ended. */
  readonly current: (id: string) => RegSubscription | undefined
  /** Whether this replica may tell what it remembers. */
  readonly isLive: () => boolean
  readonly send: (
    subscription: RegSubscription,
    notice: RegNotice,
    cseq: number,
    mayLeave: () => boolean,
    done: (outcome: NotifyOutcome) => void,
  ) => void
  /** The last NOTIFY was answered, or the dialog is gone, or was unreachable for too long. */
  readonly onEnd: (id: string) => void
}

interface Telling {
  readonly id: string
  state: 'waiting' | 'flying' | 'resting' | 'backing-off'
  notice: RegNotice | undefined
  /** CSeq of the last NOTIFY. */
  cseq: number
  failures: number
  firstFailureMs: number
  timer: Timer | undefined
}

/**
 * Tells subscribers. One NOTIFY is under way in a dialog at a time; what happens meanwhile joins the next. One that cannot
 * be reached is tried again later and later, and given up in the end.
 *
 * CSeq, and with it the document's version, grows over hand-overs: each owner has a stride of its own (`limits.ts`).
 *
 * @see RFC 6665 section 4.2.2, RFC 3680 section 4.8
 */
export class RegNotifier {
  readonly #o: RegNotifierOptions
  readonly #tellings = new Map<string, Telling>()
  /** From `#first` on; what is before it has had its turn. */
  #waiting: Telling[] = []
  #first = 0
  #epoch = 0
  #flights = 0
  #isStopped = false

  constructor(options: RegNotifierOptions) {
    this.#o = options
  }

  /** Dialogs in which this owner has told something. */
  get size(): number {
    return this.#tellings.size
  }

  /** From now on this owner tells. */
  begin(epoch: number): void {
    this.#epoch = epoch
  }

  /** Takes what is to be told; it must be durable. */
  offer(subscription: RegSubscription, notice: RegNotice): void {
    if (this.#isStopped) return
    const telling = this.#tellingOf(subscription)
    telling.notice = merged(telling.notice, notice)
    // Who leaves is reachable now, or will never be: no use in waiting on.
    if (telling.state === 'resting' || (telling.state === 'backing-off' && notice.final)) this.#wait(telling)
  }

  /** Where the CSeqs of a dialog stand, for the record of a refresh. */
  baseOf(subscription: RegSubscription): RegSubscription['notifyBase'] {
    const cseq = this.#tellings.get(subscription.id)?.cseq ?? this.#floor(subscription)
    return { cseq, epoch: this.#epoch }
  }

  /** Nothing is told in this dialog any more. */
  drop(id: string): void {
    this.#tellings.get(id)?.timer?.cancel()
    this.#tellings.delete(id)
  }

  /** Nothing is sent any more, and no answer heard. */
  stop(): void {
    this.#isStopped = true
    for (const { timer } of this.#tellings.values()) timer?.cancel()
    this.#tellings.clear()
    this.#waiting = []
    this.#first = 0
  }

  #tellingOf(subscription: RegSubscription): Telling {
    const { id } = subscription
    const known = this.#tellings.get(id)
    if (known) return known
    const cseq = this.#floor(subscription)
    const telling: Telling = {
      id,
      state: 'resting',
      notice: undefined,
      cseq,
      failures: 0,
      firstFailureMs: 0,
      timer: undefined,
    }
    this.#tellings.set(id, telling)
    return telling
  }

  /** All CSeqs up to it were other owners', or were used before the last record. */
  #floor({ notifyBase }: RegSubscription): number {
    // guard: reg-event-stride — a late NOTIFY of the owner before must be out of order
    return notifyBase.cseq + (this.#epoch - notifyBase.epoch) * NOTIFY_CSEQ_STRIDE
  }

  #wait(telling: Telling): void {
    telling.timer?.cancel()
    telling.timer = undefined
    telling.state = 'waiting'
    this.#waiting.push(telling)
    this.#sendSome()
  }

  #sendSome(): void {
    while (!this.#isStopped && this.#flights < FLIGHTS_MAX) {
      const telling = this.#nextWaiting()
      if (!telling) return
      if (telling.state === 'waiting' && this.#tellings.get(telling.id) === telling) this.#send(telling)
    }
  }

  /** A hand-over puts a whole partition here: taking the first one must not move all others. */
  #nextWaiting(): Telling | undefined {
    const telling = this.#waiting[this.#first]
    if (telling) this.#first += 1
    if (!telling || this.#first >= WAITING_TRIM) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
    return telling
  }

  #send(telling: Telling): void {
    const { id, notice } = telling
    assert(notice, 'what waits has something to tell')
    const subscription = this.#o.current(id)
    if (!subscription) {
      this.drop(id)
      return
    }
    if (!this.#mayLeave(telling)) {
      this.#backOff(telling)
      return
    }
    const cseq = telling.cseq + 1
    const isUsedUp = cseq >= NOTIFY_CSEQ_MAX || cseq - this.#floor(subscription) >= NOTIFY_CSEQ_STRIDE
    const told = isUsedUp ? { ...notice, final: notice.final ?? ('deactivated' as const) } : notice
    telling.cseq = cseq
    telling.state = 'flying'
    telling.notice = undefined
    this.#flights += 1
    this.#o.send(
      subscription,
      told,
      cseq,
      () => this.#mayLeave(telling),
      (outcome) => {
        this.#flights -= 1
        if (this.#tellings.get(id) === telling) this.#done(telling, told, outcome)
        this.#sendSome()
      },
    )
  }

  /** Asked each time that a NOTIFY is about to leave, also after it has waited in the hop. */
  #mayLeave(telling: Telling): boolean {
    // guard: reg-event-lease — a replica that is cut off tells nobody anything: another may know better by now
    return !this.#isStopped && this.#o.isLive() && this.#tellings.get(telling.id) === telling
  }

  #done(telling: Telling, told: RegNotice, outcome: NotifyOutcome): void {
    switch (outcome) {
      case 'delivered':
        telling.failures = 0
        if (told.final) this.#end(telling)
        else if (telling.notice) this.#wait(telling)
        else telling.state = 'resting'
        return
      case 'gone':
        this.#end(telling)
        return
      case 'unreachable':
      case 'withdrawn':
        // What was to be told then comes before what came since.
        telling.notice = merged(told, telling.notice)
        this.#backOff(telling)
        return
    }
  }

  #backOff(telling: Telling): void {
    const nowMs = this.#o.clock.monotonic()
    if (telling.failures === 0) telling.firstFailureMs = nowMs
    telling.failures += 1
    if (nowMs - telling.firstFailureMs >= GRACE_MS) {
      this.#end(telling)
      return
    }
    telling.state = 'backing-off'
    const waitMs = BACK_OFF_MS[Math.min(telling.failures, BACK_OFF_MS.length) - 1] ?? GRACE_MS
    telling.timer = this.#o.clock.setTimer(waitMs, () => this.#wait(telling))
  }

  #end(telling: Telling): void {
    this.drop(telling.id)
    this.#o.onEnd(telling.id)
  }
}

function merged(before: RegNotice | undefined, after: RegNotice | undefined): RegNotice {
  const newest = after ?? before
  assert(newest, 'there is something to tell')
  if (!before || !after) return newest
  const ended = new Map<string, EndedContact>()
  for (const end of [...before.ended, ...after.ended]) ended.set(contactKey(end.contact), end)
  return {
    ended: [...ended.values()].slice(-ENDED_UNTOLD_MAX),
    final: before.final ?? after.final,
    lastSet: after.lastSet ?? before.lastSet,
  }
}
