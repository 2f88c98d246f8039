import { ChallengeRecord, ContextRecord, TmpiRecord } from '@rollcall/proto-gen/bsf'
import { ZnServiceService } from '@rollcall/proto-gen/zn'
import {
  ConfigError,
  createGrpcService,
  type GrpcServer,
  type GrpcService,
  type HttpRequest,
  type Readiness,
  type Runtime,
  ServerCertificate,
  type Service,
  startGrpcServer,
} from '@rollcall/runtime'
import {
  BSF_CHALLENGES_BUCKET,
  BSF_CONTEXTS_BUCKET,
  connectStore,
  KeyValue,
  Sealer,
  type StoreConnection,
  StoreOpener,
  StoreUnavailableError,
} from '@rollcall/store'
import { type BsfConfig, bsfNameBy, nafSettings } from './config.ts'
import type { BsfContext, BsfRecords } from './context.ts'
import { toRpcError } from './errors.ts'
import { BsfEvents } from './events.ts'
import { SealedRecords } from './records/sealed-records.ts'
import { bootstrap } from './ub/bootstrapping.ts'
import { LIMIT_KINDS, UbLimits } from './ub/limits.ts'
import { listenForHttp, listenForHttps, type UbListener } from './ub/listeners.ts'
import { ZhClient } from './zh/zh-client.ts'
import { bootstrappingInfo } from './zn/bootstrapping-info.ts'

export { bsfShape } from './config.ts'

/** So long a request may take that was under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000

interface OpenStore {
  readonly connection: StoreConnection
  readonly records: BsfRecords
}

/** The bootstrapping server function: Ub over HTTP and HTTPS, Zn over gRPC; it keeps nothing but what is in the store. */
export class BsfService implements Service {
  readonly #config: BsfConfig
  readonly #runtime: Runtime
  readonly #sealer: Sealer
  readonly #certificate: ServerCertificate | undefined
  readonly #opener: StoreOpener<OpenStore>
  readonly #stopping = new AbortController()
  readonly #zh: ZhClient
  readonly #limits: UbLimits
  readonly #context: BsfContext
  readonly #listeners: UbListener[] = []
  #opening: Promise<void> | undefined
  #server: GrpcServer | undefined

  private constructor(config: BsfConfig, runtime: Runtime, sealer: Sealer, certificate: ServerCertificate | undefined) {
    const { clock, log, metrics, audit } = runtime
    this.#config = config
    this.#runtime = runtime
    this.#sealer = sealer
    this.#certificate = certificate
    this.#zh = new ZhClient(config.ROLLCALL_HSS_TARGET, runtime)
    this.#limits = new UbLimits(clock, limitsBy(config))
    for (const kind of LIMIT_KINDS) {
      metrics.gauge('rollcall_bsf_limited_sources', { kind }, () => this.#limits.sizes[kind])
    }
    this.#opener = new StoreOpener({
      clock,
      open: () => this.#open(),
      onProblem: (error) => log.error({ err: error }, 'the store cannot be used; it is tried again'),
    })
    this.#context = {
      bsfName: bsfNameBy(config),
      keyLifetimeMs: config.ROLLCALL_BSF_KEY_LIFETIME_SECONDS * 1000,
      challengeMs: config.ROLLCALL_BSF_CHALLENGE_SECONDS * 1000,
      givesTmpi: config.ROLLCALL_BSF_TMPI,
      nafs: nafSettings(config),
      records: () => this.#records(),
      zh: this.#zh,
      limits: this.#limits,
      events: new BsfEvents({ metrics, audit }),
      clock,
    }
  }

  /**
   * @throws ConfigError when there is no listener for UEs, or one for HTTPS without a certificate.
   * @throws SealingKeysError, TlsIdentityError when a file cannot be used.
   */
  static async create(config: BsfConfig, runtime: Runtime): Promise<BsfService> {
    const sealer = await Sealer.load(config.ROLLCALL_BSF_SEALING_KEYS_FILE)
    return new BsfService(config, runtime, sealer, await certificateBy(config, runtime))
  }

  /** Listens at once; until the store is there UEs get 503, and NAFs UNAVAILABLE. */
  async start(): Promise<void> {
    const { ROLLCALL_BSF_HTTP_LISTEN: http, ROLLCALL_BSF_HTTPS_LISTEN: https } = this.#config
    const runtime = this.#runtime
    this.#server = await startGrpcServer({
      listen: this.#config.ROLLCALL_GRPC_LISTEN,
      services: [this.#zn()],
      runtime,
    })
    const handler = (request: HttpRequest) => {
      return bootstrap(this.#context, { ...request, remoteAddress: request.socket.remoteAddress })
    }
    const bounds = {
      connectionsMax: this.#config.ROLLCALL_BSF_CONNECTIONS_MAX,
      connectionsPerSourceMax: this.#config.ROLLCALL_BSF_SOURCE_CONNECTIONS_MAX,
    }
    if (http) this.#listeners.push(await listenForHttp({ listen: http, handler, runtime, bounds }))
    const certificate = this.#certificate
    if (https && certificate) {
      this.#listeners.push(await listenForHttps({ listen: https, handler, runtime, bounds, certificate }))
    }
    // What it rejects with nobody expected: it stays unhandled, so that the shell logs it, drains and ends.
    this.#opening = this.#opener.run(this.#stopping.signal)
  }

  /** Ports of the listeners for UEs: HTTP, then HTTPS, as far as they are set. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ port }) => port)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#listeners.map((listener) => listener.stop(STOP_GRACE_MS)))
    await this.#server?.stop(STOP_GRACE_MS)
    await this.#opening?.catch(() => {})
    this.#zh[Symbol.dispose]()
    this.#limits[Symbol.dispose]()
    this.#certificate?.[Symbol.dispose]()
    const { state } = this.#opener
    if (state.kind === 'open') await state.value.connection.close()
  }

  ready(): Readiness {
    const { state } = this.#opener
    if (state.kind === 'opening') return { ready: false, reasons: [`store: ${state.problem}`] }
    if (!state.value.connection.isConnected) return { ready: false, reasons: ['store: disconnected'] }
    return { ready: true, reasons: [] }
  }

  #zn(): GrpcService {
    return createGrpcService(ZnServiceService, {
      bootstrappingInfo: async (request, call) => {
        try {
          return await bootstrappingInfo(this.#context, request, call)
        } catch (error) {
          throw toRpcError(error)
        }
      },
    })
  }

  #records(): BsfRecords {
    const { state } = this.#opener
    if (state.kind === 'opening') throw new StoreUnavailableError('disconnected', 'refused')
    return state.value.records
  }

  async #open(): Promise<OpenStore> {
    const config = this.#config
    const { clock, log } = this.#runtime
    const connection = await connectStore({
      url: config.ROLLCALL_NATS_URL,
      tls: {
        certFile: config.ROLLCALL_TLS_CERT_FILE,
        keyFile: config.ROLLCALL_TLS_KEY_FILE,
        caFile: config.ROLLCALL_TLS_CA_FILE,
      },
      service: 'bsf',
      clock,
      signal: this.#stopping.signal,
      onStatus: (status) => log.info({ status }, 'store connection'),
    })
    try {
      const contexts = await KeyValue.open({ connection, bucket: BSF_CONTEXTS_BUCKET })
      const challenges = await KeyValue.open({ connection, bucket: BSF_CHALLENGES_BUCKET })
      const sealer = this.#sealer
      return {
        connection,
        records: {
          challenges: new SealedRecords({ kind: 'challenge', type: ChallengeRecord, bucket: challenges, sealer }),
          contexts: new SealedRecords({ kind: 'context', type: ContextRecord, bucket: contexts, sealer }),
          tmpis: new SealedRecords({ kind: 'tmpi', type: TmpiRecord, bucket: contexts, sealer }),
        },
      }
    } catch (error) {
      await connection.close()
      throw error
    }
  }
}

function limitsBy(config: BsfConfig): ConstructorParameters<typeof UbLimits>[1] {
  const bucket = (burst: number, intervalMs: number) => ({ burst, intervalMs })
  const contextsMax = config.ROLLCALL_BSF_USER_CONTEXTS_MAX
  return {
    source: bucket(config.ROLLCALL_BSF_SOURCE_BURST, config.ROLLCALL_BSF_SOURCE_INTERVAL_MS),
    impi: bucket(config.ROLLCALL_BSF_IMPI_BURST, config.ROLLCALL_BSF_IMPI_INTERVAL_MS),
    wrongAnswers: bucket(config.ROLLCALL_BSF_WRONG_ANSWERS, config.ROLLCALL_BSF_WRONG_ANSWER_INTERVAL_MS),
    contexts: bucket(contextsMax, (config.ROLLCALL_BSF_KEY_LIFETIME_SECONDS * 1000) / contextsMax),
    outstandingMax: config.ROLLCALL_BSF_OUTSTANDING_MAX,
  }
}

async function certificateBy(config: BsfConfig, { clock, log }: Runtime): Promise<ServerCertificate | undefined> {
  const {
    ROLLCALL_BSF_HTTP_LISTEN: http,
    ROLLCALL_BSF_HTTPS_LISTEN: https,
    ROLLCALL_BSF_PUBLIC_CERT_FILE: certFile,
    ROLLCALL_BSF_PUBLIC_KEY_FILE: keyFile,
  } = config
  if (!http && !https) throw wrong('ROLLCALL_BSF_HTTP_LISTEN', 'this or ROLLCALL_BSF_HTTPS_LISTEN must be set')
  if (!https) return undefined
  if (!certFile) throw wrong('ROLLCALL_BSF_PUBLIC_CERT_FILE', 'must be set for ROLLCALL_BSF_HTTPS_LISTEN')
  if (!keyFile) throw wrong('ROLLCALL_BSF_PUBLIC_KEY_FILE', 'must be set for ROLLCALL_BSF_HTTPS_LISTEN')
  return await ServerCertificate.load({
    certFile,
    keyFile,
    names: [bsfNameBy(config)],
    clock,
    onRefused: (error) => log.error({ err: error }, 'the public certificate cannot be used; the last good one stays'),
  })
}

function wrong(name: string, problem: string): ConfigError {
  return new ConfigError('bsf', [{ name, problem }])
}
