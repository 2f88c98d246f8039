import type { Impi } from '@rollcall/core'
import { type LiveSubscription, SubscriptionRecord } from '@rollcall/proto-gen/hss'
import { RecordUnreadableError } from '../errors.ts'
import type { Subscriber } from './subscriber.ts'

/** Format of what is stored: the first octet of each record. A reader refuses what it does not know. */
export const RECORD_VERSION = 1

/** A generated message type: how its octets are made and read. */
export interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array }
  decode(bytes: Uint8Array): T
}

/** One version octet, then the message. */
export function encodeRecord<T>(type: MessageType<T>, message: T): Buffer {
  return Buffer.concat([Buffer.of(RECORD_VERSION), type.encode(message).finish()])
}

/**
 * Reads what `encodeRecord` made.
 *
 * @throws RecordUnreadableError when the version is not ours or the octets are no such message.
 */
export function decodeRecord<T>(type: MessageType<T>, recordKey: string, bytes: Buffer): T {
  if (bytes[0] !== RECORD_VERSION) throw new RecordUnreadableError(recordKey, `version ${bytes[0] ?? 'missing'}`)
  try {
    return type.decode(bytes.subarray(1))
  } catch (cause) {
    throw new RecordUnreadableError(recordKey, 'not the message that its key promises', { cause })
  }
}

/**
 * The stored words as what the code works with.
 *
 * @throws RecordUnreadableError when a part is missing that each add writes.
 */
export function subscriberOf(recordKey: string, revision: bigint, live: LiveSubscription): Subscriber {
  if (!live.serviceProfile || !live.presencePolicy) throw new RecordUnreadableError(recordKey, 'no profile')
  return {
    subscriptionId: live.subscriptionId,
    recordKey,
    revision,
    generation: live.generation,
    privateUsers: live.privateUsers.map((user) => ({ ...user, impi: user.impi as Impi })),
    serviceProfile: live.serviceProfile,
    presencePolicy: live.presencePolicy,
  }
}

/** The record that stores `subscriber`. */
export function encodeLive(subscriber: Omit<Subscriber, 'recordKey' | 'revision'>): Buffer {
  const { subscriptionId, generation, privateUsers, serviceProfile, presencePolicy } = subscriber
  const value: LiveSubscription = {
    subscriptionId,
    generation,
    privateUsers: [...privateUsers],
    serviceProfile,
    presencePolicy,
  }
  return encodeRecord(SubscriptionRecord, { state: { $case: 'live', value } })
}
