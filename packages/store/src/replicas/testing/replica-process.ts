import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import { systemClock, systemRandom } from '@rollcall/core'
import type { TestStore } from '@rollcall/dev-env'
import type { StoreConnection } from '../../connection.ts'
import { StoreUnavailableError } from '../../errors.ts'
import type { OwnedPartition } from '../../log/owned-partition.ts'
import type { PartitionLogs } from '../../log/partition-logs.ts'
import { pause } from '../../pause.ts'
import type { RequestPort, StoreLink } from '../../store-link.ts'
import { connectTo, openLogs, REALM } from '../../testing/store-client.ts'
import type { HeldPartition } from '../held-partition.ts'
import type { ReplicaEvent } from '../replica-event.ts'
import { Replicas } from '../replicas.ts'

/** A connection that can be made to hang, as that of a process which is stopped: nothing goes out, nothing comes in. */
export class HangingLink implements StoreLink {
  readonly clock = systemClock
  readonly requests: RequestPort
  readonly onStatus: NonNullable<StoreLink['onStatus']>
  readonly subscribe: NonNullable<StoreLink['subscribe']>
  readonly #connection: StoreConnection
  isHung = false

  constructor(connection: StoreConnection) {
    this.#connection = connection
    this.requests = {
      request: (subject, payload, o) => this.#request(subject, payload, o),
      requestMany: (subject, payload, o) =>
        this.isHung ? this.#hang(o.timeoutMs) : connection.requests.requestMany(subject, payload, o),
    }
    this.onStatus = (listener) => connection.onStatus(listener)
    this.subscribe = (subject, onMessage) =>
      connection.subscribe(subject, (data, at) => {
        if (!this.isHung) onMessage(data, at)
      })
  }

  get isConnected(): boolean {
    return this.#connection.isConnected
  }

  get isClosed(): boolean {
    return this.#connection.isClosed
  }

  async #request(subject: string, payload: Uint8Array, o: { headers?: MsgHdrs; timeoutMs: number }): Promise<Msg> {
    return this.isHung ? await this.#hang(o.timeoutMs) : await this.#connection.requests.request(subject, payload, o)
  }

  async #hang(timeoutMs: number): Promise<never> {
    await pause(systemClock, timeoutMs)
    throw new StoreUnavailableError('no-answer', 'open')
  }
}

/** One replica of a service on a real store, which takes partitions and does nothing with them. */
export class ReplicaProcess {
  readonly name: string
  readonly events: (ReplicaEvent & { readonly atMs: number })[] = []
  readonly held = new Map<number, HeldPartition>()
  /** The logs of all that were ever held. */
  readonly owned = new Map<number, OwnedPartition>()
  readonly sole = new Set<number>()
  readonly link: HangingLink
  readonly replicas: Promise<Replicas>
  readonly #connection: StoreConnection

  private constructor(name: string, connection: StoreConnection, logs: PartitionLogs) {
    this.name = name
    this.#connection = connection
    this.link = new HangingLink(connection)
    this.replicas = Replicas.join({
      connection: this.link,
      service: 'presence',
      realm: REALM,
      replica: name,
      target: `${name}:7443`,
      partitions: logs.partitions ?? 0,
      clock: systemClock,
      random: systemRandom,
      onEvent: (event) => void this.events.push({ ...event, atMs: performance.now() }),
      take: async (partition, context) => {
        const owned = await logs.take(partition, () => {}, context)
        const { epoch, lost } = owned
        const end = (): void => {
          this.held.delete(partition)
          this.sole.delete(partition)
        }
        const held: HeldPartition = {
          epoch,
          get acknowledged() {
            return owned.acknowledged
          },
          lost,
          drop: end,
          release: () => owned.release().then(end),
        }
        this.owned.set(partition, owned)
        this.held.set(partition, held)
        void context.sole.then(() => this.held.get(partition) === held && this.sole.add(partition))
        return held
      },
    })
  }

  static async start(store: Pick<TestStore, 'url' | 'tlsFor'>, name: string): Promise<ReplicaProcess> {
    const connection = await connectTo(store, 'presence')
    const started = new ReplicaProcess(name, connection, await openLogs(connection))
    await started.replicas
    return started
  }

  has(kind: ReplicaEvent['kind']): boolean {
    return this.events.some((event) => event.kind === kind)
  }

  async leave(): Promise<void> {
    await (await this.replicas).leave()
    await this.#connection.close()
  }

  /** Ends without a word, as `kill -9`. */
  async kill(): Promise<void> {
    this.link.isHung = true
    await this.#connection.close()
    this.held.clear()
  }
}
