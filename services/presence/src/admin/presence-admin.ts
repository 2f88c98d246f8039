import {
  type GetPresentityRequest,
  type GetPresentityResponse,
  PresenceAdminServiceClient,
  PresenceAdminServiceService,
} from '@rollcall/proto-gen/admin'
import {
  callUnary,
  createGrpcClient,
  createGrpcService,
  type GrpcService,
  RpcError,
  type Runtime,
} from '@rollcall/runtime'
import type { Member } from '@rollcall/store'
import { dialogOf, emptyState, type Subscription } from '../actor/state.ts'
import { UserDataUnavailableError } from '../errors.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { PartitionDirectory } from '../partition/partitions.ts'
import type { UserData, UserDataCache } from '../sh/user-data.ts'
import { impuOf } from '../sip/fields.ts'

/** How long the owner on another replica may take. */
const FORWARD_MS_MAX = 2_000

export interface PresenceAdminOptions {
  readonly users: Pick<UserDataCache, 'fetch'>
  readonly partitions: PartitionDirectory & { ownerElsewhere(partition: number): Member | undefined }
  readonly runtime: Pick<Runtime, 'identity' | 'metrics'>
}

/**
 * What an operator may see of a presentity, asked of any replica: what another one owns is asked of that one. The role
 * table lets in operators, and replicas, which forward an operator's question by one step.
 */
export class PresenceAdmin {
  readonly service: GrpcService
  readonly #o: PresenceAdminOptions

  constructor(options: PresenceAdminOptions) {
    this.#o = options
    this.service = createGrpcService(PresenceAdminServiceService, {
      getPresentity: async (request, { traceparent, peer }) =>
        await this.#getPresentity(request, traceparent, peer.role === 'presence'),
    })
  }

  async #getPresentity(
    request: GetPresentityRequest,
    parent: string,
    isForwarded: boolean,
  ): Promise<GetPresentityResponse> {
    const { users, partitions } = this.#o
    if (!partitions.isOpen) throw new RpcError('RPC_UNAVAILABLE', 'the store is not connected')
    const user = await findUser(users, request, parent)
    const owner = partitions.ownerOf(user.partition)
    if (owner) {
      // guard: admin-lease — what stands here may be another owner's to tell by now
      if (!owner.mayTell) throw new RpcError('RPC_UNAVAILABLE', 'the lease of this replica has ended')
      return describe(user, owner)
    }
    const member = partitions.ownerElsewhere(user.partition)
    if (!member) throw new RpcError('RPC_UNAVAILABLE', 'the partition changes hands')
    if (isForwarded) throw new RpcError('RPC_UNAVAILABLE', `replica ${member.replica} serves the partition`)
    return await this.#ask(member, request, parent)
  }

  async #ask(member: Member, request: GetPresentityRequest, parent: string): Promise<GetPresentityResponse> {
    const { identity, metrics } = this.#o.runtime
    const { target, replica } = member
    // Operators ask rarely: a connection for each question is no cost.
    const client = createGrpcClient(PresenceAdminServiceClient, { target, role: 'presence', identity, metrics })
    try {
      return await callUnary(client.getPresentity.bind(client), request, { deadlineMs: FORWARD_MS_MAX, parent })
    } catch (cause) {
      if (!(cause instanceof RpcError)) throw cause
      throw new RpcError('RPC_UNAVAILABLE', `replica ${replica} serves the partition and does not answer`, { cause })
    } finally {
      client.close()
    }
  }
}

async function findUser(
  users: PresenceAdminOptions['users'],
  request: GetPresentityRequest,
  parent: string,
): Promise<UserData> {
  const impu = impuOf(request.impu)
  if (impu === undefined) throw new RpcError('RPC_INVALID', 'not an IMPU')
  try {
    const user = await users.fetch(impu, parent)
    if (!user) throw new RpcError('RPC_NOT_FOUND', 'no such user')
    return user
  } catch (error) {
    if (error instanceof UserDataUnavailableError) throw new RpcError('RPC_UNAVAILABLE', error.code, { cause: error })
    throw error
  }
}

function describe(user: UserData, owner: PartitionOwner): GetPresentityResponse {
  const state = owner.presentity(user.canonical) ?? emptyState(user.canonical)
  return {
    canonicalImpu: user.canonical,
    partition: owner.partition,
    publications: [...state.publications.values()].map(({ entityTag, expiresAtMs }) => ({
      entityTag,
      expiresAtMs: BigInt(expiresAtMs),
    })),
    subscriptions: [...state.subscriptions.values()].map((subscription) => ({
      watcher: subscription.watcher[0] ?? '',
      eventPackage: subscription.eventPackage,
      callId: dialogOf(subscription).callId,
      status: statusOf(subscription),
      expiresAtMs: BigInt(subscription.expiresAtMs),
      notifyCount: owner.notifyCount(subscription.id),
    })),
  }
}

function statusOf({ handling }: Subscription): string {
  return handling === 'confirm' ? 'pending' : 'active'
}
