import { publish, purge } from '../jetstream-api.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import type { SeenLease } from './judge.ts'
import { encodeLease, type LeaseRecord } from './lease-record.ts'

/** Where the leases of a service lie, and how long its store may take. */
export interface LeasePlace {
  readonly connection: StoreLink
  readonly stream: string
  /** Subject of a lease but for the replica's name. */
  readonly prefix: string
  readonly timeoutMs: number
  readonly partitions: number
}

/**
 * Ends the lease of a silent replica by compare-and-set: its next heartbeat fails, unless one has landed meanwhile. What it
 * held stays written, so that everybody knows of what it may still tell for a moment. True when that is acknowledged; an
 * open outcome shows at the next look.
 */
export async function revoke(place: LeasePlace, { replica, sequence, record }: SeenLease): Promise<boolean> {
  const victim: LeaseRecord = record ?? {
    incarnation: '0',
    beat: 0,
    target: '',
    state: 'revoked',
    // Whoever cannot be read may hold anything.
    held: new Map(Array.from({ length: place.partitions }, (_, partition) => [partition, 0n])),
    lingering: new Set(),
    floors: new Map(),
  }
  return await settled(async () => {
    const answer = await publish(place.connection, {
      subject: `${place.prefix}${replica}`,
      data: encodeLease({ ...victim, state: 'revoked' }),
      expected: sequence,
      timeoutMs: place.timeoutMs,
    })
    return answer.ok
  })
}

/** Removes a lease that nobody will take up again; one that was written meanwhile stays. */
export async function remove(place: LeasePlace, { replica, sequence }: SeenLease): Promise<boolean> {
  return await settled(async () => {
    const { connection, stream, prefix, timeoutMs } = place
    await purge(connection, { stream, subject: `${prefix}${replica}`, below: sequence + 1, timeoutMs })
    return true
  })
}

async function settled(act: () => Promise<boolean>): Promise<boolean> {
  try {
    return await act()
  } catch (error) {
    if (isStoreTrouble(error)) return false
    throw error
  }
}
