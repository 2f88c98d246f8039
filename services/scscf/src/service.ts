import { CxServiceClient } from '@rollcall/proto-gen/cx'
import {
  createGrpcClient,
  createHopService,
  type GrpcServer,
  HopPeers,
  HopRouter,
  type Readiness,
  type Runtime,
  type Service,
  startGrpcServer,
} from '@rollcall/runtime'
import { firstWay, type SipNode } from '@rollcall/sip-node'
import type { ReplicatedStore } from '@rollcall/store'
import { ScscfAdmin } from './admin/scscf-admin.ts'
import { checkConfig, type ScscfConfig } from './config.ts'
import { ScscfCore } from './core.ts'
import { CxCallback } from './cx/cx-callback.ts'
import { ScscfEvents } from './events.ts'
import { createScscfStore } from './scscf-store.ts'
import { HopFront } from './sip/hop-front.ts'
import { createVendorNode } from './vendor/vendor-node.ts'

export { scscfShape } from './config.ts'

/** So long requests may take that were under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000
/** What was sent on by then gets this long to be answered. */
const HOP_GRACE_MS = 1_000

/**
 * One replica of the I-CSCF and S-CSCF: SIP over the hop, Cx towards the HSS, registrations in partition logs that the
 * replicas share.
 */
export class ScscfService implements Service {
  readonly #config: ScscfConfig
  readonly #runtime: Runtime
  readonly #cx: CxServiceClient
  readonly #hop: HopRouter
  readonly #vendors: SipNode
  readonly #peers: HopPeers
  readonly #core: ScscfCore
  readonly #front: HopFront
  readonly #store: ReplicatedStore
  readonly #admin: ScscfAdmin
  readonly #callback: CxCallback
  #server: GrpcServer | undefined

  /** @throws ConfigError when two settings contradict each other. */
  constructor(config: ScscfConfig, runtime: Runtime) {
    checkConfig(config)
    this.#config = config
    this.#runtime = runtime
    const { identity, metrics, audit, log, clock, random } = runtime
    const events = new ScscfEvents({ metrics, audit, log })
    this.#cx = createGrpcClient(CxServiceClient, {
      target: config.ROLLCALL_HSS_TARGET,
      role: 'hss',
      identity,
      metrics,
    })
    this.#hop = new HopRouter({ routes: config.ROLLCALL_HOP_ROUTES, runtime })
    this.#vendors = createVendorNode({
      config,
      runtime,
      receive: (message, peer, reply) => this.#front.receive(message, peer, reply),
    })
    this.#peers = new HopPeers({ runtime })
    this.#core = new ScscfCore({
      config,
      runtime,
      events,
      cx: this.#cx,
      hop: firstWay([this.#hop, this.#vendors.sender]),
      trusts: (host) => this.#vendors.trusts(host),
      peers: this.#peers,
      refuse: (incoming, refusal) => this.#front.refuse(incoming, refusal),
    })
    const core = this.#core
    this.#front = new HopFront({
      clock,
      random,
      register: (incoming) => core.register(incoming),
      route: (incoming) => core.route(incoming),
      onRefused: (incoming, { reason }) => events.requestRefused(incoming, reason),
      onDropped: (reason) => events.dropped(reason),
    })
    const { partitions, view, ownerCalls } = core
    this.#store = createScscfStore({ config, runtime, partitions, view })
    const replica = config.ROLLCALL_REPLICA_NAME
    this.#admin = new ScscfAdmin({ runtime, view, partitions, ownerCalls, replica })
    this.#callback = new CxCallback({ runtime, ownerCalls })
  }

  /** Listens at once; until the store is open the hop is not, and what comes by SIP/TLS is answered 503. */
  async start(): Promise<void> {
    this.#server = await startGrpcServer({
      listen: this.#config.ROLLCALL_GRPC_LISTEN,
      services: [
        createHopService({
          onRequest: (message, peer, reply) => this.#front.receive(message, peer, reply),
          isOpen: () => this.#core.view.isJoined,
        }),
        this.#admin.service,
        this.#callback.service,
      ],
      runtime: this.#runtime,
    })
    await this.#vendors.start()
    this.#store.start()
  }

  /** Others take over first, while what comes here still is served, forwarded, or waits for them. */
  async stop(): Promise<void> {
    await this.#store.leave()
    this.#vendors.drain()
    await this.#server?.stop(STOP_GRACE_MS)
    this.#core[Symbol.dispose]()
    const ways = [this.#hop, this.#peers, this.#vendors]
    await Promise.all(ways.map((way) => way.close(HOP_GRACE_MS)))
    this.#cx.close()
    await this.#store.close()
  }

  ready(): Readiness {
    const reasons = this.#store.problems
    return { ready: reasons.length === 0, reasons: [...reasons, ...this.#vendors.warnings] }
  }
}
