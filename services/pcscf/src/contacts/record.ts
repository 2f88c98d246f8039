import { assertNever, InvalidIdentityError, parseImpi, parseImpu } from '@rollcall/core'
import { PcscfRecord, RemovalReason } from '@rollcall/proto-gen/pcscf'
import { RecordUnreadableError } from '../errors.ts'
import { REGISTRATION_ID_OCTETS } from '../token/flow-token.ts'
import type { Contact } from './contact.ts'

/** The first octet of each record: how the rest is to be read. */
export const RECORD_VERSION = 1

/** Why a contact is no more. */
export type ContactEnd = 'unregistered' | 'expired' | 'replaced' | 'network'

/** What is written down. Of keys only sealed ones, and SAs never. */
export type Change =
  | { readonly kind: 'contact-bound'; readonly contact: Contact }
  | { readonly kind: 'contact-removed'; readonly registrationId: Buffer; readonly reason: ContactEnd }
  | { readonly kind: 'token-key-added'; readonly keyId: number; readonly sealedKey: Buffer; readonly sinceMs: number }

/** One version octet and a PcscfRecord. */
export function encodeRecord(change: Change, o: { readonly atMs: number; readonly traceparent: string }): Buffer {
  const message: PcscfRecord = { atMs: BigInt(o.atMs), traceparent: o.traceparent, change: changeToProto(change) }
  return Buffer.concat([Buffer.of(RECORD_VERSION), PcscfRecord.encode(message).finish()])
}

/** @throws RecordUnreadableError */
export function decodeRecord(record: Buffer): Change {
  if (record[0] !== RECORD_VERSION) throw new RecordUnreadableError(`version ${record[0] ?? 'missing'}`)
  let message: PcscfRecord
  try {
    message = PcscfRecord.decode(record.subarray(1))
  } catch (cause) {
    throw new RecordUnreadableError('not a PcscfRecord', { cause })
  }
  return changeFromProto(message.change)
}

function changeToProto(change: Change): PcscfRecord['change'] {
  switch (change.kind) {
    case 'contact-bound': {
      const { contact } = change
      return {
        $case: 'contactBound',
        value: {
          contact: {
            registrationId: contact.registrationId,
            impi: contact.impi,
            instance: contact.instance,
            contactUri: contact.contactUri,
            impus: [...contact.impus],
            associatedUris: [...contact.associatedUris],
            serviceRoute: [...contact.serviceRoute],
            path: contact.path,
            expiresAtMs: BigInt(contact.expiresAtMs),
            chargingFunctions: [...contact.charging.functions],
            termIoi: contact.charging.termIoi,
          },
        },
      }
    }
    case 'contact-removed':
      return {
        $case: 'contactRemoved',
        value: { registrationId: change.registrationId, reason: REASONS[change.reason] },
      }
    case 'token-key-added':
      return {
        $case: 'tokenKeyAdded',
        value: { keyId: change.keyId, sealedKey: change.sealedKey, sinceMs: BigInt(change.sinceMs) },
      }
    default:
      return assertNever(change)
  }
}

const REASONS: Readonly<Record<ContactEnd, RemovalReason>> = {
  unregistered: RemovalReason.REMOVAL_REASON_UNREGISTERED,
  expired: RemovalReason.REMOVAL_REASON_EXPIRED,
  replaced: RemovalReason.REMOVAL_REASON_REPLACED,
  network: RemovalReason.REMOVAL_REASON_NETWORK,
}

function changeFromProto(change: PcscfRecord['change']): Change {
  switch (change?.$case) {
    case 'contactBound':
      return { kind: 'contact-bound', contact: contactFromProto(change.value.contact) }
    case 'contactRemoved':
      return {
        kind: 'contact-removed',
        registrationId: idFromProto(change.value.registrationId),
        reason: reasonFromProto(change.value.reason),
      }
    case 'tokenKeyAdded': {
      const { keyId, sealedKey, sinceMs } = change.value
      return { kind: 'token-key-added', keyId, sealedKey, sinceMs: Number(sinceMs) }
    }
    case undefined:
      throw new RecordUnreadableError('it says nothing that this version knows')
    default:
      return assertNever(change)
  }
}

function contactFromProto(contact: ContactProto): Contact {
  if (!contact) throw new RecordUnreadableError('contact missing')
  return {
    registrationId: idFromProto(contact.registrationId),
    impi: readImpi(contact.impi),
    instance: contact.instance,
    contactUri: contact.contactUri,
    impus: contact.impus.map(readImpu),
    associatedUris: contact.associatedUris,
    serviceRoute: contact.serviceRoute,
    path: contact.path,
    expiresAtMs: Number(contact.expiresAtMs),
    charging: { functions: contact.chargingFunctions, termIoi: contact.termIoi },
  }
}

type ContactProto = Extract<PcscfRecord['change'], { $case: 'contactBound' }>['value']['contact']

function idFromProto(octets: Buffer): Buffer {
  if (octets.length !== REGISTRATION_ID_OCTETS) throw new RecordUnreadableError('registration id of another length')
  // A copy: what is decoded shares the octets of the whole message.
  return Buffer.from(octets)
}

function reasonFromProto(reason: RemovalReason): ContactEnd {
  for (const [name, value] of Object.entries(REASONS)) if (value === reason) return name as ContactEnd
  return 'unregistered'
}

function readImpi(text: string) {
  return identity(() => parseImpi(text))
}

function readImpu(text: string) {
  return identity(() => parseImpu(text))
}

/** The error of an identity repeats it, and stays behind. */
function identity<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InvalidIdentityError) throw new RecordUnreadableError('an identity that is none')
    throw error
  }
}
