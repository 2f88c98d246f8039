import { leaseTiming, type Runtime } from '@rollcall/runtime'
import { type LogEvent, logReplicaEvent, ReplicatedStore, type ReplicaView } from '@rollcall/store'
import type { PresenceConfig } from './config.ts'
import type { PresenceEvents } from './events.ts'
import type { Partitions } from './partition/partitions.ts'

/** Handing over takes a fraction of a second; without the store it would take for ever. */
const LEAVE_MS_MAX = 5_000

/** The connection to the store, and this process's place among the replicas that share the partitions. */
export class PresenceStore {
  readonly #runtime: Runtime
  readonly #partitions: Partitions
  readonly #store: ReplicatedStore

  constructor(o: {
    readonly config: PresenceConfig
    readonly runtime: Runtime
    readonly events: PresenceEvents
    readonly partitions: Partitions
    readonly view: ReplicaView
  }) {
    const { config, runtime, partitions, view } = o
    const { clock, random, log } = runtime
    this.#runtime = runtime
    this.#partitions = partitions
    this.#store = new ReplicatedStore({
      service: 'presence',
      realm: config.ROLLCALL_REALM,
      url: config.ROLLCALL_NATS_URL,
      tls: {
        certFile: config.ROLLCALL_TLS_CERT_FILE,
        keyFile: config.ROLLCALL_TLS_KEY_FILE,
        caFile: config.ROLLCALL_TLS_CA_FILE,
      },
      replica: config.ROLLCALL_REPLICA_NAME,
      target: config.ROLLCALL_GRPC_ADVERTISE ?? config.ROLLCALL_GRPC_LISTEN,
      timing: leaseTiming(config),
      clock,
      random,
      partitions,
      view,
      events: {
        problem: (error) => log.error({ err: error }, 'the store cannot be used; it is tried again'),
        status: (status) => log.info({ status }, 'store connection'),
        log: (event) => this.#onLogEvent(event),
        replica: (event) => {
          if (event.kind === 'lease') o.events.lease(event.isLive)
          logReplicaEvent(log, event)
        },
      },
    })
  }

  /** Begins to open it, and tries until it is there. */
  start(): void {
    this.#store.start()
  }

  /** Why requests are not all served. */
  get problems(): readonly string[] {
    return this.#store.problems
  }

  /**
   * Hands all partitions over in peace. What cannot be handed over in time is given up: when this resolves nothing is told
   * any more.
   */
  async leave(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = this.#runtime.clock.setTimer(LEAVE_MS_MAX, resolve)
    await Promise.race([this.#store.leave(), late])
    timer.cancel()
    this.#partitions.dropAll()
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  #onLogEvent(event: LogEvent): void {
    const { log } = this.#runtime
    if (event.kind === 'unavailable') log.warn(event, 'a partition log does not answer; requests are refused')
    else if (event.kind === 'available') log.info(event, 'a partition log answers again')
    else if (event.kind === 'taken') log.info(event, 'a partition was loaded')
    else if (event.kind === 'snapshot') log.info(event, 'a snapshot is in force')
  }
}
