import { xcapRootOf } from '@rollcall/gba'
import { DigestCredentialsServiceClient } from '@rollcall/proto-gen/digest'
import { ShServiceClient } from '@rollcall/proto-gen/sh'
import {
  callUnary,
  checkLeaseTiming,
  createGrpcClient,
  createHopService,
  type GrpcServer,
  HopPeers,
  HopRouter,
  type HttpsServer,
  type Readiness,
  ReplicaForwarder,
  type Runtime,
  type Service,
  startGrpcServer,
} from '@rollcall/runtime'
import { SipNode } from '@rollcall/sip-node'
import { ReplicaView } from '@rollcall/store'
import { PresenceAdmin } from './admin/presence-admin.ts'
import type { PresenceConfig } from './config.ts'
import { WatcherDigest } from './digest/watcher-digest.ts'
import { WatcherPasswords } from './digest/watcher-passwords.ts'
import { PresenceEvents } from './events.ts'
import { AnyUsers } from './open/any-users.ts'
import { OpenSip } from './open/open-sip.ts'
import { openWarnings, sipDoors } from './open/settings.ts'
import { createOwnerContext } from './owner-context.ts'
import { AppendLoad } from './partition/append-load.ts'
import { type PartitionEvent, Partitions } from './partition/partitions.ts'
import { pooledRandom } from './pooled-random.ts'
import { PresenceStore } from './presence-store.ts'
import { PresenceReplicaService } from './registration/replica-service.ts'
import { PolicyChanges } from './sh/policy-changes.ts'
import { PushNotificationService } from './sh/push-notification.ts'
import { UserDataCache } from './sh/user-data.ts'
import { SipFront } from './sip/front.ts'
import { HopNotifyWay } from './sip/hop-notify-way.ts'
import { NotifySender } from './sip/notify-sender.ts'
import { OwnerFinder } from './sip/owner-finder.ts'
import { steadyClock } from './steady-clock.ts'

export { type PresenceConfig, presenceShape } from './config.ts'

import { XcapFront } from './xcap/xcap-front.ts'
import { startZbListener } from './xcap/zb-listener.ts'

/** So long a request may take that was under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000
/** NOTIFYs under way then get this long to be answered. */
const HOP_GRACE_MS = 1_000
/** A user's data is asked for while a request waits for it. */
const SH_DEADLINE_MS = 2_000

/** Makes a Presence Server; `start` serves, until the store is there with 503. @throws ConfigError */
export function createPresenceService(config: PresenceConfig, runtime: Runtime): Service {
  checkLeaseTiming('presence', config)
  return new PresenceService(config, runtime)
}

class PresenceService implements Service {
  readonly #config: PresenceConfig
  readonly #runtime: Runtime
  readonly #events: PresenceEvents
  readonly #hop: HopRouter
  readonly #peers: HopPeers
  readonly #forwarder: ReplicaForwarder
  readonly #sh: ShServiceClient
  readonly #digest: DigestCredentialsServiceClient
  readonly #view = new ReplicaView()
  readonly #load = new AppendLoad()
  readonly #partitions: Partitions
  readonly #store: PresenceStore
  readonly #admin: PresenceAdmin
  readonly #push: PushNotificationService
  readonly #replicas: PresenceReplicaService
  readonly #front: SipFront
  readonly #xcap: XcapFront
  readonly #open: OpenSip | undefined
  readonly #vendors: SipNode
  #server: GrpcServer | undefined
  #zb: HttpsServer | undefined

  constructor(config: PresenceConfig, runtime: Runtime) {
    const { identity, metrics, hashIdentity } = runtime
    const clock = steadyClock(runtime.clock)
    const random = pooledRandom(runtime.random)
    const host = (config.ROLLCALL_PRESENCE_HOST ?? `presence.${config.ROLLCALL_REALM}`).toLowerCase()
    const events = new PresenceEvents(runtime)
    const view = this.#view
    this.#config = config
    this.#runtime = runtime
    this.#events = events
    this.#hop = new HopRouter({ routes: config.ROLLCALL_HOP_ROUTES, runtime })
    this.#peers = new HopPeers({ runtime })
    const hss = { target: config.ROLLCALL_HSS_TARGET, role: 'hss', identity, metrics } as const
    this.#sh = createGrpcClient(ShServiceClient, hss)
    this.#digest = createGrpcClient(DigestCredentialsServiceClient, hss)

    const timeoutMs = config.ROLLCALL_PRESENCE_NOTIFY_TIMEOUT_MS
    const hopWay = new HopNotifyWay({ host, hop: this.#hop, timeoutMs })
    const { open: at, table } = sipDoors(config)
    this.#open =
      at && new OpenSip({ at, ...runtime, clock, random, events, timeoutMs, onRequest: (r) => this.#front.take(r) })
    this.#vendors = new SipNode({ runtime, table, host, onRequest: (...request) => this.#front.onRequest(...request) })
    const vendorWay = new HopNotifyWay({ host, hop: this.#vendors.sender, timeoutMs })
    const ways = [hopWay, vendorWay, ...(this.#open ? [this.#open] : [])] as const
    const sender = new NotifySender({ clock, random, ways, hashIdentity, events })

    const users = new UserDataCache({
      clock,
      fetch: (impu, parent) =>
        callUnary(this.#sh.userData.bind(this.#sh), { impu }, { deadlineMs: SH_DEADLINE_MS, parent }),
      partitionOf: (canonical) => partitions.partitionOf(canonical),
      freshMs: config.ROLLCALL_PRESENCE_SH_FRESH_MS,
      staleMs: config.ROLLCALL_PRESENCE_SH_STALE_MS,
    })
    const partitions = new Partitions({
      context: createOwnerContext({ config, clock, events, sender, load: this.#load, log: runtime.log }),
      view,
      onTaken: (partition) => users.forgetPartition(partition),
      onEvent: (event, partition, why) => this.#onPartition(event, partition, why),
    })
    this.#partitions = partitions
    this.#store = new PresenceStore({ config, runtime, events, partitions, view })

    const anyUsers = new AnyUsers({
      partitionOf: (canonical) => partitions.partitionOf(canonical),
      domain: config.ROLLCALL_PRESENCE_UNPROTECTED_USERS_DOMAIN,
    })
    const directory = config.ROLLCALL_PRESENCE_UNPROTECTED_USERS === 'any' ? anyUsers : users
    this.#forwarder = new ReplicaForwarder({
      role: 'presence',
      peers: this.#peers,
      clock,
      metrics,
      whereIs: (partition) => partitions.whereIs(partition),
      onChange: (listener) => view.onChange(listener),
    })
    const finder = new OwnerFinder({ users: directory, partitions, forwarder: this.#forwarder })
    const isOpen = (): boolean => partitions.isOpen
    this.#replicas = new PresenceReplicaService({
      directory: partitions,
      xcap: (message) => this.#xcap.answer(message, true),
      runtime,
    })
    const xcapRoot = config.ROLLCALL_XCAP_ROOT ?? xcapRootOf(config.ROLLCALL_REALM)
    this.#xcap = new XcapFront({
      users,
      partitions,
      events,
      clock,
      random,
      root: xcapRoot,
      forward: this.#replicas.forwardXcap,
    })
    const { ends } = this.#replicas
    const passwords = new WatcherPasswords((request, parent) =>
      callUnary(this.#digest.lookup.bind(this.#digest), request, { deadlineMs: SH_DEADLINE_MS, parent }),
    )
    const digest = new WatcherDigest({
      realm: config.ROLLCALL_REALM,
      algorithms: config.ROLLCALL_PRESENCE_DIGEST_ALGORITHMS,
      clock,
      random,
      passwords,
    })
    this.#front = new SipFront({ host, xcapRoot, clock, random, events, hashIdentity, isOpen, finder, digest, ends })
    this.#admin = new PresenceAdmin({ users: directory, partitions, runtime })
    const changes = new PolicyChanges({ clock, users, directory: partitions })
    this.#push = new PushNotificationService({ changes, directory: partitions, runtime })
    this.#registerGauges()
  }

  async start(): Promise<void> {
    this.#server = await startGrpcServer({
      listen: this.#config.ROLLCALL_GRPC_LISTEN,
      services: [
        createHopService({ onRequest: this.#front.onRequest, isOpen: () => this.#partitions.isOpen }),
        this.#admin.service,
        this.#push.service,
        this.#replicas.service,
      ],
      runtime: this.#runtime,
    })
    for (const warning of openWarnings(this.#config)) this.#runtime.log.warn(warning)
    await this.#open?.start()
    await this.#vendors.start()
    const listen = this.#config.ROLLCALL_XCAP_LISTEN
    if (listen !== undefined) this.#zb = await startZbListener({ listen, front: this.#xcap, runtime: this.#runtime })
    this.#store.start()
  }

  /** Others take over first, while what comes here still is served, forwarded, or waits for them. */
  async stop(): Promise<void> {
    this.#open?.drain()
    await this.#store.leave()
    this.#vendors.drain()
    await this.#zb?.stop(STOP_GRACE_MS)
    await this.#server?.stop(STOP_GRACE_MS)
    this.#forwarder[Symbol.dispose]()
    await Promise.all([this.#hop, this.#peers, this.#vendors].map((way) => way.close(HOP_GRACE_MS)))
    await this.#open?.close()
    this.#push[Symbol.dispose]()
    this.#replicas[Symbol.dispose]()
    this.#sh.close()
    this.#digest.close()
    await this.#store.close()
  }

  ready(): Readiness {
    const reasons = this.#store.problems
    return { ready: reasons.length === 0, reasons: [...reasons, ...openWarnings(this.#config)] }
  }

  #onPartition(event: PartitionEvent, partition: number, why: unknown): void {
    this.#events.partition(event)
    const { log } = this.#runtime
    if (event === 'lost' || event === 'failed') log.warn({ partition, err: why }, `partition ${event}`)
    else log.info({ partition }, `partition ${event}`)
  }

  #registerGauges(): void {
    const { metrics } = this.#runtime
    const partitions = this.#partitions
    const sum = (what: 'publications' | 'subscriptions') => (): number =>
      partitions.owners.reduce((total, { size }) => total + size[what], 0)
    metrics.gauge('rollcall_presence_publications', {}, sum('publications'))
    metrics.gauge('rollcall_presence_subscriptions', {}, sum('subscriptions'))
    metrics.gauge('rollcall_presence_watchers_waiting', {}, () =>
      partitions.owners.reduce((total, { waiting }) => total + waiting, 0),
    )
    metrics.gauge('rollcall_presence_partitions_owned', {}, () => partitions.owners.length)
    metrics.gauge('rollcall_presence_lease_live', {}, () => (this.#view.isLive ? 1 : 0))
    metrics.gauge('rollcall_presence_records_waiting', {}, () => this.#load.records)
  }
}
