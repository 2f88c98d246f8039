import { createHash } from 'node:crypto'
import type { Impu } from '@rollcall/core'
import { type ContactEvent, REGINFO_BYTES_MAX, type RegContact, type Reginfo, writeReginfo } from '@rollcall/reginfo'
import type { EndedContact } from '../registrations/ended-registration.ts'
import {
  type Contact,
  contactKey,
  liveContacts,
  type RegistrationSet,
  usableIdentities,
} from '../registrations/registration.ts'

/** What a subscriber is told: a set as it is now, and what has ended since it was told last. */
export interface RegState {
  readonly set: RegistrationSet | undefined
  readonly ended: readonly EndedContact[]
  /** What is named when nothing is known of the set any more. */
  readonly resource: Impu
}

const EVENT_OF_END = {
  unregistered: 'unregistered',
  replaced: 'unregistered',
  expired: 'expired',
  deactivated: 'deactivated',
  probation: 'probation',
  rejected: 'rejected',
  // Whoever hears of it may register again, which finds the other S-CSCF.
  moved: 'deactivated',
} as const satisfies Record<EndedContact['reason'], ContactEvent>

/**
 * The whole state of a user: each identity that may be used, with every contact. Barred identities are left out, and an
 * application server is no contact of anybody.
 *
 * @see TS 24.229 clause 5.4.2.1.2, RFC 3680 section 5
 */
export function reginfoOf({ set, ended, resource }: RegState, version: number, nowMs: number): Reginfo {
  const identities = set ? usableIdentities(set.profile) : [resource]
  const live = set ? liveContacts(set, nowMs) : []
  const isBack = new Set(live.map(contactKey))
  const gone = ended.filter(({ contact }) => !isBack.has(contactKey(contact)))
  return {
    version,
    state: 'full',
    registrations: identities.map((aor) => ({
      aor,
      id: idOf('a', aor),
      state: live.length > 0 ? 'active' : 'terminated',
      contacts: [
        ...live.map((contact) => activeContact(aor, contact, nowMs)),
        ...gone.map((end) => endedContact(aor, end)),
      ],
    })),
  }
}

/** The document's octets, and how many identities or contacts were left out of it, since a message has its bound. */
export function reginfoBody(info: Reginfo): { readonly body: Buffer; readonly omitted: number } {
  const registrations = info.registrations.map((registration) => ({
    ...registration,
    contacts: [...registration.contacts],
  }))
  for (let omitted = 0; ; omitted++) {
    const body = writeReginfo({ ...info, registrations })
    if (body.length <= REGINFO_BYTES_MAX) return { body, omitted }
    // The default identity comes first and stays; of it the newest contacts stay.
    if (registrations.length > 1) registrations.pop()
    else registrations[0]?.contacts.shift()
  }
}

function activeContact(aor: string, contact: Contact, nowMs: number): RegContact {
  const { state, registeredImpu, expiresAtMs } = contact
  const first = registeredImpu === aor ? 'registered' : 'created'
  return {
    ...commonOf(aor, contact),
    state: 'active',
    event: state === 'registered' ? first : state,
    expiresSeconds: Math.ceil((expiresAtMs - nowMs) / 1_000),
  }
}

function endedContact(aor: string, { contact, reason, retryAfterSeconds }: EndedContact): RegContact {
  return {
    ...commonOf(aor, contact),
    state: 'terminated',
    event: EVENT_OF_END[reason],
    ...(reason === 'probation' && { retryAfterSeconds }),
  }
}

function commonOf(aor: string, { uri, callId, cseq, instance }: Contact) {
  return {
    id: idOf('c', aor, instance, uri),
    uri,
    callId,
    cseq,
    ...(instance !== '' && { instance }),
  }
}

/** The same for the same element in each document, whoever writes it (RFC 3680 section 5.1). */
function idOf(prefix: string, ...parts: readonly string[]): string {
  return prefix + createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}
