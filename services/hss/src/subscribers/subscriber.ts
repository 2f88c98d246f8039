import type { AkaKeys } from '@rollcall/aka'
import type { Impi, Impu } from '@rollcall/core'
import type { Guss } from '@rollcall/gba'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import type { PresencePolicy } from '@rollcall/proto-gen/sh'

/** A subscription as it is provisioned: checked, with its keys in the clear. */
export interface NewSubscriber {
  readonly subscriptionId: string
  readonly privateUsers: readonly NewPrivateUser[]
  readonly serviceProfile: ServiceProfile
  readonly presencePolicy: PresencePolicy
}

/** A private identity as it is provisioned; the keys tell the algorithm. */
export type NewPrivateUser = AkaKeys & {
  readonly impi: Impi
  readonly amf: Buffer
  readonly initialSqn: bigint
}

/** A subscription as it is stored: what seals its keys stays sealed until a vector is made. */
export interface Subscriber {
  readonly subscriptionId: string
  /** Where its record is. */
  readonly recordKey: string
  /** Of that record: grows with each write, and never goes back, also across a removal. */
  readonly revision: bigint
  /** New with each add: what is stored elsewhere with another generation is void. */
  readonly generation: Buffer
  readonly privateUsers: readonly PrivateUser[]
  readonly serviceProfile: ServiceProfile
  readonly presencePolicy: PresencePolicy
}

/** A private identity as it is stored. */
export interface PrivateUser {
  readonly impi: Impi
  readonly sealedK: Buffer
  /** Empty with TUAK. */
  readonly sealedOpc: Buffer
  /** Empty with Milenage. */
  readonly sealedTopc: Buffer
  readonly amf: Buffer
  readonly initialSqn: bigint
  /** As an operator set it; undefined: made from the public identities. */
  readonly guss: Guss | undefined
  readonly digestPasswords: DigestPassword[]
}

/** A password in one realm, as the hashes that stand for it. */
export interface DigestPassword {
  readonly realm: string
  readonly sealedHa1: Buffer
}

/** The public identities of the implicit set, in the profile's order. They are stored in canonical form. */
export function impusOf(subscriber: { readonly serviceProfile: ServiceProfile }): Impu[] {
  return subscriber.serviceProfile.publicIdentities.map(({ identity }) => identity as Impu)
}

/** Those that may be told and used: not barred. */
export function usableImpusOf({ serviceProfile }: Pick<Subscriber, 'serviceProfile'>): string[] {
  // guard: barred-untold — nobody is reached by a barred identity, nor acts under one
  const usable = serviceProfile.publicIdentities.filter(({ barringIndication }) => !barringIndication)
  return usable.map(({ identity }) => identity)
}

/** The user with this private identity, if the subscription has it. */
export function privateUserOf(subscriber: Subscriber, impi: Impi): PrivateUser | undefined {
  return subscriber.privateUsers.find((user) => user.impi === impi)
}
