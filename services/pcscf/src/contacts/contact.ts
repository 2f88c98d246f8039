import type { Impi, Impu } from '@rollcall/core'
import type { RegistrationCharging } from '../mw/charging.ts'

/** A registered contact: what a 200 to a REGISTER told about one UE. */
export interface Contact {
  /** Random; the flow token names it. */
  readonly registrationId: Buffer
  readonly impi: Impi
  /** `+sip.instance`; empty when the UE sends none. */
  readonly instance: string
  /** Of the Contact header field. */
  readonly contactUri: string
  /** P-Associated-URI in canonical form; the first one is the default. Empty when all are barred. */
  readonly impus: readonly Impu[]
  /** The same, as they came: what is written into P-Asserted-Identity. */
  readonly associatedUris: readonly string[]
  /** Service-Route header field values, topmost first. */
  readonly serviceRoute: readonly string[]
  /** What we gave the S-CSCF as Path. */
  readonly path: string
  /** When the registration ends, epoch milliseconds. */
  readonly expiresAtMs: number
  readonly charging: RegistrationCharging
  /** The REGISTER that the registrar answered last; unknown after a restart, for it is not written down. */
  readonly register?: RegisterId | undefined
}

/** Names one REGISTER (RFC 3261 section 10.2). */
export interface RegisterId {
  readonly callId: string
  readonly cseq: number
}

/** (IMPI, instance): one UE (readings, SIP hop 3). A blank stands in no IMPI. */
export function contactKey(impi: Impi, instance: string): string {
  return `${impi} ${instance}`
}

/** How long a contact is kept beyond its registration, like its SAs: what ends it may still be told to the UE. */
export const CONTACT_BEYOND_REGISTRATION_MS = 30_000
