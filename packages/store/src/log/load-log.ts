import { LogCorruptError, StoreUnavailableError } from '../errors.ts'
import { readBatch, type StoredMessage } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { Chain, type ChainStart } from './chain.ts'

/** One request's worth of messages: bounds what waits in memory, with few round trips for small messages. */
const BATCH_MESSAGES = 1_000
const BATCH_OCTETS = 8 * 1024 * 1024
const BATCH_MS_MAX = 10_000
/** A replica that lags is asked again after this. */
const STALE_WAIT_MS = 20
/** A partition that cannot be loaded for so long is given up by this attempt. */
const LOAD_MS_MAX = 60_000

/** A record as it lies in the store. */
export interface LoadedRecord {
  /** Sequence of the message that holds it: packed records share one. That of the mark for a record of a snapshot. */
  readonly sequence: bigint
  /** Epoch of the owner that wrote it. */
  readonly epoch: bigint
  readonly record: Buffer
  /** Trace context of the request that caused it. */
  readonly traceparent: string | undefined
  /** Part of the state that a snapshot holds. Those come first, in the order in which they were given to `snapshot`. */
  readonly fromSnapshot: boolean
}

/**
 * Reads a partition's log from its start, a mark or its first epoch message, up to the epoch message at `epochSequence`, and
 * checks the chain on the way. Gives the octets of the messages behind the start, and the sequence of the last record or mark.
 *
 * The epoch message is the read barrier: an answer without it came from a replica that lags, and is asked for again.
 *
 * @throws LogCorruptError, StoreUnavailableError
 */
export async function loadLog(
  connection: StoreLink,
  o: {
    stream: string
    subject: string
    start: ChainStart
    /** For a reader that takes nothing: the sequence of the log's last message. */
    epochSequence: number
    load: (record: LoadedRecord) => void
    /** Given each message that has been checked; called before `afterBatch`, which may wait for what became of them. */
    onMessage?: (message: StoredMessage) => void
    afterBatch?: () => Promise<void>
  },
): Promise<{ octets: number; lastAppend: number }> {
  const chain = new Chain(o.subject, o.start, o.load)
  const dueMs = connection.clock.monotonic() + LOAD_MS_MAX
  while (chain.last < o.epochSequence) {
    const before = chain.last
    try {
      await readBatch(connection, {
        stream: o.stream,
        subject: o.subject,
        from: Math.max(chain.last + 1, o.start.kind === 'mark' ? o.start.sequence : 1),
        messagesMax: BATCH_MESSAGES,
        octetsMax: BATCH_OCTETS,
        timeoutMs: BATCH_MS_MAX,
        onMessage: (message) => {
          if (message.sequence <= chain.last || chain.last === o.epochSequence) return
          // guard: epoch-barrier — what is read without our own epoch message is older than it
          if (message.sequence > o.epochSequence) throw epochMissing(o.subject, o.epochSequence)
          chain.take(message)
          o.onMessage?.(message)
        },
      })
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || connection.isClosed) throw error
    }
    await o.afterBatch?.()
    if (connection.clock.monotonic() > dueMs) throw new StoreUnavailableError('no-answer', 'refused')
    if (chain.last === before) await pause(connection.clock, STALE_WAIT_MS)
  }
  return { octets: chain.octets, lastAppend: chain.lastAppend }
}

function epochMissing(subject: string, sequence: number): LogCorruptError {
  return new LogCorruptError(subject, BigInt(sequence), 'the epoch message just written is not there')
}
