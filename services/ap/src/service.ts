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
import { UeAuthorities } from './tls/ue-authorities.ts'
import { Authenticator } from './ua/authenticator.ts'
import type { UaConnection } from './ua/ua-connection.ts'
import { ZbServers } from './zb/servers.ts'
import { NafKeys } from './zn/naf-keys.ts'

export { apShape } from './config.ts'

/** So long a request may take that was under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000
/** `Choice:` nonces in use at once, 200 octets each; those beyond it cost a UE one more round trip. */
const NONCES_MAX = 200_000

/**
 * The Authentication Proxy: TLS and proofs towards UEs, keys from the BSF (Zn), documents from the servers behind (Zb). It
 * keeps nothing that is not asked for again: when it dies, UEs connect anew and are challenged anew.
 */
export class ApService implements Service {
  readonly #config: ApConfig
  readonly #runtime: Runtime
  readonly #nafs: NafTable
  readonly #certificate: ServerCertificate
  readonly #authorities: UeAuthorities | undefined
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
    o: { nafs: NafTable; certificate: ServerCertificate; authorities: UeAuthorities | undefined },
  ) {
    this.#config = config
    this.#runtime = runtime
    this.#nafs = o.nafs
    this.#certificate = o.certificate
    this.#authorities = o.authorities
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
    const { authorities } = o
    if (authorities && config.ROLLCALL_AP_CLIENT_CRL_FILE !== undefined) {
      metrics.gauge('rollcall_ap_crl_end_seconds', {}, () => (authorities.trust.crlEndMs ?? 0) / 1000)
    }
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
    const certificate = await ServerCertificate.load({
      certFile: config.ROLLCALL_AP_PUBLIC_CERT_FILE,
      keyFile: config.ROLLCALL_AP_PUBLIC_KEY_FILE,
      names: nafs.all.map(({ fqdn }) => fqdn),
      clock: runtime.clock,
      onRefused: (error) =>
        runtime.log.error({ err: error }, 'the public certificate cannot be used; the last good one stays'),
    })
    try {
      return new ApService(config, runtime, {
        nafs,
        certificate,
        authorities: await authoritiesBy(config, runtime, nafs),
      })
    } catch (error) {
      certificate[Symbol.dispose]()
      throw error
    }
  }

  async start(): Promise<void> {
    const config = this.#config
    const o: Omit<UaListenerOptions, 'listen'> = {
      limits: this.#limits(),
      runtime: this.#runtime,
      handle: (request, connection) => this.#handle(request, connection),
    }
    const [certificate, authorities] = [this.#certificate, this.#authorities]
    this.#listeners.push(
      await startDigestListener({ ...o, listen: config.ROLLCALL_AP_DIGEST_LISTEN, certificate, authorities }),
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
    this.#authorities?.[Symbol.dispose]()
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
    const config = this.#config
    return {
      ...HTTP_LIMITS,
      bodyBytesMax: config.ROLLCALL_AP_BODY_BYTES_MAX,
      headerMs: config.ROLLCALL_AP_HEADER_TIMEOUT_MS,
      requestMs: config.ROLLCALL_AP_REQUEST_TIMEOUT_MS,
      idleMs: config.ROLLCALL_AP_IDLE_TIMEOUT_MS,
      connectionsMax: config.ROLLCALL_AP_CONNECTIONS_MAX,
      connectionsPerSourceMax: config.ROLLCALL_AP_SOURCE_CONNECTIONS_MAX,
    }
  }
}

async function authoritiesBy(
  config: ApConfig,
  { clock, log }: Runtime,
  nafs: NafTable,
): Promise<UeAuthorities | undefined> {
  const { ROLLCALL_AP_CLIENT_CA_FILE: caFile, ROLLCALL_AP_CLIENT_CRL_FILE: crlFile } = config
  if (caFile === undefined || !nafs.hasOpen('client-certificate')) return undefined
  return await UeAuthorities.load({
    caFile,
    crlFile,
    clock,
    onRefused: (error) => log.error({ err: error }, 'the authorities of UEs cannot be used; the last good ones stay'),
    onEnded: (endMs) =>
      log.error(
        { endedAt: new Date(endMs).toISOString() },
        'the revocation list has ended: no certificate of a UE is taken',
      ),
  })
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
