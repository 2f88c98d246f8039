import type { Impu } from '@rollcall/core'
import type { RequestKey } from '@rollcall/store'
import type { PresentityState, Publication, Subscription } from '../actor/state.ts'
import type { WaitingWatcher } from '../actor/waiting.ts'
import type { PendingAnswer } from './answers.ts'
import type { AnswersSnapshotRecord, PresentitySnapshotRecord, UntoldRecord, WatermarkRecord } from './log-record.ts'
import type { Notice } from './notice.ts'
import type { NoticeDraft } from './notices.ts'
import type { PresentityPart } from './presentities.ts'
import { encodeSnapshotRecord } from './record-codec.ts'

/** About so many octets in one record: a chunk of a snapshot holds twice as many. */
const RECORD_OCTETS = 128 * 1024
/** Of a subscription, a publication, an answer or somebody untold, beside its texts. */
const ENTRY_OCTETS = 128

type CapturedAnswer = AnswersSnapshotRecord['answers'][number]

/** A record under way, and whom it concerns. */
export interface UnderWay {
  readonly presentity: Impu
  readonly traceparent: string
  readonly drafts: readonly NoticeDraft[]
}

/** All that an owner is, at one moment. */
export interface SnapshotSource {
  readonly nowMs: number
  readonly ordinal: number
  readonly watermark: Pick<WatermarkRecord, 'sequence' | 'lagging'>
  readonly presentities: Iterable<PresentityState>
  readonly answers: Iterable<{ readonly key: RequestKey; readonly answer: PendingAnswer; readonly atMs: number }>
  /** What is durable and not told. */
  readonly notices: Iterable<Notice>
  /** What is not durable yet, and therefore not told. */
  readonly underWay: Iterable<UnderWay>
}

/**
 * Captures the state of this moment: publications and subscriptions never change, so that holding on to them is enough.
 * What is given back is encoded record by record, when each is asked for.
 */
export function captureSnapshot(source: SnapshotSource): Iterable<Uint8Array> {
  const { nowMs, ordinal, watermark } = source
  const untold = untoldOf(source)
  const parts: PresentityPart[] = []
  for (const state of source.presentities) {
    const { presentity, lastPublicationNumber, registration } = state
    const publications = captured(state.publications.values())
    parts.push({
      presentity,
      lastPublicationNumber,
      registration,
      publications,
      subscriptions: captured(state.subscriptions.values()),
      documents: [...(state.documents?.entries() ?? [])],
      waiting: captured(state.waiting?.values() ?? []),
    })
  }
  const answers: CapturedAnswer[] = []
  for (const { key, answer, atMs } of source.answers) answers.push({ key, answer: answer.answer, answeredAtMs: atMs })
  return {
    *[Symbol.iterator]() {
      yield encodeSnapshotRecord({ kind: 'partition-snapshot', decidedAtMs: nowMs, ordinal, watermark })
      for (const part of parts) {
        for (const record of split(part, untold.get(part.presentity) ?? [], nowMs)) yield encodeSnapshotRecord(record)
        untold.delete(part.presentity)
      }
      // Of presentities with nothing left to remember.
      for (const [presentity, whom] of untold) {
        const nothing = { presentity, lastPublicationNumber: 0, registration: undefined, ...NOTHING }
        for (const record of split(nothing, whom, nowMs)) yield encodeSnapshotRecord(record)
      }
      for (const some of batches(answers, octetsOfAnswer)) {
        yield encodeSnapshotRecord({ kind: 'answers-snapshot', decidedAtMs: nowMs, answers: some })
      }
    },
  }
}

/** An array is one of this moment already; an iterator of a Map is not. */
function captured<T>(values: Iterable<T>): readonly T[] {
  return Array.isArray(values) ? values : [...values]
}

function untoldOf({ notices, underWay }: SnapshotSource): Map<Impu, UntoldRecord[]> {
  const untold = new Map<Impu, UntoldRecord[]>()
  const add = (presentity: Impu, record: UntoldRecord): void => {
    const known = untold.get(presentity)
    if (known) known.push(record)
    else untold.set(presentity, [record])
  }
  for (const notice of notices) {
    const { sequence, traceparent } = notice.cause
    add(notice.presentity, { whom: whomOf(notice), sequence, traceparent })
  }
  for (const { presentity, traceparent, drafts } of underWay) {
    for (const draft of drafts) add(presentity, { whom: whomOf(draft), sequence: undefined, traceparent })
  }
  return untold
}

function whomOf({ subscription, ended }: Pick<Notice, 'subscription' | 'ended'>): UntoldRecord['whom'] {
  return ended ? { ended: { subscription, reason: ended } } : { subscriptionId: subscription.id }
}

/** The records of one presentity: mostly one, of a crowd as many as it takes. */
function* split(
  part: PresentityPart,
  untold: readonly UntoldRecord[],
  decidedAtMs: number,
): Iterable<PresentitySnapshotRecord> {
  const record = (o: Partial<PresentityPart>, whom: readonly UntoldRecord[] = []): PresentitySnapshotRecord => {
    return { kind: 'presentity-snapshot', decidedAtMs, part: { ...part, ...NOTHING, ...o }, untold: whom }
  }
  if (octetsOf(part) + sum(untold, octetsOfUntold) <= RECORD_OCTETS) {
    yield record(part, untold)
    return
  }
  for (const publications of batches(part.publications, octetsOfPublication)) yield record({ publications })
  for (const subscriptions of batches(part.subscriptions, octetsOfSubscription)) yield record({ subscriptions })
  for (const documents of batches(part.documents, octetsOfDocument)) yield record({ documents })
  for (const waiting of batches(part.waiting, octetsOfWaiting)) yield record({ waiting })
  for (const whom of batches(untold, octetsOfUntold)) yield record({}, whom)
}

const NOTHING = { publications: [], subscriptions: [], documents: [], waiting: [] } as const

function* batches<T>(entries: readonly T[], octetsOfOne: (entry: T) => number): Iterable<T[]> {
  let batch: T[] = []
  let octets = 0
  for (const entry of entries) {
    const more = octetsOfOne(entry)
    if (batch.length > 0 && octets + more > RECORD_OCTETS) {
      yield batch
      batch = []
      octets = 0
    }
    batch.push(entry)
    octets += more
  }
  if (batch.length > 0) yield batch
}

function octetsOf({ publications, subscriptions, documents, waiting }: PresentityPart): number {
  const ofWatchers = sum(subscriptions, octetsOfSubscription) + sum(waiting, octetsOfWaiting)
  return sum(publications, octetsOfPublication) + sum(documents, octetsOfDocument) + ofWatchers
}

function octetsOfWaiting({ watcher, proof }: WaitingWatcher): number {
  return sum(watcher, ({ length }) => length) + (proof?.impi.length ?? 0) + ENTRY_OCTETS
}

function octetsOfDocument([key, { octets }]: PresentityPart['documents'][number]): number {
  return key.length + octets.length + ENTRY_OCTETS
}

function octetsOfPublication({ body }: Publication): number {
  return body.length + ENTRY_OCTETS
}

function octetsOfSubscription({ dialog, resource, watcher, proof, xcap }: Subscription): number {
  const ofDocuments = xcap ? xcap.root.length + sum(xcap.selectors, ({ length }) => length + ENTRY_OCTETS) : 0
  const ofProof = proof?.impi.length ?? 0
  return dialog.length + resource.length + sum(watcher, ({ length }) => length) + ofProof + ofDocuments + ENTRY_OCTETS
}

function octetsOfUntold({ whom }: UntoldRecord): number {
  return 'ended' in whom ? octetsOfSubscription(whom.ended.subscription) + ENTRY_OCTETS : ENTRY_OCTETS
}

function octetsOfAnswer({ key, answer }: CapturedAnswer): number {
  const headers = sum(answer.headers, ([name, value]) => name.length + value.length + 8)
  return key.callId.length + key.branch.length + headers + ENTRY_OCTETS
}

function sum<T>(entries: readonly T[], octetsOfOne: (entry: T) => number): number {
  let octets = 0
  for (const entry of entries) octets += octetsOfOne(entry)
  return octets
}
