import { FencedError, LogCorruptError, LogFormatError, StoreFullError, StoreUnavailableError } from '../errors.ts'
import { isFull, lastMessage, publish } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts'

const CALL_MS_MAX = 3_000
const RETRY_WAIT_MS = 20

/** Where a partition's manifest lies. */
export interface ManifestPlace {
  readonly stream: string
  readonly subject: string
}

const NO_MANIFEST: Manifest = { owner: 0, snapshot: undefined }

/**
 * The manifest as the stream's leader has it, and the sequence that a change of it must expect; 0 when there is none.
 *
 * @throws LogCorruptError when it cannot be read as one; StoreUnavailableError, JetStreamError, StoreDeniedError
 */
export async function readManifest(
  connection: StoreLink,
  place: ManifestPlace,
): Promise<{ manifest: Manifest; sequence: number }> {
  const message = await lastMessage(connection, { ...place, timeoutMs: CALL_MS_MAX })
  if (!message) return { manifest: NO_MANIFEST, sequence: 0 }
  try {
    return { manifest: decodeManifest(message.data), sequence: message.sequence }
  } catch (cause) {
    if (!(cause instanceof LogFormatError)) throw cause
    throw new LogCorruptError(place.subject, BigInt(message.sequence), cause.message, cause)
  }
}

/**
 * Changes the manifest by compare-and-set, however often it takes, up to `timeoutMs`. `change` gets what is there and gives
 * what shall be, or undefined when it is so already: a change whose answer was lost is found that way. Gives what is there then.
 *
 * @throws FencedError when a later epoch has it; StoreFullError; StoreUnavailableError with outcome `open`; LogCorruptError;
 *   what `change` and the `signal` throw
 */
export async function changeManifest(
  connection: StoreLink,
  o: ManifestPlace & {
    partition: string
    epoch: bigint
    timeoutMs: number
    change: (current: Manifest) => Manifest | undefined
    signal?: AbortSignal
  },
): Promise<{ manifest: Manifest; sequence: number }> {
  const dueMs = connection.clock.monotonic() + o.timeoutMs
  for (;;) {
    o.signal?.throwIfAborted()
    const trouble = connection.isConnected ? await tryOnce(connection, o) : undefined
    if (trouble && 'sequence' in trouble) return trouble
    if (connection.isClosed || connection.clock.monotonic() > dueMs) {
      throw new StoreUnavailableError('no-answer', 'open', trouble?.cause)
    }
    await pause(connection.clock, RETRY_WAIT_MS)
  }
}

async function tryOnce(
  connection: StoreLink,
  o: ManifestPlace & { partition: string; epoch: bigint; change: (current: Manifest) => Manifest | undefined },
): Promise<{ manifest: Manifest; sequence: number } | { cause: unknown }> {
  try {
    const current = await readManifest(connection, o)
    // guard: manifest-owner — a replaced owner names no snapshot, and purges nothing that its successor reads
    if (current.manifest.owner > Number(o.epoch)) throw new FencedError(o.partition, o.epoch)
    const manifest = o.change(current.manifest)
    if (!manifest) return current
    const answer = await publish(connection, {
      subject: o.subject,
      data: encodeManifest(manifest),
      expected: current.sequence,
      timeoutMs: CALL_MS_MAX,
    })
    if (answer.ok) return { manifest, sequence: answer.sequence }
    if (isFull(answer)) throw new StoreFullError(o.partition)
    // Refused because somebody changed it meanwhile, or because our own first try landed: the next look tells.
    return { cause: undefined }
  } catch (cause) {
    if (isStoreTrouble(cause)) return { cause }
    throw cause
  }
}
