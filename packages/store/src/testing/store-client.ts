import { systemClock } from '@rollcall/core'
import type { TestStore } from '@rollcall/dev-env'
import { connectStore, type StoreConnection } from '../connection.ts'
import { StoreUnavailableError } from '../errors.ts'
import type { LogService, StoreService } from '../layout.ts'
import type { LoadedRecord } from '../log/load-log.ts'
import type { LogEvent } from '../log/log-event.ts'
import { PartitionLogs } from '../log/partition-logs.ts'

export const REALM = 'ims.mnc001.mcc001.3gppnetwork.org'

/** A connection of a service to a store of a test, of one server or of three. */
export async function connectTo(
  store: Pick<TestStore, 'url' | 'tlsFor'>,
  service: StoreService,
): Promise<StoreConnection> {
  return await connectStore({ url: store.url, tls: store.tlsFor(service), service, clock: systemClock })
}

export async function openLogs(
  connection: StoreConnection,
  o: { service?: LogService; appendTimeoutMs?: number; onEvent?: (event: LogEvent) => void } = {},
): Promise<PartitionLogs> {
  return await PartitionLogs.open({ connection, service: 'presence', realm: REALM, clock: systemClock, ...o })
}

/** Opens them as a service does: it asks again while a stream has no leader, for instance after its server was killed. */
export async function openLogsInTime(connection: StoreConnection, deadlineMs = 40_000): Promise<PartitionLogs> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    try {
      return await openLogs(connection)
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || performance.now() > endMs) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The payloads of a partition, by taking it. */
export async function payloadsOf(logs: PartitionLogs, partition: number | string): Promise<string[]> {
  const payloads: string[] = []
  const owned = await logs.take(partition, ({ record }: LoadedRecord) => payloads.push(record.toString()))
  await owned.release()
  return payloads
}

/** Waits until something is so. */
export async function until(isSo: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`not so within ${deadlineMs} ms: ${isSo}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
