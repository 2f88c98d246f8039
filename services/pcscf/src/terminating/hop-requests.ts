import type { Clock } from '@rollcall/core'
import type { HopReply } from '@rollcall/runtime'

/** One request from the core, however often the hop brings it. */
export interface HopRequestEntry {
  /** Answers it, on the stream that brought it last. */
  answer(sip: Buffer): void
}

/** What waits for its answer has a way back; what was answered is the answer alone, and kept a hundred times longer. */
interface Entry {
  reply: HopReply | undefined
  /** Octets as latin1 text: as a Buffer they would keep the whole block of Node's pool that they were cut from. */
  answered: string | undefined
  readonly untilMs: number
}

/**
 * Absorbs doubles from the hop: a lost stream sends what is unanswered once more, with the same branch. The second
 * arrival gets the answer of the first, on its own stream, and the UE sees one request.
 *
 * @see readings, SIP hop 1; decision 005: transactions are at the edges
 */
export class HopRequests {
  readonly #clock: Clock
  readonly #rememberMs: number
  readonly #max: number
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>()

  constructor(o: { readonly clock: Clock; readonly rememberMs: number; readonly max: number }) {
    this.#clock = o.clock
    this.#rememberMs = o.rememberMs
    this.#max = o.max
  }

  get size(): number {
    return this.#entries.size
  }

  /** Lets go of what is past its time. */
  sweep(): void {
    this.#forget(this.#clock.monotonic())
  }

  /**
   * Takes a request in: its entry when it is new, undefined when an earlier arrival is being answered, or was. `full`
   * when there is no room.
   */
  take(key: string, reply: HopReply): HopRequestEntry | 'full' | undefined {
    const nowMs = this.#clock.monotonic()
    this.#forget(nowMs)
    const known = this.#entries.get(key)
    if (known) {
      if (known.answered === undefined) known.reply = reply
      else reply(Buffer.from(known.answered, 'latin1'))
      return undefined
    }
    if (this.#entries.size >= this.#max) return 'full'
    const entry: Entry = { reply, answered: undefined, untilMs: nowMs + this.#rememberMs }
    this.#entries.set(key, entry)
    return {
      answer(sip) {
        const { reply: replyNow } = entry
        if (!replyNow) return
        entry.answered = sip.toString('latin1')
        entry.reply = undefined
        replyNow(sip)
      },
    }
  }

  #forget(nowMs: number): void {
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) return
      this.#entries.delete(key)
    }
  }
}
