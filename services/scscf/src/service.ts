import { ScscfAdminServiceService } from '@rollcall/proto-gen/admin'
import { CxServiceClient } from '@rollcall/proto-gen/cx'
import {
  createGrpcClient,
  createGrpcService,
  createHopService,
  type GrpcServer,
  HopRouter,
  type Readiness,
  RpcError,
  type Runtime,
  type Service,
  startGrpcServer,
} from '@rollcall/runtime'
import { connectStore, PartitionLogs, type StoreConnection, StoreOpener } from '@rollcall/store'
import { listRegistrations } from './admin/list-registrations.ts'
import { checkConfig, type ScscfConfig } from './config.ts'
import { ScscfCore } from './core.ts'
import { ScscfEvents } from './events.ts'
import { HopFront } from './sip/hop-front.ts'
import type { Incoming } from './sip/incoming.ts'

export { scscfShape } from './config.ts'

/** So long requests may take that were under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000

/** What is there once the log is loaded. */
interface OpenStore {
  readonly connection: StoreConnection
  readonly core: ScscfCore
}

/** I-CSCF and S-CSCF as one process: SIP over the hop, Cx towards the HSS, registrations in partition logs. */
export class ScscfService implements Service {
  readonly #config: ScscfConfig
  readonly #runtime: Runtime
  readonly #events: ScscfEvents
  readonly #cx: CxServiceClient
  readonly #hop: HopRouter
  readonly #front: HopFront
  readonly #opener: StoreOpener<OpenStore>
  readonly #stopping = new AbortController()
  #opening: Promise<void> | undefined
  #server: GrpcServer | undefined

  /** @throws ConfigError when two settings contradict each other. */
  constructor(config: ScscfConfig, runtime: Runtime) {
    checkConfig(config)
    this.#config = config
    this.#runtime = runtime
    const { identity, metrics, audit, log, clock, random } = runtime
    this.#events = new ScscfEvents({ metrics, audit, log })
    this.#cx = createGrpcClient(CxServiceClient, {
      target: config.ROLLCALL_HSS_TARGET,
      role: 'hss',
      identity,
      metrics,
    })
    this.#hop = new HopRouter({ routes: config.ROLLCALL_HOP_ROUTES, runtime })
    this.#front = new HopFront({
      clock,
      random,
      register: (incoming) => this.#register(incoming),
      route: (incoming) => this.#route(incoming),
      onRefused: (incoming, { reason }) => this.#events.requestRefused(incoming, reason),
      onDropped: (reason) => this.#events.dropped(reason),
    })
    this.#opener = new StoreOpener({
      clock,
      open: () => this.#open(),
      onProblem: (error) => log.error({ err: error }, 'the store cannot be used; it is tried again'),
    })
  }

  /** Listens at once; until the log is loaded every request is answered 503. */
  async start(): Promise<void> {
    this.#server = await startGrpcServer({
      listen: this.#config.ROLLCALL_GRPC_LISTEN,
      services: [
        createHopService({ onRequest: (message, peer, reply) => this.#front.receive(message, peer, reply) }),
        createGrpcService(ScscfAdminServiceService, {
          listRegistrations: () => listRegistrations(this.#core().registrations.sets, this.#runtime.clock.now()),
        }),
      ],
      runtime: this.#runtime,
    })
    // What it rejects with nobody expected: it stays unhandled, so that the shell logs it, drains and ends.
    this.#opening = this.#opener.run(this.#stopping.signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#server?.stop(STOP_GRACE_MS)
    await this.#opening?.catch(() => {})
    const { state } = this.#opener
    if (state.kind === 'open') {
      await state.value.core.stop()
      await state.value.connection.close()
    }
    await this.#hop.close()
    this.#cx.close()
  }

  ready(): Readiness {
    const { state } = this.#opener
    if (state.kind === 'opening') return { ready: false, reasons: [`store: ${state.problem}`] }
    const reasons: string[] = []
    if (!state.value.connection.isConnected) reasons.push('store: disconnected')
    if (!state.value.core.registrations.isWhole) reasons.push('a partition was taken by another process')
    return { ready: reasons.length === 0, reasons }
  }

  #register(incoming: Incoming): void {
    const { state } = this.#opener
    if (state.kind === 'open') state.value.core.register(incoming)
    else this.#front.refuse(incoming, { reason: 'store-unavailable' })
  }

  async #route(incoming: Incoming): Promise<void> {
    const { state } = this.#opener
    if (state.kind === 'open') await state.value.core.route(incoming)
    else this.#front.refuse(incoming, { reason: 'store-unavailable' })
  }

  #core(): ScscfCore {
    const { state } = this.#opener
    if (state.kind === 'opening') throw new RpcError('RPC_UNAVAILABLE', state.problem)
    return state.value.core
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
      service: 'scscf',
      clock,
      signal: this.#stopping.signal,
      onStatus: (status) => log.info({ status }, 'store connection'),
    })
    const core = new ScscfCore({
      config,
      runtime: this.#runtime,
      events: this.#events,
      cx: this.#cx,
      hop: this.#hop,
      refuse: (incoming, refusal) => this.#front.refuse(incoming, refusal),
    })
    try {
      const realm = config.ROLLCALL_REALM
      await core.load(
        await PartitionLogs.open({
          connection,
          service: 'scscf',
          realm,
          clock,
          onEvent: (event) => log.debug({ event }, 'partition log'),
        }),
      )
      return { connection, core }
    } catch (error) {
      await core.stop()
      await connection.close()
      throw error
    }
  }
}
