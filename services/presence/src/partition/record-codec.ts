import { assertNever, type Impu } from '@rollcall/core'
import type { SubHandling } from '@rollcall/policy'
import {
  type SubscriptionStored,
  type Change as WireChange,
  EndReason as WireEndReason,
  Record as WireRecord,
  SubHandling as WireSubHandling,
} from '@rollcall/proto-gen/presence'
import type { Change, EndReason, StoredSubscription } from '../actor/change.ts'
import type { EventPackage } from '../actor/state.ts'
import { RecordUnreadableError } from '../errors.ts'
import type { DecisionRecord, LogRecord } from './log-record.ts'

/** The format that is written. A reader refuses a higher one: it was written by a newer release. */
const VERSION = 1

/** A record as octets. */
export function encodeRecord(record: LogRecord): Uint8Array {
  return WireRecord.encode(toWire(record)).finish()
}

/**
 * Reads a record.
 *
 * @throws RecordUnreadableError when it is of a newer format or makes no sense: serving on without it would lose state.
 */
export function decodeRecord(octets: Buffer): LogRecord {
  const wire = decodeWire(octets)
  if (wire.version !== VERSION) throw new RecordUnreadableError(`format ${wire.version}`)
  const decidedAtMs = Number(wire.decidedAtMs)
  const [first] = wire.changes
  switch (first?.change?.$case) {
    case 'ownerStarted':
      return { kind: 'owner-started', decidedAtMs, ordinal: first.change.value.ordinal }
    case 'watermark': {
      const { sequence, lagging } = first.change.value
      const laggards = lagging.map((one) => ({ ...one, presentity: one.presentity as Impu }))
      return { kind: 'watermark', decidedAtMs, sequence, lagging: laggards }
    }
    default:
      return {
        kind: 'decision',
        decidedAtMs,
        presentity: wire.presentity as Impu,
        answered: answeredFromWire(wire.answered),
        changes: wire.changes.map(changeFromWire),
      }
  }
}

function decodeWire(octets: Buffer): WireRecord {
  try {
    return WireRecord.decode(octets)
  } catch (cause) {
    throw new RecordUnreadableError('no record', { cause })
  }
}

function toWire(record: LogRecord): WireRecord {
  const { decidedAtMs } = record
  const common = {
    version: VERSION,
    decidedAtMs: BigInt(decidedAtMs),
    presentity: '',
    traceparent: '',
    answered: undefined,
  }
  switch (record.kind) {
    case 'decision':
      return {
        ...common,
        presentity: record.presentity,
        answered: answeredToWire(record.answered),
        changes: record.changes.map((change) => ({ change: changeToWire(change) })),
      }
    case 'owner-started':
      return { ...common, changes: [{ change: { $case: 'ownerStarted', value: { ordinal: record.ordinal } } }] }
    case 'watermark': {
      const value = { sequence: record.sequence, lagging: record.lagging.map((one) => ({ ...one })) }
      return { ...common, changes: [{ change: { $case: 'watermark', value } }] }
    }
    default:
      return assertNever(record)
  }
}

function answeredToWire(answered: DecisionRecord['answered']): WireRecord['answered'] {
  if (!answered) return undefined
  const { key, answer } = answered
  const headers = answer.headers.map(([name, value]) => ({ name, value }))
  return { ...key, answer: { status: answer.status, toTag: answer.toTag, headers } }
}

function answeredFromWire(wire: WireRecord['answered']): DecisionRecord['answered'] {
  if (!wire?.answer) return undefined
  const { callId, cseq, branch, answer } = wire
  const headers = answer.headers.map(({ name, value }) => [name, value] as const)
  return { key: { callId, cseq, branch }, answer: { status: answer.status, toTag: answer.toTag, headers } }
}

function changeToWire(change: Change): NonNullable<WireChange['change']> {
  switch (change.kind) {
    case 'publication-stored': {
      const { number, entityTag, body } = change
      const replacedEntityTag = change.replacedEntityTag ?? ''
      const expiresAtMs = BigInt(change.expiresAtMs)
      return { $case: 'publicationStored', value: { number, replacedEntityTag, entityTag, expiresAtMs, body } }
    }
    case 'publication-refreshed':
      return { $case: 'publicationRefreshed', value: { ...change, expiresAtMs: BigInt(change.expiresAtMs) } }
    case 'publication-removed':
      return { $case: 'publicationRemoved', value: change }
    case 'subscription-stored':
      return { $case: 'subscriptionStored', value: subscriptionToWire(change.subscription) }
    case 'subscription-refreshed': {
      const handling = HANDLING_TO_WIRE[change.handling]
      return {
        $case: 'subscriptionRefreshed',
        value: { ...change, handling, expiresAtMs: BigInt(change.expiresAtMs) },
      }
    }
    case 'subscription-decided':
      return { $case: 'subscriptionDecided', value: { id: change.id, handling: HANDLING_TO_WIRE[change.handling] } }
    case 'subscription-ended': {
      const { id, silent } = change
      return { $case: 'subscriptionEnded', value: { id, silent, reason: REASON_TO_WIRE[change.reason] } }
    }
    case 'notify-base-moved':
      return { $case: 'notifyBaseMoved', value: change }
    default:
      return assertNever(change)
  }
}

function changeFromWire({ change }: WireChange): Change {
  switch (change?.$case) {
    case 'publicationStored': {
      const { number, replacedEntityTag, entityTag, expiresAtMs, body } = change.value
      return {
        kind: 'publication-stored',
        number,
        replacedEntityTag: replacedEntityTag || undefined,
        entityTag,
        expiresAtMs: Number(expiresAtMs),
        body,
      }
    }
    case 'publicationRefreshed':
      return { kind: 'publication-refreshed', ...change.value, expiresAtMs: Number(change.value.expiresAtMs) }
    case 'publicationRemoved':
      return { kind: 'publication-removed', ...change.value }
    case 'subscriptionStored':
      return { kind: 'subscription-stored', subscription: subscriptionFromWire(change.value) }
    case 'subscriptionRefreshed': {
      const { id, remoteCseq, remoteTarget, expiresAtMs, handling, notifyBase } = change.value
      return {
        kind: 'subscription-refreshed',
        id,
        remoteCseq,
        remoteTarget,
        expiresAtMs: Number(expiresAtMs),
        handling: handlingFromWire(handling),
        notifyBase: present(notifyBase),
      }
    }
    case 'subscriptionDecided':
      return { kind: 'subscription-decided', id: change.value.id, handling: handlingFromWire(change.value.handling) }
    case 'subscriptionEnded': {
      const { id, reason, silent } = change.value
      return { kind: 'subscription-ended', id, reason: reasonFromWire(reason), silent }
    }
    case 'notifyBaseMoved':
      return { kind: 'notify-base-moved', id: change.value.id, notifyBase: present(change.value.notifyBase) }
    case 'ownerStarted':
    case 'watermark':
    case undefined:
      throw new RecordUnreadableError('a change that a decision cannot have')
    default:
      return assertNever(change)
  }
}

function subscriptionToWire(subscription: StoredSubscription): SubscriptionStored {
  const { dialog, watcher, expiresAtMs, handling } = subscription
  return {
    ...subscription,
    watcher: [...watcher],
    handling: HANDLING_TO_WIRE[handling],
    expiresAtMs: BigInt(expiresAtMs),
    dialog: { ...dialog, routeSet: [...dialog.routeSet] },
  }
}

function subscriptionFromWire(wire: SubscriptionStored): StoredSubscription {
  const { id, eventPackage, eventId, resource, watcher, handling, expiresAtMs, dialog, notifyBase } = wire
  return {
    id,
    eventPackage: eventPackageFromWire(eventPackage),
    eventId,
    resource: resource as Impu,
    watcher: watcher as Impu[],
    handling: handlingFromWire(handling),
    expiresAtMs: Number(expiresAtMs),
    dialog: present(dialog),
    notifyBase: present(notifyBase),
  }
}

function eventPackageFromWire(name: string): EventPackage {
  if (name === 'presence' || name === 'presence.winfo') return name
  throw new RecordUnreadableError('an unknown event package')
}

const HANDLING_TO_WIRE = {
  block: WireSubHandling.SUB_HANDLING_BLOCK,
  confirm: WireSubHandling.SUB_HANDLING_CONFIRM,
  'polite-block': WireSubHandling.SUB_HANDLING_POLITE_BLOCK,
  allow: WireSubHandling.SUB_HANDLING_ALLOW,
} as const satisfies Record<SubHandling, WireSubHandling>

const REASON_TO_WIRE = {
  timeout: WireEndReason.END_REASON_TIMEOUT,
  rejected: WireEndReason.END_REASON_REJECTED,
  giveup: WireEndReason.END_REASON_GIVEUP,
  deactivated: WireEndReason.END_REASON_DEACTIVATED,
} as const satisfies Record<EndReason, WireEndReason>

function handlingFromWire(wire: WireSubHandling): SubHandling {
  return keyOf(HANDLING_TO_WIRE, wire)
}

function reasonFromWire(wire: WireEndReason): EndReason {
  return keyOf(REASON_TO_WIRE, wire)
}

function keyOf<K extends string>(table: Readonly<Record<K, number>>, value: number): K {
  for (const key of Object.keys(table) as K[]) if (table[key] === value) return key
  throw new RecordUnreadableError('an unknown word')
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new RecordUnreadableError('a part is missing')
  return value
}
