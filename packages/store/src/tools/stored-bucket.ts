import { readBatch, type StoredMessage } from '../jetstream-api.ts'
import type { StoreLink } from '../store-link.ts'

const BATCH_KEYS = 1_000
const BATCH_OCTETS = 4 * 1024 * 1024
const BATCH_MS_MAX = 10_000

/** Headers that say what an entry is and who wrote it; the rest is the server's. */
const KEPT_HEADERS: readonly string[] = ['KV-Operation', 'Rollcall-Write']

/** An entry of a bucket as it lies in the store, deleted or not. */
export interface StoredEntry {
  readonly subject: string
  readonly message: StoredMessage
}

/**
 * Reads a bucket in the order of its entries' last changes. One that changes meanwhile may come twice; the later one counts.
 *
 * @throws JetStreamError, StoreUnavailableError, StoreDeniedError, and what `give` throws
 */
export async function readStoredBucket(
  connection: StoreLink,
  o: { stream: string; bucket: string; give: (entries: readonly StoredEntry[]) => Promise<void> },
): Promise<void> {
  for (let from = 1; ; ) {
    const entries: StoredEntry[] = []
    await readBatch(connection, {
      stream: o.stream,
      subject: `$KV.${o.bucket}.>`,
      from,
      messagesMax: BATCH_KEYS,
      octetsMax: BATCH_OCTETS,
      timeoutMs: BATCH_MS_MAX,
      onMessage: (message, subject) => {
        from = message.sequence + 1
        entries.push({ subject, message })
      },
    })
    if (entries.length === 0) return
    await o.give(entries)
  }
}

/** The headers of an entry that are kept with it. */
export function keptHeaders({ headers }: StoredMessage): (readonly [string, string])[] {
  return KEPT_HEADERS.flatMap((name) => {
    const value = headers?.get(name) ?? ''
    return value === '' ? [] : [[name, value] as const]
  })
}
