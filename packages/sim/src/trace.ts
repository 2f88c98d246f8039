/** How many of the last events are kept. */
const KEPT_MAX = 5_000

/** What happened, for whoever looks for the reason of a fault, and a digest of all of it. */
export class Trace {
  readonly #kept: string[] = []
  readonly #now: () => number
  #digest = 0x811c_9dc5
  #count = 0

  constructor(now: () => number) {
    this.#now = now
  }

  note(text: string): void {
    const line = `${this.#now().toFixed(1).padStart(9)} ${text}`
    this.#count += 1
    this.#kept.push(line)
    if (this.#kept.length >= 2 * KEPT_MAX) this.#kept.splice(0, KEPT_MAX)
    for (let at = 0; at < line.length; at += 1) {
      this.#digest = Math.imul(this.#digest ^ line.charCodeAt(at), 0x0100_0193) >>> 0
    }
  }

  /** The last events. */
  get lines(): readonly string[] {
    return this.#kept
  }

  /** Two runs with the same one went the same way. */
  get digest(): string {
    return `${this.#count}-${this.#digest.toString(16).padStart(8, '0')}`
  }
}
