import { assert } from '@rollcall/core'

/** RFC 4303 section 3.4.3: 64 is the size to use by default. */
export const REPLAY_WINDOW_DEFAULT = 64
/** `Choice:` beyond this a window protects nothing any more, and costs memory in each SA. */
const REPLAY_WINDOW_MAX = 4096
const WORD_BITS = 32

/**
 * Which of the last sequence numbers have been seen. A ring of 32-bit words, of which one more is kept than the window
 * needs: moving forward clears whole words and shifts nothing.
 *
 * First `check`, then the packet's integrity, then `accept`.
 *
 * @see RFC 4303 section 3.4.3, RFC 6479
 */
export class ReplayWindow {
  readonly #size: number
  readonly #words: Uint32Array
  #top = 0

  constructor(size: number = REPLAY_WINDOW_DEFAULT) {
    assert(size > 0 && size <= REPLAY_WINDOW_MAX && size % WORD_BITS === 0, `no replay window of ${size}`)
    this.#size = size
    this.#words = new Uint32Array(size / WORD_BITS + 1)
  }

  /** The highest sequence number accepted. */
  get top(): number {
    return this.#top
  }

  /** Whether `sequence` is neither zero, nor left of the window, nor seen before. */
  check(sequence: number): boolean {
    if (sequence > this.#top) return true
    // guard: replay-window-left — what lies left of the window may have come before
    if (sequence === 0 || this.#top - sequence >= this.#size) return false
    // guard: replay-window-seen — what was seen inside the window is not fresh
    return ((this.#words[this.#wordOf(sequence)] ?? 0) & (1 << (sequence % WORD_BITS))) === 0
  }

  /** Notes a sequence number that passed `check` and whose packet is genuine. */
  accept(sequence: number): void {
    if (sequence > this.#top) {
      this.#clearBetween(this.#top, sequence)
      this.#top = sequence
    }
    const word = this.#wordOf(sequence)
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (sequence % WORD_BITS))
  }

  /** Clears the words that come into use between the old top and the new one. */
  #clearBetween(from: number, to: number): void {
    const fromWord = Math.floor(from / WORD_BITS)
    const steps = Math.min(Math.floor(to / WORD_BITS) - fromWord, this.#words.length)
    // guard: replay-window-clear — a word that comes into use again must not hold old bits
    for (let step = 1; step <= steps; step++) this.#words[(fromWord + step) % this.#words.length] = 0
  }

  #wordOf(sequence: number): number {
    return Math.floor(sequence / WORD_BITS) % this.#words.length
  }
}
