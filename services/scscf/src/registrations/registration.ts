import type { Impi, Impu } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import type { FilterCriteria } from '../ifc/filter-criteria.ts'

/** One bound contact: where one UE of the user can be reached. */
export interface Contact {
  readonly impi: Impi
  /** `+sip.instance`; empty when the UE sent none. */
  readonly instance: string
  readonly uri: string
  /** The Contact header field's value without `expires`. */
  readonly value: string
  /** Path header field values, topmost first: the route to the UE (RFC 3327 section 5.3). */
  readonly path: readonly string[]
  /** The identity of the REGISTER; the others of the set are registered with it. */
  readonly registeredImpu: Impu
  readonly callId: string
  readonly cseq: number
  readonly expiresAtMs: number
  /** Where the REGISTER came from, as the P-CSCF saw it. */
  readonly sourceAddress: string
  /** What happened to it last (RFC 3680 section 3.4.2). */
  readonly state: ContactState
}

/** `shortened`: the network asks for a new authentication (TS 24.229 clause 5.4.1.6). */
export type ContactState = 'registered' | 'refreshed' | 'shortened'

/** An implicit registration set with what is bound to it (TS 23.228 clause 5.2.1a). */
export interface RegistrationSet {
  readonly canonicalImpu: Impu
  readonly profile: ServiceProfile
  readonly criteria: FilterCriteria
  /** By IMPI, instance and URI. */
  readonly contacts: ReadonlyMap<string, Contact>
}

/** The name of a contact inside its set. */
export function contactKey({ impi, instance, uri }: Pick<Contact, 'impi' | 'instance' | 'uri'>): string {
  return JSON.stringify([impi, instance, uri])
}

/** Whether a contact still counts at `nowMs`; its end is written down a little later. */
export function isLive(contact: Contact, nowMs: number): boolean {
  return contact.expiresAtMs > nowMs
}

/** The contacts that count at `nowMs`, the newest binding last. */
export function liveContacts(set: RegistrationSet, nowMs: number): Contact[] {
  return [...set.contacts.values()].filter((contact) => isLive(contact, nowMs))
}

/** The identities of a profile that may be used, the default one first (TS 23.228 clause 5.2.1). */
export function usableIdentities(profile: ServiceProfile): Impu[] {
  return profile.publicIdentities
    .filter(({ barringIndication }) => !barringIndication)
    .map(({ identity }) => identity as Impu)
}

/** Whether `impu` is an identity of the profile that may not be used. */
export function isBarred(profile: ServiceProfile, impu: Impu): boolean {
  return profile.publicIdentities.some(({ identity, barringIndication }) => barringIndication && identity === impu)
}
