import {
  type GetPresentityRequest,
  type GetPresentityResponse,
  PresenceAdminServiceService,
} from '@rollcall/proto-gen/admin'
import { createGrpcService, type GrpcService, RpcError } from '@rollcall/runtime'
import { emptyState, type Subscription } from '../actor/state.ts'
import { UserDataUnavailableError } from '../errors.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { PartitionDirectory } from '../partition/partitions.ts'
import type { UserData, UserDataCache } from '../sh/user-data.ts'
import { impuOf } from '../sip/fields.ts'

/** What an operator may see of a presentity. The role table lets nobody else in. */
export function createPresenceAdmin(o: {
  readonly users: UserDataCache
  readonly partitions: PartitionDirectory
}): GrpcService {
  return createGrpcService(PresenceAdminServiceService, {
    async getPresentity(request, { traceparent }) {
      const user = await findUser(o.users, request, traceparent)
      const owner = o.partitions.ownerOf(user.partition)
      if (!owner) throw new RpcError('RPC_UNAVAILABLE', 'the partition is not served here now')
      return describe(user, owner)
    },
  })
}

async function findUser(users: UserDataCache, request: GetPresentityRequest, parent: string): Promise<UserData> {
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
      callId: subscription.dialog.callId,
      status: statusOf(subscription),
      expiresAtMs: BigInt(subscription.expiresAtMs),
      notifyCount: owner.notifyCount(subscription.id),
    })),
  }
}

function statusOf({ handling }: Subscription): string {
  return handling === 'confirm' ? 'pending' : 'active'
}
