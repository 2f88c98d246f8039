import {
  AppendLoad,
  type Notice,
  noticeBody,
  type OwnerContext,
  type PartitionSource,
  Partitions,
  PolicyChanges,
  readUserData,
  SnapshotTurn,
  UserDataCache,
} from '@rollcall/presence/partition'
import { RpcError } from '@rollcall/runtime'
import { LogTruncatedError, PartitionLogs, type ReplicaEvent, Replicas, ReplicaView } from '@rollcall/store'
import { ModelLink } from '@rollcall/store/testing'
import type { Chance } from './chance.ts'
import type { Context } from './context.ts'
import { SHAPE } from './context.ts'
import { Front } from './front.ts'
import type { Hss, Told } from './hss.ts'
import type { NodeClock } from './loop/node-clock.ts'
import { NotifyWay } from './notify-way.ts'
import { REALM } from './store/sim-store.ts'

/** How long a replica that cannot open its store waits before it tries again. */
const REOPEN_MS = 300
/** A push that is handed to another replica, or a question to the HSS, is given up after this. */
const CALL_MS_MAX = 4_000
const NOTIFY_GRACE_MS = 300_000
const USERS_FRESH_MS = 30_000
/** Takes of which a snapshot is wanted at any moment, in a thousand: real ones need megabytes. */
const SNAPSHOTS_WANTED = 300
/** Nobody asks for less; the simulator lets things run out within seconds. */
const TERMS = { expiresSecondsMin: 1, expiresSecondsMax: 86_400, waitingMs: 5_000 }
const LIMITS = { presentities: 1_000, subscriptions: 10_000, bodyOctets: 10_000_000 }

/** One process of the Presence Server, on clocks of its own. The process of the same name that comes next is another one. */
export class SimReplica {
  readonly name: string
  readonly incarnation: number
  readonly clock: NodeClock
  readonly link: ModelLink
  readonly partitions: Partitions
  readonly view = new ReplicaView()
  readonly #context: Context
  readonly #chance: Chance
  readonly #users: UserDataCache
  readonly #policies: PolicyChanges
  readonly #way: NotifyWay
  #replicas: Replicas | undefined
  /** Requests come in here, once it has joined. */
  front: Front | undefined

  constructor(o: { context: Context; name: string; incarnation: number; clock: NodeClock; chance: Chance }) {
    const { context, clock } = o
    this.name = o.name
    this.incarnation = o.incarnation
    this.clock = clock
    this.#context = context
    this.#chance = o.chance
    this.link = new ModelLink({
      model: context.store.model,
      clock,
      network: context.world,
      fateOf: context.store.fateOf,
      hasHints: this.#chance.inThousand(700),
      whenAwake: clock.whenAwake,
    })
    this.#way = new NotifyWay({ context, replica: this, chance: this.#chance.fork() })
    this.#users = new UserDataCache({
      clock,
      fetch: async (impu) => await this.#askHss(impu),
      partitionOf: (canonical) => this.partitions.partitionOf(canonical),
      freshMs: USERS_FRESH_MS,
      staleMs: USERS_FRESH_MS,
    })
    this.partitions = new Partitions({
      context: this.#ownerContext(),
      view: this.view,
      onTaken: (partition) => this.#users.forgetPartition(partition),
      onEvent: (event, partition) => context.trace.note(`${this.name} ${partition} ${event}`),
    })
    this.#policies = new PolicyChanges({ clock, users: this.#users, directory: this.partitions })
  }

  get replicas(): Replicas | undefined {
    return this.#replicas
  }

  /** Why it does not serve all that it should. */
  get problems(): readonly string[] {
    return this.#replicas?.problems ?? ['it has not joined']
  }

  /** Opens the store and joins, as often as it takes. */
  async start(): Promise<void> {
    while (!this.clock.isDead && !this.#replicas) {
      try {
        await this.#join()
      } catch (error) {
        this.#context.trace.note(`${this.name} cannot join: ${error instanceof Error ? error.name : String(error)}`)
        await new Promise<void>((resolve) => this.clock.setTimer(REOPEN_MS, resolve))
      }
    }
  }

  /** Hands over and ends. */
  async leave(): Promise<void> {
    await this.#replicas?.leave()
    this.partitions.dropAll()
    this.kill()
  }

  /** Ends without a word. */
  kill(): void {
    this.link.close()
    this.clock.die()
    this.front = undefined
  }

  /** A push of the HSS, or one that another replica was pushed. Resolves when it is in force. @throws RpcError */
  async push(presentity: Parameters<Hss['userData']>[0], told: Told, isForwarded: boolean): Promise<void> {
    if (!this.partitions.isOpen) throw new RpcError('RPC_UNAVAILABLE', 'not open')
    const data = readUserData(told, (canonical) => this.partitions.partitionOf(canonical))
    await this.#policies.apply({
      data,
      isForwarded,
      remainingMs: CALL_MS_MAX,
      forward: async (target, deadlineMs) => await this.#forwardPush(target, deadlineMs, presentity, told),
    })
    this.#context.witness.policyAcknowledged(presentity, told.revision)
    this.#context.trace.note(`${this.name} policy ${told.revision} of ${presentity} is in force`)
  }

  async #join(): Promise<void> {
    const { clock, link: connection } = this
    const logs = await PartitionLogs.open({ connection, service: 'presence', realm: REALM, clock })
    this.partitions.open({ partitions: logs.partitions, ...this.#source(logs) })
    this.#replicas = await Replicas.join({
      connection,
      service: 'presence',
      realm: REALM,
      replica: this.name,
      target: this.name,
      partitions: SHAPE.partitions,
      clock,
      random: this.#chance,
      take: this.partitions.take,
      onEvent: (event) => this.#onEvent(event),
    })
    this.view.join(this.#replicas)
    this.front = new Front({
      context: this.#context,
      replica: this,
      clock,
      partitions: this.partitions,
      users: this.#users,
    })
  }

  /** The real logs, of which snapshots are wanted by chance. */
  #source(logs: PartitionLogs): PartitionSource {
    return {
      take: async (partition, load, o) => {
        const owned = await logs.take(partition, load, o)
        const chance = this.#chance.fork()
        return {
          epoch: owned.epoch,
          lost: owned.lost,
          get acknowledged() {
            return owned.acknowledged
          },
          get isAvailable() {
            return owned.isAvailable
          },
          get wantsSnapshot() {
            return chance.inThousand(SNAPSHOTS_WANTED)
          },
          append: (record, options) => owned.append(record, options),
          snapshot: (records) => owned.snapshot(records),
          release: () => owned.release(),
          drop: () => owned.drop(),
        }
      },
    }
  }

  #ownerContext(): OwnerContext {
    const { trace } = this.#context
    return {
      clock: this.clock,
      terms: TERMS,
      limits: LIMITS,
      notifyGraceMs: NOTIFY_GRACE_MS,
      notifyIntervalMs: { presence: this.#chance.inThousand(500) ? 0 : 500, 'presence.winfo': 0, 'xcap-diff': 0 },
      load: new AppendLoad(),
      snapshots: new SnapshotTurn(),
      sendNotify: (partition, notice, cseq, mayLeave, done) => {
        // One that is not known as the owner yet must not tell; its epoch is the newest.
        const owner = this.partitions.owners.find((one) => one.partition === partition)
        const epoch = owner?.epoch ?? this.#context.store.epochs.epochOf(partition)
        const body = bodyOf(notice, cseq, this.clock.now())
        this.#way.send({ epoch, notice, cseq, body, mayLeave, done })
      },
      events: {
        expired: (count) => count > 0 && trace.note(`${this.name} ${count} ran out`),
        ended: (presentity, { eventId: dialog }, reason) => {
          trace.note(`${this.name} ended ${dialog} of ${presentity}: ${reason}`)
          this.#context.witness.ended.add(dialog)
        },
        notified: () => {},
        fanOut: () => {},
        snapshot: (partition, error) =>
          trace.note(`${this.name} snapshot of ${partition} ${error ? 'failed' : 'is in force'}`),
      },
    }
  }

  #askHss(impu: Parameters<Hss['userData']>[0]) {
    const { network, hss } = this.#context
    return new Promise<Told & { found: boolean }>((resolve, reject) => {
      this.clock.setTimer(CALL_MS_MAX, () => reject(new RpcError('RPC_DEADLINE', 'the HSS is silent')))
      network.send(this, HSS, `asks of ${impu}`, () => {
        const told = { found: true, ...hss.userData(impu) }
        network.send(HSS, this, `told of ${impu}`, () => resolve(told))
      })
    })
  }

  #forwardPush(
    target: string,
    deadlineMs: number,
    presentity: Parameters<Hss['userData']>[0],
    told: Told,
  ): Promise<void> {
    const { network, replicas } = this.#context
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new RpcError('RPC_UNAVAILABLE', `${target} gives no answer`))
      this.clock.setTimer(deadlineMs, fail)
      const other = replicas.get(target)
      if (!other) {
        fail()
        return
      }
      network.send(this, other, `policy ${told.revision}`, () => {
        other.push(presentity, told, true).then(
          () => network.send(other, this, 'policy in force', resolve),
          () => network.send(other, this, 'policy not in force', fail),
        )
      })
    })
  }

  #onEvent(event: ReplicaEvent): void {
    const { trace } = this.#context
    switch (event.kind) {
      case 'taken':
        trace.note(`${this.name} took ${event.partition} with epoch ${event.epoch}`)
        return
      case 'take-failed':
        // The model loses nothing.
        if (event.error instanceof LogTruncatedError)
          this.#context.witness.fault(`${this.name}: ${event.error.message}`)
        trace.note(
          `${this.name} could not take ${event.partition}: ${event.error instanceof Error ? event.error.name : ''}`,
        )
        return
      case 'sole':
        trace.note(`${this.name} is sole in ${event.partition}`)
        this.#checkSole(event.partition)
        return
      case 'dropped':
      case 'released':
        trace.note(`${this.name} ${event.kind} ${event.partition}`)
        return
      case 'revoked':
        trace.note(`${this.name} revoked ${event.replica}`)
        return
      case 'lease':
        trace.note(`${this.name} lease ${event.isLive ? 'began' : 'ended'}`)
        return
      default:
        trace.note(`${this.name} ${event.kind}`)
    }
  }

  /** Nobody with an older epoch may tell anything of a partition when one says that it is the only one. */
  #checkSole(partition: number): void {
    const epochOf = (replica: SimReplica): bigint => {
      return replica.partitions.owners.find((owner) => owner.partition === partition && owner.mayTell)?.epoch ?? 0n
    }
    const epoch = this.partitions.owners.find((owner) => owner.partition === partition)?.epoch ?? 0n
    for (const other of this.#context.replicas.values()) {
      if (other === this || other.clock.isDead) continue
      const older = epochOf(other)
      if (older > 0n && older < epoch)
        this.#context.witness.fault(`${this.name} is sole in ${partition}, and ${other.name} may tell of it`)
    }
  }
}

const HSS = { name: 'hss' }

function bodyOf(notice: Notice, cseq: number, nowMs: number): string | undefined {
  return noticeBody(notice, cseq - 1, nowMs)?.toString('latin1')
}
