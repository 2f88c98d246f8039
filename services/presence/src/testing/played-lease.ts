import type { Lease } from '@rollcall/store'

/** A lease that begins and ends when a test says so. */
export class PlayedLease implements Lease {
  readonly #listeners = new Set<(isLive: boolean) => void>()
  #isLive = true

  get isLive(): boolean {
    return this.#isLive
  }

  set isLive(isLive: boolean) {
    if (isLive === this.#isLive) return
    this.#isLive = isLive
    for (const listener of [...this.#listeners]) listener(isLive)
  }

  onChange(listener: (isLive: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
