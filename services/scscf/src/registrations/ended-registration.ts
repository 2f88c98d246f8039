import type { Impi, Impu } from '@rollcall/core'
import type { Contact } from './registration.ts'

/** Why a contact ended. */
export type EndReason =
  /** The UE de-registered. */
  | 'unregistered'
  | 'expired'
  /** The network ended it: the user may register again at once, after a while, or not by itself (TS 24.229 clause 5.4.1.5). */
  | 'deactivated'
  | 'probation'
  | 'rejected'
  /** The HSS gave the user to another S-CSCF: the UE is told nothing (TS 29.229 clause 6.3.17). */
  | 'moved'

/** The end of a private identity's registration, as the HSS must hear of it. */
export interface EndedRegistration {
  readonly impi: Impi
  readonly impu: Impu
  readonly reason: EndReason
}

/** A contact that has ended, as subscribers must hear of it. */
export interface EndedContact {
  readonly contact: Contact
  /** `replaced`: the same UE has bound another in its place. */
  readonly reason: EndReason | 'replaced'
  /** After `probation`. */
  readonly retryAfterSeconds: number
}
