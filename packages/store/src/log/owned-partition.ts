import { assert, systemRandom, type Timer } from '@rollcall/core'
import {
  FencedError,
  PartitionReleasedError,
  RecordTooLargeError,
  SnapshotUnderWayError,
  StoreFullError,
  StoreOverloadedError,
  StoreUnavailableError,
} from '../errors.ts'
import { SNAPSHOT_ID_OCTETS } from '../snapshot/chunk.ts'
import type { PartitionSnapshots, SnapshotResult } from '../snapshot/partition-snapshots.ts'
import type { StoreLink } from '../store-link.ts'
import { type Appended, AppendQueue, type PendingAppend } from './append-queue.ts'
import { endSpan, startAppendSpan, startBatchSpan } from './append-spans.ts'
import type { ChainWriter, Trouble } from './chain-writer.ts'
import type { LogEvent } from './log-event.ts'
import { encodeLogMessage, RECORD_OCTETS_MAX } from './log-message.ts'
import type { GateUser, StreamGate } from './stream-gate.ts'
import { isTraceparent } from './traceparent.ts'

/** `release` waits so long for what is under way. */
const RELEASE_MS_MAX = 5_000
/** A record that waits longer than this shows that the store hangs, whatever it hangs on: nothing new is taken. */
const UNSETTLED_MS = 1_500
/** How often waiting records are looked at, while there are any: their limits are kept to within this. */
const WATCH_MS = 250

type State =
  | { readonly kind: 'open' }
  /** What is under way is not settled: nothing new is taken. */
  | { readonly kind: 'unsettled'; readonly reason: Trouble }
  | { readonly kind: 'releasing' }
  | { readonly kind: 'released' }
  | { readonly kind: 'fenced'; readonly error: FencedError }

const OPEN: State = { kind: 'open' }

/**
 * A partition that this process owns, until someone else takes it. Records that come while a message is under way
 * gather and travel together in the next one.
 */
export class OwnedPartition implements GateUser {
  readonly partition: string
  readonly epoch: bigint
  /** Resolves once, when someone else has taken the partition. It is noticed at an append, not before. */
  readonly lost: Promise<FencedError>
  readonly #connection: StoreLink
  readonly #writer: ChainWriter
  readonly #gate: StreamGate
  readonly #snapshots: PartitionSnapshots
  readonly #appendTimeoutMs: number
  readonly #onEvent: (event: LogEvent) => void
  readonly #tellLost: (error: FencedError) => void
  readonly #queue = new AppendQueue()
  #acknowledged: bigint
  #underWay: PendingAppend[] = []
  #isInGate = false
  #state: State = OPEN
  #watch: Timer | undefined
  #tellIdle: (() => void) | undefined

  constructor(o: {
    partition: string
    connection: StoreLink
    writer: ChainWriter
    gate: StreamGate
    /** Sequence of the last record that was loaded; 0 for none. */
    acknowledged: bigint
    snapshots: PartitionSnapshots
    appendTimeoutMs: number
    onEvent: (event: LogEvent) => void
  }) {
    this.partition = o.partition
    this.epoch = o.writer.epoch
    this.#connection = o.connection
    this.#writer = o.writer
    this.#gate = o.gate
    this.#acknowledged = o.acknowledged
    this.#snapshots = o.snapshots
    this.#appendTimeoutMs = o.appendTimeoutMs
    this.#onEvent = o.onEvent
    const { promise, resolve } = Promise.withResolvers<FencedError>()
    this.lost = promise
    this.#tellLost = resolve
  }

  /**
   * False while an append is unsettled, NATS is away, or too much waits: answer 503 before deciding anything. It
   * changes only between ticks, so an append in the tick that saw true is taken.
   */
  get isAvailable(): boolean {
    return this.#state.kind === 'open' && this.#connection.isConnected && this.#queue.hasRoom
  }

  /**
   * Appends a record; resolves when the message that holds it is acknowledged, which is when it is on disk.
   *
   * `traceparent` is kept with the record, and its `store append` span stands below it. The octets are not copied.
   *
   * @throws StoreUnavailableError with outcome `refused` at once, or with outcome `open` when the caller has waited for
   *   `appendTimeoutMs`: the log goes on settling it; StoreFullError, the same for a full stream; StoreOverloadedError
   *   and RecordTooLargeError at once; FencedError: drop the partition; PartitionReleasedError.
   */
  append(record: Uint8Array, o: { traceparent?: string | undefined } = {}): Promise<Appended> {
    const traceparent = o.traceparent && isTraceparent(o.traceparent) ? o.traceparent : undefined
    return this.#enqueue('records', record, traceparent)
  }

  /**
   * Sequence of the last record that is known to be on disk, whoever wrote it; 0 when there is none. A log that ends before it
   * is not whole.
   */
  get acknowledged(): bigint {
    return this.#acknowledged
  }

  /** Octets in the log that a load would read behind the last snapshot. */
  get tailOctets(): number {
    return this.#snapshots.tailOctets
  }

  /**
   * True when a snapshot is due: the tail is longer than 4 MiB and than the last snapshot, none is under way, and the last one
   * that failed is some time ago. It is cheap: ask after each append.
   */
  get wantsSnapshot(): boolean {
    return this.#snapshots.isWanted && this.isAvailable
  }

  /**
   * Writes `records` as the state right now: everything appended before this call and nothing after. They are pulled lazily,
   * some in each turn of the event loop, so give an iterable over values that do not change; each has at most
   * `RECORD_OCTETS_MAX`. A load gives them first, in this order. What lies before it in the log is then purged.
   *
   * At any failure the snapshot before it stays in force, and nothing is lost.
   *
   * @throws SnapshotUnderWayError; what `append` throws; StoreFullError, StoreUnavailableError; RecordTooLargeError;
   *   FencedError: drop the partition; PartitionReleasedError; what the iteration of `records` throws
   */
  async snapshot(records: Iterable<Uint8Array>): Promise<SnapshotResult> {
    if (this.#snapshots.isUnderWay) throw new SnapshotUnderWayError(this.partition)
    const id = systemRandom.bytes(SNAPSHOT_ID_OCTETS)
    const mark = this.#enqueue('mark', id, undefined)
    try {
      return await this.#snapshots.write({ id: id.toString('hex'), mark, records })
    } catch (error) {
      if (error instanceof FencedError) this.#becomeFenced(error)
      throw error
    }
  }

  #enqueue(kind: PendingAppend['kind'], record: Uint8Array, traceparent: string | undefined): Promise<Appended> {
    const refusal = this.#refusalOf(record)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#queue.push({
        kind,
        record,
        traceparent,
        sinceMs: this.#connection.clock.monotonic(),
        span: startAppendSpan(traceparent, this.partition),
        resolve,
        reject,
        isAnswered: false,
      })
      this.#watch ??= this.#connection.clock.setTimer(WATCH_MS, () => this.#look())
      this.#askForTurn()
    })
  }

  /**
   * Takes nothing more, waits for what is under way, and stops. What is not settled by then stays open: the next owner
   * finds it in the log or not.
   */
  async release(): Promise<void> {
    if (this.#state.kind !== 'open' && this.#state.kind !== 'unsettled') return
    this.#state = { kind: 'releasing' }
    this.#snapshots.end(new PartitionReleasedError(this.partition))
    if (this.#underWay.length > 0 || !this.#queue.isEmpty) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#tellIdle = resolve
      const timer = this.#connection.clock.setTimer(RELEASE_MS_MAX, resolve)
      await promise
      timer.cancel()
    }
    this.drop()
  }

  /** Ends at once: who waits for an append gets an open outcome, and the next owner finds it in the log or not. */
  drop(): void {
    if (this.#hasEnded()) return
    this.#state = { kind: 'released' }
    this.#snapshots.end(new PartitionReleasedError(this.partition))
    this.#writer.abandon()
    this.#answerAll(() => new StoreUnavailableError('closed', 'open'))
    this.#tellIdle?.()
  }

  /** One message, when it is this partition's turn. Not for owners. */
  send(leave: () => void): void {
    this.#isInGate = false
    const pack = this.#queue.takePack()
    if (pack.length === 0) {
      leave()
      return
    }
    assert(this.#underWay.length === 0, 'one message is under way a partition')
    this.#underWay = pack
    void this.#write(pack, leave)
  }

  /** A message that is in trouble makes room in the gate: others of the stream need not wait for it. */
  async #write(pack: readonly PendingAppend[], leave: () => void): Promise<void> {
    let isInside = true
    const leaveOnce = (): void => {
      if (isInside) leave()
      isInside = false
    }
    const kind = pack[0]?.kind ?? 'records'
    const message = encodeLogMessage({
      kind,
      epoch: this.epoch,
      number: this.#writer.nextNumber,
      records: pack,
    })
    const sizes = { partition: this.partition, records: pack.length, octets: message.length }
    const batchSpan = startBatchSpan(pack, sizes)
    const startMs = this.#connection.clock.monotonic()
    try {
      const sequence = await this.#writer.write(message, (trouble) => {
        leaveOnce()
        this.#becomeUnsettled(trouble)
      })
      endSpan(batchSpan, { sequence })
      this.#snapshots.appended(message.length, kind === 'mark')
      this.#acknowledge(pack, sequence)
      this.#onEvent({ kind: 'appended', ...sizes, durationMs: this.#connection.clock.monotonic() - startMs })
    } catch (error) {
      if (error instanceof FencedError) this.#becomeFenced(error)
      else if (!(error instanceof PartitionReleasedError)) throw error
      endSpan(batchSpan, { errorCode: error.code })
    } finally {
      leaveOnce()
    }
  }

  #refusalOf(record: Uint8Array): Error | undefined {
    if (record.length > RECORD_OCTETS_MAX) return new RecordTooLargeError(record.length, RECORD_OCTETS_MAX)
    switch (this.#state.kind) {
      case 'open':
        if (!this.#connection.isConnected) return new StoreUnavailableError('disconnected', 'refused')
        return this.#queue.canTake(record.length) ? undefined : new StoreOverloadedError(this.partition)
      case 'unsettled':
        return new StoreUnavailableError('unsettled', 'refused')
      case 'fenced':
        return this.#state.error
      case 'releasing':
      case 'released':
        return new PartitionReleasedError(this.partition)
    }
  }

  #hasEnded(): boolean {
    return this.#state.kind === 'fenced' || this.#state.kind === 'released'
  }

  #askForTurn(): void {
    if (this.#isInGate || this.#underWay.length > 0 || this.#queue.isEmpty) return
    this.#isInGate = true
    this.#gate.enter(this)
  }

  #acknowledge(pack: readonly PendingAppend[], sequence: number): void {
    if (this.#hasEnded()) return
    this.#underWay = []
    if (this.#state.kind === 'unsettled') {
      this.#state = OPEN
      this.#onEvent({ kind: 'available', partition: this.partition })
    }
    const appended = { sequence: BigInt(sequence), epoch: this.epoch }
    this.#acknowledged = appended.sequence
    for (const entry of pack) {
      endSpan(entry.span, { sequence })
      if (entry.isAnswered) continue
      entry.isAnswered = true
      entry.resolve(appended)
    }
    if (this.#queue.isEmpty) this.#tellIdle?.()
    else this.#askForTurn()
  }

  #becomeUnsettled(reason: Trouble): void {
    const isNews = this.#state.kind === 'open' || (this.#state.kind === 'unsettled' && this.#state.reason !== reason)
    if (!isNews) return
    this.#state = { kind: 'unsettled', reason }
    this.#onEvent({ kind: 'unavailable', partition: this.partition, reason })
  }

  #becomeFenced(error: FencedError): void {
    if (this.#hasEnded()) return
    this.#state = { kind: 'fenced', error }
    this.#snapshots.end(error)
    this.#answerAll(() => error)
    this.#onEvent({ kind: 'fenced', partition: this.partition })
    this.#tellLost(error)
    this.#tellIdle?.()
  }

  /** Looks at how long records wait: the oldest comes first. */
  #look(): void {
    this.#watch = undefined
    const oldest = this.#underWay[0] ?? this.#queue.first
    if (!oldest || this.#hasEnded()) return
    const nowMs = this.#connection.clock.monotonic()
    const isFull = this.#state.kind === 'unsettled' && this.#state.reason === 'full'
    if (!isFull && nowMs - oldest.sinceMs >= UNSETTLED_MS) this.#becomeUnsettled('no-answer')
    for (const entry of this.#pending()) {
      if (nowMs - entry.sinceMs < this.#appendTimeoutMs) break
      if (entry.isAnswered) continue
      entry.isAnswered = true
      entry.reject(isFull ? new StoreFullError(this.partition) : new StoreUnavailableError('unsettled', 'open'))
    }
    this.#watch = this.#connection.clock.setTimer(WATCH_MS, () => this.#look())
  }

  #answerAll(error: () => Error & { readonly code: string }): void {
    this.#watch?.cancel()
    this.#watch = undefined
    const entries = [...this.#underWay, ...this.#queue.takeAll()]
    this.#underWay = []
    for (const entry of entries) {
      const reason = error()
      endSpan(entry.span, { errorCode: reason.code })
      if (entry.isAnswered) continue
      entry.isAnswered = true
      entry.reject(reason)
    }
  }

  *#pending(): Iterable<PendingAppend> {
    yield* this.#underWay
    yield* this.#queue
  }
}
