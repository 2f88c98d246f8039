import { assertNever, type Impu } from '@rollcall/core'
import { type Change as WireChange, Record as WireRecord } from '@rollcall/proto-gen/presence'
import type { Change } from '../actor/change.ts'
import { RecordUnreadableError } from '../errors.ts'
import type { LogRecord, SnapshotRecord } from './log-record.ts'
import { snapshotFromWire, snapshotToWire } from './snapshot-codec.ts'
import {
  answeredFromWire,
  answeredToWire,
  HANDLING_TO_WIRE,
  handlingFromWire,
  present,
  REASON_TO_WIRE,
  reasonFromWire,
  selectionFromWire,
  selectionToWire,
  subscriptionFromWire,
  subscriptionToWire,
  WAITING_END_TO_WIRE,
  waitingEndFromWire,
} from './wire-parts.ts'

/** Formats that are written. A reader refuses a higher one: it was written by a newer release. */
const LOG_VERSION = 7
const SNAPSHOT_VERSION = 8
/** The formats before registrations, before documents, and before watchers proved who they are, which are read still. */
const LOG_VERSIONS: ReadonlySet<number> = new Set([1, 3, 5, LOG_VERSION])
const SNAPSHOT_VERSIONS: ReadonlySet<number> = new Set([2, 4, 6, SNAPSHOT_VERSION])

/** A record as octets. */
export function encodeRecord(record: LogRecord): Uint8Array {
  return encodeWire(toWire(record))
}

/** A record of a snapshot as octets. */
export function encodeSnapshotRecord(record: SnapshotRecord): Uint8Array {
  const change = { change: snapshotToWire(record) }
  return encodeWire(common(SNAPSHOT_VERSION, record.decidedAtMs, presentityOf(record), [change]))
}

/** The one that is used again: a fresh one grows from nothing to the size of a record each time. */
let writer = freshWriter()

function freshWriter(): ReturnType<typeof WireRecord.encode> {
  const fresh = WireRecord.encode(common(LOG_VERSION, 0, '', []))
  fresh.finish()
  return fresh
}

function encodeWire(wire: WireRecord): Uint8Array {
  try {
    return WireRecord.encode(wire, writer).finish()
  } catch (error) {
    writer = freshWriter()
    throw error
  }
}

/**
 * Reads a record.
 *
 * @throws RecordUnreadableError when it is of a newer format or makes no sense: serving on without it would lose state.
 */
export function decodeRecord(octets: Buffer): LogRecord | SnapshotRecord {
  const wire = decodeWire(octets)
  if (LOG_VERSIONS.has(wire.version)) return logRecordFromWire(wire)
  if (!SNAPSHOT_VERSIONS.has(wire.version)) throw new RecordUnreadableError(`format ${wire.version}`)
  const [only, ...more] = wire.changes
  if (!only?.change || more.length > 0) throw new RecordUnreadableError('a snapshot record of several kinds')
  const head = { decidedAtMs: Number(wire.decidedAtMs), presentity: wire.presentity as Impu }
  return snapshotFromWire(only.change, head)
}

function logRecordFromWire(wire: WireRecord): LogRecord {
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
        answered: wire.answered && answeredFromWire(wire.answered),
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
  switch (record.kind) {
    case 'decision': {
      const changes = record.changes.map((change) => ({ change: changeToWire(change) }))
      const wire = common(LOG_VERSION, decidedAtMs, record.presentity, changes)
      if (record.answered) wire.answered = answeredToWire(record.answered)
      return wire
    }
    case 'owner-started':
      return common(LOG_VERSION, decidedAtMs, '', [
        { change: { $case: 'ownerStarted', value: { ordinal: record.ordinal } } },
      ])
    case 'watermark': {
      const value = { sequence: record.sequence, lagging: record.lagging.map((one) => ({ ...one })) }
      return common(LOG_VERSION, decidedAtMs, '', [{ change: { $case: 'watermark', value } }])
    }
    default:
      return assertNever(record)
  }
}

function common(version: number, decidedAtMs: number, presentity: string, changes: WireChange[]): WireRecord {
  return { version, decidedAtMs: BigInt(decidedAtMs), presentity, answered: undefined, changes }
}

function presentityOf(record: SnapshotRecord): string {
  return record.kind === 'presentity-snapshot' ? record.part.presentity : ''
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
        value: {
          ...change,
          handling,
          expiresAtMs: BigInt(change.expiresAtMs),
          isHidden: change.isHidden ?? false,
          xcap: change.xcap && selectionToWire(change.xcap),
        },
      }
    }
    case 'subscription-decided':
      return { $case: 'subscriptionDecided', value: { id: change.id, handling: HANDLING_TO_WIRE[change.handling] } }
    case 'subscription-ended': {
      const { id, silent, waitsUntilMs = 0 } = change
      const value = { id, silent, reason: REASON_TO_WIRE[change.reason], waitsUntilMs: BigInt(waitsUntilMs) }
      return { $case: 'subscriptionEnded', value }
    }
    case 'waiting-ended':
      return { $case: 'waitingEnded', value: { id: change.id, reason: WAITING_END_TO_WIRE[change.reason] } }
    case 'watcher-refused': {
      const { id, watcher, isHidden } = change
      return { $case: 'watcherRefused', value: { id, watcher: [...watcher], isHidden } }
    }
    case 'registration-stored': {
      const { toldAtMs, expiresAtMs, callId, cseq } = change
      const value = { callId, cseq, expiresAtMs: BigInt(expiresAtMs), toldAtMs: BigInt(toldAtMs) }
      return { $case: 'registrationStored', value }
    }
    case 'registration-ended': {
      const { toldAtMs, forgetAtMs, callId, cseq, expired } = change
      const value = { callId, cseq, expired, forgetAtMs: BigInt(forgetAtMs), toldAtMs: BigInt(toldAtMs) }
      return { $case: 'registrationEnded', value }
    }
    case 'registration-forgotten':
      return { $case: 'registrationForgotten', value: {} }
    case 'document-stored':
      return { $case: 'documentStored', value: { key: change.key, entityTag: change.etag, octets: change.octets } }
    case 'document-removed':
      return { $case: 'documentRemoved', value: { key: change.key } }
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
      const { id, remoteCseq, remoteTarget, expiresAtMs, handling, notifyBase, isHidden, xcap } = change.value
      return {
        kind: 'subscription-refreshed',
        id,
        remoteCseq,
        remoteTarget,
        expiresAtMs: Number(expiresAtMs),
        handling: handlingFromWire(handling),
        notifyBase: present(notifyBase),
        ...(isHidden && { isHidden }),
        ...(xcap && { xcap: selectionFromWire(xcap) }),
      }
    }
    case 'subscriptionDecided':
      return { kind: 'subscription-decided', id: change.value.id, handling: handlingFromWire(change.value.handling) }
    case 'subscriptionEnded': {
      const { id, reason, silent, waitsUntilMs } = change.value
      const waits = waitsUntilMs === 0n ? {} : { waitsUntilMs: Number(waitsUntilMs) }
      return { kind: 'subscription-ended', id, reason: reasonFromWire(reason), silent, ...waits }
    }
    case 'waitingEnded':
      return { kind: 'waiting-ended', id: change.value.id, reason: waitingEndFromWire(change.value.reason) }
    case 'watcherRefused': {
      const { id, watcher, isHidden } = change.value
      return { kind: 'watcher-refused', id, watcher: watcher as Impu[], isHidden }
    }
    case 'registrationStored': {
      const { expiresAtMs, toldAtMs, callId, cseq } = change.value
      const times = { expiresAtMs: Number(expiresAtMs), toldAtMs: Number(toldAtMs) }
      return { kind: 'registration-stored', ...times, callId, cseq }
    }
    case 'registrationEnded': {
      const { forgetAtMs, toldAtMs, callId, cseq, expired } = change.value
      const times = { forgetAtMs: Number(forgetAtMs), toldAtMs: Number(toldAtMs) }
      return { kind: 'registration-ended', ...times, callId, cseq, expired }
    }
    case 'registrationForgotten':
      return { kind: 'registration-forgotten' }
    case 'documentStored': {
      const { key, entityTag: etag, octets } = change.value
      return { kind: 'document-stored', key, etag, octets }
    }
    case 'documentRemoved':
      return { kind: 'document-removed', key: change.value.key }
    case 'notifyBaseMoved':
      return { kind: 'notify-base-moved', id: change.value.id, notifyBase: present(change.value.notifyBase) }
    case 'ownerStarted':
    case 'watermark':
    case 'partitionSnapshot':
    case 'presentitySnapshot':
    case 'answersSnapshot':
    case undefined:
      throw new RecordUnreadableError('a change that a decision cannot have')
    default:
      return assertNever(change)
  }
}
