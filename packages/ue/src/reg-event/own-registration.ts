import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import type { RegContact, Reginfo } from '@rollcall/reginfo'
import { SipSyntaxError, sameSipUri } from '@rollcall/sip'
import type { RegistrationEndReason } from '../events.ts'

/** How our own contact is found among those of a document. */
export interface OwnContact {
  /** Its SIP URI, as it stands in our Contact header. */
  readonly uri: string
  /** URN of the device. */
  readonly instance: string
}

/** What a document says of our own registration. */
export type OwnRegistration =
  /** Nothing of ours is in it. */
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'active'
      /** The network wants us to authenticate before so long is over. */
      readonly shortenedSeconds: number | undefined
      /** Identities whose registration has ended while that of others goes on. */
      readonly removed: readonly Impu[]
    }
  | {
      readonly kind: 'ended'
      readonly reason: RegistrationEndReason
      /** After a `probation`. */
      readonly retryAfterSeconds: number | undefined
    }

/** Of several reasons the first one here counts: what keeps us out is the stronger. */
const REASONS: readonly RegistrationEndReason[] = ['rejected', 'probation', 'deactivated', 'expired', 'unregistered']

/**
 * Reads what a document says of our registration. A contact is ours by its URI and, where the document names one, by
 * its device: what became of an earlier contact of ours does not concern the one that we have now.
 *
 * @see RFC 3680 section 3.4, TS 24.229 clause 5.1.1.7
 */
export function readOwnRegistration(reginfo: Reginfo, own: OwnContact): OwnRegistration {
  const removed: Impu[] = []
  const ended: RegContact[] = []
  let shortenedSeconds: number | undefined
  let isActive = false
  for (const registration of reginfo.registrations) {
    const contacts = registration.contacts.filter((contact) => isOwn(contact, own))
    const active = contacts.find(({ state }) => state === 'active')
    if (active) {
      isActive = true
      if (active.event === 'shortened') shortenedSeconds = earlier(shortenedSeconds, active.expiresSeconds)
    } else if (contacts.length > 0) {
      ended.push(...contacts)
      removed.push(...readImpu(registration.aor))
    }
  }
  if (isActive) return { kind: 'active', shortenedSeconds, removed }
  for (const reason of REASONS) {
    const contact = ended.find(({ event }) => event === reason)
    if (contact) return { kind: 'ended', reason, retryAfterSeconds: contact.retryAfterSeconds }
  }
  // A terminated contact with an event of active ones: over is over.
  return ended.length > 0
    ? { kind: 'ended', reason: 'unregistered', retryAfterSeconds: undefined }
    : { kind: 'unknown' }
}

function isOwn(contact: RegContact, own: OwnContact): boolean {
  if (contact.instance !== undefined && contact.instance !== `<${own.instance}>`) return false
  try {
    return sameSipUri(contact.uri, own.uri)
  } catch (error) {
    if (error instanceof SipSyntaxError) return false
    throw error
  }
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

/** An identity of a kind that we do not know is none that we could have used. */
function readImpu(aor: string): Impu[] {
  try {
    return [parseImpu(aor)]
  } catch (error) {
    if (error instanceof InvalidIdentityError) return []
    throw error
  }
}
