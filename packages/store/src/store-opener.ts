import { type Clock, RollcallError } from '@rollcall/core'

/** Wait between two attempts to open the store, unless said otherwise. Everybody waits for it. */
const RETRY_MS = 500

/** The store is open, or why it is not yet. */
export type OpenState<T> =
  | { readonly kind: 'open'; readonly value: T }
  | { readonly kind: 'opening'; readonly problem: string }

/**
 * Opens something that may not be there yet, again and again until it is, and never makes what is missing. An error that
 * is not for waiting, by default one that is none of the store's, gives `open` up.
 */
export class StoreOpener<T> {
  #state: OpenState<T> = { kind: 'opening', problem: 'STORE_CONNECTING' }
  readonly #clock: Clock
  readonly #open: () => Promise<T>
  readonly #onProblem: (error: RollcallError) => void
  readonly #isForWaiting: (error: RollcallError) => boolean
  readonly #retryMs: number

  constructor(options: {
    readonly clock: Clock
    readonly open: () => Promise<T>
    readonly isForWaiting?: (error: RollcallError) => boolean
    readonly retryMs?: number
    /** Called when the problem is another one than before. */
    readonly onProblem: (error: RollcallError) => void
  }) {
    this.#clock = options.clock
    this.#open = options.open
    this.#onProblem = options.onProblem
    this.#isForWaiting = options.isForWaiting ?? (({ code }) => code.startsWith('STORE_'))
    this.#retryMs = options.retryMs ?? RETRY_MS
  }

  get state(): OpenState<T> {
    return this.#state
  }

  /** Resolves when it is open, or when `signal` ended the attempts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#state = { kind: 'open', value: await this.#open() }
        return
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof RollcallError) || !this.#isForWaiting(error)) throw error
        this.#note(error)
      }
      await this.#pause(signal)
    }
  }

  #note(error: RollcallError): void {
    const isNews = this.#state.kind === 'opening' && this.#state.problem !== error.code
    this.#state = { kind: 'opening', problem: error.code }
    if (isNews) this.#onProblem(error)
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(this.#retryMs, end)
      function end(): void {
        timer.cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      signal.addEventListener('abort', end, { once: true })
    })
  }
}
