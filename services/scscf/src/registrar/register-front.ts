import type { Impu } from '@rollcall/core'
import type { Refusal } from '../refusal.ts'
import type { Incoming } from '../sip/incoming.ts'
import { type ReadRules, readRegister } from './read-register.ts'
import type { RegisterAnswers } from './register-answers.ts'

/** Where REGISTERs of one partition are handled. */
export interface RegisterDesk {
  readonly registers: Pick<RegisterAnswers, 'handle'>
}

export interface RegisterFrontOptions {
  readonly rules: ReadRules
  /** Brings a request to who owns the partition of `impu`: `here`, or another replica, or nobody. */
  readonly bring: (incoming: Incoming, impu: Impu, here: (desk: RegisterDesk) => void) => void
  /** Refuses what was not even read. */
  readonly refuse: (incoming: Incoming, refusal: Refusal) => void
}

/**
 * REGISTER from the P-CSCF: read, and brought to the replica that owns the registration set. All REGISTERs of an attempt
 * come to the same one, which has the challenge in memory.
 */
export class RegisterFront {
  readonly #options: RegisterFrontOptions

  constructor(options: RegisterFrontOptions) {
    this.#options = options
  }

  receive(incoming: Incoming): void {
    const { refuse, rules, bring } = this.#options
    // guard: register-of-pcscf — only a P-CSCF may say how a UE is protected, and only a P-CSCF may be told CK and IK
    if (incoming.role !== 'pcscf') {
      refuse(incoming, { reason: 'peer-role' })
      return
    }
    const reading = readRegister(incoming.request, incoming.envelope, rules)
    if (!reading.ok) {
      refuse(incoming, reading.refusal)
      return
    }
    bring(incoming, reading.request.impu, (desk) => desk.registers.handle(incoming, reading.request))
  }
}
