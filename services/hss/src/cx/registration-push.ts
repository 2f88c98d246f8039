import type { Clock } from '@rollcall/core'
import { CxResult, type DeregistrationReason } from '@rollcall/proto-gen/cx'
import { type PushOutcome, PushRounds } from '../push-rounds.ts'
import { impusOf, type Subscriber } from '../subscribers/subscriber.ts'
import type { ScscfServer } from './scscf-servers.ts'

/**
 * What the HSS tells the S-CSCF by itself: that registrations end (RTR), and that a profile has changed (PPR). Tried again
 * and again until the caller's time is over; then what the S-CSCF holds runs out, or changes at the next REGISTER.
 *
 * @see TS 29.228 clauses 6.1.3 and 6.2.2
 */
export class RegistrationPush {
  readonly #rounds: PushRounds<ScscfServer>

  constructor(o: {
    readonly servers: readonly ScscfServer[]
    readonly clock: Clock
    readonly onOutcome: (outcome: PushOutcome) => void
  }) {
    this.#rounds = new PushRounds(o)
  }

  /** RTR for every private identity of a subscription; true when the S-CSCF has ended what it held. */
  async terminate(subscriber: Subscriber, reason: DeregistrationReason, deadlineMs: number): Promise<boolean> {
    const request = {
      canonicalImpu: subscriber.serviceProfile.canonicalImpu,
      impi: '',
      associatedImpis: [],
      impus: impusOf(subscriber),
      reason,
      reasonInfo: '',
      forwarded: false,
    }
    const result = await this.#rounds.run((server, ms) => server.terminate(request, ms), deadlineMs)
    return result.ok && result.answer.result === CxResult.CX_RESULT_SUCCESS
  }

  /** PPR; true when the new profile is in force. */
  async pushProfile(subscriber: Subscriber, deadlineMs: number): Promise<boolean> {
    const request = { impi: '', profile: subscriber.serviceProfile, forwarded: false }
    const result = await this.#rounds.run((server, ms) => server.pushProfile(request, ms), deadlineMs)
    return result.ok && result.answer.result === CxResult.CX_RESULT_SUCCESS
  }

  /** Whoever is pushing gives up at the next step. */
  close(): void {
    this.#rounds.close()
  }
}
