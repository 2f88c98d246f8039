import { formatDate } from '@rollcall/sip'
import { REGISTRATION_END_KEPT_MS, REGISTRATION_SECONDS_DEFAULT, REGISTRATION_SECONDS_MAX } from '../limits.ts'
import { type Answer, type Decision, refuse } from './decision.ts'
import type { PresentityState, Registration } from './state.ts'

/** A third-party REGISTER: what the S-CSCF says of the presentity's registration. */
export interface RegisterInput {
  readonly kind: 'register'
  /** Undefined when it names no Contact, and only asks (RFC 3261 section 10.2.3). */
  readonly binding:
    | {
        /** Of the S-CSCF. */
        readonly contact: string
        /** 0 when the presentity is not registered any more. */
        readonly expiresSeconds: number | undefined
      }
    | undefined
  /** When what it says came to be at the S-CSCF, no later than now. */
  readonly toldAtMs: number
  readonly callId: string
  readonly cseq: number
  readonly newTag: string
}

/**
 * Decides a third-party REGISTER. Of several the order counts in which their causes came at the S-CSCF, which makes a new
 * Call-ID for each: one that was overtaken is answered 200 and changes nothing, for what it said is over.
 * Choice: whatever time it names is granted, for the S-CSCF has granted it to the UE already.
 *
 * @see RFC 3261 section 10.3; TS 24.229 clauses 5.4.1.7 and 5.7.1.1
 */
export function decideRegister({ registration }: PresentityState, input: RegisterInput, nowMs: number): Decision {
  const { binding, toldAtMs, callId, cseq, newTag } = input
  if (!binding) return { changes: [], answer: answerOf(registration, '', newTag, nowMs) }
  if (registration?.callId === callId && cseq <= registration.cseq) return refuse('cseq-out-of-order', newTag)
  // guard: register-overtaken — an older REGISTER that comes late must not undo what a newer one said
  if (registration && registration.callId !== callId && toldAtMs < registration.toldAtMs) {
    return { changes: [], answer: answerOf(registration, binding.contact, newTag, nowMs) }
  }
  const seconds = Math.min(binding.expiresSeconds ?? REGISTRATION_SECONDS_DEFAULT, REGISTRATION_SECONDS_MAX)
  const told = { toldAtMs, callId, cseq }
  if (seconds === 0) {
    const ended = {
      kind: 'registration-ended',
      forgetAtMs: nowMs + REGISTRATION_END_KEPT_MS,
      ...told,
      expired: false,
    } as const
    return { changes: [ended], answer: answerOf(undefined, '', newTag, nowMs) }
  }
  const expiresAtMs = nowMs + seconds * 1_000
  return {
    changes: [{ kind: 'registration-stored', expiresAtMs, ...told }],
    answer: answerOf({ isRegistered: true, expiresAtMs, ...told }, binding.contact, newTag, nowMs),
  }
}

/** A 200 names what is bound, and the time (RFC 3261 section 10.3 step 8). */
function answerOf(registration: Registration | undefined, contact: string, toTag: string, nowMs: number): Answer {
  const headers: [string, string][] = [['Date', formatDate(nowMs)]]
  if (registration?.isRegistered) {
    const seconds = Math.max(0, Math.ceil((registration.expiresAtMs - nowMs) / 1_000))
    if (contact !== '') headers.push(['Contact', `<${contact}>;expires=${seconds}`])
    headers.push(['Expires', String(seconds)])
  }
  return { status: 200, headers, toTag }
}
