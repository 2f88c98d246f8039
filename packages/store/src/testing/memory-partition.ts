import { ChainWriter } from '../log/chain-writer.ts'
import { writeEpoch } from '../log/epoch.ts'
import type { LoadedRecord } from '../log/load-log.ts'
import { type LoadedPartition, loadPartition } from '../log/load-partition.ts'
import type { LogEvent } from '../log/log-event.ts'
import { OwnedPartition } from '../log/owned-partition.ts'
import { StreamGate } from '../log/stream-gate.ts'
import { PartitionSnapshots } from '../snapshot/partition-snapshots.ts'
import { snapshotSubjects } from '../snapshot/snapshot-subjects.ts'
import type { StoreLink } from '../store-link.ts'
import { MEMORY_STREAM, type MemoryLink } from './memory-link.ts'

const PARTITION = '0'
const APPEND_TIMEOUT_MS = 3_000

export const MEMORY_LOG = 'presence.r.log.0'
export const MEMORY_SNAPSHOTS = snapshotSubjects('presence', 'r', PARTITION)

/** An owned partition over a link, as `PartitionLogs.take` makes it once it is loaded. */
export function ownedOver(o: {
  connection: StoreLink
  epochSequence: number
  subject?: string
  partition?: string
  gate?: StreamGate
  loaded?: LoadedPartition
  onEvent?: (event: LogEvent) => void
}): OwnedPartition {
  const { connection, epochSequence } = o
  const gate = o.gate ?? new StreamGate(1)
  const subject = o.subject ?? MEMORY_LOG
  const partition = o.partition ?? PARTITION
  const onEvent = o.onEvent ?? (() => {})
  const loaded = o.loaded ?? { tailOctets: 0, snapshotOctets: 0, lastAppend: 0 }
  return new OwnedPartition({
    partition,
    connection,
    writer: new ChainWriter({ connection, stream: MEMORY_STREAM, subject, partition, epochSequence }),
    gate,
    acknowledged: BigInt(loaded.lastAppend),
    snapshots: new PartitionSnapshots({
      connection,
      stream: MEMORY_STREAM,
      logSubject: subject,
      subjects: MEMORY_SNAPSHOTS,
      partition,
      epoch: BigInt(epochSequence),
      gate,
      onEvent,
      ...loaded,
    }),
    appendTimeoutMs: APPEND_TIMEOUT_MS,
    onEvent,
  })
}

/** Takes the partition of a stream in memory; time passes meanwhile. */
export async function takeOver(
  link: MemoryLink,
  load: (record: LoadedRecord) => void,
  onEvent?: (event: LogEvent) => void,
  floor = 0n,
): Promise<OwnedPartition> {
  return await link.settle(
    (async () => {
      const epochSequence = await writeEpoch(link, { subject: MEMORY_LOG, partition: PARTITION })
      const place = { stream: MEMORY_STREAM, subject: MEMORY_LOG, subjects: MEMORY_SNAPSHOTS, partition: PARTITION }
      const loaded = await loadPartition(link, { ...place, epochSequence, floor, load })
      return ownedOver({ connection: link, epochSequence, loaded, ...(onEvent && { onEvent }) })
    })(),
  )
}
