import type { Impi, Impu } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { SnapshotRecord } from '@rollcall/proto-gen/scscf'
import { RecordUnreadableError } from '../errors.ts'
import type { RecentEnd } from './recent-ends.ts'
import {
  answeredMessage,
  contactMessage,
  endReasonOf,
  type LoggedAnswer,
  REMOVAL_REASONS,
  readAnswered,
  readContact,
} from './record.ts'
import type { KeptSubscription } from './reg-subscription-table.ts'
import type { Contact } from './registration.ts'
import { readSubscription, subscriptionMessage } from './subscription-message.ts'

/** Format of a snapshot's records: their first octet. */
const SNAPSHOT_VERSION = 2

/** One part of what a partition held when its snapshot was taken. */
export type SnapshotPart =
  | {
      readonly kind: 'set'
      readonly canonicalImpu: Impu
      readonly profile: ServiceProfile
      /** The newest binding last. */
      readonly contacts: readonly Contact[]
    }
  | { readonly kind: 'answered'; readonly atMs: number; readonly answered: LoggedAnswer }
  | ({ readonly kind: 'ended' } & RecentEnd)
  | ({ readonly kind: 'subscription' } & KeptSubscription)

/** One version octet, then the message. */
export function encodeSnapshotPart(part: SnapshotPart): Buffer {
  const message = SnapshotRecord.encode({ part: partMessage(part) }).finish()
  return Buffer.concat([Buffer.of(SNAPSHOT_VERSION), message])
}

/**
 * Reads what `encodeSnapshotPart` made.
 *
 * @throws RecordUnreadableError when the version is not ours or the octets are no such message.
 */
export function decodeSnapshotPart(octets: Buffer): SnapshotPart {
  if (octets[0] !== SNAPSHOT_VERSION) throw new RecordUnreadableError(`version ${octets[0] ?? 'missing'}`)
  let record: SnapshotRecord
  try {
    record = SnapshotRecord.decode(octets.subarray(1))
  } catch (cause) {
    throw new RecordUnreadableError('not a snapshot record', { cause })
  }
  return readPart(record.part)
}

function partMessage(part: SnapshotPart): NonNullable<SnapshotRecord['part']> {
  switch (part.kind) {
    case 'set': {
      const { canonicalImpu, profile } = part
      return {
        $case: 'registrationSet',
        value: { canonicalImpu, profile, contacts: part.contacts.map(contactMessage) },
      }
    }
    case 'answered':
      return {
        $case: 'recentAnswer',
        value: { atMs: BigInt(part.atMs), answered: answeredMessage(part.answered) },
      }
    case 'ended': {
      const { impi, impu, reason } = part.ended
      return {
        $case: 'recentEnd',
        value: {
          atMs: BigInt(part.atMs),
          impi,
          impu,
          reason: REMOVAL_REASONS[reason],
          canonicalImpu: part.canonicalImpu,
          contact: part.contact && contactMessage(part.contact),
          retryAfterSeconds: part.retryAfterSeconds,
          profile: part.profile,
        },
      }
    }
    case 'subscription': {
      const { canonicalImpu, subscription } = part
      return { $case: 'subscription', value: { canonicalImpu, subscription: subscriptionMessage(subscription) } }
    }
  }
}

function readPart(part: SnapshotRecord['part']): SnapshotPart {
  switch (part?.$case) {
    case 'registrationSet': {
      const { canonicalImpu, profile, contacts } = part.value
      if (!profile) break
      return { kind: 'set', canonicalImpu: canonicalImpu as Impu, profile, contacts: contacts.map(readContact) }
    }
    case 'recentAnswer': {
      const { atMs, answered } = part.value
      if (!answered) break
      return { kind: 'answered', atMs: Number(atMs), answered: readAnswered(answered) }
    }
    case 'recentEnd': {
      const { atMs, impi, impu, reason, canonicalImpu, contact, retryAfterSeconds, profile } = part.value
      const ended = { impi: impi as Impi, impu: impu as Impu, reason: endReasonOf(reason) }
      return {
        kind: 'ended',
        atMs: Number(atMs),
        ended,
        canonicalImpu: canonicalImpu as Impu,
        contact: contact && readContact(contact),
        retryAfterSeconds,
        profile,
      }
    }
    case 'subscription': {
      const { canonicalImpu, subscription } = part.value
      if (!subscription) break
      return {
        kind: 'subscription',
        canonicalImpu: canonicalImpu as Impu,
        subscription: readSubscription(subscription),
      }
    }
  }
  throw new RecordUnreadableError('a snapshot record that says nothing')
}
