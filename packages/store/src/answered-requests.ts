import type { Clock } from '@rollcall/core'

/** What makes two arrivals the same request (RFC 3261 section 17.2.3): the UE's own branch, from its Via. */
export interface RequestKey {
  readonly callId: string
  readonly cseq: number
  readonly branch: string
}

/** Answers that came one after the other, and go together. */
interface Generation<A> {
  readonly answers: Map<string, A>
  /** When the newest of them was given. */
  lastMs: number
}

/** Generations that are kept beside the newest one: an answer is kept for up to a quarter longer than it must be. */
const GENERATIONS = 4

/**
 * Answers of requests, kept for as long as a retransmission may arrive (64*T1), so that a second arrival gets the
 * first one's answer; rebuilt from the log, also after a take-over. Bounded by time and by number, oldest first.
 *
 * There is one of these for each request of half a minute, so they are forgotten by the generation: nothing is kept
 * beside the answer, and none is taken out by itself.
 */
export class AnsweredRequests<A> {
  readonly #retainMs: number
  readonly #generationMax: number
  readonly #clock: Clock
  /** Newest first. */
  #generations: Generation<A>[] = []
  /** When the newest generation began. */
  #sinceMs = Number.NEGATIVE_INFINITY

  /** @param o.entriesMax answers kept at least before the oldest go early; no more than a quarter beyond it are kept. */
  constructor(o: { retainMs: number; entriesMax: number; clock: Clock }) {
    this.#retainMs = o.retainMs
    this.#generationMax = Math.ceil(o.entriesMax / GENERATIONS)
    this.#clock = o.clock
  }

  get size(): number {
    return this.#generations.reduce((sum, { answers }) => sum + answers.size, 0)
  }

  find(key: RequestKey): A | undefined {
    const text = textOf(key)
    const keptSinceMs = this.#keptSinceMs()
    for (const { answers, lastMs } of this.#generations) {
      const answer = lastMs > keptSinceMs ? answers.get(text) : undefined
      if (answer !== undefined) return answer
    }
    return undefined
  }

  /** Keeps the answer of a request that was answered at `atMs`, epoch milliseconds. */
  remember(key: RequestKey, answer: A, atMs: number): void {
    if (atMs <= this.#keptSinceMs()) return
    const generation = this.#newest()
    generation.answers.set(textOf(key), answer)
    generation.lastMs = Math.max(generation.lastMs, atMs)
  }

  /** All that may be asked for still, oldest first; `atMs` is when each was answered, or a little later. */
  *entries(): Iterable<{ readonly key: RequestKey; readonly answer: A; readonly atMs: number }> {
    const keptSinceMs = this.#keptSinceMs()
    for (const { answers, lastMs } of this.#generations.toReversed()) {
      if (lastMs <= keptSinceMs) continue
      for (const [text, answer] of answers) yield { key: keyOf(text), answer, atMs: lastMs }
    }
  }

  /** What was answered then or before is not kept. */
  #keptSinceMs(): number {
    return this.#clock.now() - this.#retainMs
  }

  /** The generation that takes what comes now. */
  #newest(): Generation<A> {
    const [newest] = this.#generations
    const nowMs = this.#clock.monotonic()
    const isOld = nowMs - this.#sinceMs >= this.#retainMs / GENERATIONS
    if (newest && !isOld && newest.answers.size < this.#generationMax) return newest
    const fresh: Generation<A> = { answers: new Map(), lastMs: Number.NEGATIVE_INFINITY }
    const keptSinceMs = this.#keptSinceMs()
    const kept = this.#generations.filter(({ lastMs }) => lastMs > keptSinceMs).slice(0, GENERATIONS)
    this.#generations = [fresh, ...kept]
    this.#sinceMs = nowMs
    return fresh
  }
}

function keyOf(text: string): RequestKey {
  const first = text.indexOf(' ')
  const second = text.indexOf(' ', first + 1)
  return {
    callId: text.slice(second + 1),
    cseq: Number(text.slice(0, first)),
    branch: text.slice(first + 1, second),
  }
}

/** Call-ID and branch hold no space (RFC 3261 section 25.1). */
function textOf(key: RequestKey): string {
  return `${key.cseq} ${key.branch} ${key.callId}`
}
