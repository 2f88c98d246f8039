import { type BucketSettings, type Clock, TokenBuckets } from '@rollcall/core'

/**
 * Lets new requests through at a rate a sender, before anything is remembered of them. A retransmission of a request
 * that was let through passes free: it costs no more than its answer, and refusing it would answer twice.
 */
export class RequestGate {
  readonly #clock: Clock
  readonly #buckets: TokenBuckets
  readonly #rememberMs: number
  readonly #max: number
  /** When each is forgotten, oldest first: all are remembered equally long. */
  readonly #admitted = new Map<string, number>()

  /**
   * @param o.rememberMs how long retransmissions may come: 64*T1.
   * @param o.max requests remembered; beyond it the oldest are taken for new ones.
   */
  constructor(o: {
    readonly clock: Clock
    readonly bucket: BucketSettings
    readonly rememberMs: number
    readonly max: number
  }) {
    this.#clock = o.clock
    this.#buckets = new TokenBuckets(o.clock, o.bucket)
    this.#rememberMs = o.rememberMs
    this.#max = o.max
  }

  get size(): number {
    return this.#admitted.size
  }

  /** Senders whose bucket is not known to be full. */
  get senders(): number {
    return this.#buckets.size
  }

  /** Lets go of what is past its time. */
  sweep(): void {
    this.#forget(this.#clock.monotonic())
    this.#buckets.sweep()
  }

  /**
   * Whether the request `requestKey` of `sender` may go on. One without a key cannot be told from its retransmission:
   * each counts.
   */
  admit(sender: string, requestKey: string | undefined): boolean {
    if (requestKey === undefined) return this.#buckets.take(sender)
    const nowMs = this.#clock.monotonic()
    this.#forget(nowMs)
    const key = `${sender}\n${requestKey}`
    if (this.#admitted.has(key)) return true
    if (!this.#buckets.take(sender)) return false
    this.#admitted.set(key, nowMs + this.#rememberMs)
    return true
  }

  #forget(nowMs: number): void {
    for (const [key, untilMs] of this.#admitted) {
      if (untilMs > nowMs && this.#admitted.size < this.#max) return
      this.#admitted.delete(key)
    }
  }
}
