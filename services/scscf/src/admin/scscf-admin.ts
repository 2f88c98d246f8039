import {
  type DeregisterRequest,
  type DeregisterResponse,
  type ListRegistrationsResponse,
  type ReauthenticateRequest,
  type ReauthenticateResponse,
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
import type { OwnerCalls } from '../replicas/owner-calls.ts'
import type { Partitions } from '../replicas/partitions.ts'
import { listRegistrations, mergeRegistrations } from './list-registrations.ts'
import { deregister, reauthenticate } from './network-actions.ts'

/** Another replica answers from its memory. */
const REPLICA_MS_MAX = 2_000

export interface ScscfAdminOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'identity' | 'metrics'>
  readonly view: Pick<ReplicaView, 'isJoined' | 'members'>
  readonly partitions: Pick<Partitions, 'served'>
  readonly ownerCalls: OwnerCalls
  /** Name of this one. */
  readonly replica: string
}

/** What operators may ask of the S-CSCF. An operator is told what all replicas have, another replica this one's part. */
export class ScscfAdmin {
  readonly service: GrpcService
  readonly #o: ScscfAdminOptions

  constructor(options: ScscfAdminOptions) {
    this.#o = options
    this.service = createGrpcService(ScscfAdminServiceService, {
      listRegistrations: (_request, context) => this.#list(context),
      deregister: (request, context) => this.#deregister(request, context),
      reauthenticate: (request, context) => this.#reauthenticate(request, context),
    })
  }

  async #list({ peer, traceparent }: RpcContext): Promise<ListRegistrationsResponse> {
    const { view, partitions, runtime, replica } = this.#o
    if (!view.isJoined) throw new RpcError('RPC_UNAVAILABLE', 'STORE_CONNECTING')
    const sets = partitions.served.flatMap((partition) => partition.sets)
    const own = listRegistrations(sets, runtime.clock.now())
    if (peer.role === 'scscf') return own
    const others = view.members.filter((member) => member.replica !== replica)
    // Half the truth would look like the whole: a replica that does not answer fails the call.
    const theirs = await Promise.all(
      others.map(({ target }) => {
        return this.#ask(target, (client) => {
          const options = { deadlineMs: REPLICA_MS_MAX, parent: traceparent }
          return callUnary(client.listRegistrations.bind(client), {}, options)
        })
      }),
    )
    return mergeRegistrations([own, ...theirs])
  }

  async #deregister(request: DeregisterRequest, context: RpcContext): Promise<DeregisterResponse> {
    return await this.#o.ownerCalls.call({
      ...callOf(request, context),
      here: (partition, impu) => deregister(partition, impu, request),
      forward: (target, deadlineMs) => {
        return this.#ask(target, (client) => {
          const options = { deadlineMs, parent: context.traceparent }
          return callUnary(client.deregister.bind(client), { ...request, forwarded: true }, options)
        })
      },
    })
  }

  async #reauthenticate(request: ReauthenticateRequest, context: RpcContext): Promise<ReauthenticateResponse> {
    return await this.#o.ownerCalls.call({
      ...callOf(request, context),
      here: (partition, impu) => reauthenticate(partition, impu, request, this.#o.runtime.clock.now()),
      forward: (target, deadlineMs) => {
        return this.#ask(target, (client) => {
          const options = { deadlineMs, parent: context.traceparent }
          return callUnary(client.reauthenticate.bind(client), { ...request, forwarded: true }, options)
        })
      },
    })
  }

  /** Operators ask rarely: a connection for each question is no cost. */
  async #ask<T>(target: string, ask: (client: ScscfAdminServiceClient) => Promise<T>): Promise<T> {
    const { identity, metrics } = this.#o.runtime
    const client = createGrpcClient(ScscfAdminServiceClient, { target, role: 'scscf', identity, metrics })
    try {
      return await ask(client)
    } finally {
      client.close()
    }
  }
}

function callOf(request: { readonly impu: string; readonly forwarded: boolean }, { peer, remainingMs }: RpcContext) {
  return { impu: request.impu, from: peer.role, isForwarded: request.forwarded, remainingMs }
}
