import type { Clock } from '@rollcall/core'

/** What makes two arrivals the same request (RFC 3261 section 17.2.3): the UE's own branch, from its Via. */
export interface RequestKey {
  readonly callId: string
  readonly cseq: number
  readonly branch: string
}

interface Entry<A> {
  readonly answer: A
  readonly atMs: number
}

/**
 * Answers of requests, kept for as long as a retransmission may arrive (64*T1), so that a second arrival gets the
 * first one's answer; rebuilt from the log, also after a take-over. Bounded by time and by number, oldest first.
 */
export class AnsweredRequests<A> {
  readonly #retainMs: number
  readonly #entriesMax: number
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry<A>>()

  constructor(o: { retainMs: number; entriesMax: number; clock: Clock }) {
    this.#retainMs = o.retainMs
    this.#entriesMax = o.entriesMax
    this.#clock = o.clock
  }

  get size(): number {
    return this.#entries.size
  }

  find(key: RequestKey): A | undefined {
    const entry = this.#entries.get(textOf(key))
    return entry && this.#isKept(entry) ? entry.answer : undefined
  }

  /** Keeps the answer of a request that was answered at `atMs`, epoch milliseconds. */
  remember(key: RequestKey, answer: A, atMs: number): void {
    const entry = { answer, atMs }
    if (!this.#isKept(entry)) return
    const text = textOf(key)
    this.#entries.delete(text)
    this.#entries.set(text, entry)
    for (const [oldText, old] of this.#entries) {
      if (this.#entries.size <= this.#entriesMax && this.#isKept(old)) break
      this.#entries.delete(oldText)
    }
  }

  /** All that may be asked for still, oldest first. */
  *entries(): Iterable<{ readonly key: RequestKey; readonly answer: A; readonly atMs: number }> {
    for (const [text, entry] of this.#entries) {
      if (this.#isKept(entry)) yield { key: keyOf(text), ...entry }
    }
  }

  #isKept(entry: Entry<A>): boolean {
    return entry.atMs > this.#clock.now() - this.#retainMs
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
