import { assertNever, type Impu } from '@rollcall/core'
import type {
  PublicationSnapshot,
  RegistrationSnapshot,
  SubscriptionSnapshot,
  UntoldSnapshot,
  WaitingSnapshot,
  Change as WireChange,
} from '@rollcall/proto-gen/presence'
import { keepSubscription } from '../actor/apply.ts'
import { dialogOf, type Publication, type Registration, type Subscription } from '../actor/state.ts'
import type { WaitingWatcher } from '../actor/waiting.ts'
import { RecordUnreadableError } from '../errors.ts'
import type { SnapshotRecord, UntoldRecord } from './log-record.ts'
import type { PresentityPart } from './presentities.ts'
import {
  answeredFromWire,
  answeredToWire,
  present,
  proofFromWire,
  REASON_TO_WIRE,
  reasonFromWire,
  subscriptionFromWire,
  subscriptionToWire,
} from './wire-parts.ts'

/** The one change of a snapshot's record. */
export function snapshotToWire(record: SnapshotRecord): NonNullable<WireChange['change']> {
  switch (record.kind) {
    case 'partition-snapshot': {
      const { sequence, lagging } = record.watermark
      const watermark = { sequence, lagging: lagging.map((one) => ({ ...one })) }
      return { $case: 'partitionSnapshot', value: { ownerOrdinal: record.ordinal, watermark } }
    }
    case 'presentity-snapshot': {
      const { lastPublicationNumber, publications, subscriptions, registration, documents, waiting } = record.part
      return {
        $case: 'presentitySnapshot',
        value: {
          lastPublicationNumber,
          publications: publications.map(publicationToWire),
          subscriptions: subscriptions.map(keptToWire),
          untold: record.untold.map(untoldToWire),
          registration: registration && registrationToWire(registration),
          documents: documents.map(([key, { etag, octets }]) => ({ key, entityTag: etag, octets })),
          waiting: waiting.map(waitingToWire),
        },
      }
    }
    case 'answers-snapshot': {
      const answers = record.answers.map((one) => ({
        answered: answeredToWire(one),
        answeredAtMs: BigInt(one.answeredAtMs),
      }))
      return { $case: 'answersSnapshot', value: { answers } }
    }
    default:
      return assertNever(record)
  }
}

/** @throws RecordUnreadableError */
export function snapshotFromWire(
  change: NonNullable<WireChange['change']>,
  { decidedAtMs, presentity }: { readonly decidedAtMs: number; readonly presentity: Impu },
): SnapshotRecord {
  switch (change.$case) {
    case 'partitionSnapshot': {
      const { ownerOrdinal, watermark } = change.value
      const { sequence, lagging } = present(watermark)
      const laggards = lagging.map((one) => ({ ...one, presentity: one.presentity as Impu }))
      return {
        kind: 'partition-snapshot',
        decidedAtMs,
        ordinal: ownerOrdinal,
        watermark: { sequence, lagging: laggards },
      }
    }
    case 'presentitySnapshot': {
      const { lastPublicationNumber, publications, subscriptions, untold, registration, documents, waiting } =
        change.value
      const part = {
        presentity,
        lastPublicationNumber,
        publications: publications.map(publicationFromWire),
        subscriptions: subscriptions.map((one) => keptFromWire(one, presentity)),
        registration: registration && registrationFromWire(registration),
        // Octets that are kept are no view of the record that they came in.
        documents: documents.map((one) => documentEntry(one.key, one.entityTag, one.octets)),
        waiting: waiting.map(waitingFromWire),
      }
      return {
        kind: 'presentity-snapshot',
        decidedAtMs,
        part,
        untold: untold.map((one) => untoldFromWire(one, presentity)),
      }
    }
    case 'answersSnapshot': {
      const answers = change.value.answers.map(({ answered, answeredAtMs }) => ({
        ...answeredFromWire(present(answered)),
        answeredAtMs: Number(answeredAtMs),
      }))
      return { kind: 'answers-snapshot', decidedAtMs, answers }
    }
    default:
      throw new RecordUnreadableError('a change that no snapshot can have')
  }
}

function documentEntry(key: string, etag: string, octets: Buffer): PresentityPart['documents'][number] {
  return [key, { etag, octets: Buffer.from(octets) }]
}

function publicationToWire({ number, entityTag, expiresAtMs, receivedAtMs, body }: Publication): PublicationSnapshot {
  return {
    number,
    entityTag,
    expiresAtMs: BigInt(expiresAtMs),
    receivedAtMs: BigInt(receivedAtMs),
    body: Buffer.from(body, 'latin1'),
  }
}

function publicationFromWire(wire: PublicationSnapshot): Publication {
  const { number, entityTag, expiresAtMs, receivedAtMs, body } = wire
  return {
    number,
    entityTag,
    expiresAtMs: Number(expiresAtMs),
    receivedAtMs: Number(receivedAtMs),
    body: body.toString('latin1'),
  }
}

function registrationToWire({ isRegistered, expiresAtMs, toldAtMs, callId, cseq }: Registration): RegistrationSnapshot {
  return { registered: isRegistered, expiresAtMs: BigInt(expiresAtMs), toldAtMs: BigInt(toldAtMs), callId, cseq }
}

function registrationFromWire({ registered, expiresAtMs, toldAtMs, callId, cseq }: RegistrationSnapshot): Registration {
  return { isRegistered: registered, expiresAtMs: Number(expiresAtMs), toldAtMs: Number(toldAtMs), callId, cseq }
}

function keptToWire(subscription: Subscription): SubscriptionSnapshot {
  const { watcherEvent, startedAtMs, traceparent } = subscription
  return {
    stored: subscriptionToWire({ ...subscription, dialog: dialogOf(subscription) }),
    isApproved: watcherEvent === 'approved',
    startedAtMs: BigInt(startedAtMs),
    traceparent,
  }
}

function keptFromWire(
  { stored, isApproved, startedAtMs, traceparent }: SubscriptionSnapshot,
  presentity: Impu,
): Subscription {
  return keepSubscription(subscriptionFromWire(present(stored)), presentity, {
    watcherEvent: isApproved ? 'approved' : 'subscribe',
    startedAtMs: Number(startedAtMs),
    traceparent,
  })
}

function waitingToWire({ id, watcher, isHidden, proof, startedAtMs, giveUpAtMs }: WaitingWatcher): WaitingSnapshot {
  return {
    ...{ id, watcher: [...watcher], isHidden, proof },
    startedAtMs: BigInt(startedAtMs),
    giveUpAtMs: BigInt(giveUpAtMs),
  }
}

function waitingFromWire(wire: WaitingSnapshot): WaitingWatcher {
  const { id, watcher, isHidden, proof, startedAtMs, giveUpAtMs } = wire
  return {
    ...{ id, watcher: watcher as Impu[], isHidden, proof: proof && proofFromWire(proof) },
    startedAtMs: Number(startedAtMs),
    giveUpAtMs: Number(giveUpAtMs),
  }
}

function untoldToWire({ whom, sequence = 0n, traceparent }: UntoldRecord): UntoldSnapshot {
  if ('subscriptionId' in whom) {
    return { whom: { $case: 'subscriptionId', value: whom.subscriptionId }, sequence, traceparent }
  }
  const { subscription, reason } = whom.ended
  const value = { subscription: keptToWire(subscription), reason: REASON_TO_WIRE[reason] }
  return { whom: { $case: 'ended', value }, sequence, traceparent }
}

function untoldFromWire({ whom, sequence, traceparent }: UntoldSnapshot, presentity: Impu): UntoldRecord {
  const known = { sequence: sequence === 0n ? undefined : sequence, traceparent }
  switch (whom?.$case) {
    case 'subscriptionId':
      return { ...known, whom: { subscriptionId: whom.value } }
    case 'ended': {
      const { subscription, reason } = whom.value
      const ended = { subscription: keptFromWire(present(subscription), presentity), reason: reasonFromWire(reason) }
      return { ...known, whom: { ended } }
    }
    case undefined:
      throw new RecordUnreadableError('nobody was not told')
  }
}
