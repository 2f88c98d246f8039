import { readFile } from 'node:fs/promises'
import { NonceKeeper } from '@rollcall/digest'
import { DigestCredentialsServiceClient } from '@rollcall/proto-gen/digest'
import { ZnServiceClient } from '@rollcall/proto-gen/zn'
import {
  ConfigError,
  callUnary,
  createGrpcClient,
  HTTP_LIMITS,
  type HttpAnswer,
  type HttpLimits,
  type HttpRequest,
  type HttpsServer,
  type Readiness,
  type Runtime,
  ServerCertificate,
  type Service,
} from '@rollcall/runtime'
import { AuthenticationProxy } from './ap.ts'
import type { ApConfig } from './config.ts'
import { ApEvents } from './events.ts'
import { Passwords } from './hss/passwords.ts'
import { LOOKUP_OPTIONS, lookUp } from './lookups.ts'
import { NafTable, nafOf, readNafs } from './nafs/naf.ts'
import { startDigestListener, type UaListenerOptions } from './tls/digest-listener.ts'
import { startPskListener } from './tls/psk-listener.ts'
import { Authenticator } from './ua/authenticator.ts'
import type { UaConnection } from './ua/ua-connection.ts'
import { ZbServers } from './zb/servers.ts'
import { NafKeys } from './zn/naf-keys.ts'

export { apShape } from './config.ts'

/** So long a request may take that was under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000
/** `Choice:` nonces in use at once, 200 octets each; those beyond it cost a UE one more round trip. */
const NONCES_MAX = 200_000
/** Handshakes and requests of the whole network come here: who is idle makes room soon. */
const UA_IDLE_MS = 120_000

/**
 * The Authentication Proxy: TLS and proofs towards UEs, keys from the BSF (Zn), documents from the servers behind (Zb). It
 * keeps nothing that is not asked for again: when it dies, UEs connect anew and are challenged anew.
 */
export class ApService implements Service {
  readonly #config: ApConfig
  readonly #runtime: Runtime
  readonly #nafs: NafTable
  readonly #certificate: ServerCertificate
  readonly #clientAuthorities: Buffer | undefined
  readonly #bsf: ZnServiceClient
  readonly #hss: DigestCredentialsServiceClient | undefined
  readonly #servers: ZbServers
  readonly #keys: NafKeys
  readonly #proxy: AuthenticationProxy
  readonly #events: ApEvents
  readonly #listeners: HttpsServer[] = []

  private constructor(
    config: ApConfig,
    runtime: Runtime,
    o: { nafs: NafTable; certificate: ServerCertificate; clientAuthorities: Buffer | undefined },
  ) {
    this.#config = config
    this.#runtime = runtime
    this.#nafs = o.nafs
    this.#certificate = o.certificate
    this.#clientAuthorities = o.clientAuthorities
    const { identity, metrics, clock, random } = runtime
    this.#events = new ApEvents(runtime)
    const bsf = createGrpcClient(ZnServiceClient, {
      target: config.ROLLCALL_BSF_TARGET,
      role: 'bsf',
      identity,
      metrics,
    })
    this.#bsf = bsf
    const keys = new NafKeys({
      clock,
      ask: (request) => lookUp(() => callUnary(bsf.bootstrappingInfo.bind(bsf), request, LOOKUP_OPTIONS)),
    })
    this.#keys = keys
    const target = config.ROLLCALL_HSS_TARGET
    const hss = target
      ? createGrpcClient(DigestCredentialsServiceClient, { target, role: 'hss', identity, metrics })
      : undefined
    this.#hss = hss
    const passwords =
      hss &&
      new Passwords({ clock, ask: (request) => lookUp(() => callUnary(hss.lookup.bind(hss), request, LOOKUP_OPTIONS)) })
    const nonces = new NonceKeeper({
      clock,
      random,
      lifetimeMs: config.ROLLCALL_AP_NONCE_LIFETIME_MS,
      nonceCountMax: NONCES_MAX,
    })
    const challenges = {
      nonces,
      passwordRealm: config.ROLLCALL_REALM,
      passwordAlgorithms: config.ROLLCALL_AP_PASSWORD_ALGORITHMS,
    }
    const servers = new ZbServers({
      nafs: o.nafs.all,
      runtime,
      timeoutMs: config.ROLLCALL_AP_ZB_TIMEOUT_MS,
      connectionsMax: config.ROLLCALL_AP_ZB_CONNECTIONS_MAX,
    })
    this.#servers = servers
    metrics.gauge('rollcall_ap_keys', {}, () => keys.size)
    metrics.gauge('rollcall_ap_pending', {}, () => servers.pending)
    const authenticator = new Authenticator({ ...challenges, keys, passwords, clock })
    this.#proxy = new AuthenticationProxy({
      nafs: o.nafs,
      authenticator,
      challenges,
      servers,
      events: this.#events,
      clock,
    })
  }

  /**
   * @throws ConfigError when a means is open that lacks what it needs.
   * @throws NafsError, TlsIdentityError when a file cannot be used.
   */
  static async create(config: ApConfig, runtime: Runtime): Promise<ApService> {
    const defaults = {
      means: config.ROLLCALL_AP_MEANS,
      uaProtocols: config.ROLLCALL_AP_UA_PROTOCOLS,
      targets: config.ROLLCALL_AP_XCAP_TARGETS,
    }
    const file = config.ROLLCALL_AP_NAFS_FILE
    const nafs = new NafTable(
      file ? await readNafs(file, defaults) : [nafOf({ fqdn: config.ROLLCALL_AP_NAF_FQDN }, defaults)],
    )
    checkMeans(config, nafs)
    const clientCa = config.ROLLCALL_AP_CLIENT_CA_FILE
    const clientAuthorities =
      clientCa !== undefined && nafs.hasOpen('client-certificate') ? await readFile(clientCa) : undefined
    const certificate = await ServerCertificate.load({
      certFile: config.ROLLCALL_AP_PUBLIC_CERT_FILE,
      keyFile: config.ROLLCALL_AP_PUBLIC_KEY_FILE,
      names: nafs.all.map(({ fqdn }) => fqdn),
      clock: runtime.clock,
      onRefused: (error) =>
        runtime.log.error({ err: error }, 'the public certificate cannot be used; the last good one stays'),
    })
    return new ApService(config, runtime, { nafs, certificate, clientAuthorities })
  }

  async start(): Promise<void> {
    const config = this.#config
    const o: Omit<UaListenerOptions, 'listen'> = {
      limits: this.#limits(),
      runtime: this.#runtime,
      handle: (request, connection) => this.#handle(request, connection),
    }
    const [certificate, clientAuthorities] = [this.#certificate, this.#clientAuthorities]
    this.#listeners.push(
      await startDigestListener({ ...o, listen: config.ROLLCALL_AP_DIGEST_LISTEN, certificate, clientAuthorities }),
    )
    const psk = { ...o, nafs: this.#nafs, keys: this.#keys, events: this.#events }
    const { ROLLCALL_AP_PSK_TLS12_LISTEN: tls12, ROLLCALL_AP_PSK_TLS13_LISTEN: tls13 } = config
    if (tls12) this.#listeners.push(await startPskListener({ ...psk, listen: tls12, version: 'TLSv1.2' }))
    if (tls13) this.#listeners.push(await startPskListener({ ...psk, listen: tls13, version: 'TLSv1.3' }))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.stop(STOP_GRACE_MS)))
    this.#servers[Symbol.dispose]()
    this.#certificate[Symbol.dispose]()
    this.#bsf.close()
    this.#hss?.close()
  }

  /** It serves when it listens: what is away behind it is told to each UE, and comes back by itself. */
  ready(): Readiness {
    return this.#listeners.length > 0 ? { ready: true, reasons: [] } : { ready: false, reasons: ['not listening'] }
  }

  /** Where it listens: digest, PSK TLS 1.2, PSK TLS 1.3, those that are open. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ port }) => port)
  }

  #handle(request: HttpRequest, connection: UaConnection): Promise<HttpAnswer> {
    return this.#proxy.handle(request, connection)
  }

  #limits(): HttpLimits {
    return { ...HTTP_LIMITS, bodyBytesMax: this.#config.ROLLCALL_AP_BODY_BYTES_MAX, idleMs: UA_IDLE_MS }
  }
}

function checkMeans(config: ApConfig, nafs: NafTable): void {
  const problems = []
  if (nafs.hasOpen('password') && config.ROLLCALL_HSS_TARGET === undefined) {
    problems.push({ name: 'ROLLCALL_HSS_TARGET', problem: 'is not set, and password is open' })
  }
  if (nafs.hasOpen('client-certificate') && config.ROLLCALL_AP_CLIENT_CA_FILE === undefined) {
    problems.push({ name: 'ROLLCALL_AP_CLIENT_CA_FILE', problem: 'is not set, and client-certificate is open' })
  }
  if (problems.length > 0) throw new ConfigError('ap', problems)
}
