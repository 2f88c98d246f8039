import type { Clock } from '@rollcall/core'
import { RpcError, type RpcErrorCode } from '@rollcall/runtime'

/**
 * How long one server may take: it may have to wait for the partition to arrive (3 s) or for a lease to end (2 s). One
 * that is stopped in its tracks costs no more than this; what it did until then is not lost, for a push may come twice.
 */
const ATTEMPT_MS_MAX = 4_000
/** Wait before all of them are tried again, doubled each time up to the longest. */
const ROUND_PAUSE_MS = 100
const ROUND_PAUSE_MS_MAX = 1_000

/** What another try, here or elsewhere, may heal. Any other refusal is that server's last word. */
const TEMPORARY: ReadonlySet<RpcErrorCode> = new Set<RpcErrorCode>([
  'RPC_UNAVAILABLE',
  'RPC_DEADLINE',
  'RPC_CANCELLED',
  'RPC_EXHAUSTED',
])

/** How one try ended. */
export type PushOutcome = 'in-force' | 'tried-again' | 'refused'

/** What came of asking all of them. */
export type PushResult<R> = { readonly ok: true; readonly answer: R } | { readonly ok: false; readonly problem: string }

/**
 * Asks replicas of another service in turn until one of them answers: any will do, it hands what it is told to the one
 * whose it is.
 */
export class PushRounds<S extends { readonly target: string }> {
  readonly #servers: readonly S[]
  readonly #clock: Clock
  readonly #onOutcome: (outcome: PushOutcome) => void
  /** The one that answered last is asked first. */
  #first = 0
  #isClosed = false

  constructor(o: {
    readonly servers: readonly S[]
    readonly clock: Clock
    readonly onOutcome?: (outcome: PushOutcome) => void
  }) {
    this.#servers = o.servers
    this.#clock = o.clock
    this.#onOutcome = o.onOutcome ?? (() => {})
  }

  /** The first answer within `deadlineMs`, or what the last one said who gave none. */
  async run<R>(ask: (server: S, deadlineMs: number) => Promise<R>, deadlineMs: number): Promise<PushResult<R>> {
    const dueMs = this.#clock.monotonic() + deadlineMs
    const final = new Set<S>()
    let problem = 'nobody was asked in time'
    for (let pauseMs = ROUND_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, ROUND_PAUSE_MS_MAX)) {
      for (const server of this.#inTurn()) {
        const leftMs = dueMs - this.#clock.monotonic()
        if (leftMs <= 0 || this.#isClosed) return { ok: false, problem }
        if (final.has(server)) continue
        try {
          const answer = await ask(server, Math.min(leftMs, ATTEMPT_MS_MAX))
          this.#first = this.#servers.indexOf(server)
          this.#onOutcome('in-force')
          return { ok: true, answer }
        } catch (error) {
          if (!(error instanceof RpcError)) throw error
          problem = `${server.target}: ${error.message}`
          const isTemporary = TEMPORARY.has(error.code)
          this.#onOutcome(isTemporary ? 'tried-again' : 'refused')
          if (!isTemporary) final.add(server)
        }
      }
      const leftMs = dueMs - this.#clock.monotonic()
      if (leftMs <= pauseMs || final.size === this.#servers.length) return { ok: false, problem }
      await new Promise<void>((resolve) => this.#clock.setTimer(pauseMs, resolve))
    }
  }

  /** Whoever is pushing gives up at the next step. */
  close(): void {
    this.#isClosed = true
  }

  #inTurn(): S[] {
    return [...this.#servers.slice(this.#first), ...this.#servers.slice(0, this.#first)]
  }
}
