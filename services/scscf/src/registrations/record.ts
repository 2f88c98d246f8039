import { assertNever, type Impi, type Impu, RollcallError } from '@rollcall/core'
import {
  type AnsweredRegister,
  type Contact as ContactMessage,
  ContactState as ContactStateMessage,
  RegistrationRecord,
  RemovalReason,
} from '@rollcall/proto-gen/scscf'
import { parseNameAddr } from '@rollcall/sip'
import type { RequestKey } from '@rollcall/store'
import { RecordUnreadableError } from '../errors.ts'
import type { AcceptedAnswer } from '../registrar/attempt.ts'
import type { EndReason } from './ended-registration.ts'
import type { SubscriptionChange } from './reg-subscription.ts'
import type { Contact, ContactState } from './registration.ts'
import type { Change } from './registration-table.ts'
import { readSubscription, subscriptionMessage } from './subscription-message.ts'

/** Format of a change: the first octet of its record. A reader refuses what it does not know. */
const CHANGE_VERSION = 1

/** A record of the log: a change, when it was made, and the answer to the REGISTER that asked for it. */
export interface LoggedChange {
  readonly atMs: number
  readonly canonicalImpu: Impu
  readonly change: Change | SubscriptionChange
  /** Why a contact was removed; undefined for other changes. */
  readonly reason: EndReason | undefined
  readonly answered: LoggedAnswer | undefined
}

/** A REGISTER and its 200. */
export interface LoggedAnswer {
  readonly key: RequestKey
  readonly answer: AcceptedAnswer
}

export const REMOVAL_REASONS = {
  unregistered: RemovalReason.REMOVAL_REASON_UNREGISTERED,
  expired: RemovalReason.REMOVAL_REASON_EXPIRED,
  deactivated: RemovalReason.REMOVAL_REASON_DEACTIVATED,
  probation: RemovalReason.REMOVAL_REASON_PROBATION,
  rejected: RemovalReason.REMOVAL_REASON_REJECTED,
  moved: RemovalReason.REMOVAL_REASON_MOVED,
} as const satisfies Record<EndReason, RemovalReason>

const CONTACT_STATES = {
  registered: ContactStateMessage.CONTACT_STATE_UNSPECIFIED,
  refreshed: ContactStateMessage.CONTACT_STATE_REFRESHED,
  shortened: ContactStateMessage.CONTACT_STATE_SHORTENED,
} as const satisfies Record<ContactState, ContactStateMessage>

/** One version octet, then the message. */
export function encodeRecord(logged: LoggedChange): Buffer {
  const message = RegistrationRecord.encode({
    atMs: BigInt(logged.atMs),
    canonicalImpu: logged.canonicalImpu,
    change: changeMessage(logged),
    answered: logged.answered && answeredMessage(logged.answered),
  }).finish()
  return Buffer.concat([Buffer.of(CHANGE_VERSION), message])
}

/**
 * Reads what `encodeRecord` made.
 *
 * @throws RecordUnreadableError when the version is not ours or the octets are no such message.
 */
export function decodeRecord(octets: Buffer): LoggedChange {
  if (octets[0] !== CHANGE_VERSION) throw new RecordUnreadableError(`version ${octets[0] ?? 'missing'}`)
  let record: RegistrationRecord
  try {
    record = RegistrationRecord.decode(octets.subarray(1))
  } catch (cause) {
    throw new RecordUnreadableError('not a registration record', { cause })
  }
  const { change, reason } = readChange(record)
  const { answered } = record
  return {
    atMs: Number(record.atMs),
    canonicalImpu: record.canonicalImpu as Impu,
    change,
    reason,
    answered: answered && readAnswered(answered),
  }
}

export function answeredMessage({ key, answer }: LoggedAnswer): AnsweredRegister {
  const headers = answer.headers.map(([name, value]) => ({ name, value }))
  return { ...key, status: 200, toTag: answer.toTag, headers }
}

export function readAnswered({ callId, cseq, branch, toTag, headers }: AnsweredRegister): LoggedAnswer {
  return {
    key: { callId, cseq, branch },
    answer: { toTag, headers: headers.map(({ name, value }) => [name, value] as const) },
  }
}

export function contactMessage({ value, path, expiresAtMs, state, ...rest }: Contact): ContactMessage {
  return { ...rest, contact: value, path: [...path], expiresAtMs: BigInt(expiresAtMs), state: CONTACT_STATES[state] }
}

export function readContact(message: ContactMessage): Contact {
  const { contact, impi, registeredImpu, expiresAtMs, state, uri, ...rest } = message
  return {
    ...rest,
    uri: uri === '' ? uriOf(contact) : uri,
    value: contact,
    impi: impi as Impi,
    registeredImpu: registeredImpu as Impu,
    expiresAtMs: Number(expiresAtMs),
    state: stateOf(state),
  }
}

/** Each reason stands in `REMOVAL_REASONS`; what an older record does not say was the UE's own wish. */
export function endReasonOf(reason: RemovalReason): EndReason {
  for (const [name, known] of Object.entries(REMOVAL_REASONS)) {
    if (known === reason) return name as EndReason
  }
  return 'unregistered'
}

function stateOf(state: ContactStateMessage): ContactState {
  if (state === ContactStateMessage.CONTACT_STATE_REFRESHED) return 'refreshed'
  return state === ContactStateMessage.CONTACT_STATE_SHORTENED ? 'shortened' : 'registered'
}

/** An older record has the URI in the value alone. */
function uriOf(value: string): string {
  try {
    return parseNameAddr(value, 'Contact').uri
  } catch (error) {
    if (error instanceof RollcallError) return value
    throw error
  }
}

function changeMessage({ change, reason }: LoggedChange): RegistrationRecord['change'] {
  switch (change.kind) {
    case 'bound':
      return { $case: 'contactBound', value: { contact: contactMessage(change.contact), profile: change.profile } }
    case 'removed': {
      const { impi, instance, uri, retryAfterSeconds } = change
      const removalReason = reason ? REMOVAL_REASONS[reason] : RemovalReason.REMOVAL_REASON_UNSPECIFIED
      return { $case: 'contactRemoved', value: { impi, instance, uri, retryAfterSeconds, reason: removalReason } }
    }
    case 'shortened': {
      const { impi, instance, uri, expiresAtMs } = change
      return { $case: 'contactShortened', value: { impi, instance, uri, expiresAtMs: BigInt(expiresAtMs) } }
    }
    case 'profile':
      return { $case: 'profileReplaced', value: { profile: change.profile } }
    case 'subscribed':
      return { $case: 'subscriptionStored', value: subscriptionMessage(change.subscription) }
    case 'unsubscribed':
      return { $case: 'subscriptionEnded', value: { id: change.id } }
    default:
      return assertNever(change)
  }
}

function readChange({ change }: RegistrationRecord): Pick<LoggedChange, 'change' | 'reason'> {
  switch (change?.$case) {
    case 'contactBound': {
      const { contact, profile } = change.value
      if (!contact) break
      return { change: { kind: 'bound', contact: readContact(contact), profile }, reason: undefined }
    }
    case 'contactRemoved': {
      const { impi, instance, uri, retryAfterSeconds, reason } = change.value
      const removed = { kind: 'removed', impi: impi as Impi, instance, uri, retryAfterSeconds } as const
      return { change: removed, reason: endReasonOf(reason) }
    }
    case 'contactShortened': {
      const { impi, instance, uri, expiresAtMs } = change.value
      const shortened = { kind: 'shortened', impi: impi as Impi, instance, uri } as const
      return { change: { ...shortened, expiresAtMs: Number(expiresAtMs) }, reason: undefined }
    }
    case 'profileReplaced': {
      const { profile } = change.value
      if (!profile) break
      return { change: { kind: 'profile', profile }, reason: undefined }
    }
    case 'subscriptionStored':
      return { change: { kind: 'subscribed', subscription: readSubscription(change.value) }, reason: undefined }
    case 'subscriptionEnded':
      return { change: { kind: 'unsubscribed', id: change.value.id }, reason: undefined }
  }
  throw new RecordUnreadableError('a record without a change')
}
