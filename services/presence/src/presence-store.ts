import type { RollcallError } from '@rollcall/core'
import type { Runtime } from '@rollcall/runtime'
import {
  connectStore,
  type LogEvent,
  PartitionLogs,
  type ReplicaEvent,
  Replicas,
  type StoreConnection,
  StoreOpener,
} from '@rollcall/store'
import type { PresenceConfig } from './config.ts'
import type { PresenceEvents } from './events.ts'
import type { Partitions } from './partition/partitions.ts'
import type { ReplicaView } from './partition/replica-view.ts'

/** Handing over takes a fraction of a second; without the store it would take for ever. */
const LEAVE_MS_MAX = 5_000

/** What is there once the store is open. */
interface OpenStore {
  readonly connection: StoreConnection
  readonly replicas: Replicas
}

/** The connection to the store, and this process's place among the replicas that share the partitions. */
export class PresenceStore {
  readonly #config: PresenceConfig
  readonly #runtime: Runtime
  readonly #events: PresenceEvents
  readonly #partitions: Partitions
  readonly #view: ReplicaView
  readonly #opener: StoreOpener<OpenStore>
  readonly #stopping = new AbortController()
  #opening: Promise<void> | undefined

  constructor(o: {
    readonly config: PresenceConfig
    readonly runtime: Runtime
    readonly events: PresenceEvents
    readonly partitions: Partitions
    readonly view: ReplicaView
  }) {
    this.#config = o.config
    this.#runtime = o.runtime
    this.#events = o.events
    this.#partitions = o.partitions
    this.#view = o.view
    this.#opener = new StoreOpener({
      clock: o.runtime.clock,
      open: () => this.#open(),
      onProblem: (error: RollcallError) =>
        o.runtime.log.error({ err: error }, 'the store cannot be used; it is tried again'),
    })
  }

  /** Begins to open it, and tries until it is there. */
  start(): void {
    // What it rejects with nobody expected: it stays unhandled, so that the shell logs it, drains and ends.
    this.#opening = this.#opener.run(this.#stopping.signal)
  }

  /** Why requests are not all served. */
  get problems(): readonly string[] {
    const { state } = this.#opener
    if (state.kind === 'opening') return [`store: ${state.problem}`]
    const { connection, replicas } = state.value
    return [...(connection.isConnected ? [] : ['store: disconnected']), ...replicas.problems]
  }

  /**
   * Hands all partitions over in peace: what was decided becomes durable first, and others take them. What cannot be
   * handed over in time is given up: when this resolves nothing is told any more.
   */
  async leave(): Promise<void> {
    this.#stopping.abort()
    await this.#opening?.catch(() => {})
    const { state } = this.#opener
    if (state.kind === 'open') {
      const { clock } = this.#runtime
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = clock.setTimer(LEAVE_MS_MAX, resolve)
      await Promise.race([state.value.replicas.leave(), late])
      timer.cancel()
    }
    this.#partitions.dropAll()
  }

  async close(): Promise<void> {
    const { state } = this.#opener
    if (state.kind === 'open') await state.value.connection.close()
  }

  async #open(): Promise<OpenStore> {
    const config = this.#config
    const { clock, random, log } = this.#runtime
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
      onStatus: (status) => log.info({ status }, 'store connection'),
    })
    try {
      const realm = config.ROLLCALL_REALM
      const onEvent = (event: LogEvent): void => this.#onLogEvent(event)
      const logs = await PartitionLogs.open({ connection, service: 'presence', realm, clock, onEvent })
      this.#partitions.open(logs)
      const replicas = await Replicas.join({
        connection,
        service: 'presence',
        realm,
        replica: config.ROLLCALL_REPLICA_NAME,
        target: config.ROLLCALL_GRPC_ADVERTISE ?? config.ROLLCALL_GRPC_LISTEN,
        partitions: logs.partitions ?? 0,
        clock,
        random,
        take: this.#partitions.take,
        timing: {
          heartbeatMs: config.ROLLCALL_PRESENCE_HEARTBEAT_MS,
          leaseMs: config.ROLLCALL_PRESENCE_LEASE_MS,
          silenceMs: config.ROLLCALL_PRESENCE_SILENCE_MS,
        },
        onEvent: (event) => this.#onReplicaEvent(event),
      })
      this.#view.join(replicas)
      return { connection, replicas }
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  #onLogEvent(event: LogEvent): void {
    const { log } = this.#runtime
    if (event.kind === 'unavailable') log.warn(event, 'a partition log does not answer; requests are refused')
    else if (event.kind === 'available') log.info(event, 'a partition log answers again')
    else if (event.kind === 'taken') log.info(event, 'a partition was loaded')
    else if (event.kind === 'snapshot') log.info(event, 'a snapshot is in force')
  }

  #onReplicaEvent(event: ReplicaEvent): void {
    const { log } = this.#runtime
    switch (event.kind) {
      case 'lease':
        this.#events.lease(event.isLive)
        if (event.isLive) log.info('the lease is live: watchers are told')
        else log.warn('the lease has ended: nothing is told until it is live again')
        return
      case 'revoked':
      case 'deposed':
        log.warn(event, `replica ${event.kind}`)
        return
      case 'take-failed':
        log.error({ err: event.error, partition: event.partition }, 'a partition could not be taken')
        return
      default:
        log.info(event, `replica ${event.kind}`)
    }
  }
}
