/** Runs tasks of one key one after the other; tasks of different keys do not wait for each other. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `task` when every earlier task of `key` has ended, however it ended. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const tail = (before ?? Promise.resolve()).then(task, task)
    this.#tails.set(key, tail)
    try {
      return await tail
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    }
  }

  /** Keys with a task under way. */
  get size(): number {
    return this.#tails.size
  }
}
