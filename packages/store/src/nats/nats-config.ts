import { isIPv6 } from 'node:net'
import {
  accountOf,
  DEFAULT_SHAPE,
  inboxPrefixOf,
  MAX_PAYLOAD_OCTETS,
  ownSubjectsOf,
  STORE_SERVICES,
  STREAM_BYTES_MAX,
  type StoreService,
  type StoreShape,
  storeAdminRole,
  storeBackupRole,
  streamsOf,
} from '../layout.ts'
import { NATS_KEY_VARIABLE } from './nats-key.ts'

/**
 * What an acknowledged write survives. `fsynced` also a power cut. The other one is faster and survives the death of
 * processes only: three replicas under it lost every acknowledged record in a simulated power cut.
 */
export type Durability = 'fsynced' | 'lost-at-power-cut'

export interface NatsConfigOptions {
  readonly serverName: string
  readonly address: string
  readonly port: number
  /** JetStream's folder. */
  readonly storeDir: string
  /** Bound on all streams together, of which each reserves its size; by default room for all at their default size. */
  readonly fileStoreBytesMax?: number
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string }
  readonly trustDomain: string
  readonly durability?: Durability
  readonly services?: readonly StoreService[]
  readonly shape?: StoreShape
  /**
   * The administrators may also write, for `rollcall store restore`. Take it out again afterwards: who may write a service's
   * subjects takes its partitions away from it, and says what it likes in its name.
   */
  readonly isRestoring?: boolean
  /**
   * `ADDRESS:PORT` of nats-server's own HTTP monitor, for a health check beside it. It tells names of accounts and streams to
   * whoever asks: an address of the loopback network and no other.
   */
  readonly monitorListen?: string
  /** Only for one of several servers that replicate streams. */
  readonly cluster?: NatsClusterOptions
}

/** How the servers of one store reach each other. */
export interface NatsClusterOptions {
  /** The same for all servers. */
  readonly name: string
  /** Where the others come in, on the same address. */
  readonly port: number
  /** `HOST:PORT` of every server, this one included. */
  readonly routes: readonly string[]
  /**
   * Certificates of an authority that signs NATS servers and nothing else: whoever comes in as a server reads and writes every
   * account, and nats-server does not look at the SPIFFE URI here.
   */
  readonly tls: NatsConfigOptions['tls']
}

/** A service that is dead and leaves its connection behind is noticed after two of these unanswered. */
const PING_INTERVAL = '10s'
/** JetStream's synchronisation when acknowledged writes may be lost. */
const RELAXED_SYNC_INTERVAL = '2m'

/**
 * Renders the configuration of a nats-server: TLS with client certificates and nothing else, one account a service,
 * encryption at rest, every write synced to disk before its acknowledgement. The key comes from the environment
 * variable `ROLLCALL_NATS_ENCRYPTION_KEY`. Pure.
 */
export function renderNatsConfig(o: NatsConfigOptions): string {
  const services = o.services ?? STORE_SERVICES
  const shape = o.shape ?? DEFAULT_SHAPE
  const host = isIPv6(o.address) ? `[${o.address}]` : o.address
  const streams = services.flatMap((service) => streamsOf(service, shape))
  const bytesMax = streams.reduce((sum, stream) => sum + (stream.bytesMax ?? STREAM_BYTES_MAX), 0)
  const fileStoreBytesMax = o.fileStoreBytesMax ?? 2 * bytesMax
  const isFsynced = (o.durability ?? 'fsynced') === 'fsynced'
  return `# Rendered by @rollcall/store. Do not edit: change packages/store/src/nats/nats-config.ts.
server_name: ${quoted(o.serverName)}
listen: ${quoted(`${host}:${o.port}`)}
${o.monitorListen ? `http: ${quoted(o.monitorListen)}\n` : ''}max_payload: ${MAX_PAYLOAD_OCTETS}
ping_interval: ${quoted(PING_INTERVAL)}
ping_max: 2

tls {
  cert_file: ${quoted(o.tls.certFile)}
  key_file: ${quoted(o.tls.keyFile)}
  ca_file: ${quoted(o.tls.caFile)}
  verify_and_map: true
  handshake_first: true
  min_version: "1.3"
  timeout: 5
}

jetstream {
  store_dir: ${quoted(o.storeDir)}
  max_file_store: ${fileStoreBytesMax}
  cipher: aes
  key: $${NATS_KEY_VARIABLE}
  sync_interval: ${isFsynced ? 'always' : `${quoted(RELAXED_SYNC_INTERVAL)} # acknowledged writes may be lost at a power cut`}
}
${o.cluster ? renderCluster(host, o.cluster) : ''}
accounts {
${services.map((service) => renderAccount(service, shape, o)).join('\n')}
  SYS {
    users: []
  }
}
system_account: SYS
`
}

function renderCluster(host: string, cluster: NatsClusterOptions): string {
  const routes = cluster.routes.map((route) => `    ${quoted(`tls://${route}`)}`)
  return `
cluster {
  name: ${quoted(cluster.name)}
  listen: ${quoted(`${host}:${cluster.port}`)}
  no_advertise: true
  tls {
    cert_file: ${quoted(cluster.tls.certFile)}
    key_file: ${quoted(cluster.tls.keyFile)}
    ca_file: ${quoted(cluster.tls.caFile)}
    verify: true
    min_version: "1.3"
    timeout: 5
  }
  routes: [
${routes.join('\n')}
  ]
}
`
}

function renderAccount(service: StoreService, shape: StoreShape, o: NatsConfigOptions): string {
  const { trustDomain } = o
  const adminGrants = o.isRestoring ? [...ADMIN_GRANTS, ...ownSubjectsOf(service)] : ADMIN_GRANTS
  const users = [
    renderUser(trustDomain, service, serviceGrants(service, shape), [
      `${inboxPrefixOf(service)}.>`,
      ...leaseHints(service, shape),
    ]),
    renderUser(trustDomain, storeAdminRole(service), adminGrants, [`${inboxPrefixOf('storeadmin')}.>`]),
    renderUser(trustDomain, storeBackupRole(service), backupGrants(service, shape), [
      `${inboxPrefixOf('storebackup')}.>`,
    ]),
  ]
  // guard: nats-account — services that share an account read each other’s streams
  return `  ${accountOf(service)} {
    jetstream: enabled
    users: [
${users.join('\n')}
    ]
  }`
}

function renderUser(
  trustDomain: string,
  role: string,
  publish: readonly string[],
  subscribe: readonly string[],
): string {
  const grants = publish.map((subject) => `            ${quoted(subject)}`).join('\n')
  return `      {
        user: ${quoted(`spiffe://${trustDomain}/ns/ims/sa/${role}`)}
        permissions: {
          publish: { allow: [
${grants}
          ] }
          subscribe: { allow: [ ${subscribe.map(quoted).join(', ')} ] }
        }
      }`
}

/** A service reads, writes and purges its own; it creates, changes and deletes no stream, and makes no consumer. */
function serviceGrants(service: StoreService, shape: StoreShape): string[] {
  const own = ownSubjectsOf(service)
  const reads = readGrants(service, shape)
  const purges = streamsOf(service, shape)
    .filter(({ config }) => !config.deny_purge)
    .map(({ name }) => `$JS.API.STREAM.PURGE.${name}`)
  // guard: nats-own-subjects — a service publishes to its own subjects and API calls alone
  return [...own, ...reads, ...purges]
}

/** To read a stream whole: it is not divided further. */
function readGrants(service: StoreService, shape: StoreShape): string[] {
  return streamsOf(service, shape).flatMap(({ name }) => [
    `$JS.API.STREAM.INFO.${name}`,
    `$JS.API.STREAM.MSG.GET.${name}`,
    `$JS.API.DIRECT.GET.${name}`,
    `$JS.API.DIRECT.GET.${name}.>`,
  ])
}

/** What expires is in no backup, and who makes backups cannot read it: it holds keys that are good for hours. */
function backupGrants(service: StoreService, shape: StoreShape): string[] {
  // guard: backup-no-keys — who backs up reads no bootstrapped keys
  const expiring = streamsOf(service, shape).filter(({ kind }) => kind === 'expiring')
  if (expiring.length > 0) return expiring.map(({ name }) => `$JS.API.STREAM.INFO.${name}`)
  return readGrants(service, shape)
}

/** Replicas overhear each other's heartbeats, so that they look around at once when something has changed. */
function leaseHints(service: StoreService, shape: StoreShape): readonly string[] {
  return streamsOf(service, shape).flatMap(({ kind, subjects }) => (kind === 'lease' ? subjects : []))
}

/** Who initialises an account sees and creates its streams, and can neither read, change nor delete them. */
const ADMIN_GRANTS: readonly string[] = ['$JS.API.STREAM.INFO.*', '$JS.API.STREAM.CREATE.*']

function quoted(text: string): string {
  if (/["\\\n\r]/.test(text))
    throw new RangeError(`${JSON.stringify(text)} cannot stand in a nats-server configuration`)
  return `"${text}"`
}
