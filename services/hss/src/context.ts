import type { AuthenticationCentre } from './auc/authentication-centre.ts'
import type { Locations } from './cx/locations.ts'
import type { RegistrationPush } from './cx/registration-push.ts'
import type { HssEvents } from './events.ts'
import type { PolicyPush } from './sh/policy-push.ts'
import type { SubscriberRepository } from './subscribers/repository.ts'

/** Everything that a handler may use. Built once, by the service. */
export interface HssContext {
  /** Home network domain: the host of every sip: identity provisioned here. */
  readonly realm: string
  readonly repository: SubscriberRepository
  readonly locations: Locations
  readonly auc: AuthenticationCentre
  readonly events: HssEvents
  /** Tells the Presence Servers of a changed policy; absent when none is configured. */
  readonly push: Pick<PolicyPush, 'push'> | undefined
  /** Tells the S-CSCF of ended registrations and changed profiles; absent when none is configured. */
  readonly registrations: Pick<RegistrationPush, 'terminate' | 'pushProfile'> | undefined
}
