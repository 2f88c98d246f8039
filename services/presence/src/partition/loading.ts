import type { AnsweredRequests, LoadedRecord } from '@rollcall/store'
import type { Touched } from '../actor/apply.ts'
import { RecordUnreadableError } from '../errors.ts'
import { PendingAnswer } from './answers.ts'
import { CatchUpMarks } from './catch-up.ts'
import type { DecisionRecord, SnapshotRecord } from './log-record.ts'
import type { Presentities } from './presentities.ts'
import { decodeRecord } from './record-codec.ts'
import type { Watermarks } from './watermarks.ts'

/** Makes a partition's state of its snapshot and its log, and finds out who may be left untold. */
export class Loading {
  readonly marks = new CatchUpMarks()
  /** Of the last owner; 0 when there was none. */
  ordinal = 0
  /** When the last owner wrote last. */
  lastAtMs = 0
  readonly presentities: Presentities
  readonly answers: AnsweredRequests<PendingAnswer>
  readonly watermarks: Watermarks

  constructor(o: {
    readonly presentities: Presentities
    readonly answers: AnsweredRequests<PendingAnswer>
    readonly watermarks: Watermarks
  }) {
    this.presentities = o.presentities
    this.answers = o.answers
    this.watermarks = o.watermarks
  }

  /** @throws RecordUnreadableError */
  take(loaded: LoadedRecord): void {
    const record = decodeRecord(loaded.record)
    this.lastAtMs = Math.max(this.lastAtMs, record.decidedAtMs)
    const isOfSnapshot = record.kind.endsWith('-snapshot')
    if (isOfSnapshot !== loaded.fromSnapshot) throw new RecordUnreadableError(`${record.kind} in the wrong place`)
    switch (record.kind) {
      case 'owner-started':
        this.ordinal = record.ordinal
        return
      case 'watermark':
        this.marks.told(record.sequence, record.lagging)
        this.watermarks.loaded(record)
        return
      case 'decision':
        this.#decision(record, loaded)
        return
      default:
        this.#snapshot(record, loaded)
    }
  }

  #decision(record: DecisionRecord, { sequence, traceparent = '' }: LoadedRecord): void {
    const touched = this.presentities.apply(record, traceparent)
    this.marks.touch(record.presentity, touched, { sequence, traceparent })
    if (touches(touched)) this.watermarks.caused(sequence)
    if (!record.answered) return
    const { key, answer } = record.answered
    this.answers.remember(key, new PendingAnswer(answer, 'durable'), record.decidedAtMs)
  }

  #snapshot(record: SnapshotRecord, { sequence: markSequence }: LoadedRecord): void {
    switch (record.kind) {
      case 'partition-snapshot':
        this.ordinal = record.ordinal
        this.marks.told(record.watermark.sequence, record.watermark.lagging)
        this.watermarks.loaded(record.watermark)
        return
      case 'presentity-snapshot': {
        const { part, untold } = record
        this.presentities.put(part)
        for (const { whom, sequence = markSequence, traceparent } of untold) {
          this.marks.leftUntold(part.presentity, whom, { sequence, traceparent })
          this.watermarks.caused(sequence)
        }
        return
      }
      case 'answers-snapshot':
        for (const { key, answer, answeredAtMs } of record.answers) {
          this.answers.remember(key, new PendingAnswer(answer, 'durable'), answeredAtMs)
        }
        return
    }
  }
}

function touches({ presence, winfo, subscriptions, ended }: Touched): boolean {
  return presence || winfo || subscriptions.size > 0 || ended.length > 0
}
