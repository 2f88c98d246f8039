import { PartitionLostError } from '../errors.ts'

/** The time in which an owner serves: from its take until it is handed over or lost. */
export class Lifetime {
  #state: 'serving' | 'releasing' | 'ended' = 'serving'
  readonly #listeners = new Set<(error: PartitionLostError) => void>()

  /** It decides and tells. */
  get isServing(): boolean {
    return this.#state === 'serving'
  }

  /** Nothing happens any more. */
  get isOver(): boolean {
    return this.#state === 'ended'
  }

  /** It decides nothing new; false when it did not serve any more before. */
  release(): boolean {
    if (this.#state !== 'serving') return false
    this.#state = 'releasing'
    return true
  }

  end(): void {
    this.#state = 'ended'
    for (const listener of [...this.#listeners]) listener(new PartitionLostError('partition-lost'))
  }

  /** The same promise, which fails with PartitionLostError when the end comes first. */
  within(promise: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isOver) {
        reject(new PartitionLostError('partition-lost'))
        return
      }
      this.#listeners.add(reject)
      promise.then(resolve, reject).finally(() => this.#listeners.delete(reject))
    })
  }
}
