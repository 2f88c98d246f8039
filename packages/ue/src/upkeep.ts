import { type Clock, RollcallError, type Timer } from '@rollcall/core'
import { NoAnswerError, UeClosedError } from './errors.ts'
import type { UeEvent } from './events.ts'
import { reregisterAfterMs } from './registration/registration.ts'
import type { UeSettings } from './settings.ts'

/** After the registration was lost: the first attempt to come back, and the longest time between two. */
const RECOVERY_MS_MIN = 1_000
const RECOVERY_MS_MAX = 60_000

/** What the upkeep may do with its UE. */
export interface UpkeepWork {
  reregister(): Promise<unknown>
  reregisterFromScratch(): Promise<unknown>
  /** @throws NoAnswerError when the P-CSCF has our SAs no more. */
  checkAlive(): Promise<void>
  /** Tells the network again what it had been told before the registration was lost. */
  sayAgain(): Promise<void>
  emit(event: UeEvent): void
}

/**
 * What a registered UE does by itself: registers again in time, looks whether its P-CSCF is alive, and comes back when it
 * was lost. Off with the setting `refreshes`.
 *
 * @see TS 24.229 clauses 5.1.1.2.1 and 5.1.1.4.1
 */
export class Upkeep {
  readonly #clock: Clock
  readonly #settings: UeSettings
  readonly #work: UpkeepWork
  #reregisterTimer: Timer | undefined
  #aliveTimer: Timer | undefined
  /** Ends the pause between two attempts to come back. */
  #wake: (() => void) | undefined
  #isRecovering = false
  #isStopped = false

  constructor(clock: Clock, settings: UeSettings, work: UpkeepWork) {
    this.#clock = clock
    this.#settings = settings
    this.#work = work
  }

  /** The UE is registered (again) for so long. */
  registered(expiresSeconds: number): void {
    this.#cancelTimers()
    this.#isStopped = false
    if (!this.#settings.refreshes) return
    this.#reregisterTimer = this.#clock.setTimer(reregisterAfterMs(expiresSeconds), () => void this.#reregister())
    this.#watchOver()
  }

  /** The network took the registration back; the UE comes back by itself after so long. */
  returnAfter(delayMs: number): void {
    this.#cancelTimers()
    if (!this.#settings.refreshes || this.#isRecovering) return
    this.#isStopped = false
    this.#reregisterTimer = this.#clock.setTimer(delayMs, () => this.lost(undefined))
  }

  /** The sequence numbers of the SAs come to their end: new SAs, while the old ones still carry that. */
  renew(): void {
    if (this.#isStopped || this.#isRecovering || !this.#settings.refreshes) return
    void this.#reregister()
  }

  /** Something that the UE did by itself came to nothing. What is no failure of the world's is thrown on. */
  failed(what: 'registration' | 'publication' | 'subscription', error: unknown): void {
    if (!(error instanceof RollcallError)) throw error
    if (this.#isStopped) return
    this.#work.emit({ kind: 'refresh-failed', what, error })
    if (what === 'registration' || error instanceof NoAnswerError) this.lost(error)
  }

  /** The registration is gone, as a P-CSCF without our SAs looks: nothing comes back. The UE begins anew. */
  lost(error: RollcallError | undefined): void {
    if (this.#isStopped || this.#isRecovering) return
    this.#cancelTimers()
    this.#work.emit({ kind: 'registration-lost', error })
    if (this.#settings.refreshes) void this.#recover()
  }

  /** Nothing happens by itself any more, until the UE is registered again. */
  stop(): void {
    this.#isStopped = true
    this.#cancelTimers()
    this.#wake?.()
  }

  async #recover(): Promise<void> {
    this.#isRecovering = true
    try {
      for (let delayMs = RECOVERY_MS_MIN; !this.#isStopped; delayMs = Math.min(2 * delayMs, RECOVERY_MS_MAX)) {
        if (await this.#isBack()) break
        await this.#pause(delayMs)
      }
    } finally {
      this.#isRecovering = false
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(delayMs, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  async #isBack(): Promise<boolean> {
    try {
      await this.#work.reregisterFromScratch()
      await this.#work.sayAgain()
      return true
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      if (error instanceof UeClosedError || this.#isStopped) return true
      this.#work.emit({ kind: 'refresh-failed', what: 'registration', error })
      return false
    }
  }

  async #reregister(): Promise<void> {
    try {
      await this.#work.reregister()
    } catch (error) {
      this.failed('registration', error)
    }
  }

  #watchOver(): void {
    const { aliveCheckMs } = this.#settings
    if (aliveCheckMs > 0) this.#aliveTimer = this.#clock.setTimer(aliveCheckMs, () => void this.#checkAlive())
  }

  async #checkAlive(): Promise<void> {
    try {
      await this.#work.checkAlive()
      if (!this.#isStopped && !this.#isRecovering) this.#watchOver()
    } catch (error) {
      this.failed('registration', error)
    }
  }

  #cancelTimers(): void {
    this.#reregisterTimer?.cancel()
    this.#aliveTimer?.cancel()
  }
}
