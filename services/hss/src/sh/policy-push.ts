import type { Clock } from '@rollcall/core'
import type { PushNotificationRequest } from '@rollcall/proto-gen/sh'
import { PolicyNotInForceError } from '../errors.ts'
import { type PushOutcome, PushRounds } from '../push-rounds.ts'

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
  readonly #rounds: PushRounds<PresenceServer>

  constructor(o: {
    readonly servers: readonly PresenceServer[]
    readonly clock: Clock
    readonly onOutcome?: (outcome: PushOutcome) => void
  }) {
    this.#rounds = new PushRounds(o)
  }

  /** @throws PolicyNotInForceError when none said so within `deadlineMs`. */
  async push(request: PushNotificationRequest, deadlineMs: number): Promise<void> {
    const result = await this.#rounds.run((server, ms) => server.push(request, ms), deadlineMs)
    if (!result.ok) throw new PolicyNotInForceError(request.revision, result.problem)
  }

  /** Whoever is pushing gives up at the next step. */
  close(): void {
    this.#rounds.close()
  }
}
