import { assertNever } from '@rollcall/core'
import {
  type Contact as ContactView,
  type ListContactsResponse,
  type SaSet,
  SaSetState,
} from '@rollcall/proto-gen/admin'
import { type Contact, contactKey } from '../contacts/contact.ts'
import type { PcscfContext } from '../context.ts'
import type { SaSetView } from '../sa/sa-table.ts'

/** `Choice:` some 600 kB; one gRPC message holds 1 MB, and the rpc has no pages. */
const CONTACTS_LISTED_MAX = 1_000

/** Registered contacts with their SA sets, for an operator. No keys: there are none to be had here. */
export function listContacts(context: Pick<PcscfContext, 'contacts' | 'sets' | 'clock'>): ListContactsResponse {
  const contacts: ContactView[] = []
  for (const contact of context.contacts.all(context.clock.now())) {
    if (contacts.length === CONTACTS_LISTED_MAX) break
    contacts.push(viewOf(contact, context))
  }
  return { contacts }
}

function viewOf(contact: Contact, { sets, clock }: Pick<PcscfContext, 'sets' | 'clock'>): ContactView {
  const key = contactKey(contact.impi, contact.instance)
  // Sets live by the monotonic clock; an operator reads the other one.
  const offsetMs = clock.now() - clock.monotonic()
  return {
    impi: contact.impi,
    impus: [...contact.impus],
    contactUri: contact.contactUri,
    expiresAtMs: BigInt(contact.expiresAtMs),
    saSets: sets
      .setsOf(contact.impi)
      .filter((set) => set.contact === key)
      .map((set) => setViewOf(set, offsetMs)),
  }
}

function setViewOf(set: SaSetView, offsetMs: number): SaSet {
  return {
    state: stateOf(set),
    spiUc: set.remote.spiC,
    spiUs: set.remote.spiS,
    spiPc: set.local.spiC,
    spiPs: set.local.spiS,
    portUc: set.remote.portC,
    portUs: set.remote.portS,
    portPc: set.local.portC,
    portPs: set.local.portS,
    expiresAtMs: BigInt(Math.round(set.expiresAtMs + offsetMs)),
    algorithm: set.integrity,
    encryptionAlgorithm: set.encryption,
  }
}

function stateOf(set: SaSetView): SaSetState {
  switch (set.state) {
    case 'temporary':
      return SaSetState.SA_SET_STATE_TEMPORARY
    case 'established':
      return SaSetState.SA_SET_STATE_ESTABLISHED
    case 'old':
    case 'closing':
      return SaSetState.SA_SET_STATE_OLD
    default:
      return assertNever(set.state)
  }
}
