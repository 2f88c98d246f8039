import type { Incoming } from '../edge/incoming.ts'
import type { Attempt } from './attempts.ts'
import type { RegisterFacts } from './read-register.ts'

/** A REGISTER that went on to the core, or was about to. */
export interface Registering {
  readonly incoming: Incoming
  readonly facts: RegisterFacts
  readonly attempt: Attempt
  /** It is SM7: the answer to a challenge, on the temporary set. */
  readonly isAnswer: boolean
  /** What the flow token in its Path names. */
  readonly registrationId: Buffer
  /** Our Path. */
  readonly path: string
}
