import type { Impu } from '@rollcall/core'
import type { CxServiceClient } from '@rollcall/proto-gen/cx'
import { type HopPeers, ReplicaForwarder, type Runtime } from '@rollcall/runtime'
import { ReplicaView } from '@rollcall/store'
import { hostOf, type ScscfConfig } from './config.ts'
import { CxClient } from './cx/cx-client.ts'
import type { ScscfEvents } from './events.ts'
import type { Refusal } from './refusal.ts'
import { createNotifySender } from './reg-event/notify-sender.ts'
import { RegEventServer } from './reg-event/reg-event-server.ts'
import { RegisterFront } from './registrar/register-front.ts'
import { CanonicalIdentities } from './replicas/canonical-identities.ts'
import { OwnerCalls } from './replicas/owner-calls.ts'
import { Owners } from './replicas/owners.ts'
import { PartitionFactory } from './replicas/partition-factory.ts'
import { Partitions } from './replicas/partitions.ts'
import { Directory } from './session/directory.ts'
import { OdiTable } from './session/odi-table.ts'
import { type AtServer, SessionRouter } from './session/session-router.ts'
import { Forwarder, type HopSender } from './sip/forwarder.ts'
import type { Incoming } from './sip/incoming.ts'

/** Requests that are at an application server; each is gone after the longest wait for an answer. */
const ODIS_MAX = 100_000
const ODI_LIFE_MS = 64_000

export interface CoreOptions {
  readonly config: ScscfConfig
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log' | 'metrics'>
  readonly events: ScscfEvents
  readonly cx: CxServiceClient
  /** The hop, and beside it the way to other vendors' nodes. */
  readonly hop: HopSender
  /** Whether the way to a host is one of the trust domain. */
  readonly trusts: (host: string) => boolean
  readonly peers: HopPeers
  /** Refuses a request and counts it. */
  readonly refuse: (incoming: Incoming, refusal: Refusal) => void
}

/** Registrar, registrations and session procedures of one replica, put together. */
export class ScscfCore implements Disposable {
  readonly view = new ReplicaView()
  readonly partitions: Partitions
  readonly ownerCalls: OwnerCalls
  readonly #front: RegisterFront
  readonly #router: SessionRouter
  readonly #replicas: ReplicaForwarder

  constructor(options: CoreOptions) {
    const { config, runtime, events, hop, trusts, peers, refuse } = options
    const { clock, random, metrics } = runtime
    const { view } = this
    const realm = config.ROLLCALL_REALM
    const host = hostOf(config)
    const replica = config.ROLLCALL_REPLICA_NAME
    const cx = createCx(options, host)
    const forwarder = new Forwarder({ hop, trusts, clock, random, host })
    const parts = new PartitionFactory({
      config,
      host,
      runtime,
      events,
      cx,
      forwarder,
      sendNotify: createNotifySender({ hop, clock, random, host }),
      isLive: (partition) => view.isLive && view.whereIs(partition).kind === 'here',
      attempts: () => partitions.served.reduce((sum, { attempts }) => sum + attempts, 0),
      count: () => partitions.count,
    })
    const partitions = new Partitions({ view, createParts: (partition) => parts.create(partition) })
    this.partitions = partitions
    const identities = new CanonicalIdentities({
      clock,
      partitionOf: (canonicalImpu: Impu) => partitions.partitionOf(canonicalImpu),
      registered: (impu) => partitions.findByImpu(impu)?.canonicalImpu,
      locate: (impu) => cx.canonicalOf(impu),
    })
    this.ownerCalls = new OwnerCalls({ view, partitions, identities })
    this.#replicas = new ReplicaForwarder({
      role: 'scscf',
      peers,
      clock,
      metrics,
      whereIs: (partition) => view.whereIs(partition),
      onChange: (listener) => view.onChange(listener),
    })
    const owners = new Owners({
      clock,
      host,
      replica,
      view,
      partitions,
      identities,
      replicas: this.#replicas,
      peers,
      forwarder,
      refuse,
    })
    this.#front = new RegisterFront({
      rules: { realm, expiresSecondsMin: config.ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS },
      // Whatever it rejects with nobody expected: it stays unhandled, and the process ends.
      bring: (incoming, impu, here) => void owners.bring(incoming, impu, here),
      refuse,
    })
    this.#router = new SessionRouter({
      regEvents: new RegEventServer({ host, owners, refuse }),
      realm,
      host,
      replica,
      clock,
      owners,
      onCanonical: (impu, canonicalImpu) => void identities.learn(impu, canonicalImpu),
      directory: new Directory({
        clock,
        cx,
        freshMs: config.ROLLCALL_SCSCF_PROFILE_FRESH_MS,
        staleMs: config.ROLLCALL_SCSCF_PROFILE_STALE_MS,
        entriesMax: config.ROLLCALL_SCSCF_PROFILES_MAX,
        onStale: () => events.profileStale(),
        onSkipped: (skipped) => events.criteriaSkipped(skipped),
      }),
      forwarder,
      odis: new OdiTable<AtServer>({ clock, random, lifeMs: ODI_LIFE_MS, entriesMax: ODIS_MAX }),
      events,
      refuse,
    })
    metrics.gauge('rollcall_scscf_registrations', {}, () => {
      return partitions.served.reduce((sum, { size }) => sum + size, 0)
    })
    metrics.gauge('rollcall_scscf_reg_subscriptions', {}, () => {
      return partitions.served.reduce((sum, { subscriptions }) => sum + subscriptions, 0)
    })
    metrics.gauge('rollcall_scscf_third_party_pending', {}, () => {
      return partitions.served.reduce((sum, { thirdPartyPending }) => sum + thirdPartyPending, 0)
    })
    metrics.gauge('rollcall_scscf_partitions_owned', {}, () => partitions.served.length)
    metrics.gauge('rollcall_scscf_lease_live', {}, () => (view.isLive ? 1 : 0))
  }

  register(incoming: Incoming): void {
    this.#front.receive(incoming)
  }

  async route(incoming: Incoming): Promise<void> {
    await this.#router.route(incoming)
  }

  /** Gives up what waits for a partition. */
  [Symbol.dispose](): void {
    this.#replicas[Symbol.dispose]()
  }
}

function createCx({ cx, config, events }: CoreOptions, host: string): CxClient {
  return new CxClient({
    client: cx,
    serverName: `sip:${host}`,
    realm: config.ROLLCALL_REALM,
    deadlineMs: config.ROLLCALL_SCSCF_CX_DEADLINE_MS,
    onUnavailable: (command, code) => events.hssUnavailable(command, code),
  })
}
