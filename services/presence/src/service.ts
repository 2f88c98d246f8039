import { ShServiceClient } from '@rollcall/proto-gen/sh'
import {
  callUnary,
  createGrpcClient,
  createHopService,
  type GrpcServer,
  HopRouter,
  type Readiness,
  type Runtime,
  type Service,
  startGrpcServer,
  startSpan,
} from '@rollcall/runtime'
import { connectStore, type LogEvent, PartitionLogs, type StoreConnection } from '@rollcall/store'
import { createPresenceAdmin } from './admin/presence-admin.ts'
import type { PresenceConfig } from './config.ts'
import { PresenceEvents } from './events.ts'
import type { OwnerContext } from './partition/owner.ts'
import { Partitions } from './partition/partitions.ts'
import { pooledRandom } from './pooled-random.ts'
import { UserDataCache } from './sh/user-data.ts'
import { SipFront } from './sip/front.ts'
import { NotifySender } from './sip/notify-sender.ts'

export { type PresenceConfig, presenceShape } from './config.ts'

/** So long a request may take that was under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000
/** NOTIFYs under way then get this long to be answered. */
const HOP_GRACE_MS = 1_000
/** A user's data is asked for while a request waits for it. */
const SH_DEADLINE_MS = 2_000
/** Streams that are missing or not as they should be are looked at again after this. */
const REOPEN_MS = 2_000

/** Makes a Presence Server; `start` serves, until the store is there with 503. */
export function createPresenceService(config: PresenceConfig, runtime: Runtime): Service {
  return new PresenceService(config, runtime)
}

class PresenceService implements Service {
  readonly #config: PresenceConfig
  readonly #runtime: Runtime
  readonly #events: PresenceEvents
  readonly #hop: HopRouter
  readonly #sh: ShServiceClient
  readonly #users: UserDataCache
  readonly #partitions: Partitions
  readonly #front: SipFront
  readonly #stopping = new AbortController()
  #server: GrpcServer | undefined
  #store: StoreConnection | undefined
  #opening: Promise<void> | undefined
  #storeProblem = 'the store is not connected'

  constructor(config: PresenceConfig, runtime: Runtime) {
    const { clock, identity, metrics, hashIdentity } = runtime
    const random = pooledRandom(runtime.random)
    const host = (config.ROLLCALL_PRESENCE_HOST ?? `presence.${config.ROLLCALL_REALM}`).toLowerCase()
    const events = new PresenceEvents(runtime)
    this.#config = config
    this.#runtime = runtime
    this.#events = events
    this.#hop = new HopRouter({ routes: config.ROLLCALL_HOP_ROUTES, runtime })
    this.#sh = createGrpcClient(ShServiceClient, { target: config.ROLLCALL_HSS_TARGET, role: 'hss', identity, metrics })
    const timeoutMs = config.ROLLCALL_PRESENCE_NOTIFY_TIMEOUT_MS
    const sender = new NotifySender({ host, clock, random, hop: this.#hop, timeoutMs, hashIdentity, events })
    const context = this.#ownerContext(sender)
    const partitions = new Partitions({
      clock,
      random,
      context,
      onEvent: (event, partition, why) => this.#onPartition(event, partition, why),
    })
    this.#partitions = partitions
    const users = new UserDataCache({
      clock,
      fetch: (impu, parent) =>
        callUnary(this.#sh.userData.bind(this.#sh), { impu }, { deadlineMs: SH_DEADLINE_MS, parent }),
      partitionOf: (canonical) => partitions.partitionOf(canonical),
      freshMs: config.ROLLCALL_PRESENCE_SH_FRESH_MS,
      staleMs: config.ROLLCALL_PRESENCE_SH_STALE_MS,
    })
    this.#users = users
    this.#front = new SipFront({ host, random, events, hashIdentity, users, partitions })
    this.#registerGauges()
  }

  async start(): Promise<void> {
    this.#server = await startGrpcServer({
      listen: this.#config.ROLLCALL_GRPC_LISTEN,
      services: [
        createHopService({ onRequest: this.#front.onRequest }),
        createPresenceAdmin({ users: this.#users, partitions: this.#partitions }),
      ],
      runtime: this.#runtime,
    })
    this.#opening = this.#openStore()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#server?.stop(STOP_GRACE_MS)
    await this.#opening
    await this.#partitions.stop()
    await this.#hop.close(HOP_GRACE_MS)
    this.#sh.close()
    await this.#store?.close()
  }

  ready(): Readiness {
    const reasons = [...this.#partitions.problems]
    if (!this.#partitions.isOpen) reasons.push(this.#storeProblem)
    else if (!this.#store?.isConnected) reasons.push('the store is not connected')
    return { ready: reasons.length === 0, reasons }
  }

  /** Connects and opens the logs; tries until it succeeds or the service stops. */
  async #openStore(): Promise<void> {
    const { clock, log } = this.#runtime
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#openLogs()
        return
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        this.#storeProblem = error instanceof Error ? error.message : String(error)
        log.error({ err: error }, 'the partition logs cannot be opened')
      }
      await this.#store?.close()
      this.#store = undefined
      await new Promise<void>((resolve) => {
        clock.setTimer(REOPEN_MS, resolve)
        this.#stopping.signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  async #openLogs(): Promise<void> {
    const config = this.#config
    const { clock, log } = this.#runtime
    const connection = await connectStore({
      url: config.ROLLCALL_NATS_URL,
      tls: {
        certFile: config.ROLLCALL_TLS_CERT_FILE,
        keyFile: config.ROLLCALL_TLS_KEY_FILE,
        caFile: config.ROLLCALL_TLS_CA_FILE,
      },
      service: 'presence',
      clock,
      signal: this.#stopping.signal,
      onStatus: (status) => log.info({ status }, 'store'),
    })
    this.#store = connection
    this.#partitions.open(
      await PartitionLogs.open({
        connection,
        service: 'presence',
        realm: config.ROLLCALL_REALM,
        clock,
        onEvent: (event) => this.#onLogEvent(event),
      }),
    )
  }

  #ownerContext(sender: NotifySender): OwnerContext {
    const config = this.#config
    const events = this.#events
    return {
      clock: this.#runtime.clock,
      terms: {
        expiresSecondsMin: config.ROLLCALL_PRESENCE_EXPIRES_MIN_SECONDS,
        expiresSecondsMax: config.ROLLCALL_PRESENCE_EXPIRES_MAX_SECONDS,
      },
      notifyGraceMs: config.ROLLCALL_PRESENCE_NOTIFY_GRACE_MS,
      sendNotify: (partition, notice, cseq, done) => sender.send(partition, notice, cseq, done),
      events: {
        expired: (count) => events.expired(count),
        ended: (presentity, subscription, reason) => events.subscriptionEnded(presentity, subscription, reason),
        notified: (outcome) => events.notified(outcome),
        fanOut: (watchers, parent) => {
          startSpan('presence fan-out', { parent, attributes: { 'rollcall.fan_out.watchers': watchers } }).end()
        },
      },
    }
  }

  #onPartition(event: 'taken' | 'lost' | 'failed', partition: number, why: unknown): void {
    this.#events.partition(event)
    const { log } = this.#runtime
    if (event === 'taken') log.info({ partition }, 'partition taken')
    else log.warn({ partition, err: why }, `partition ${event}`)
  }

  #onLogEvent(event: LogEvent): void {
    const { log } = this.#runtime
    if (event.kind === 'unavailable') log.warn(event, 'a partition log does not answer; requests are refused')
    else if (event.kind === 'available') log.info(event, 'a partition log answers again')
  }

  #registerGauges(): void {
    const { metrics } = this.#runtime
    const sum = (
      count: (presentity: { publications: { size: number }; subscriptions: { size: number } }) => number,
    ) => {
      let total = 0
      for (const owner of this.#partitions.owners) for (const state of owner.presentities) total += count(state)
      return total
    }
    metrics.gauge('rollcall_presence_publications', {}, () => sum(({ publications }) => publications.size))
    metrics.gauge('rollcall_presence_subscriptions', {}, () => sum(({ subscriptions }) => subscriptions.size))
    metrics.gauge('rollcall_presence_partitions_owned', {}, () => this.#partitions.owners.length)
  }
}
