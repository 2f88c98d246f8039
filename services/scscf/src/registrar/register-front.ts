import type { Random } from '@rollcall/core'
import type { AnsweredRequests } from '@rollcall/store'
import type { Refusal } from '../refusal.ts'
import { type Reply, replyResponse } from '../sip/answers.ts'
import type { Incoming } from '../sip/incoming.ts'
import { type ReadRules, readRegister } from './read-register.ts'
import { registerReply } from './register-reply.ts'
import type { RegisterRequest } from './register-request.ts'
import type { Registrar } from './registrar.ts'

export interface RegisterFrontOptions {
  readonly random: Random
  readonly rules: ReadRules
  readonly registrar: Pick<Registrar, 'handle'>
  /** Answers given so lately that a retransmission may still come, those of the process before included. */
  readonly answered: AnsweredRequests<Reply>
  readonly now: () => number
  /** Refuses what was not even read. */
  readonly refuse: (incoming: Incoming, refusal: Refusal) => void
}

/**
 * REGISTER from the P-CSCF: read, kept from being handled twice, handed to the registrar, answered. A second arrival of
 * the same request waits for the answer of the first, or gets it again.
 */
export class RegisterFront {
  readonly #options: RegisterFrontOptions
  readonly #underWay = new Map<string, Incoming[]>()

  constructor(options: RegisterFrontOptions) {
    this.#options = options
  }

  receive(incoming: Incoming): void {
    const { refuse, rules, answered } = this.#options
    // Only a P-CSCF may say how a UE is protected, and only a P-CSCF may be told CK and IK.
    if (incoming.role !== 'pcscf') {
      refuse(incoming, { reason: 'peer-role' })
      return
    }
    const reading = readRegister(incoming.request, incoming.envelope, rules)
    if (!reading.ok) {
      refuse(incoming, reading.refusal)
      return
    }
    const before = answered.find(reading.request.key)
    if (before) {
      incoming.reply(replyResponse(incoming.request, before))
      return
    }
    this.#handle(incoming, reading.request)
  }

  #handle(incoming: Incoming, request: RegisterRequest): void {
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
      const { answered, now } = this.#options
      const reply = registerReply(answer, { realm: this.#options.rules.realm, random: this.#options.random })
      // Who was sent away for want of something may have better luck with a retransmission.
      if (reply.status !== 503) answered.remember(request.key, reply, now())
      for (const arrival of arrivals) arrival.reply(replyResponse(arrival.request, reply))
    })
  }
}
