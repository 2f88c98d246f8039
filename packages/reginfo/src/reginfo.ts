/** RFC 3680 section 3.4.1: where the registration of one address-of-record stands. */
export type RegistrationState = 'init' | 'active' | 'terminated'

/** RFC 3680 section 3.4.2: what brought a contact where it is. */
export type ContactEvent =
  | 'registered'
  | 'created'
  | 'refreshed'
  | 'shortened'
  | 'expired'
  | 'deactivated'
  | 'probation'
  | 'unregistered'
  | 'rejected'

/** One contact of a registration. */
export interface RegContact {
  /** The same in each document for one contact. */
  readonly id: string
  readonly uri: string
  readonly state: 'active' | 'terminated'
  readonly event: ContactEvent
  /** What is left of its time; always given for `shortened` (RFC 3680 section 5.3.2). */
  readonly expiresSeconds?: number
  /** After a `probation`: when to register again. */
  readonly retryAfterSeconds?: number
  /** Call-ID and CSeq number of the REGISTER that bound it last. */
  readonly callId?: string
  readonly cseq?: number
  /** `+sip.instance` as the UE sent it, without quotes. */
  readonly instance?: string
}

/** The registration of one address-of-record. */
export interface RegRegistration {
  readonly aor: string
  /** The same in each document for one address-of-record. */
  readonly id: string
  readonly state: RegistrationState
  readonly contacts: readonly RegContact[]
}

/** Registration information: the state of everything that one subscription watches. */
export interface Reginfo {
  /** Grows by one with each NOTIFY of one subscription, from 0. */
  readonly version: number
  readonly state: 'full' | 'partial'
  readonly registrations: readonly RegRegistration[]
}

/** RFC 3680 section 5.4. */
export const REGINFO_NAMESPACE = 'urn:ietf:params:xml:ns:reginfo'

/** How an instance travels: a Contact parameter that the schema has no name for (TS 24.229 clause 5.4.2.1.2). */
export const INSTANCE_PARAMETER = '+sip.instance'
