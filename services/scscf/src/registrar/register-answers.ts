import type { Clock, Random } from '@rollcall/core'
import { AnsweredRequests, type RequestKey } from '@rollcall/store'
import { isMisdirected } from '../refusal.ts'
import { type Reply, replyResponse } from '../sip/answers.ts'
import type { Incoming } from '../sip/incoming.ts'
import type { AcceptedAnswer } from './attempt.ts'
import { acceptedReply, registerReply } from './register-reply.ts'
import type { RegisterRequest } from './register-request.ts'
import type { Registrar } from './registrar.ts'

export interface RegisterAnswersOptions {
  readonly clock: Clock
  readonly random: Random
  /** The realm of challenges. */
  readonly realm: string
  readonly registrar: Pick<Registrar, 'handle'>
  /** 200s that are in the log, also those of owners before. */
  readonly accepted: (key: RequestKey) => AcceptedAnswer | undefined
  /** How long, and how many, other answers are kept for retransmissions. */
  readonly answers: { readonly retainMs: number; readonly entriesMax: number }
}

/**
 * Keeps a REGISTER from being handled twice: a second arrival waits for the answer of the first, or gets it again, also
 * when another replica gave it before the partition came here.
 */
export class RegisterAnswers {
  readonly #options: RegisterAnswersOptions
  readonly #answered: AnsweredRequests<Reply>
  readonly #underWay = new Map<string, Incoming[]>()

  constructor(options: RegisterAnswersOptions) {
    this.#options = options
    this.#answered = new AnsweredRequests({ ...options.answers, clock: options.clock })
  }

  handle(incoming: Incoming, request: RegisterRequest): void {
    const before = this.#before(request.key)
    if (before) {
      incoming.reply(replyResponse(incoming.request, before))
      return
    }
    const name = JSON.stringify(request.key)
    const waiting = this.#underWay.get(name)
    if (waiting) {
      waiting.push(incoming)
      return
    }
    const arrivals = [incoming]
    this.#underWay.set(name, arrivals)
    void this.#options.registrar.handle(request).then((answer) => {
      this.#underWay.delete(name)
      const { clock, random, realm } = this.#options
      const reply = registerReply(answer, { realm, random })
      // Who was sent away for want of something may have better luck with a retransmission.
      if (reply.status !== 503) this.#answered.remember(request.key, reply, clock.now())
      const o = { isMisdirected: answer.kind === 'refused' && isMisdirected(answer) }
      for (const arrival of arrivals) arrival.reply(replyResponse(arrival.request, reply), o)
    })
  }

  #before(key: RequestKey): Reply | undefined {
    const known = this.#answered.find(key)
    if (known) return known
    const accepted = this.#options.accepted(key)
    return accepted && acceptedReply(accepted)
  }
}
