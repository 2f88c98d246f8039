import type {
  AnswerListener,
  OwnedRequest,
  PartitionOwner,
  Partitions,
  UserData,
  UserDataCache,
} from '@rollcall/presence/partition'
import type { Context } from './context.ts'
import type { NodeClock } from './loop/node-clock.ts'
import type { SimReplica } from './replica.ts'
import { inputOf, type SimAnswer, type SimRequest } from './requests.ts'

/** A request looks again for its partition after this, and gives up after so long. */
const LOOK_MS = 100
const PARK_MS_MAX = 4_000
const FORWARDED_PARK_MS_MAX = 1_000

export type Reply = (answer: SimAnswer) => void

/** Brings requests to the owner of their partition, here or by one step to another replica, as the SIP front does. */
export class Front {
  readonly #context: Context
  readonly #replica: SimReplica
  readonly #clock: NodeClock
  readonly #partitions: Partitions
  readonly #users: UserDataCache
  #tags = 0

  constructor(o: {
    context: Context
    replica: SimReplica
    clock: NodeClock
    partitions: Partitions
    users: UserDataCache
  }) {
    this.#context = o.context
    this.#replica = o.replica
    this.#clock = o.clock
    this.#partitions = o.partitions
    this.#users = o.users
  }

  /** Answers once, perhaps later. */
  take(request: SimRequest, reply: Reply, isForwarded = false): void {
    const untilMs = this.#clock.monotonic() + (isForwarded ? FORWARDED_PARK_MS_MAX : PARK_MS_MAX)
    this.#route(request, reply, isForwarded, untilMs)
  }

  #route(request: SimRequest, reply: Reply, isForwarded: boolean, untilMs: number): void {
    if (!this.#partitions.isOpen) {
      reply({ status: 503 })
      return
    }
    const partition = this.#partitions.partitionOf(request.presentity)
    const place = this.#partitions.whereIs(partition)
    if (place.kind === 'here') {
      this.#serve(request, reply, () => this.#route(request, reply, isForwarded, untilMs))
      return
    }
    const target = place.kind === 'at' ? this.#context.replicas.get(place.member.replica) : undefined
    if (target && !isForwarded) {
      this.#forward(target, request, reply)
      return
    }
    if (this.#clock.monotonic() >= untilMs) reply({ status: 503 })
    else this.#clock.setTimer(LOOK_MS, () => this.#route(request, reply, isForwarded, untilMs))
  }

  #forward(target: SimReplica, request: SimRequest, reply: Reply): void {
    const { network } = this.#context
    const what = `forwarded ${request.asked.kind} ${request.key.branch}`
    network.send(this.#replica, target, what, () => {
      target.front?.take(request, (answer) => network.send(target, this.#replica, what, () => reply(answer)), true)
    })
  }

  #serve(request: SimRequest, reply: Reply, again: () => void): void {
    const { asked, presentity } = request
    // To publish, and to leave, nobody needs leave.
    if (asked.kind === 'publish' || (asked.kind === 'resubscribe' && asked.expiresSeconds === 0)) {
      this.#ask(request, undefined, reply, again)
      return
    }
    const known = this.#users.peek(presentity)
    if (known !== 'missing' && known !== 'unknown') {
      this.#ask(request, known, reply, again)
      return
    }
    this.#users.fetch(presentity, '').then(
      (user) => {
        if (user) this.#ask(request, user, reply, again)
        else reply({ status: 404 })
      },
      () => reply({ status: 503 }),
    )
  }

  #ask(request: SimRequest, user: UserData | undefined, reply: Reply, again: () => void): void {
    const owner = this.#partitions.ownerOf(this.#partitions.partitionOf(request.presentity))
    if (!owner) {
      again()
      return
    }
    const input = inputOf(request, user, () => this.#freshTag())
    if (!input) {
      reply({ status: 500 })
      return
    }
    this.#askOwner(owner, request, { input, policy: user }, reply)
  }

  #askOwner(owner: PartitionOwner, request: SimRequest, o: Pick<OwnedRequest, 'input' | 'policy'>, reply: Reply): void {
    const { presentity, key, asked } = request
    const listener: AnswerListener = {
      answer: ({ status, headers, toTag }) => {
        this.#context.trace.note(`${this.#replica.name} ${asked.kind} ${key.branch} ${presentity}: ${status}`)
        const newest = this.#context.store.epochs.epochOf(owner.partition)
        const isOvertaken = owner.mayTell && owner.epoch < newest
        reply({ status, entityTag: headers.find(([name]) => name === 'SIP-ETag')?.[1], toTag, isOvertaken })
      },
      unavailable: (reason) => {
        this.#context.trace.note(`${this.#replica.name} ${asked.kind} ${key.branch} ${presentity}: ${reason}`)
        reply({ status: 503 })
      },
    }
    owner.request({ presentity, key, traceparent: '', ...o, decided: () => {} }, listener)
  }

  #freshTag(): string {
    this.#tags += 1
    return `${this.#replica.name}.${this.#replica.incarnation}.${this.#tags}`
  }
}
