import { EXPECTED_LAST_SUBJECT_SEQUENCE, readBatch } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { LeaseFormatError } from './errors.ts'
import type { SeenLease } from './judge.ts'
import { decodeLease, type LeaseRecord } from './lease-record.ts'

/** Far more replicas than a service has. */
const LEASES_MAX = 1_000
const OCTETS_MAX = 4 * 1024 * 1024
/** A replica of the stream that lags is asked again after this, so often. */
const STALE_WAIT_MS = 10
const LOOKS_MAX = 5

/**
 * Reads all leases of a service. Any replica of the stream may answer, so one's own acknowledged heartbeat is the read
 * barrier: an answer without it lags, and is asked for again. Undefined when it stays so.
 *
 * @throws StoreUnavailableError, StoreDeniedError, JetStreamError
 */
export async function readLeases(
  connection: StoreLink,
  o: { stream: string; prefix: string; self: string; barrier: number; timeoutMs: number },
): Promise<SeenLease[] | undefined> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    if (looks > 0) await pause(connection.clock, STALE_WAIT_MS)
    const leases = new Map<string, SeenLease>()
    await readBatch(connection, {
      stream: o.stream,
      subject: `${o.prefix}*`,
      from: 1,
      messagesMax: LEASES_MAX,
      octetsMax: OCTETS_MAX,
      timeoutMs: o.timeoutMs,
      onMessage: ({ sequence, data, headers }, subject) => {
        const replica = subject.slice(o.prefix.length)
        const previous = Number(headers?.get(EXPECTED_LAST_SUBJECT_SEQUENCE) ?? 0)
        leases.set(replica, { replica, sequence, previous, record: readable(data) })
      },
    })
    if ((leases.get(o.self)?.sequence ?? 0) >= o.barrier) {
      leases.delete(o.self)
      return [...leases.values()]
    }
  }
  return undefined
}

function readable(data: Buffer): LeaseRecord | undefined {
  try {
    return decodeLease(data)
  } catch (error) {
    if (error instanceof LeaseFormatError) return undefined
    throw error
  }
}
