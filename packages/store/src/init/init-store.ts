import type { Clock } from '@rollcall/core'
import { checkStream } from '../check-stream.ts'
import type { StoreConnection, StoreTls } from '../connection.ts'
import { StreamMissingError } from '../errors.ts'
import { createStream, streamInfo } from '../jetstream-api.ts'
import {
  accountOf,
  DEFAULT_SHAPE,
  STORE_SERVICES,
  STREAM_BYTES_MAX,
  type StoreService,
  type StoreShape,
  type StreamLayout,
  streamsOf,
} from '../layout.ts'
import { natsKeyFingerprint } from '../nats/nats-key.ts'
import { connectAdmin } from './connect-admin.ts'
import { checkDataFolder, type DataFolder, type DataFolderState } from './data-folder.ts'
import { FirstInstallationError, StreamLostError, StreamUnreadableError } from './errors.ts'
import { writeLedger } from './ledger.ts'

const CALL_MS_MAX = 10_000

export interface InitStoreOptions {
  readonly url: string
  readonly clock: Clock
  /** Certificate of the role `storeAdminRole(service)`. */
  readonly adminTlsOf: (service: StoreService) => StoreTls
  /**
   * The data folder, where it can be seen; or a person's word that there is no data yet, where it cannot. Without
   * either, missing streams are an error.
   */
  readonly data?: DataFolder | 'first-installation'
  readonly services?: readonly StoreService[]
  readonly shape?: StoreShape
  readonly replicas?: 1 | 3
  /** Size of each stream. */
  readonly streamBytesMax?: number
  /** Sequence that a stream's first message gets; 1 when it gives nothing. For a restore. */
  readonly firstSequenceOf?: (stream: string) => number | undefined
  readonly signal?: AbortSignal
}

interface Wanted {
  readonly service: StoreService
  readonly layout: StreamLayout
}

/**
 * Makes the streams and buckets of the store that are not there yet; the only code that ever does. It changes and
 * deletes nothing, and makes nothing at all when anything speaks for data that is there but not seen.
 *
 * @throws NatsKeyMismatchError, LedgerMissingError, LedgerBrokenError, StreamLostError, StreamUnreadableError,
 *   StreamMismatchError, FirstInstallationError, InvalidNatsKeyError, StoreRefusedError, JetStreamError
 */
export async function initStore(o: InitStoreOptions): Promise<{ created: string[]; present: string[] }> {
  const data = typeof o.data === 'object' ? o.data : undefined
  const folder = data && (await checkDataFolder(data))
  const connections = new Map<StoreService, StoreConnection>()
  try {
    const services = o.services ?? STORE_SERVICES
    for (const service of services) connections.set(service, await connectAdmin(o, service))
    const wanted = services.flatMap((service) =>
      streamsOf(service, o.shape ?? DEFAULT_SHAPE).map((layout) => ({ service, layout })),
    )
    const missing: Wanted[] = []
    for (const want of wanted) if (!(await isThere(connections, want))) missing.push(want)
    if (data && folder) refuseLost(missing, data, folder)
    else if (o.data !== 'first-installation') refuseUnseen(missing, wanted)
    if (data && folder && !folder.ledger) await record(data, folder, [])
    for (const want of missing) await create(connections, want, o)
    if (data && folder) await record(data, folder, wanted.map(nameOf))
    return { created: missing.map(nameOf), present: wanted.filter((want) => !missing.includes(want)).map(nameOf) }
  } finally {
    for (const connection of connections.values()) await connection.close()
  }
}

async function isThere(connections: ReadonlyMap<StoreService, StoreConnection>, want: Wanted): Promise<boolean> {
  const connection = connections.get(want.service)
  if (!connection) return false
  try {
    const { config } = await streamInfo(connection, want.layout.name, CALL_MS_MAX)
    checkStream(want.layout, config)
    return true
  } catch (error) {
    if (error instanceof StreamMissingError) return false
    throw error
  }
}

/** Nothing is made before everything missing was looked at. */
function refuseLost(missing: readonly Wanted[], data: DataFolder, folder: DataFolderState): void {
  for (const want of missing) {
    const name = nameOf(want)
    if (folder.streamsOnDisk.has(`${accountOf(want.service)}/${name}`)) {
      throw new StreamUnreadableError(name, data.storeDir)
    }
    // guard: store-stream-lost — a stream that was there once is not made anew
    if (folder.ledger?.streams.includes(name)) throw new StreamLostError(name, data.storeDir, folder.ledgerFile)
  }
}

/**
 * Where the data folder cannot be seen, only what holds no data is made, and only beside streams that are there: these show
 * that the key is the right one.
 */
function refuseUnseen(missing: readonly Wanted[], wanted: readonly Wanted[]): void {
  const isSafe = ({ service, layout }: Wanted): boolean =>
    holdsNothingToLose(layout) &&
    wanted.every((other) => other.service !== service || holdsNothingToLose(other.layout) || !missing.includes(other))
  const unsafe = missing.filter((want) => !isSafe(want))
  // guard: store-unseen-data — where data may lie unseen nothing is made
  if (unsafe.length > 0) throw new FirstInstallationError(missing.map(nameOf))
}

function holdsNothingToLose({ kind }: StreamLayout): boolean {
  return kind === 'lease' || kind === 'expiring'
}

async function create(
  connections: ReadonlyMap<StoreService, StoreConnection>,
  want: Wanted,
  o: InitStoreOptions,
): Promise<void> {
  const connection = connections.get(want.service)
  if (!connection) return
  const firstSequence = o.firstSequenceOf?.(want.layout.name)
  await createStream(connection, want.layout, {
    ...(firstSequence !== undefined && { firstSequence }),
    replicas: o.replicas ?? 1,
    bytesMax: Math.min(o.streamBytesMax ?? STREAM_BYTES_MAX, want.layout.bytesMax ?? Number.POSITIVE_INFINITY),
    timeoutMs: CALL_MS_MAX,
  })
}

async function record(data: DataFolder, folder: DataFolderState, names: readonly string[]): Promise<void> {
  const streams = [...new Set([...(folder.ledger?.streams ?? []), ...names])].sort()
  await writeLedger(folder.ledgerFile, { key: natsKeyFingerprint(data.encryptionKey), streams })
}

function nameOf(want: Wanted): string {
  return want.layout.name
}
