import type { Impi, Impu } from '@rollcall/core'
import {
  type AnsweredRegister,
  type Contact as ContactMessage,
  RegistrationRecord,
  RemovalReason,
} from '@rollcall/proto-gen/scscf'
import type { RequestKey } from '@rollcall/store'
import { RecordUnreadableError } from '../errors.ts'
import type { AcceptedAnswer } from '../registrar/attempt.ts'
import type { EndReason } from './ended-registration.ts'
import type { Contact } from './registration.ts'
import type { Change } from './registration-table.ts'

/** Format of a change: the first octet of its record. A reader refuses what it does not know. */
const CHANGE_VERSION = 1

/** A record of the log: a change, when it was made, and the answer to the REGISTER that asked for it. */
export interface LoggedChange {
  readonly atMs: number
  readonly canonicalImpu: Impu
  readonly change: Change
  /** Why a contact was removed; undefined for a binding. */
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
} as const satisfies Record<EndReason, RemovalReason>

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

export function contactMessage({ value, path, expiresAtMs, ...rest }: Contact): ContactMessage {
  return { ...rest, contact: value, path: [...path], expiresAtMs: BigInt(expiresAtMs) }
}

export function readContact({ contact, impi, registeredImpu, expiresAtMs, ...rest }: ContactMessage): Contact {
  return {
    ...rest,
    value: contact,
    impi: impi as Impi,
    registeredImpu: registeredImpu as Impu,
    expiresAtMs: Number(expiresAtMs),
  }
}

export function endReasonOf(reason: RemovalReason): EndReason {
  return reason === RemovalReason.REMOVAL_REASON_EXPIRED ? 'expired' : 'unregistered'
}

function changeMessage({ change, reason }: LoggedChange): RegistrationRecord['change'] {
  if (change.kind === 'removed') {
    const removalReason = reason ? REMOVAL_REASONS[reason] : RemovalReason.REMOVAL_REASON_UNSPECIFIED
    const { impi, instance } = change
    return { $case: 'contactRemoved', value: { impi, instance, reason: removalReason } }
  }
  return { $case: 'contactBound', value: { contact: contactMessage(change.contact), profile: change.profile } }
}

function readChange(record: RegistrationRecord): { change: Change; reason: EndReason | undefined } {
  const { change } = record
  if (change?.$case === 'contactRemoved') {
    const { impi, instance, reason } = change.value
    return { change: { kind: 'removed', impi: impi as Impi, instance }, reason: endReasonOf(reason) }
  }
  const contact = change?.value.contact
  if (!contact) throw new RecordUnreadableError('a record without a change')
  return {
    change: { kind: 'bound', contact: readContact(contact), profile: change.value.profile },
    reason: undefined,
  }
}
