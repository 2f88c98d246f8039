import { parseImpu, RollcallError } from '@rollcall/core'
import type { Role } from '@rollcall/runtime'
import { parseNameAddr, parseSipUri, sameSipUri } from '@rollcall/sip'
import type { RegSubscriberKind } from '../registrations/reg-subscription.ts'
import { isBarred, liveContacts, type RegistrationSet } from '../registrations/registration.ts'

/** Who asks for registration state, as far as that can be believed. */
export interface RegAsker {
  readonly role: Role
  /** Of the envelope: the private identity of the security association, and what the P-CSCF asserts. */
  readonly impi: string
  readonly assertedIdentities: readonly string[]
  /** Where NOTIFYs go: the host of the Contact. */
  readonly contactHost: string
}

/** A subscriber who may. */
export interface RegSubscriber {
  readonly kind: RegSubscriberKind
  readonly subscriber: string
  readonly impi: string
}

/**
 * Whether the registration state of `set` may be told to who asks: the user by an identity of the set that is not barred,
 * on a contact that is bound; a P-CSCF by the Path of such a contact; an application server that the user's filter
 * criteria name, and there alone, since it is its Contact that NOTIFYs go to.
 *
 * @see TS 24.229 clause 5.4.2.1.1
 */
export function authorize(asker: RegAsker, set: RegistrationSet, nowMs: number): RegSubscriber | undefined {
  const { role, impi, assertedIdentities, contactHost } = asker
  const [asserted] = assertedIdentities
  if (role === 'pcscf') {
    if (asserted === undefined) return undefined
    // guard: reg-event-user — a user hears of his own set alone, on a contact that is bound
    if (impi !== '')
      return isOwnUser(set, asserted, impi, nowMs) ? { kind: 'user', subscriber: asserted, impi } : undefined
    // guard: reg-event-path — a P-CSCF hears of users whose Path leads to it
    return isPathOf(set, asserted, nowMs) ? { kind: 'pcscf', subscriber: asserted, impi: '' } : undefined
  }
  if (role === 'scscf') return undefined
  // guard: reg-event-server — an application server hears of users whose criteria name it
  const isNamed = set.criteria.criteria.some(({ serverHost }) => serverHost === contactHost)
  return isNamed ? { kind: 'as', subscriber: contactHost, impi: '' } : undefined
}

function isOwnUser(set: RegistrationSet, asserted: string, impi: string, nowMs: number): boolean {
  const impu = attempt(() => parseImpu(asserted))
  const isOfSet = set.profile.publicIdentities.some(({ identity }) => identity === impu)
  if (impu === undefined || !isOfSet || isBarred(set.profile, impu)) return false
  return liveContacts(set, nowMs).some((contact) => contact.impi === impi)
}

/** Whether a P-CSCF that asserts `uri` is on the way to a contact of the set. */
function isPathOf(set: RegistrationSet, uri: string, nowMs: number): boolean {
  return pathsOf(set, nowMs).some((path) => attempt(() => sameSipUri(path, uri)) === true)
}

/** Whether a contact of the set is behind the P-CSCF that asserted `uri` once, by whatever Path now. */
export function isBehind(set: RegistrationSet, uri: string, nowMs: number): boolean {
  const host = hostOf(uri)
  return host !== undefined && pathsOf(set, nowMs).some((path) => hostOf(path) === host)
}

/** Whether a subscription's P-CSCF is the one that asks now: its Path changes with its token key, its host does not. */
export function isSamePcscf(one: string, other: string): boolean {
  const host = hostOf(one)
  return host !== undefined && host === hostOf(other)
}

function pathsOf(set: RegistrationSet, nowMs: number): string[] {
  return liveContacts(set, nowMs).flatMap(({ path: [first] }) => {
    const uri = first === undefined ? undefined : attempt(() => parseNameAddr(first, 'Path').uri)
    return uri === undefined ? [] : [uri]
  })
}

function hostOf(uri: string): string | undefined {
  return attempt(() => parseSipUri(uri).host.toLowerCase())
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof RollcallError) return undefined
    throw error
  }
}
