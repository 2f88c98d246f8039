import type { Clock, Timer } from '@rollcall/core'
import { TlsIdentityError } from './errors.ts'

/** Mounted secrets change by a swap of links that file watchers miss; small files are cheap to read again. */
const RELOAD_MS = 10_000

export interface WatchedFilesOptions<T> {
  /** @throws TlsIdentityError for files that cannot be used. */
  readonly read: () => Promise<T>
  readonly isSame: (a: T, b: T) => boolean
  readonly clock: Clock
  readonly reloadMs?: number | undefined
  /** Told once of files that cannot be used; the last good ones stay. */
  readonly onRefused?: ((error: TlsIdentityError) => void) | undefined
}

/** What files of certificates hold, read again while the process runs. What they hold wrongly is refused, and the last good stays. */
export class WatchedFiles<T> implements Disposable {
  readonly #o: WatchedFilesOptions<T>
  #value: T
  #timer: Timer | undefined
  #refused: string | undefined

  private constructor(o: WatchedFilesOptions<T>, value: T) {
    this.#o = o
    this.#value = value
  }

  /** @throws TlsIdentityError */
  static async load<T>(o: WatchedFilesOptions<T>): Promise<WatchedFiles<T>> {
    const files = new WatchedFiles(o, await o.read())
    files.#watch()
    return files
  }

  /** What is in use now; another object once it was renewed. */
  get value(): T {
    return this.#value
  }

  /** Looks at the files now. */
  async reload(): Promise<void> {
    const { read, isSame, onRefused } = this.#o
    try {
      const fresh = await read()
      this.#refused = undefined
      if (!isSame(fresh, this.#value)) this.#value = fresh
    } catch (error) {
      if (!(error instanceof TlsIdentityError)) throw error
      if (this.#refused !== error.message) onRefused?.(error)
      this.#refused = error.message
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #watch(): void {
    const { clock, reloadMs = RELOAD_MS } = this.#o
    const again = async (): Promise<void> => {
      await this.reload()
      if (this.#timer) this.#timer = clock.setTimer(reloadMs, again)
    }
    this.#timer = clock.setTimer(reloadMs, again)
  }
}
