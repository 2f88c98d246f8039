import {
  type ListRegistrationsResponse,
  ScscfAdminServiceClient,
  ScscfAdminServiceService,
} from '@rollcall/proto-gen/admin'
import {
  callUnary,
  createGrpcClient,
  createGrpcService,
  type GrpcService,
  type RpcContext,
  RpcError,
  type Runtime,
} from '@rollcall/runtime'
import type { ReplicaView } from '@rollcall/store'
import type { Partitions } from '../replicas/partitions.ts'
import { listRegistrations, mergeRegistrations } from './list-registrations.ts'

/** Another replica answers from its memory. */
const REPLICA_MS_MAX = 2_000

/** What operators may ask of the S-CSCF. An operator is told what all replicas have, another replica this one's part. */
export class ScscfAdmin {
  readonly service: GrpcService
  readonly #runtime: Pick<Runtime, 'clock' | 'identity' | 'metrics'>
  readonly #view: Pick<ReplicaView, 'isJoined' | 'members'>
  readonly #partitions: Pick<Partitions, 'served'>
  readonly #replica: string

  constructor(o: {
    readonly runtime: Pick<Runtime, 'clock' | 'identity' | 'metrics'>
    readonly view: Pick<ReplicaView, 'isJoined' | 'members'>
    readonly partitions: Pick<Partitions, 'served'>
    /** Name of this one. */
    readonly replica: string
  }) {
    this.#runtime = o.runtime
    this.#view = o.view
    this.#partitions = o.partitions
    this.#replica = o.replica
    this.service = createGrpcService(ScscfAdminServiceService, {
      listRegistrations: (_request, context) => this.#list(context),
    })
  }

  async #list({ peer, traceparent }: RpcContext): Promise<ListRegistrationsResponse> {
    if (!this.#view.isJoined) throw new RpcError('RPC_UNAVAILABLE', 'STORE_CONNECTING')
    const sets = this.#partitions.served.flatMap((partition) => partition.sets)
    const own = listRegistrations(sets, this.#runtime.clock.now())
    if (peer.role === 'scscf') return own
    const others = this.#view.members.filter(({ replica }) => replica !== this.#replica)
    const theirs = await Promise.all(others.map(({ target }) => this.#ask(target, traceparent)))
    return mergeRegistrations([own, ...theirs])
  }

  /** Half the truth would look like the whole: a replica that does not answer fails the call. */
  async #ask(target: string, parent: string): Promise<ListRegistrationsResponse> {
    const { identity, metrics } = this.#runtime
    const client = createGrpcClient(ScscfAdminServiceClient, { target, role: 'scscf', identity, metrics })
    try {
      return await callUnary(client.listRegistrations.bind(client), {}, { deadlineMs: REPLICA_MS_MAX, parent })
    } finally {
      client.close()
    }
  }
}
