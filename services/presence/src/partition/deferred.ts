/** What waits until the store is there again: of one kind about one subscription only the last. */
export class Deferred {
  readonly #acts = new Map<string, () => void>()

  get size(): number {
    return this.#acts.size
  }

  /** `key` names what it is about: so many acts may wait as there are subscriptions. */
  put(key: string, act: () => void): void {
    this.#acts.set(key, act)
  }

  /** Takes everything that waits. */
  take(): readonly (() => void)[] {
    const acts = [...this.#acts.values()]
    this.#acts.clear()
    return acts
  }

  clear(): void {
    this.#acts.clear()
  }
}
