import type { Impi, Impu } from '@rollcall/core'
import { RegistrationRecord, RemovalReason } from '@rollcall/proto-gen/scscf'
import type { RequestKey } from '@rollcall/store'
import { RecordUnreadableError } from '../errors.ts'
import type { AcceptedAnswer } from '../registrar/attempt.ts'
import type { Change } from './registration-table.ts'

/** Format of what is stored: the first octet of each record. A reader refuses what it does not know. */
const RECORD_VERSION = 1

/** Why a contact ended. */
export type EndReason = 'unregistered' | 'expired'

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

const REASONS = {
  unregistered: RemovalReason.REMOVAL_REASON_UNREGISTERED,
  expired: RemovalReason.REMOVAL_REASON_EXPIRED,
} as const satisfies Record<EndReason, RemovalReason>

/** One version octet, then the message. */
export function encodeRecord(logged: LoggedChange): Buffer {
  const message = RegistrationRecord.encode({
    atMs: BigInt(logged.atMs),
    canonicalImpu: logged.canonicalImpu,
    change: changeMessage(logged),
    answered: logged.answered && {
      ...logged.answered.key,
      status: 200,
      toTag: logged.answered.answer.toTag,
      headers: logged.answered.answer.headers.map(([name, value]) => ({ name, value })),
    },
  }).finish()
  return Buffer.concat([Buffer.of(RECORD_VERSION), message])
}

/**
 * Reads what `encodeRecord` made.
 *
 * @throws RecordUnreadableError when the version is not ours or the octets are no such message.
 */
export function decodeRecord(octets: Buffer): LoggedChange {
  if (octets[0] !== RECORD_VERSION) throw new RecordUnreadableError(`version ${octets[0] ?? 'missing'}`)
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
    answered: answered && {
      key: { callId: answered.callId, cseq: answered.cseq, branch: answered.branch },
      answer: { toTag: answered.toTag, headers: answered.headers.map(({ name, value }) => [name, value] as const) },
    },
  }
}

function changeMessage({ change, reason }: LoggedChange): RegistrationRecord['change'] {
  if (change.kind === 'removed') {
    const removalReason = reason ? REASONS[reason] : RemovalReason.REMOVAL_REASON_UNSPECIFIED
    const { impi, instance } = change
    return { $case: 'contactRemoved', value: { impi, instance, reason: removalReason } }
  }
  const { value: contact, ...rest } = change.contact
  return {
    $case: 'contactBound',
    value: {
      contact: { ...rest, contact, path: [...rest.path], expiresAtMs: BigInt(rest.expiresAtMs) },
      profile: change.profile,
    },
  }
}

function readChange(record: RegistrationRecord): { change: Change; reason: EndReason | undefined } {
  const { change } = record
  if (change?.$case === 'contactRemoved') {
    const { impi, instance, reason } = change.value
    const isExpired = reason === RemovalReason.REMOVAL_REASON_EXPIRED
    return {
      change: { kind: 'removed', impi: impi as Impi, instance },
      reason: isExpired ? 'expired' : 'unregistered',
    }
  }
  const contact = change?.value.contact
  if (!contact) throw new RecordUnreadableError('a record without a change')
  const { contact: value, ...rest } = contact
  return {
    change: {
      kind: 'bound',
      contact: {
        ...rest,
        value,
        impi: rest.impi as Impi,
        registeredImpu: rest.registeredImpu as Impu,
        expiresAtMs: Number(rest.expiresAtMs),
      },
      profile: change.value.profile,
    },
    reason: undefined,
  }
}
