import { checkStream } from '../check-stream.ts'
import { StreamMismatchError, StreamMissingError } from '../errors.ts'
import { lostOctets, streamInfo, subjectsOf } from '../jetstream-api.ts'
import {
  DEFAULT_SHAPE,
  type LogService,
  METADATA_PARTITIONS,
  METADATA_SHARDS,
  type StoreService,
  type StoreShape,
  type StreamLayout,
  shardStreamName,
  streamsOf,
} from '../layout.ts'
import type { StoreLink } from '../store-link.ts'
import { StoredFloors } from './stored-floors.ts'
import type { StoredPartition } from './stored-partition.ts'

const CALL_MS_MAX = 10_000
/** An answer that does not come was too long to be sent. */
const LOST_MS_MAX = 2_000

/** What one service keeps. */
export interface StoredService {
  readonly service: StoreService
  /** Undefined for a service whose partitions are named by its pods, and for one with a bucket. */
  readonly shape: StoreShape | undefined
  /** Streams that are there and are what they should be, but for leases: those hold nothing that is worth keeping. */
  readonly streams: readonly StreamLayout[]
  readonly partitions: readonly StoredPartition[]
  readonly problems: readonly string[]
}

/**
 * Looks at what a service has in the store.
 *
 * @throws StoreUnavailableError, StoreDeniedError, JetStreamError
 */
export async function findStored(connection: StoreLink, service: StoreService): Promise<StoredService> {
  const problems: string[] = []
  const shape = await readShape(connection, service, problems)
  const streams: StreamLayout[] = []
  let floors = new StoredFloors()
  for (const layout of streamsOf(service, shape ?? DEFAULT_SHAPE)) {
    try {
      checkStream(layout, (await streamInfo(connection, layout.name, CALL_MS_MAX)).config)
      const lost = (await lostOctets(connection, layout.name, LOST_MS_MAX)) ?? 0
      if (lost > 0) problems.push(`stream ${layout.name}: ${lost} octets could not be read when the server started`)
      if (layout.kind === 'expiring') continue
      if (layout.kind !== 'lease') streams.push(layout)
      else if (service === 'presence' || service === 'scscf') floors = await StoredFloors.read(connection, service)
    } catch (error) {
      if (!(error instanceof StreamMissingError || error instanceof StreamMismatchError)) throw error
      problems.push(error.message)
    }
  }
  const partitions: StoredPartition[] = []
  if (service !== 'hss' && service !== 'bsf') {
    for (const { name } of streams) {
      const found = await partitionsIn(connection, service, name, problems)
      for (const place of [...found, ...lostIn(found, { service, stream: name, shape, floors })]) {
        partitions.push({ ...place, floor: floors.of(place.realm, place.partition) })
      }
    }
  }
  return { service, shape, streams, partitions, problems }
}

async function readShape(
  connection: StoreLink,
  service: StoreService,
  problems: string[],
): Promise<StoreShape | undefined> {
  if (service === 'hss' || service === 'bsf' || service === 'pcscf') return undefined
  const stream = shardStreamName(service, 0)
  try {
    const { metadata } = (await streamInfo(connection, stream, CALL_MS_MAX)).config
    const [partitions, shards] = [Number(metadata?.[METADATA_PARTITIONS]), Number(metadata?.[METADATA_SHARDS])]
    if (Number.isInteger(partitions) && Number.isInteger(shards)) return { partitions, shards }
    problems.push(`stream ${stream} does not say how its partitions are cut`)
  } catch (error) {
    // It is named with the others.
    if (!(error instanceof StreamMissingError)) throw error
  }
  return undefined
}

type Place = Omit<StoredPartition, 'floor'>

/** Partitions of a stream of which leases know something, and the stream does not. */
function lostIn(
  found: readonly Place[],
  o: { service: LogService; stream: string; shape: StoreShape | undefined; floors: StoredFloors },
): Place[] {
  const { service, stream, shape, floors } = o
  if (!shape) return []
  const known = new Set(found.map(({ realm, partition }) => `${realm}.${partition}`))
  return floors.places
    .filter(({ partition }) => shardStreamName(service, partition % shape.shards) === stream)
    .filter(({ realm, partition }) => !known.has(`${realm}.${partition}`))
    .map(({ realm, partition }) => ({ service, realm, partition: String(partition), stream }))
}

/** Every partition that has a log, a manifest or chunks; a subject that is none of these is a problem. */
async function partitionsIn(
  connection: StoreLink,
  service: LogService,
  stream: string,
  problems: string[],
): Promise<Place[]> {
  const found = new Map<string, Place>()
  const subjects = await subjectsOf(connection, { stream, filter: `${service}.>`, timeoutMs: CALL_MS_MAX })
  for (const subject of subjects.keys()) {
    const [, realm = '', kind, partition = '', ...rest] = subject.split('.')
    const isKnown =
      (kind === 'log' && rest.length === 0) ||
      (kind === 'snap' && ((rest.length === 1 && rest[0] === 'manifest') || rest.length === 2))
    if (isKnown) found.set(`${realm}.${partition}`, { service, realm, partition, stream })
    else problems.push(`stream ${stream} holds the unknown subject ${subject}`)
  }
  return [...found.values()].sort((one, other) => compare(one, other))
}

function compare(one: Place, other: Place): number {
  const [a, b] = [one, other].map(({ realm, partition }) => `${realm}.${partition.padStart(4, '0')}`)
  return (a ?? '') < (b ?? '') ? -1 : 1
}
