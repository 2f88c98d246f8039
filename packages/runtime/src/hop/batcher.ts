import { encodeBatch, messageOctetsMax, type OutboundMessage } from './codec.ts'

/**
 * A batch ends at whichever comes first; its octets are those of the envelopes, too. A longer message would travel alone: who
 * pushes refuses it, for what gRPC does not take (1 MiB) ends the stream.
 */
export const BATCH_MESSAGES_MAX = 64
export const BATCH_BYTES_MAX = 256 * 1024

/**
 * Gathers what one turn of the event loop has to say and writes it in batches at the turn's end. Stops while the stream
 * below is full; meanwhile batches grow by themselves.
 */
export class Batcher<T extends OutboundMessage> {
  readonly #write: (octets: Buffer, messages: readonly T[]) => boolean
  readonly #isWanted: (message: T) => boolean
  #queue: T[] = []
  #head = 0
  #isScheduled = false
  #isBlocked: boolean
  #isStopped = false

  /**
   * @param o.write takes a batch and says whether it wants more now; if not, call `resume` when it does.
   * @param o.isWanted asked before a message goes out: one that nobody waits for any more is left out.
   * @param o.isBlocked begins stopped, until `resume`.
   */
  constructor(o: {
    write: (octets: Buffer, messages: readonly T[]) => boolean
    isWanted?: (message: T) => boolean
    isBlocked?: boolean
  }) {
    this.#write = o.write
    this.#isWanted = o.isWanted ?? (() => true)
    this.#isBlocked = o.isBlocked ?? false
  }

  /** Messages not yet written. */
  get length(): number {
    return this.#queue.length - this.#head
  }

  push(message: T): void {
    this.#queue.push(message)
    this.#schedule()
  }

  /** The stream below wants more. */
  resume(): void {
    this.#isBlocked = false
    this.#schedule()
  }

  /** Ends it, and gives back what was not written, in order. */
  stop(): T[] {
    this.#isStopped = true
    const left = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    return left
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isBlocked || this.#isStopped || this.length === 0) return
    this.#isScheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isScheduled = false
    while (!this.#isBlocked && !this.#isStopped && this.length > 0) {
      const messages = this.#take()
      if (messages.length > 0 && !this.#write(encodeBatch(messages), messages)) this.#isBlocked = true
    }
  }

  #take(): T[] {
    const messages: T[] = []
    let bytes = 0
    for (; this.#head < this.#queue.length && messages.length < BATCH_MESSAGES_MAX; this.#head++) {
      const message = this.#queue[this.#head]
      if (!message) continue
      // Asked only of what goes out now: of what does not fit it is asked with the next batch.
      const octets = messageOctetsMax(message)
      if (bytes + octets > BATCH_BYTES_MAX && messages.length > 0) break
      if (!this.#isWanted(message)) continue
      bytes += octets
      messages.push(message)
    }
    this.#compact()
    return messages
  }

  /** Lets go of what was taken, at a cost that is constant a message. */
  #compact(): void {
    if (this.#head * 2 < this.#queue.length) return
    this.#queue = this.#head === this.#queue.length ? [] : this.#queue.slice(this.#head)
    this.#head = 0
  }
}
