import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { type Role, RpcError } from '@rollcall/runtime'
import type { ReplicaView } from '@rollcall/store'
import type { CanonicalIdentities } from './canonical-identities.ts'
import type { Partitions } from './partitions.ts'
import type { ServedPartition } from './served-partition.ts'

/** What another replica may take, when the caller does not say. */
const FORWARD_MS_MAX = 4_000

/** A call about a user that came by gRPC. */
export interface OwnerCall<T> {
  readonly impu: string
  /** Of the peer, and whether the request says that a replica hands it on. */
  readonly from: Role
  readonly isForwarded: boolean
  readonly remainingMs: number | undefined
  readonly here: (partition: Pick<ServedPartition, 'registrations' | 'findByImpu'>, impu: Impu) => Promise<T>
  /** Asks another replica, with `forwarded`. @throws RpcError */
  readonly forward: (target: string, deadlineMs: number) => Promise<T>
}

/** Brings what operators and the HSS ask about a user to the replica that owns the user: here, or one step away. */
export class OwnerCalls {
  readonly #view: Pick<ReplicaView, 'isJoined' | 'isLive' | 'whereIs'>
  readonly #partitions: Pick<Partitions, 'get'>
  readonly #identities: Pick<CanonicalIdentities, 'peek' | 'resolve'>

  constructor(o: {
    readonly view: Pick<ReplicaView, 'isJoined' | 'isLive' | 'whereIs'>
    readonly partitions: Pick<Partitions, 'get'>
    readonly identities: Pick<CanonicalIdentities, 'peek' | 'resolve'>
  }) {
    this.#view = o.view
    this.#partitions = o.partitions
    this.#identities = o.identities
  }

  /** @throws RpcError */
  async call<T>({ impu: text, from, isForwarded, remainingMs, here, forward }: OwnerCall<T>): Promise<T> {
    // guard: owner-call-forwarded — what is not forwarded comes from who may ask by itself, and never from a replica
    if ((from === 'scscf') !== isForwarded) throw new RpcError('RPC_DENIED', 'peer-role')
    if (!this.#view.isJoined) throw new RpcError('RPC_UNAVAILABLE', 'STORE_CONNECTING')
    const impu = readImpu(text)
    const partition = this.#identities.peek(impu) ?? (await this.#identities.resolve(impu))
    const place = this.#view.whereIs(partition)
    if (place.kind === 'here') {
      const served = this.#partitions.get(partition)
      // guard: owner-call-lease — who is cut off does not know what became of the user meanwhile
      if (!served || !this.#view.isLive) throw new RpcError('RPC_UNAVAILABLE', 'the lease of this replica has ended')
      return await here(served, impu)
    }
    if (place.kind === 'moving') throw new RpcError('RPC_UNAVAILABLE', 'the partition changes hands')
    if (isForwarded) throw new RpcError('RPC_UNAVAILABLE', 'another replica serves the partition')
    return await forward(place.member.target, Math.min(remainingMs ?? FORWARD_MS_MAX, FORWARD_MS_MAX))
  }
}

function readImpu(text: string): Impu {
  try {
    return parseImpu(text)
  } catch (cause) {
    if (!(cause instanceof InvalidIdentityError)) throw cause
    throw new RpcError('RPC_INVALID', 'not an IMPU', { cause })
  }
}
