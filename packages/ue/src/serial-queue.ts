/** Runs one thing after the other, in the order in which they were asked for. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when everything before it has ended, well or not. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    // Whoever asked gets the failure; the next in the line only waits for the end.
    this.#last = result.catch(() => undefined)
    return result
  }
}
