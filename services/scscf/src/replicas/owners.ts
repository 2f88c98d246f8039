import type { Clock, Impu } from '@rollcall/core'
import type { ForwardFailure, HopPeerSender, HopResult, ReplicaForwarder } from '@rollcall/runtime'
import type { SipRequest } from '@rollcall/sip'
import type { ReplicaView } from '@rollcall/store'
import type { Refusal, RefusalReason } from '../refusal.ts'
import type { Vouched } from '../session/leg.ts'
import { ownRoute } from '../session/own-route.ts'
import { type Forwarder, type ForwardOutcome, readResponse } from '../sip/forwarder.ts'
import type { Incoming } from '../sip/incoming.ts'
import type { CanonicalIdentities } from './canonical-identities.ts'
import type { Partitions } from './partitions.ts'
import type { PartitionUsers } from './served-partition.ts'

const REFUSAL_OF = {
  moving: 'partition-moving',
  'no-peer': 'owner-away',
  'no-answer': 'next-hop-silent',
  'parked-full': 'overload',
  'second-forward': 'not-served-here',
} as const satisfies Record<ForwardFailure, RefusalReason>

/** A leg of our own that begins for somebody whom another replica may serve. */
export interface OnwardLeg {
  readonly incoming: Incoming
  /** As the leg before left it. */
  readonly request: SipRequest
  readonly vouched: Vouched
  readonly on: (outcome: ForwardOutcome) => void
}

export interface OwnersOptions {
  readonly clock: Clock
  /** Host of the set of replicas. */
  readonly host: string
  /** Name of this one. */
  readonly replica: string
  readonly view: Pick<ReplicaView, 'isJoined' | 'isLive' | 'whereIs' | 'member'>
  readonly partitions: Pick<Partitions, 'get' | 'partitionOf'>
  readonly identities: Pick<CanonicalIdentities, 'peek' | 'resolve'>
  readonly replicas: Pick<ReplicaForwarder, 'route'>
  readonly peers: HopPeerSender
  readonly forwarder: Pick<Forwarder, 'prepare'>
  readonly refuse: (incoming: Incoming, refusal: Refusal) => void
}

/**
 * Brings requests to the replica that owns a user's partition. What it knows of the user is in memory, so it is told only
 * while the lease is live: somebody may have de-registered at another replica.
 */
export class Owners {
  readonly #options: OwnersOptions

  constructor(options: OwnersOptions) {
    this.#options = options
  }

  /**
   * Goes on with the partition of `impu` when that is here, or brings the request, as it came, to its owner. Resolves when
   * the request has been answered or `here` is done, and rejects with what `here` rejects with.
   */
  async bring(
    incoming: Incoming,
    impu: Impu,
    here: (partition: PartitionUsers) => void | Promise<void>,
  ): Promise<void> {
    if (!this.#isOpen(incoming)) return
    const { identities } = this.#options
    const partition = identities.peek(impu) ?? (await identities.resolve(impu))
    await this.bringToPartition(incoming, partition, here)
  }

  /** The same for what names a partition itself. */
  async bringToPartition(
    incoming: Incoming,
    partition: number,
    here: (partition: PartitionUsers) => void | Promise<void>,
  ): Promise<void> {
    if (!this.#isOpen(incoming)) return
    const { octets, branch, envelope, role, pass } = incoming
    await new Promise<void>((resolve, reject) => {
      this.#options.replicas.route({
        partition,
        sip: octets,
        branch,
        envelope,
        from: role,
        deadlineMs: this.#leftMs(incoming),
        reply: (sip, answer) => {
          pass(sip, answer)
          resolve()
        },
        here: () => void this.#here(incoming, partition, here).then(resolve, reject),
        unavailable: (why) => {
          this.#refuse(incoming, REFUSAL_OF[why])
          resolve()
        },
      })
    })
  }

  /**
   * The same for a leg of ours: it goes to its owner as a request of this node, and what is answered comes back to
   * `leg.on`.
   */
  async bringOnward(
    leg: OnwardLeg,
    impu: Impu,
    here: (partition: PartitionUsers) => void | Promise<void>,
  ): Promise<void> {
    const { incoming } = leg
    if (!this.#isOpen(incoming)) return
    const { identities } = this.#options
    const partition = identities.peek(impu) ?? (await identities.resolve(impu))
    if (this.#options.view.whereIs(partition).kind === 'here') {
      await this.#here(incoming, partition, here)
      return
    }
    const { branch, sip, envelope, deadlineMs } = this.#prepare(leg)
    await new Promise<void>((resolve, reject) => {
      this.#options.replicas.route({
        partition,
        sip,
        branch,
        envelope,
        from: 'scscf',
        deadlineMs,
        reply: (octets) => {
          leg.on(readResponse(octets, branch))
          resolve()
        },
        here: () => void this.#here(incoming, partition, here).then(resolve, reject),
        unavailable: (why) => {
          leg.on({ kind: 'failed', reason: REFUSAL_OF[why] })
          resolve()
        },
      })
    })
  }

  /** The partition of a set, if what it holds may be told now. */
  servedHere(canonicalImpu: Impu): PartitionUsers | undefined {
    const { view, partitions } = this.#options
    const partition = partitions.partitionOf(canonicalImpu)
    // guard: registration-here — what comes back from an application server is delivered by the owner of that moment
    return view.isLive && view.whereIs(partition).kind === 'here' ? partitions.get(partition) : undefined
  }

  /** Brings a request to the replica of this name, which remembers what it belongs to; false when that is gone. */
  bringTo(replica: string, incoming: Incoming): boolean {
    const { view, peers } = this.#options
    const member = view.member(replica)
    // A replica that forwards what it got forwarded would send it round.
    if (!member || replica === this.#options.replica || incoming.envelope.forwarded) return false
    const { octets, branch, role } = incoming
    const deadlineMs = this.#leftMs(incoming)
    const envelope = { ...incoming.envelope, forwarded: true, forwardedRole: role, deadlineMs }
    peers.send(
      { target: member.target, role: 'scscf' },
      { sip: octets, branch, envelope },
      (result) => this.#heard(incoming, result),
      { deadlineMs },
    )
    return true
  }

  #heard(incoming: Incoming, result: HopResult): void {
    if (result.kind === 'response') incoming.pass(result.sip, result.envelope)
    else this.#refuse(incoming, result.kind === 'timeout' ? 'next-hop-silent' : 'owner-away')
  }

  #isOpen(incoming: Incoming): boolean {
    if (this.#options.view.isJoined) return true
    this.#refuse(incoming, 'store-unavailable')
    return false
  }

  async #here(
    incoming: Incoming,
    partition: number,
    here: (partition: PartitionUsers) => void | Promise<void>,
  ): Promise<void> {
    const { view, partitions } = this.#options
    const served = partitions.get(partition)
    if (!served) this.#refuse(incoming, 'not-served-here')
    // guard: registration-lease — a replica that is cut off must not serve whom another one may have de-registered
    else if (!view.isLive) this.#refuse(incoming, 'lease-ended')
    else await here(served)
  }

  #prepare({ incoming, request, vouched }: OnwardLeg): ReturnType<Forwarder['prepare']> {
    const { host, forwarder } = this.#options
    const onward = { ...request, headers: request.headers.clone() }
    onward.headers.prepend('Route', ownRoute('term', host))
    const { traceparent, deadlineAtMs, envelope } = incoming
    return forwarder.prepare({
      request: onward,
      vouched,
      receivedAtMs: envelope.receivedAtMs,
      traceparent,
      deadlineAtMs,
    })
  }

  #leftMs({ deadlineAtMs }: Incoming): number {
    return Math.max(1, Math.round(deadlineAtMs - this.#options.clock.monotonic()))
  }

  #refuse(incoming: Incoming, reason: RefusalReason): void {
    this.#options.refuse(incoming, { reason })
  }
}
