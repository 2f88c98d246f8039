import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import type { RegContact, Reginfo, RegRegistration } from '@rollcall/reginfo'
import { SipSyntaxError, sameSipUri } from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'

/** What a NOTIFY of the event package reg means for one of our contacts. */
export type RegistrationNews =
  | { readonly kind: 'unchanged' }
  /** Identities came or went, or the registration ends earlier. */
  | { readonly kind: 'changed'; readonly contact: Contact; readonly isShortened: boolean }
  /** None of its identities is registered at this contact any more; `event` says why, as the document does. */
  | { readonly kind: 'gone'; readonly event: string }

/** What a document says of one identity, as far as it concerns the contact. */
interface Said {
  readonly impu: Impu
  readonly uri: string
  readonly isActive: boolean
  readonly own: RegContact | undefined
  /** It speaks of an earlier REGISTER than the one that we know: the end of that is not the end of this. */
  readonly isOutdated: boolean
}

/**
 * Reads a registration information document as news of `contact`. A full document says all: an identity that it does not
 * list, or lists without this contact, is not registered here. One about other users is no news at all.
 *
 * @see TS 24.229 clauses 5.2.3 and 5.2.5.2; RFC 3680 section 5
 */
export function applyReginfo(contact: Contact, info: Reginfo, nowMs: number): RegistrationNews {
  const said = info.registrations.flatMap((registration) => readRegistration(registration, contact))
  const isAboutUs = said.some(({ impu, own }) => own !== undefined || contact.impus.includes(impu))
  if (!isAboutUs) return { kind: 'unchanged' }
  const active = said.filter(({ isActive }) => isActive)
  const kept = contact.impus.filter((impu) => isRegistered(impu, said, info.state))
  const fresh = active.filter(({ impu }) => !contact.impus.includes(impu))
  if (kept.length + fresh.length === 0) return { kind: 'gone', event: eventOf(said) }
  const expiresAtMs = shortenedTo(contact, active, nowMs)
  if (kept.length === contact.impus.length && fresh.length === 0 && expiresAtMs === contact.expiresAtMs) {
    return { kind: 'unchanged' }
  }
  return {
    kind: 'changed',
    isShortened: expiresAtMs < contact.expiresAtMs,
    contact: {
      ...contact,
      impus: [...kept, ...fresh.map(({ impu }) => impu)],
      associatedUris: [
        ...kept.map((impu) => contact.associatedUris[contact.impus.indexOf(impu)] ?? impu),
        ...fresh.map(({ uri }) => uri),
      ],
      expiresAtMs,
    },
  }
}

/** What is said of an identity that we can read; of others nobody here asserts anything. */
function readRegistration(registration: RegRegistration, contact: Contact): Said[] {
  const impu = readImpu(registration.aor)
  if (impu === undefined) return []
  const own = registration.contacts.filter((candidate) => isSame(candidate, contact))
  // One that was replaced may stand beside the one that took its place.
  const current = own.find(({ state }) => state === 'active') ?? own.find((other) => !isOutdated(other, contact))
  const isActive = registration.state === 'active' && current?.state === 'active'
  return [{ impu, uri: registration.aor, isActive, own: current, isOutdated: own.length > 0 && !current }]
}

function isRegistered(impu: Impu, said: readonly Said[], state: Reginfo['state']): boolean {
  const about = said.find((candidate) => candidate.impu === impu)
  if (about) return about.isActive || about.isOutdated || (state === 'partial' && about.own === undefined)
  return state === 'partial'
}

/** By instance where both have one, else by URI (RFC 5626 section 4.1). */
function isSame(candidate: RegContact, contact: Contact): boolean {
  if (contact.instance !== '' && candidate.instance !== undefined) return candidate.instance === contact.instance
  try {
    return sameSipUri(candidate.uri, contact.contactUri)
  } catch (error) {
    if (error instanceof SipSyntaxError) return false
    throw error
  }
}

/**
 * The earliest end that the network sets by `shortened`. What it says of a REGISTER before the last one is out of date.
 *
 * @see TS 24.229 clause 5.4.1.6
 */
function shortenedTo(contact: Contact, active: readonly Said[], nowMs: number): number {
  let endsAtMs = contact.expiresAtMs
  for (const { own } of active) {
    if (own?.event !== 'shortened' || own.expiresSeconds === undefined || isOutdated(own, contact)) continue
    endsAtMs = Math.min(endsAtMs, nowMs + own.expiresSeconds * 1000)
  }
  return endsAtMs
}

function isOutdated({ callId, cseq }: RegContact, { register }: Contact): boolean {
  if (!register || callId === undefined || cseq === undefined) return false
  return callId !== register.callId || cseq < register.cseq
}

function eventOf(said: readonly Said[]): string {
  return said.find(({ own }) => own !== undefined)?.own?.event ?? 'unregistered'
}

function readImpu(aor: string): Impu | undefined {
  try {
    return parseImpu(aor)
  } catch (error) {
    if (error instanceof InvalidIdentityError) return undefined
    throw error
  }
}
