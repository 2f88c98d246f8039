/** Timer E's first wait and its longest (RFC 3261 section 17.1.2.2); on loopback only what was lost waits for it. */
const RESEND_MS = 500
const RESEND_MS_MAX = 4_000
/** Timer F. */
const GIVE_UP_MS = 32_000
const LOOK_MS = 50

interface Pending {
  readonly send: () => void
  readonly done: (status: number, response?: Buffer) => void
  readonly giveUpAtMs: number
  waitMs: number
  resendAtMs: number
}

/** Client transactions of all UEs of the generator, by the number in their branch. */
export class ClientRequests implements Disposable {
  readonly #pending = new Map<number, Pending>()
  readonly #timer: NodeJS.Timeout
  #branch = 0
  /** Requests that were sent again. */
  resent = 0

  constructor() {
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  /** The number of a new request. */
  nextBranch(): number {
    this.#branch += 1
    return this.#branch
  }

  /** Sends until a final response comes; 408 is none in time. `send` is called for each sending: in an SA each is another packet. */
  start(branch: number, send: () => void, done: (status: number, response?: Buffer) => void): void {
    const now = performance.now()
    this.#pending.set(branch, {
      send,
      done,
      giveUpAtMs: now + GIVE_UP_MS,
      waitMs: RESEND_MS,
      resendAtMs: now + RESEND_MS,
    })
    send()
  }

  /** Takes a final response; one that nobody waits for is a retransmission's. */
  take(branch: number, status: number, response: Buffer): void {
    const pending = this.#pending.get(branch)
    if (!pending || status < 200) return
    this.#pending.delete(branch)
    pending.done(status, response)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    for (const [branch, pending] of this.#pending) {
      if (now >= pending.giveUpAtMs) {
        this.#pending.delete(branch)
        pending.done(408)
      } else if (now >= pending.resendAtMs) {
        this.resent += 1
        pending.waitMs = Math.min(2 * pending.waitMs, RESEND_MS_MAX)
        pending.resendAtMs = now + pending.waitMs
        pending.send()
      }
    }
  }
}
