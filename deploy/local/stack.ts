import { type Secret, systemClock } from '@rollcall/core'
import { NatsServerProcess, obtainNatsServer } from '@rollcall/dev-env'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import { TlsIdentity } from '@rollcall/runtime'
import {
  initStore,
  NATS_KEY_VARIABLE,
  NATS_SERVER_ROLE,
  renderNatsConfig,
  STORE_SERVICES,
  storeAdminRole,
  storeBackupRole,
} from '@rollcall/store'
import type { UtPlaces } from '@rollcall/ue'
import { ServiceProcess } from './child.ts'
import type { DataFolder } from './data-folder.ts'
import {
  checkReplicas,
  grpcPort,
  probePort,
  processName,
  type ReplicaCounts,
  type ReplicatedService,
  SERVICES,
  type ServiceName,
} from './processes.ts'
import {
  type EnvironmentOptions,
  hopRoutes,
  natsUrl,
  PUBLIC_LEAVES,
  serviceEnvironment,
  TRUST_DOMAIN,
  UA_PORT,
  UB_PORT,
} from './service-environment.ts'
import { bsfHostOf, xcapHostOf } from './service-settings.ts'

export { type ReplicatedService, SERVICES, type ServiceName, SIP_SERVICES } from './processes.ts'
export { ENCAPSULATION_PORT, PORT_PS, SIP_PORT } from './service-environment.ts'

/** Reserved a stream; a machine for development holds ten of them easily. */
const STREAM_BYTES_MAX = 256 * 1024 * 1024
const FILE_STORE_BYTES_MAX = 16 * 1024 * 1024 * 1024
const NATS_PORT = 14_222

export interface StackOptions {
  readonly data: DataFolder
  readonly realm: string
  /** Loopback address that everything of the network listens on; UEs have addresses of their own. */
  readonly address: string
  /** Processes to start with of each service that may have several; one of each when nobody says. */
  readonly replicas?: Partial<ReplicaCounts>
  /** So many the stack can be scaled to: the next-hop tables name them all. As many as there are at first, else. */
  readonly replicasMax?: Partial<ReplicaCounts>
  /** Those that run; all of them when nobody says. Who leaves one out plays it. */
  readonly services?: readonly ServiceName[]
  /** OTLP/HTTP receiver of the traces; without it none are made. */
  readonly otlpEndpoint?: string
  /** Settings that differ from the defaults, for all services. Each service reads its own. */
  readonly settings?: Readonly<Record<string, string>>
  /** The same for one process: `hss`, `presence-1`. These are stronger. */
  readonly settingsOf?: (process: string) => Readonly<Record<string, string>>
  readonly hopRoutes?: EnvironmentOptions['hopRoutes']
  readonly via?: EnvironmentOptions['via']
  /** `HOST:PORT` of each server of a store that is there already, with its streams: the stack starts none then. */
  readonly natsServers?: readonly string[]
  /** Size of each stream. */
  readonly streamBytesMax?: number
  /** Told when a process ends that nobody asked to. */
  readonly onExit?: (name: string, how: string) => void
}

/** A whole Rollcall on this machine: nats-server and each service as a process of its own, some in several replicas. */
export class LocalStack implements AsyncDisposable {
  readonly options: StackOptions
  /** Undefined when the store is somebody else's. */
  readonly #nats: NatsServerProcess | undefined
  /** By name. A replica that was scaled away is not in here. */
  readonly #processes = new Map<string, ServiceProcess>()
  readonly #natsKey: Secret
  readonly #targets: ReplicaCounts

  private constructor(options: StackOptions, nats: NatsServerProcess | undefined, natsKey: Secret) {
    this.options = options
    this.#nats = nats
    this.#natsKey = natsKey
    const counts = checkReplicas({ presence: 1, scscf: 1, ...options.replicas })
    this.#targets = checkReplicas({ ...counts, ...options.replicasMax })
    for (const name of options.services ?? SERVICES) {
      const count = name === 'presence' || name === 'scscf' ? counts[name] : 1
      for (let ordinal = 0; ordinal < count; ordinal++) this.#add(name, ordinal)
    }
  }

  /** Makes the trust domain: the certificates of the services, of NATS, of the operator and of who makes streams. */
  static async createTrustDomain(o: Pick<StackOptions, 'data' | 'realm' | 'address' | 'natsServers'>): Promise<void> {
    const natsAddresses = o.natsServers?.map((server) => server.slice(0, server.lastIndexOf(':'))) ?? [o.address]
    const client = (role: string) => ({ name: role, role, dnsNames: [] })
    await createTrustDomain({
      folder: o.data.pki,
      trustDomain: TRUST_DOMAIN,
      leaves: [
        { name: NATS_SERVER_ROLE, role: NATS_SERVER_ROLE, dnsNames: ['nats'], ipAddresses: natsAddresses },
        ...SERVICES.map((role) => ({
          name: role,
          role,
          // The NAFs whose keys the AP may ask for are those that its certificate names (TS 33.220 clause 4.5.3).
          dnsNames: [`${role}.${TRUST_DOMAIN}`, ...(role === 'ap' ? [xcapHostOf(o.realm)] : [])],
          ipAddresses: [o.address],
        })),
        { name: PUBLIC_LEAVES.bsf, dnsNames: [bsfHostOf(o.realm)] },
        { name: PUBLIC_LEAVES.ap, dnsNames: [xcapHostOf(o.realm)] },
        ...STORE_SERVICES.flatMap((service) => [storeAdminRole(service), storeBackupRole(service)].map(client)),
        client('operator'),
      ],
    })
  }

  /** Brings the parts together, and starts nothing. The data folder is prepared, the trust domain is there. */
  static async create(options: StackOptions, natsKey: Secret, natsBinary?: string): Promise<LocalStack> {
    const { data, address } = options
    if (options.natsServers) return new LocalStack(options, undefined, natsKey)
    const binary = natsBinary ?? (await obtainNatsServer()).path
    const nats = new NatsServerProcess({
      binary,
      folder: data.nats,
      address,
      port: NATS_PORT,
      configText: renderNatsConfig({
        serverName: 'rollcall-local',
        address,
        port: NATS_PORT,
        storeDir: data.storeDir,
        fileStoreBytesMax: FILE_STORE_BYTES_MAX,
        tls: leafFiles(data.pki, NATS_SERVER_ROLE),
        trustDomain: TRUST_DOMAIN,
      }),
      env: { [NATS_KEY_VARIABLE]: natsKey.reveal().toString('latin1') },
      log: data.logFile('nats'),
      onExit: (how) => options.onExit?.('nats', how),
    })
    return new LocalStack(options, nats, natsKey)
  }

  /** NATS, then its streams, then the services, each until it is ready. */
  async start(): Promise<void> {
    if (this.#nats) {
      await this.#nats.start()
      await this.initStore()
    }
    for (const process of this.processes) process.spawn()
    await this.ready()
  }

  /** Waits until every process says that it is ready. */
  async ready(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.ready()))
  }

  /** `rollcall store init` on this stack's store. */
  async initStore(): Promise<void> {
    const { data } = this.options
    await initStore({
      url: this.natsUrl,
      clock: systemClock,
      adminTlsOf: (service) => leafFiles(data.pki, storeAdminRole(service)),
      data: { storeDir: data.storeDir, encryptionKey: this.#natsKey },
      streamBytesMax: this.options.streamBytesMax ?? STREAM_BYTES_MAX,
    })
  }

  /**
   * Starts more replicas of a service, or drains the newest ones, one after the other. Resolves when those that stay are
   * ready and those that go have ended.
   *
   * @throws RangeError when the next-hop tables do not name so many.
   */
  async scale(service: ReplicatedService, count: number): Promise<void> {
    if (count < 1 || count > this.#targets[service])
      throw new RangeError(`${service} can be scaled to 1 to ${this.#targets[service]} replicas, not to ${count}`)
    for (let ordinal = this.replicas(service).length; ordinal < count; ordinal++) {
      const process = this.#add(service, ordinal)
      process.spawn()
      await process.ready()
    }
    for (let ordinal = this.replicas(service).length - 1; ordinal >= count; ordinal--) {
      await this.service(service, ordinal).stop()
      this.#processes.delete(processName(service, ordinal))
    }
    await Promise.all(this.replicas(service).map((process) => process.ready()))
  }

  /** Drains the services from the edge inwards, then NATS. */
  async stop(): Promise<void> {
    for (const name of [...SERVICES].reverse()) {
      await Promise.all(this.replicas(name).map((process) => process.stop()))
    }
    await this.#nats?.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** The nats-server that this stack started. */
  get nats(): NatsServerProcess {
    if (!this.#nats) throw new Error('assertion failed: the stack has no nats-server of its own')
    return this.#nats
  }

  get natsUrl(): string {
    return natsUrl(this.natsServers)
  }

  /** `HOST:PORT` of each nats-server. */
  get natsServers(): readonly string[] {
    return this.options.natsServers ?? [`${this.options.address}:${NATS_PORT}`]
  }

  /** All processes of services, in the order in which they start. */
  get processes(): readonly ServiceProcess[] {
    return SERVICES.flatMap((name) => this.replicas(name))
  }

  /** The processes of one service. */
  replicas(name: ServiceName): readonly ServiceProcess[] {
    return [...this.#processes.values()].filter(({ service }) => service === name)
  }

  /** The process of that name, `presence-1`, if it is one of this stack. */
  process(name: string): ServiceProcess | undefined {
    return this.#processes.get(name)
  }

  service(name: ServiceName, ordinal = 0): ServiceProcess {
    const process = this.#processes.get(processName(name, ordinal))
    if (!process) throw new Error(`assertion failed: no process ${processName(name, ordinal)}`)
    return process
  }

  /** `host:port` of a gRPC listener. */
  grpcTarget(name: ServiceName, ordinal = 0): string {
    return `${this.options.address}:${grpcPort(name, ordinal)}`
  }

  /** `host:port` of `/livez`, `/readyz` and `/metrics`. */
  probe(name: ServiceName, ordinal = 0): string {
    return `${this.options.address}:${probePort(name, ordinal)}`
  }

  /** Where UEs find Ut, as their credentials say it. */
  get ut(): UtPlaces {
    const { address, realm, data } = this.options
    return {
      bsf: `http://${address}:${UB_PORT}`,
      xcapRoot: `https://${xcapHostOf(realm)}/`,
      ap: { address, port: UA_PORT },
      caFile: leafFiles(data.pki, PUBLIC_LEAVES.ap).caFile,
    }
  }

  /** The next-hop table that a node has which is none of the stack's processes. */
  get hopRoutes(): readonly string[] {
    return hopRoutes(this.#environmentOptions, '')
  }

  /** The identity of a role of this stack, `operator` for the admin rpcs. */
  async identity(role: string): Promise<TlsIdentity> {
    return await TlsIdentity.load({ ...leafFiles(this.options.data.pki, role), trustDomain: TRUST_DOMAIN })
  }

  get #environmentOptions(): EnvironmentOptions {
    return { ...this.options, natsServers: this.natsServers, targets: this.#targets }
  }

  #add(service: ServiceName, ordinal: number): ServiceProcess {
    const { data, settings, settingsOf, onExit } = this.options
    const name = processName(service, ordinal)
    const environment = serviceEnvironment(service, ordinal, this.#environmentOptions)
    const process = new ServiceProcess({
      name,
      service,
      env: { ...environment, ...settings, ...settingsOf?.(name) },
      probe: this.probe(service, ordinal),
      logFile: data.logFile(name),
      onExit: (ended, how) => onExit?.(ended.name, how),
    })
    this.#processes.set(name, process)
    return process
  }
}
