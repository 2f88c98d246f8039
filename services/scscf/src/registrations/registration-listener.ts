import type { AcceptedAnswer } from '../registrar/attempt.ts'
import type { RegisterRequest } from '../registrar/register-request.ts'
import type { EndedContact } from './ended-registration.ts'
import type { Contact, RegistrationSet } from './registration.ts'

/**
 * Who hears of what became of registrations: each call comes when the change is durable, `set` as it is then, without
 * contacts when the last has ended. A listener does not throw, and does its work later.
 */
export interface RegistrationListener {
  registered(
    set: RegistrationSet,
    contact: Contact,
    kind: 'initial' | 're-registration',
    /** The REGISTER that bound it. */
    request: RegisterRequest,
    answer: AcceptedAnswer,
  ): void
  deregistered(
    set: RegistrationSet,
    contact: Contact,
    reason: EndedContact['reason'],
    /** The REGISTER that ended it, when it was one, and its answer. */
    request?: RegisterRequest,
    answer?: AcceptedAnswer,
  ): void
}
