import type { Impu } from '@rollcall/core'
import type { ForwardFailure, ReplicaForwarder } from '@rollcall/runtime'
import { SipSyntaxError } from '@rollcall/sip'
import type { PartitionOwner } from '../partition/owner.ts'
import type { PartitionDirectory } from '../partition/partitions.ts'
import type { FrontRefusal } from '../refusals.ts'
import type { UserData, UserDataCache } from '../sh/user-data.ts'
import type { IncomingRequest } from './incoming-request.ts'

/** Requests that wait for the HSS at once: two seconds' worth, which is how long each waits at most. */
const WAITING_MAX = 4_096

const REFUSAL_OF = {
  moving: 'partition-moving',
  'no-peer': 'owner-away',
  'no-answer': 'owner-away',
  'parked-full': 'overload',
  'second-forward': 'not-owner',
} as const satisfies Record<ForwardFailure, FrontRefusal>

/**
 * Finds who a request is about, and the owner of their partition. Where that is another replica the request goes there,
 * once; while it changes hands the request waits.
 */
export class OwnerFinder {
  readonly #users: Pick<UserDataCache, 'peek' | 'fetch'>
  readonly #partitions: PartitionDirectory
  readonly #forwarder: Pick<ReplicaForwarder, 'route'>
  #waiting = 0

  constructor(o: {
    readonly users: Pick<UserDataCache, 'peek' | 'fetch'>
    readonly partitions: PartitionDirectory
    readonly forwarder: Pick<ReplicaForwarder, 'route'>
  }) {
    this.#users = o.users
    this.#partitions = o.partitions
    this.#forwarder = o.forwarder
  }

  /** Goes on with the user and their owner, when that is here. Without `ifUnknown` who is unknown is refused. */
  ofUser(
    incoming: IncomingRequest,
    impu: Impu | undefined,
    goOn: (user: UserData, owner: PartitionOwner) => void,
    ifUnknown = (): void => incoming.refuse('presentity-unknown'),
  ): void {
    // By the time that the partition is here, what is known of the user may be out of date.
    const again = (): void => this.ofUser(incoming, impu, goOn, ifUnknown)
    const withUser = (user: UserData): void => {
      const owner = this.#partitions.ownerOf(user.partition)
      if (!owner) this.#bring(incoming, user.partition, again)
      else {
        incoming.ownedBy(again)
        goOn(user, owner)
      }
    }
    this.withUser(incoming, impu, withUser, ifUnknown)
  }

  /** Goes on with the owner of a partition that the request itself names, when that is here. */
  ofPartition(incoming: IncomingRequest, partition: number, goOn: (owner: PartitionOwner) => void): void {
    const again = (): void => this.ofPartition(incoming, partition, goOn)
    const owner = this.#partitions.ownerOf(partition)
    if (owner) {
      incoming.ownedBy(again)
      goOn(owner)
    } else if (!this.#partitions.has(partition)) incoming.refuse('dialog-unknown')
    else this.#bring(incoming, partition, again)
  }

  /** Goes on with what the HSS knows of `impu`: at once when that is in memory, else when it has come. */
  withUser(
    incoming: IncomingRequest,
    impu: Impu | undefined,
    goOn: (user: UserData) => void,
    ifUnknown = (): void => incoming.refuse('presentity-unknown'),
  ): void {
    if (impu === undefined) {
      ifUnknown()
      return
    }
    const known = this.#users.peek(impu)
    if (known === 'unknown') ifUnknown()
    else if (known !== 'missing') goOn(known)
    else if (this.#waiting >= WAITING_MAX) incoming.refuse('overload')
    else this.#fetch(incoming, impu, goOn, ifUnknown)
  }

  #fetch(incoming: IncomingRequest, impu: Impu, goOn: (user: UserData) => void, ifUnknown: () => void): void {
    this.#waiting += 1
    this.#users.fetch(impu, incoming.traceparent).then(
      (user) => {
        this.#waiting -= 1
        if (user) guarded(incoming, () => goOn(user))
        else ifUnknown()
      },
      () => {
        this.#waiting -= 1
        incoming.refuse('hss-away')
      },
    )
  }

  #bring(incoming: IncomingRequest, partition: number, again: () => void): void {
    const { origin, envelope } = incoming
    if (!origin) {
      incoming.refuse('not-owner')
      return
    }
    this.#forwarder.route({
      partition,
      // The octets are a view of a batch, which would wait with it.
      sip: Buffer.from(origin.sip),
      branch: origin.branch,
      envelope,
      from: origin.from,
      deadlineMs: origin.deadlineMs(),
      reply: origin.reply,
      here: () => guarded(incoming, again),
      unavailable: (why, answerEnvelope) => incoming.refuseUnplaced(REFUSAL_OF[why], answerEnvelope),
    })
  }
}

/** Runs `act`; a header field that it cannot read is the sender's fault. */
export function guarded(incoming: IncomingRequest, act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error
    incoming.refuse('malformed')
  }
}
