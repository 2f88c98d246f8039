import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Secret, systemClock } from '@rollcall/core'
import { leafFiles } from '@rollcall/pki'
import {
  connectStore,
  type Durability,
  initStore,
  NATS_KEY_VARIABLE,
  NATS_SERVER_ROLE,
  renderNatsConfig,
  STORE_SERVICES,
  type StoreConnection,
  type StoreService,
  type StoreTls,
  StoreUnavailableError,
  storeAdminRole,
} from '@rollcall/store'
import { NatsServerProcess } from './nats-server-process.ts'
import { obtainNatsServer } from './obtain-nats-server.ts'
import {
  createRouteAuthority,
  createTestTrustDomain,
  FILE_STORE_BYTES,
  obtainEncryptionKey,
  PORT,
  pkiFolderOf,
  routePkiFolderOf,
  STREAM_BYTES,
  storeDirOf,
  TRUST_DOMAIN,
} from './test-domain.ts'

const ROUTE_PORT = 16222
/** From start to a leader of the servers: about a second; 5 to 12 s after the last one was killed. */
const LEADER_MS_MAX = 40_000
const LOOK_MS = 25
const CALL_MS_MAX = 2_000
/** What the administrators may do here beside what they always may: tests move leaders. */
const STEP_DOWN_GRANT = '$JS.API.STREAM.LEADER.STEPDOWN.*'

export interface TestClusterOptions {
  /** Three loopback addresses, one a server. */
  readonly addresses: readonly [string, string, string]
  readonly services?: readonly StoreService[]
  /** Kept when given, else a temporary one that `stop` removes. */
  readonly folder?: string
  readonly durability?: Durability
  readonly streamBytesMax?: number
}

/** A trust domain, three nats-servers, and the streams of the store with three replicas each. */
export class TestCluster implements AsyncDisposable {
  readonly url: string
  readonly folder: string
  readonly servers: readonly NatsServerProcess[]
  readonly encryptionKey: Secret
  readonly #admins = new Map<StoreService, StoreConnection>()
  readonly #isFolderOurs: boolean

  constructor(o: {
    url: string
    folder: string
    servers: readonly NatsServerProcess[]
    encryptionKey: Secret
    isFolderOurs: boolean
  }) {
    this.url = o.url
    this.folder = o.folder
    this.servers = o.servers
    this.encryptionKey = o.encryptionKey
    this.#isFolderOurs = o.isFolderOurs
  }

  /** Where `ca.crt`, `ca.key` and the leaves lie. */
  get pkiFolder(): string {
    return pkiFolderOf(this.folder)
  }

  /** Certificate of a service, or of another role that there is one for. */
  tlsFor(role: string): StoreTls {
    return leafFiles(this.pkiFolder, role)
  }

  /** JetStream's data of one server. */
  storeDirOf(server: number): string {
    return storeDirOf(serverFolderOf(this.folder, server))
  }

  /** The server that leads a stream now; waits until there is one. */
  async leaderOf(service: StoreService, stream: string): Promise<NatsServerProcess> {
    const endMs = performance.now() + LEADER_MS_MAX
    while (performance.now() < endMs) {
      const answer = await this.#call<{ cluster?: { leader?: string } }>(service, `$JS.API.STREAM.INFO.${stream}`)
      const server = this.servers[serverNumberOf(answer?.cluster?.leader)]
      if (server?.isRunning) return server
      await delay(LOOK_MS)
    }
    throw new Error(`${stream} has no leader within ${LEADER_MS_MAX} ms`)
  }

  /** Makes the leader of a stream step down, and waits until there is a leader again: some hundred milliseconds. */
  async stepDown(service: StoreService, stream: string): Promise<void> {
    await this.#call(service, `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`)
    await this.leaderOf(service, stream)
  }

  /** Waits until all replicas of a stream are there and up to date. */
  async untilCurrent(service: StoreService, stream: string): Promise<void> {
    const endMs = performance.now() + LEADER_MS_MAX
    while (performance.now() < endMs) {
      const answer = await this.#call<{ cluster?: { leader?: string; replicas?: { current: boolean }[] } }>(
        service,
        `$JS.API.STREAM.INFO.${stream}`,
      )
      const replicas = answer?.cluster?.replicas ?? []
      if (replicas.length === this.servers.length - 1 && replicas.every(({ current }) => current)) return
      await delay(LOOK_MS)
    }
    throw new Error(`${stream} has not all its replicas within ${LEADER_MS_MAX} ms`)
  }

  async stop(): Promise<void> {
    for (const admin of this.#admins.values()) await admin.close()
    await Promise.all(this.servers.map((server) => server.stop()))
    if (this.#isFolderOurs) await rm(this.folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Undefined when there is no answer now. */
  async #call<T>(service: StoreService, subject: string): Promise<T | undefined> {
    try {
      const admin = await this.#adminOf(service)
      const answer = await admin.requests.request(subject, new Uint8Array(0), { timeoutMs: CALL_MS_MAX })
      return answer.json<T>()
    } catch (error) {
      if (error instanceof StoreUnavailableError) return undefined
      throw error
    }
  }

  async #adminOf(service: StoreService): Promise<StoreConnection> {
    const known = this.#admins.get(service)
    if (known) return known
    const tls = this.tlsFor(storeAdminRole(service))
    const admin = await connectStore({ url: this.url, tls, service: 'storeadmin', clock: systemClock })
    this.#admins.set(service, admin)
    return admin
  }
}

/** Starts three servers and makes the streams with three replicas, on the data that `folder` holds if it does. */
export async function startTestCluster(o: TestClusterOptions): Promise<TestCluster> {
  const folder = o.folder ?? (await mkdtemp(join(tmpdir(), 'rollcall-cluster-')))
  const services = o.services ?? STORE_SERVICES
  const url = o.addresses.map((address) => `tls://${address}:${PORT}`).join(',')
  await createTestTrustDomain(folder, o.addresses, services)
  await createRouteAuthority(folder, o.addresses)
  const encryptionKey = await obtainEncryptionKey(folder)
  const { path: binary } = await obtainNatsServer()
  const servers = o.addresses.map(
    (address, server) =>
      new NatsServerProcess({
        binary,
        folder: join(serverFolderOf(folder, server), 'nats'),
        address,
        port: PORT,
        configText: withStepDown(renderConfig(o, folder, address, server)),
        env: { [NATS_KEY_VARIABLE]: encryptionKey.reveal().toString('latin1') },
        log: join(serverFolderOf(folder, server), 'nats', 'nats-server.log'),
      }),
  )
  const cluster = new TestCluster({ url, folder, servers, encryptionKey, isFolderOurs: o.folder === undefined })
  try {
    await Promise.all(servers.map((server) => server.start()))
    await initReplicated(cluster, services, o.streamBytesMax ?? STREAM_BYTES)
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

function renderConfig(o: TestClusterOptions, folder: string, address: string, server: number): string {
  return renderNatsConfig({
    serverName: serverNameOf(server),
    address,
    port: PORT,
    storeDir: storeDirOf(serverFolderOf(folder, server)),
    fileStoreBytesMax: FILE_STORE_BYTES,
    tls: leafFiles(pkiFolderOf(folder), NATS_SERVER_ROLE),
    trustDomain: TRUST_DOMAIN,
    services: o.services ?? STORE_SERVICES,
    cluster: {
      name: 'rollcall-test',
      port: ROUTE_PORT,
      routes: o.addresses.map((each) => `${each}:${ROUTE_PORT}`),
      tls: leafFiles(routePkiFolderOf(folder), NATS_SERVER_ROLE),
    },
    ...(o.durability && { durability: o.durability }),
  })
}

/** Streams can be made once the servers have found each other and have a leader. */
async function initReplicated(
  cluster: TestCluster,
  services: readonly StoreService[],
  bytesMax: number,
): Promise<void> {
  const endMs = performance.now() + LEADER_MS_MAX
  for (;;) {
    try {
      await initStore({
        url: cluster.url,
        clock: systemClock,
        adminTlsOf: (service) => cluster.tlsFor(storeAdminRole(service)),
        services,
        data: 'first-installation',
        replicas: 3,
        streamBytesMax: bytesMax,
      })
      return
    } catch (error) {
      if (performance.now() > endMs) throw error
    }
    await delay(LOOK_MS)
  }
}

function withStepDown(configText: string): string {
  return configText.replaceAll('"$JS.API.STREAM.CREATE.*"', (grant) => `${grant}\n            "${STEP_DOWN_GRANT}"`)
}

function serverNameOf(server: number): string {
  return `rollcall-test-${server}`
}

function serverNumberOf(name: string | undefined): number {
  return Number.parseInt(name?.slice('rollcall-test-'.length) ?? '', 10)
}

function serverFolderOf(folder: string, server: number): string {
  return join(folder, `server-${server}`)
}
