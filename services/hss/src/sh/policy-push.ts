import type { Clock } from '@rollcall/core'
import type { PushNotificationRequest } from '@rollcall/proto-gen/sh'
import { RpcError, type RpcErrorCode } from '@rollcall/runtime'
import { PolicyNotInForceError } from '../errors.ts'

/**
 * How long one Presence Server may take: it may have to wait for the partition to arrive (3 s) or for a lease to end (2 s).
 * One that is stopped in its tracks costs no more than this; what it did until then is not lost, for a push may come twice.
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

/** One replica of the Presence Server. */
export interface PresenceServer {
  /** `HOST:PORT` */
  readonly target: string
  /** Resolves when the data is in force. @throws RpcError */
  push(request: PushNotificationRequest, deadlineMs: number): Promise<void>
}

/**
 * Tells the Presence Servers of changed user data until one of them says that it is in force: any replica will do, it
 * hands the data to the one that owns the presentity.
 *
 * @see TS 29.328 clause 6.1.4 (Sh-Notif)
 */
export class PolicyPush {
  readonly #servers: readonly PresenceServer[]
  readonly #clock: Clock
  readonly #onOutcome: (outcome: PushOutcome) => void
  /** The one that answered last is asked first. */
  #first = 0
  #isClosed = false

  constructor(o: {
    readonly servers: readonly PresenceServer[]
    readonly clock: Clock
    readonly onOutcome?: (outcome: PushOutcome) => void
  }) {
    this.#servers = o.servers
    this.#clock = o.clock
    this.#onOutcome = o.onOutcome ?? (() => {})
  }

  /** @throws PolicyNotInForceError when none said so within `deadlineMs`. */
  async push(request: PushNotificationRequest, deadlineMs: number): Promise<void> {
    const dueMs = this.#clock.monotonic() + deadlineMs
    const final = new Set<PresenceServer>()
    let problem = 'no Presence Server was asked in time'
    for (let pauseMs = ROUND_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, ROUND_PAUSE_MS_MAX)) {
      for (const server of this.#inTurn()) {
        const leftMs = dueMs - this.#clock.monotonic()
        if (leftMs <= 0 || this.#isClosed) throw new PolicyNotInForceError(request.revision, problem)
        if (final.has(server)) continue
        try {
          await server.push(request, Math.min(leftMs, ATTEMPT_MS_MAX))
          this.#first = this.#servers.indexOf(server)
          this.#onOutcome('in-force')
          return
        } catch (error) {
          if (!(error instanceof RpcError)) throw error
          problem = `${server.target}: ${error.message}`
          const isTemporary = TEMPORARY.has(error.code)
          this.#onOutcome(isTemporary ? 'tried-again' : 'refused')
          if (!isTemporary) final.add(server)
        }
      }
      const leftMs = dueMs - this.#clock.monotonic()
      if (leftMs <= pauseMs || final.size === this.#servers.length) {
        throw new PolicyNotInForceError(request.revision, problem)
      }
      await new Promise<void>((resolve) => this.#clock.setTimer(pauseMs, resolve))
    }
  }

  /** Whoever is pushing gives up at the next step. */
  close(): void {
    this.#isClosed = true
  }

  #inTurn(): PresenceServer[] {
    return [...this.#servers.slice(this.#first), ...this.#servers.slice(0, this.#first)]
  }
}
