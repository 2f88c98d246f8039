import { hash } from 'node:crypto'

/** Who keeps something in the store. Each has a NATS account of its own. */
export const STORE_SERVICES = ['hss', 'scscf', 'presence', 'pcscf', 'bsf'] as const
export type StoreService = (typeof STORE_SERVICES)[number]

/** Services whose state is a partition log. */
export type LogService = Exclude<StoreService, 'hss' | 'bsf'>

/** Services whose replicas share partitions, each replica with a lease. */
export type ReplicatedService = Exclude<LogService, 'pcscf'>

/** How a service's partitions are cut; fixed when the store is initialised. */
export interface StoreShape {
  readonly partitions: number
  /** Streams that the partitions are spread over: on one server with fsync each stream syncs one message at a time. */
  readonly shards: number
}

export const DEFAULT_SHAPE: StoreShape = { partitions: 16, shards: 4 }
export const PARTITIONS_MAX = 256
const SHARDS_MAX = 16

/** A log message: a pack of at most 512 KiB, its headers, and room to grow. */
const LOG_MESSAGE_OCTETS_MAX = 786_432
/** A lease that lists 256 partitions, and its headers. */
const LEASE_MESSAGE_OCTETS_MAX = 32_768
/** A bucket's value: 64 KiB and its headers. */
const BUCKET_MESSAGE_OCTETS_MAX = 98_304

/** The server's own bound on a message; the default of nats-server, written down because packs rely on it. */
export const MAX_PAYLOAD_OCTETS = 1_048_576

/** A stream's size when nobody says otherwise; it is reserved when the stream is made. */
export const STREAM_BYTES_MAX: number = 1024 * 1024 * 1024

/** A lease stream holds one message a replica. */
const LEASE_STREAM_BYTES_MAX = 16 * 1024 * 1024

/** A JetStream stream as `rollcall store init` makes it, but for its size and replicas. */
export interface StreamLayout {
  readonly name: string
  /** A lease stream, and a bucket whose entries expire, hold nothing that cannot be written anew. */
  readonly kind: 'log' | 'bucket' | 'lease' | 'expiring'
  /** It needs no more than this, however large streams may be. */
  readonly bytesMax?: number
  readonly subjects: readonly string[]
  readonly config: Readonly<Record<string, boolean | number | string>>
  readonly metadata: Readonly<Record<string, string>>
}

/** Metadata of a log stream that says how the service's partitions were cut. */
export const METADATA_PARTITIONS = 'rollcall.partitions'
export const METADATA_SHARDS = 'rollcall.shards'

/** What all streams share: nothing goes by itself, and what is full says so. */
const KEEP_ALL = {
  storage: 'file',
  retention: 'limits',
  discard: 'new',
  max_age: 0,
  max_msgs: -1,
  max_consumers: -1,
  allow_direct: true,
  deny_delete: true,
  allow_rollup_hdrs: false,
} as const

/** The bucket of the HSS. */
export const HSS_BUCKET = 'hss'
/**
 * The buckets of the BSF: what UEs have bootstrapped, and challenges that wait for their answer. Two, since on one server
 * with fsync each stream syncs one message at a time.
 */
export const BSF_CONTEXTS_BUCKET = 'bsf_contexts'
export const BSF_CHALLENGES_BUCKET = 'bsf_challenges'

/** Every bucket, and whose it is. */
export const BUCKETS = {
  [HSS_BUCKET]: 'hss',
  [BSF_CONTEXTS_BUCKET]: 'bsf',
  [BSF_CHALLENGES_BUCKET]: 'bsf',
} as const satisfies Readonly<Record<string, StoreService>>
export type BucketName = keyof typeof BUCKETS

/** Challenges live a minute and have 1 kB: more than 50,000 that nobody has answered are an attack. */
const CHALLENGES_BYTES_MAX = 64 * 1024 * 1024

/** @throws RangeError when no store can have that shape. */
export function checkShape(shape: StoreShape): void {
  const { partitions, shards } = shape
  const isWhole = Number.isInteger(partitions) && Number.isInteger(shards)
  if (!isWhole || partitions < 1 || partitions > PARTITIONS_MAX || shards < 1 || shards > SHARDS_MAX) {
    throw new RangeError(`no store has ${partitions} partitions in ${shards} shards`)
  }
}

/** The streams of one service. */
export function streamsOf(service: StoreService, shape: StoreShape = DEFAULT_SHAPE): readonly StreamLayout[] {
  checkShape(shape)
  switch (service) {
    case 'hss':
      return [bucketStream(HSS_BUCKET)]
    case 'bsf':
      return [
        expiringStream(BSF_CONTEXTS_BUCKET),
        { ...expiringStream(BSF_CHALLENGES_BUCKET), bytesMax: CHALLENGES_BYTES_MAX },
      ]
    case 'pcscf':
      return [logStream('pcscf_log', ['pcscf.*.log.*', 'pcscf.*.snap.*.>'], {})]
    case 'scscf':
    case 'presence':
      return [...shardStreams(service, shape), leaseStreamOf(service)]
  }
}

/** The streams that hold the partition logs of one service, in the order of their shards. */
export function logStreamsOf(service: LogService, shape: StoreShape = DEFAULT_SHAPE): readonly StreamLayout[] {
  return streamsOf(service, shape).filter(({ kind }) => kind === 'log')
}

/** The stream of the leases of a service's replicas: `presence_lease`. */
export function leaseStreamOf(service: ReplicatedService): StreamLayout {
  const config = { ...KEEP_ALL, max_msgs_per_subject: 1, deny_purge: false, max_msg_size: LEASE_MESSAGE_OCTETS_MAX }
  const subjects = [`${service}.*.lease.*`]
  const name = `${service}_lease`
  return { name, kind: 'lease', bytesMax: LEASE_STREAM_BYTES_MAX, subjects, config, metadata: {} }
}

/** Subject of a replica's lease, but for the replica's name at its end. */
export function leaseSubjectPrefix(service: ReplicatedService, realm: string): string {
  return `${service}.${realmToken(realm)}.lease.`
}

function shardStreams(service: LogService, shape: StoreShape): StreamLayout[] {
  const partitions = Array.from({ length: shape.partitions }, (_, partition) => partition)
  const metadata = { [METADATA_PARTITIONS]: String(shape.partitions), [METADATA_SHARDS]: String(shape.shards) }
  return Array.from({ length: shape.shards }, (_, shard) => {
    const own = partitions.filter((partition) => partition % shape.shards === shard)
    const subjects = own.flatMap((p) => [`${service}.*.log.${p}`, `${service}.*.snap.${p}.>`])
    return logStream(shardStreamName(service, shard), subjects, metadata)
  })
}

/** `presence_log_3`. */
export function shardStreamName(service: LogService, shard: number): string {
  return `${service}_log_${shard}`
}

function logStream(name: string, subjects: string[], metadata: Record<string, string>): StreamLayout {
  const config = { ...KEEP_ALL, max_msgs_per_subject: -1, deny_purge: false, max_msg_size: LOG_MESSAGE_OCTETS_MAX }
  return { name, kind: 'log', subjects, config, metadata }
}

/** Choice: streams and subjects of a bucket are named as NATS's own clients do, so that operators' tools read it. */
function bucketStream(bucket: string): StreamLayout {
  const config = { ...KEEP_ALL, max_msgs_per_subject: 1, deny_purge: true, max_msg_size: BUCKET_MESSAGE_OCTETS_MAX }
  return { name: bucketStreamName(bucket), kind: 'bucket', subjects: [`$KV.${bucket}.>`], config, metadata: {} }
}

/** A bucket whose entries each have a time to live: what expires is gone from the disk, too. */
function expiringStream(bucket: string): StreamLayout {
  const { config, ...layout } = bucketStream(bucket)
  return { ...layout, kind: 'expiring', config: { ...config, allow_msg_ttl: true } }
}

/** The subjects that a service publishes to, but for API calls. */
export function ownSubjectsOf(service: StoreService): readonly string[] {
  const buckets = Object.entries(BUCKETS).filter(([, owner]) => owner === service)
  return buckets.length === 0 ? [`${service}.>`] : buckets.map(([bucket]) => `$KV.${bucket}.>`)
}

/** `KV_hss`. */
export function bucketStreamName(bucket: string): string {
  return `KV_${bucket}`
}

/** The NATS account of a service: `PRESENCE`. */
export function accountOf(service: StoreService): string {
  return service.toUpperCase()
}

/**
 * The role, in a certificate, of who may create the streams of one service: a NATS user belongs to one account, so
 * each account has its own.
 */
export function storeAdminRole(service: StoreService): string {
  return `storeadmin-${service}`
}

/**
 * The role, in a certificate, of who may read all that one service keeps and nothing else: `rollcall store backup` and `verify`.
 * It is not the administrator's, whose certificate lies where installations are made and needs no personal data.
 */
export function storeBackupRole(service: StoreService): string {
  return `storebackup-${service}`
}

/** The role in the certificate of a NATS server. */
export const NATS_SERVER_ROLE = 'nats'

/** Inbox prefix of a client: the only subjects that it may subscribe to. */
export function inboxPrefixOf(name: string): string {
  return `_INBOX_${name}`
}

/** A realm as one token of a subject: dots become `_`, which no domain name has. */
export function realmToken(realm: string): string {
  return realm.toLowerCase().replaceAll('.', '_')
}

/** Subject of a partition's log. */
export function logSubject(service: LogService, realm: string, partition: string): string {
  return `${service}.${realmToken(realm)}.log.${partition}`
}

/**
 * The partition of a canonical identity. It must never change for a store that has data: the first four octets of the
 * SHA-256 of the identity, as a number, modulo the number of partitions.
 */
export function partitionOf(canonicalImpu: string, partitions: number): number {
  return Number.parseInt(hash('sha256', canonicalImpu).slice(0, 8), 16) % partitions
}
