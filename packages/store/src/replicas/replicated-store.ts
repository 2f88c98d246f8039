import type { Clock, Random, RollcallError } from '@rollcall/core'
import { connectStore, type StoreConnection, type StoreStatus, type StoreTls } from '../connection.ts'
import type { LogEvent } from '../log/log-event.ts'
import { PartitionLogs } from '../log/partition-logs.ts'
import { StoreOpener } from '../store-opener.ts'
import type { TakePartition } from './held-partition.ts'
import type { LeaseTiming } from './lease-timing.ts'
import type { ReplicaEvent } from './replica-event.ts'
import type { ReplicaView } from './replica-view.ts'
import { Replicas } from './replicas.ts'

/** What is there once the store is open. */
interface OpenStore {
  readonly connection: StoreConnection
  readonly replicas: Replicas
}

/** What a replicated store tells its service. */
export interface ReplicatedStoreEvents {
  /** It cannot be opened, for another reason than before; it is tried again. */
  problem(error: RollcallError): void
  status(status: StoreStatus): void
  log(event: LogEvent): void
  replica(event: ReplicaEvent): void
}

export interface ReplicatedStoreOptions {
  readonly service: 'presence' | 'scscf'
  readonly realm: string
  readonly url: string
  readonly tls: StoreTls
  readonly replica: string
  readonly target: string
  readonly timing: LeaseTiming
  readonly clock: Clock
  readonly random: Random
  /** The service's side: it hears of the logs before the first partition is to be taken. */
  readonly partitions: { open(logs: PartitionLogs): void; readonly take: TakePartition }
  readonly view: Pick<ReplicaView, 'join'>
  readonly events: ReplicatedStoreEvents
}

/** A service's connection to the store, and its process's place among the replicas that share the partitions. */
export class ReplicatedStore {
  readonly #o: ReplicatedStoreOptions
  readonly #opener: StoreOpener<OpenStore>
  readonly #stopping = new AbortController()
  #opening: Promise<void> | undefined

  constructor(o: ReplicatedStoreOptions) {
    this.#o = o
    this.#opener = new StoreOpener({
      clock: o.clock,
      open: () => this.#open(),
      onProblem: (error) => o.events.problem(error),
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

  /** Hands all partitions over in peace: what was decided becomes durable first, and others take them. */
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
    const { service, realm, url, tls, replica, target, timing, clock, random, partitions, view, events } = this.#o
    const { signal } = this.#stopping
    const onStatus = (status: StoreStatus): void => events.status(status)
    const connection = await connectStore({ url, tls, service, clock, signal, onStatus })
    try {
      const onEvent = (event: LogEvent): void => events.log(event)
      const logs = await PartitionLogs.open({ connection, service, realm, clock, onEvent })
      partitions.open(logs)
      const replicas = await Replicas.join({
        connection,
        service,
        realm,
        replica,
        target,
        partitions: logs.partitions ?? 0,
        clock,
        random,
        take: partitions.take,
        timing,
        onEvent: (event) => events.replica(event),
      })
      view.join(replicas)
      return { connection, replicas }
    } catch (error) {
      await connection.close()
      throw error
    }
  }
}
