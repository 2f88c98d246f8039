import { type Clock, RollcallError, type Timer } from '@rollcall/core'
import { parseReginfo, ReginfoError } from '@rollcall/reginfo'
import { isTransient, retryAfterMs } from '../answer.ts'
import type { UeEvent } from '../events.ts'
import type { Notification } from '../presence/notification.ts'
import type { Subscription } from '../presence/subscription.ts'
import type { UeSettings } from '../settings.ts'
import { type OwnContact, type OwnRegistration, readOwnRegistration } from './own-registration.ts'

/** `Choice:` the time before a new SUBSCRIBE: a second, doubled each time that it comes to nothing, a minute at most. */
const RENEW_MS_MIN = 1_000
const RENEW_MS_MAX = 60_000

/** Ends after which a new SUBSCRIBE would fare no better: it waits for the next registration. */
const FINAL_REASONS: readonly string[] = ['rejected', 'noresource', 'invariant', 'no-notify']

/** What the watch may do with its UE. */
export interface RegEventWork {
  readonly isRegistered: boolean
  readonly ownContact: OwnContact
  /** A subscription to the UE's own registration, not started yet. */
  createSubscription(): Subscription
  /** The network said this of our registration, in the SA set `setId`. */
  learn(state: OwnRegistration, setId: string): void
  dropped(): void
  emit(event: UeEvent): void
}

/**
 * A UE's subscription to its own registration: made after each initial registration, made anew when it ends or cannot be
 * refreshed. A network that has no such package, or refuses it, serves all the same: the UE goes on without.
 *
 * @see TS 24.229 clauses 5.1.1.3 and 5.1.1.7, RFC 3680 section 4
 */
export class RegEventWatch {
  readonly #clock: Clock
  readonly #settings: UeSettings
  readonly #work: RegEventWork
  #current: Subscription | undefined
  #renewTimer: Timer | undefined
  #renewMs = RENEW_MS_MIN

  constructor(clock: Clock, settings: UeSettings, work: RegEventWork) {
    this.#clock = clock
    this.#settings = settings
    this.#work = work
  }

  /** The UE is registered; an initial registration wants a subscription of its own. */
  registered(o: { readonly isInitial: boolean }): void {
    if (!this.#settings.subscribesToRegEvent) return
    if (o.isInitial) this.stop()
    if (this.#current) return
    this.#renewTimer?.cancel()
    void this.#watch()
  }

  /** The registration is over, and with it the subscription, without a word (TS 24.229 clause 5.1.1.6). */
  stop(): void {
    this.#renewTimer?.cancel()
    this.#renewMs = RENEW_MS_MIN
    const subscription = this.#current
    this.#current = undefined
    subscription?.end('registration-over')
  }

  async #watch(): Promise<void> {
    const subscription = this.#work.createSubscription()
    this.#current = subscription
    try {
      await subscription.start()
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#over(subscription, error)
      return
    }
    let version = -1
    for await (const notification of subscription) {
      if (this.#current === subscription) version = this.#read(notification, version)
    }
    this.#over(subscription, undefined)
  }

  /** Gives the version that has been seen: an older document says nothing new (RFC 3680 section 5.1). */
  #read({ body, setId, state }: Notification, version: number): number {
    if (state === 'active') this.#renewMs = RENEW_MS_MIN
    if (body.length === 0) return version
    try {
      const reginfo = parseReginfo(body)
      if (reginfo.version <= version) return version
      this.#work.learn(readOwnRegistration(reginfo, this.#work.ownContact), setId)
      return reginfo.version
    } catch (error) {
      if (!(error instanceof ReginfoError)) throw error
      this.#work.dropped()
      return version
    }
  }

  #over(subscription: Subscription, error: RollcallError | undefined): void {
    // Ended by ourselves, or another one has its place.
    if (this.#current !== subscription) return
    this.#current = undefined
    const reason = subscription.endReason ?? 'ended'
    this.#work.emit({ kind: 'reg-event-ended', reason, error })
    const isFinal = error === undefined ? FINAL_REASONS.includes(reason) : !isTransient(error)
    if (isFinal || !this.#settings.refreshes) return
    const delayMs = error === undefined ? this.#renewMs : retryAfterMs(error, this.#renewMs)
    this.#renewMs = Math.min(2 * this.#renewMs, RENEW_MS_MAX)
    this.#renewTimer = this.#clock.setTimer(delayMs, () => {
      if (this.#work.isRegistered) this.registered({ isInitial: false })
    })
  }
}
