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
import type { ScscfConfig } from './config.ts'
import type { Partitions } from './replicas/partitions.ts'
import type { ReplicaView } from './replicas/replica-view.ts'

/** What is there once the store is open. */
interface OpenStore {
  readonly connection: StoreConnection
  readonly replicas: Replicas
}

export interface ScscfStoreOptions {
  readonly config: ScscfConfig
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'log'>
  readonly partitions: Pick<Partitions, 'open' | 'take'>
  readonly view: Pick<ReplicaView, 'join'>
}

/** The connection to the store, and this process's place among the replicas that share the partitions. */
export class ScscfStore {
  readonly #options: ScscfStoreOptions
  readonly #opener: StoreOpener<OpenStore>
  readonly #stopping = new AbortController()
  #opening: Promise<void> | undefined

  constructor(options: ScscfStoreOptions) {
    const { clock, log } = options.runtime
    this.#options = options
    this.#opener = new StoreOpener({
      clock,
      open: () => this.#open(),
      onProblem: (error) => log.error({ err: error }, 'the store cannot be used; it is tried again'),
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

  /** Hands all partitions over in peace. */
  async leave(): Promise<void> {
    this.#stopping.abort()
    await this.#opening?.catch(() => {})
    const { state } = this.#opener
    if (state.kind === 'open') await state.value.replicas.leave()
  }

  async close(): Promise<void> {
    const { state } = this.#opener
    if (state.kind === 'open') await state.value.connection.close()
  }

  async #open(): Promise<OpenStore> {
    const { config, runtime, partitions, view } = this.#options
    const { clock, random, log } = runtime
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
    try {
      const realm = config.ROLLCALL_REALM
      const onEvent = (event: LogEvent): void => this.#onLogEvent(event)
      const logs = await PartitionLogs.open({ connection, service: 'scscf', realm, clock, onEvent })
      partitions.open(logs)
      const replicas = await Replicas.join({
        connection,
        service: 'scscf',
        realm,
        replica: config.ROLLCALL_REPLICA_NAME,
        target: config.ROLLCALL_GRPC_ADVERTISE ?? config.ROLLCALL_GRPC_LISTEN,
        partitions: logs.partitions ?? 0,
        clock,
        random,
        take: partitions.take,
        timing: {
          heartbeatMs: config.ROLLCALL_SCSCF_HEARTBEAT_MS,
          leaseMs: config.ROLLCALL_SCSCF_LEASE_MS,
          silenceMs: config.ROLLCALL_SCSCF_SILENCE_MS,
        },
        onEvent: (event) => this.#onReplicaEvent(event),
      })
      view.join(replicas)
      return { connection, replicas }
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  #onLogEvent(event: LogEvent): void {
    const { log } = this.#options.runtime
    if (event.kind === 'unavailable') log.warn(event, 'a partition log does not answer; REGISTER is refused')
    else log.debug({ event }, 'partition log')
  }

  #onReplicaEvent(event: ReplicaEvent): void {
    const { log } = this.#options.runtime
    switch (event.kind) {
      case 'lease':
        if (event.isLive) log.info('the lease is live: users are served')
        else log.warn('the lease has ended: nobody is served from memory until it is live again')
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
