import type { Socket } from 'node:net'

/** What a sender may say of a message. */
export interface SendOptions {
  /**
   * Asked in the breath in which the message is written, also after it has waited. It must not throw, and must not send.
   */
  readonly mayLeave?: () => boolean
  /** `mayLeave` said no: the message has not left. */
  readonly onWithdrawn?: () => void
}

interface Waiting {
  readonly bytes: Buffer
  readonly options: SendOptions
}

/** Messages that wait for their connection, in order. */
export class SendQueue {
  readonly #bytesMax: number
  #waiting: Waiting[] = []
  #bytes = 0
  #isBlocked = false
  #isFlushing = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax
  }

  push(bytes: Buffer, options: SendOptions): void {
    this.#waiting.push({ bytes, options })
    this.#bytes += bytes.length
  }

  /** Writes until the socket has enough; it says when it wants more, and this is called again. */
  flush(socket: Socket): void {
    if (this.#isFlushing || (this.#isBlocked && socket.writableNeedDrain)) return
    this.#isFlushing = true
    // What one turn of the event loop has to say goes out in one segment, and in one TLS record.
    socket.cork()
    process.nextTick(() => socket.uncork())
    let written = 0
    this.#isBlocked = false
    while (!this.#isBlocked && written < this.#waiting.length) {
      const next = this.#waiting[written++]
      if (!next) break
      this.#bytes -= next.bytes.length
      // guard: stream-may-leave — what was forbidden while it waited does not leave
      if (next.options.mayLeave?.() === false) next.options.onWithdrawn?.()
      else this.#isBlocked = !socket.write(next.bytes)
    }
    this.#waiting.splice(0, written)
    this.#isFlushing = false
  }

  clear(): void {
    this.#waiting = []
    this.#bytes = 0
  }
}
