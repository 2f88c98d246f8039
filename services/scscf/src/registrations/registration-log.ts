import { type Clock, RollcallError } from '@rollcall/core'
import {
  AnsweredRequests,
  FencedError,
  PartitionReleasedError,
  type RequestKey,
  StoreFullError,
  StoreOverloadedError,
  StoreUnavailableError,
} from '@rollcall/store'
import type { AcceptedAnswer } from '../registrar/attempt.ts'
import type { PartitionLog } from './partition-log.ts'
import { encodeRecord, type LoggedAnswer, type LoggedChange } from './record.ts'
import { encodeSnapshotPart, type SnapshotPart } from './snapshot-record.ts'

/** What became of an append: stored, or why whoever asked cannot be told so. */
export type AppendOutcome = 'stored' | 'store-unavailable' | 'not-served-here'

export interface RegistrationLogOptions {
  readonly clock: Clock
  /** How long, and how many, 200s are kept for retransmissions. */
  readonly answers: { readonly retainMs: number; readonly entriesMax: number }
  /** What a snapshot holds besides the answers: everything as it is in this tick. */
  readonly parts: () => SnapshotPart[]
  readonly onSnapshotFailed: (error: RollcallError) => void
}

/** The log of one partition as registrations use it, with the answers to REGISTERs that are in it. */
export class RegistrationLog {
  readonly #options: RegistrationLogOptions
  readonly #answered: AnsweredRequests<AcceptedAnswer>
  /** Answers whose records are on their way to the log. */
  readonly #appending = new Set<LoggedAnswer & { readonly atMs: number }>()
  #log: PartitionLog | undefined

  constructor(options: RegistrationLogOptions) {
    this.#options = options
    this.#answered = new AnsweredRequests({ ...options.answers, clock: options.clock })
  }

  open(log: PartitionLog): void {
    this.#log = log
  }

  get isOpen(): boolean {
    return this.#log !== undefined
  }

  /** Whether a record can be written now. */
  get isAvailable(): boolean {
    return this.#log?.isAvailable ?? false
  }

  /** What a REGISTER was answered, by whoever owned the partition then, while a retransmission may come. */
  answerTo(key: RequestKey): AcceptedAnswer | undefined {
    return this.#answered.find(key)
  }

  /** An answer that the log, or the snapshot before it, has. */
  remember({ key, answer }: LoggedAnswer, atMs: number): void {
    this.#answered.remember(key, answer, atMs)
  }

  /**
   * Whether the record is there, memory has it: the log goes on until it knows. Who asked is told only what is certain.
   */
  async append(logged: LoggedChange, traceparent: string): Promise<AppendOutcome> {
    const log = this.#log
    if (!log) return 'not-served-here'
    const kept = logged.answered && { ...logged.answered, atMs: logged.atMs }
    if (kept) this.#appending.add(kept)
    try {
      await log.append(encodeRecord(logged), { traceparent: traceparent === '' ? undefined : traceparent })
      if (kept) this.#answered.remember(kept.key, kept.answer, kept.atMs)
    } catch (error) {
      if (!isStoreAway(error)) throw error
      return this.#log === log && !isTaken(error) ? 'store-unavailable' : 'not-served-here'
    } finally {
      if (kept) this.#appending.delete(kept)
    }
    if (log.wantsSnapshot) void this.#snapshot(log)
    return 'stored'
  }

  /** Makes durable what was decided, and ends. */
  async release(): Promise<void> {
    const log = this.#log
    await log?.release()
    this.#log = undefined
  }

  /** Ends at once. */
  drop(): void {
    this.#log?.drop()
    this.#log = undefined
  }

  /** The values do not change, and are written as the log asks for them. */
  async #snapshot(log: PartitionLog): Promise<void> {
    const parts = this.#options.parts()
    for (const answered of [...this.#answered.entries(), ...this.#appending]) {
      parts.push({ kind: 'answered', atMs: answered.atMs, answered })
    }
    try {
      await log.snapshot(encodeAll(parts))
    } catch (error) {
      // Who has lost the partition hears of it elsewhere.
      if (!(error instanceof RollcallError) || !error.code.startsWith('STORE_')) throw error
      if (!isTaken(error)) this.#options.onSnapshotFailed(error)
    }
  }
}

function* encodeAll(parts: readonly SnapshotPart[]): Generator<Buffer> {
  for (const part of parts) yield encodeSnapshotPart(part)
}

/** Somebody else has the partition, or it was handed over. */
function isTaken(error: unknown): boolean {
  return error instanceof FencedError || error instanceof PartitionReleasedError
}

function isStoreAway(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError ||
    error instanceof StoreFullError ||
    error instanceof StoreOverloadedError ||
    isTaken(error)
  )
}
