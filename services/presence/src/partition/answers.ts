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

/** Who waits for an answer; or why nobody does any more. */
type Waiting = AnswerListener[] | 'durable' | 'open'

/**
 * The answer to one request that changed something: it waits for its record to be durable, and with it all arrivals of
 * the same request. Then it is kept for half a minute, as one text: there are many.
 */
export class PendingAnswer {
  #answer: Answer | string
  #waiting: Waiting

  constructor(answer: Answer, waiting: AnswerListener[] | 'durable') {
    this.#waiting = waiting
    this.#answer = waiting === 'durable' ? packAnswer(answer) : answer
  }

  get answer(): Answer {
    return typeof this.#answer === 'string' ? unpackAnswer(this.#answer) : this.#answer
  }

  /** The same request has come again. */
  join(listener: AnswerListener): void {
    if (this.#waiting === 'durable') listener.answer(this.answer)
    else if (this.#waiting === 'open') listener.unavailable('store-away')
    else if (this.#waiting.length >= ARRIVALS_MAX) listener.unavailable('overload')
    else this.#waiting.push(listener)
  }

  /** The record is durable. */
  settle(): void {
    const { answer } = this
    this.#answer = packAnswer(answer)
    for (const listener of this.#end('durable')) listener.answer(answer)
  }

  /** The record may or may not become durable: those who wait wait no longer, a later arrival finds out. */
  leaveOpen(reason: UnavailableReason): void {
    for (const listener of this.#end('open')) listener.unavailable(reason)
  }

  #end(as: 'durable' | 'open'): readonly AnswerListener[] {
    const waiting = this.#waiting
    this.#waiting = as
    return typeof waiting === 'string' ? [] : waiting
  }
}

/** Between the parts: in none of them, for each stands on one line of a message. */
const BETWEEN = '\n'

function packAnswer({ status, toTag, headers }: Answer): string {
  const parts = [String(status), toTag]
  for (const [name, value] of headers) parts.push(name, value)
  return parts.join(BETWEEN)
}

function unpackAnswer(packed: string): Answer {
  const [status, toTag = '', ...rest] = packed.split(BETWEEN)
  const headers: [string, string][] = []
  for (let at = 0; at + 1 < rest.length; at += 2) headers.push([rest[at] ?? '', rest[at + 1] ?? ''])
  return { status: Number(status), toTag, headers }
}
