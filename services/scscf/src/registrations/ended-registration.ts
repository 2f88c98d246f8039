import type { Impi, Impu } from '@rollcall/core'

/** Why a contact ended. */
export type EndReason = 'unregistered' | 'expired'

/** The end of a private identity's registration, as the HSS must hear of it. */
export interface EndedRegistration {
  readonly impi: Impi
  readonly impu: Impu
  readonly reason: EndReason
}
