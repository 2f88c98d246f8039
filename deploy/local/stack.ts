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
} from '@rollcall/store'
import { ServiceProcess } from './child.ts'
import type { DataFolder } from './data-folder.ts'

/** The services that run as processes of their own, in the order in which they start. */
export const SERVICES = ['hss', 'presence', 'scscf', 'pcscf'] as const
export type ServiceName = (typeof SERVICES)[number]

const TRUST_DOMAIN = 'rollcall.test'
/** Reserved a stream; a machine for development holds ten of them easily. */
const STREAM_BYTES_MAX = 256 * 1024 * 1024
const FILE_STORE_BYTES_MAX = 16 * 1024 * 1024 * 1024
const NATS_PORT = 14_222
const GRPC_PORTS: Readonly<Record<ServiceName, number>> = {
  hss: 17_001,
  scscf: 17_002,
  presence: 17_003,
  pcscf: 17_004,
}
const PROBE_PORTS: Readonly<Record<ServiceName, number>> = {
  hss: 17_101,
  scscf: 17_102,
  presence: 17_103,
  pcscf: 17_104,
}
/** UEs send their first REGISTER here, and ESP there. No well-known port, no privilege. */
export const SIP_PORT = 15_060
export const ENCAPSULATION_PORT = 14_500
/** port_ps: nothing but ESP may bring a message for it. */
export const PORT_PS = 15_064

export interface StackOptions {
  readonly data: DataFolder
  readonly realm: string
  /** Loopback address that everything of the network listens on; UEs have addresses of their own. */
  readonly address: string
  /** OTLP/HTTP receiver of the traces; without it none are made. */
  readonly otlpEndpoint?: string
  /** Settings that differ from the defaults, for all services. Each service reads its own. */
  readonly settings?: Readonly<Record<string, string>>
  /** Told when a process ends that nobody asked to. */
  readonly onExit?: (name: string, how: string) => void
}

/** A whole Rollcall on this machine: nats-server and each service as a process of its own. */
export class LocalStack implements AsyncDisposable {
  readonly options: StackOptions
  readonly nats: NatsServerProcess
  readonly #services = new Map<ServiceName, ServiceProcess>()
  readonly #natsKey: Secret

  private constructor(options: StackOptions, nats: NatsServerProcess, natsKey: Secret) {
    this.options = options
    this.nats = nats
    this.#natsKey = natsKey
    for (const name of SERVICES) this.#services.set(name, this.#createService(name))
  }

  /** Makes the trust domain: the certificates of the services, of NATS, of the operator and of who makes streams. */
  static async createTrustDomain(o: Pick<StackOptions, 'data' | 'address' | 'realm'>): Promise<void> {
    const client = (role: string) => ({ name: role, role, dnsNames: [] })
    await createTrustDomain({
      folder: o.data.pki,
      trustDomain: TRUST_DOMAIN,
      leaves: [
        { name: NATS_SERVER_ROLE, role: NATS_SERVER_ROLE, dnsNames: ['nats'], ipAddresses: [o.address] },
        ...SERVICES.map((role) => ({
          name: role,
          role,
          dnsNames: [`${role}.${TRUST_DOMAIN}`],
          ipAddresses: [o.address],
        })),
        ...STORE_SERVICES.map((service) => client(storeAdminRole(service))),
        client('operator'),
      ],
    })
  }

  /** Brings the parts together, and starts nothing. The data folder is prepared, the trust domain is there. */
  static async create(options: StackOptions, natsKey: Secret, natsBinary?: string): Promise<LocalStack> {
    const { data, address } = options
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
    await this.nats.start()
    await this.initStore()
    for (const service of this.#services.values()) service.spawn()
    await Promise.all([...this.#services.values()].map((service) => service.ready()))
  }

  /** `rollcall store init` on this stack's store. */
  async initStore(): Promise<void> {
    const { data } = this.options
    await initStore({
      url: this.natsUrl,
      clock: systemClock,
      adminTlsOf: (service) => leafFiles(data.pki, storeAdminRole(service)),
      data: { storeDir: data.storeDir, encryptionKey: this.#natsKey },
      streamBytesMax: STREAM_BYTES_MAX,
    })
  }

  /** Drains the services from the edge inwards, then NATS. */
  async stop(): Promise<void> {
    for (const name of [...SERVICES].reverse()) await this.service(name).stop()
    await this.nats.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get natsUrl(): string {
    return `tls://${this.options.address}:${NATS_PORT}`
  }

  service(name: ServiceName): ServiceProcess {
    const service = this.#services.get(name)
    if (!service) throw new Error(`assertion failed: no service ${name}`)
    return service
  }

  /** `host:port` of a service's gRPC listener. */
  grpcTarget(name: ServiceName): string {
    return `${this.options.address}:${GRPC_PORTS[name]}`
  }

  /** `host:port` of `/livez`, `/readyz` and `/metrics`. */
  probe(name: ServiceName): string {
    return `${this.options.address}:${PROBE_PORTS[name]}`
  }

  /** The identity of a role of this stack, `operator` for the admin rpcs. */
  async identity(role: string): Promise<TlsIdentity> {
    return await TlsIdentity.load({ ...leafFiles(this.options.data.pki, role), trustDomain: TRUST_DOMAIN })
  }

  #createService(name: ServiceName): ServiceProcess {
    const { data, onExit } = this.options
    return new ServiceProcess({
      name,
      env: this.#environment(name),
      probe: this.probe(name),
      logFile: data.logFile(name),
      onExit: (service, how) => onExit?.(service.name, how),
    })
  }

  #environment(name: ServiceName): NodeJS.ProcessEnv {
    const { data, realm, address, otlpEndpoint, settings } = this.options
    const { certFile, keyFile, caFile } = leafFiles(data.pki, name)
    const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('ROLLCALL_') && !key.startsWith('OTEL_'))
    return {
      ...Object.fromEntries(kept),
      ...(otlpEndpoint && { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint, OTEL_BSP_SCHEDULE_DELAY: '200' }),
      OTEL_SERVICE_NAME: name,
      ROLLCALL_REALM: realm,
      ROLLCALL_TRUST_DOMAIN: TRUST_DOMAIN,
      ROLLCALL_NATS_URL: this.natsUrl,
      ROLLCALL_TLS_CERT_FILE: certFile,
      ROLLCALL_TLS_KEY_FILE: keyFile,
      ROLLCALL_TLS_CA_FILE: caFile,
      ROLLCALL_GRPC_LISTEN: this.grpcTarget(name),
      ROLLCALL_PROBE_LISTEN: this.probe(name),
      ROLLCALL_IDENTITY_HASH_KEY_FILE: data.identityHashKeyFile,
      ...(name === 'hss' && { ROLLCALL_HSS_SEALING_KEYS_FILE: data.sealingKeysFile('hss') }),
      ...(name !== 'hss' && { ROLLCALL_HOP_ROUTES: this.#hopRoutes() }),
      ...(name !== 'hss' && name !== 'pcscf' && { ROLLCALL_HSS_TARGET: this.grpcTarget('hss') }),
      ...(name === 'pcscf' && {
        ROLLCALL_PCSCF_POD_NAME: 'pcscf-0',
        ROLLCALL_PCSCF_SIP_LISTEN: `${address}:${SIP_PORT}`,
        ROLLCALL_PCSCF_ENCAPSULATION_LISTEN: `${address}:${ENCAPSULATION_PORT}`,
        ROLLCALL_PCSCF_PORT_PS: String(PORT_PS),
        ROLLCALL_PCSCF_SEALING_KEYS_FILE: data.sealingKeysFile('pcscf'),
      }),
      ...settings,
    }
  }

  /** The static next-hop table, as a chart would render it from its list of services. */
  #hopRoutes(): string {
    const { realm } = this.options
    return [
      `${realm}=scscf@${this.grpcTarget('scscf')}`,
      `scscf-0.scscf.${realm}=scscf@${this.grpcTarget('scscf')}`,
      `pcscf-0.pcscf.${realm}=pcscf@${this.grpcTarget('pcscf')}`,
      `presence.${realm}=presence@${this.grpcTarget('presence')}`,
    ].join(',')
  }
}
