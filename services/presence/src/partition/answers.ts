import type { Answer } from '../actor/decision.ts'

/** Why the owner gives no answer of its own. */
export type UnavailableReason =
  | 'store-away'
  | 'store-full'
  | 'partition-lost'
  | 'partition-full'
  /** Too much waits for the log already, or waits for too long. */
  | 'overload'
  /** Nothing is told before the store has confirmed again that the partition is ours. */
  | 'lease-ended'
  /** The policy changed while the request was under way. */
  | 'policy-stale'

/** Hears of the end of a request: once. */
export interface AnswerListener {
  answer(answer: Answer): void
  /** The outcome is unknown or nothing was done: 503, try again later. */
  unavailable(reason: UnavailableReason): void
}

/** Arrivals of one request that wait for its answer; more are told to come again. */
const ARRIVALS_MAX = 16

/** Shared by all who wait no longer: an answer is kept for half a minute. */
const NOBODY: AnswerListener[] = []

/**
 * The answer to one request that changed something: it waits for its record to be durable, and with it all arrivals of
 * the same request.
 */
export class PendingAnswer {
  readonly #answer: Answer
  #state: 'pending' | 'open' | 'durable'
  #listeners: AnswerListener[]

  constructor(answer: Answer, state: 'pending' | 'durable', listeners: AnswerListener[] = NOBODY) {
    this.#answer = answer
    this.#state = state
    this.#listeners = listeners
  }

  get answer(): Answer {
    return this.#answer
  }

  /** The same request has come again. */
  join(listener: AnswerListener): void {
    switch (this.#state) {
      case 'durable':
        listener.answer(this.#answer)
        return
      case 'open':
        listener.unavailable('store-away')
        return
      case 'pending':
        if (this.#listeners.length >= ARRIVALS_MAX) listener.unavailable('overload')
        else this.#listeners.push(listener)
        return
    }
  }

  /** The record is durable. */
  settle(): void {
    this.#state = 'durable'
    for (const listener of this.#take()) listener.answer(this.#answer)
  }

  /** The record may or may not become durable: those who wait wait no longer, a later arrival finds out. */
  leaveOpen(reason: UnavailableReason): void {
    this.#state = 'open'
    for (const listener of this.#take()) listener.unavailable(reason)
  }

  #take(): AnswerListener[] {
    const listeners = this.#listeners
    this.#listeners = NOBODY
    return listeners
  }
}
