import type { Impu } from '@rollcall/core'
import { RulesError } from '@rollcall/policy'
import {
  type ExplainRequest,
  type ExplainResponse,
  type GetPresentityResponse,
  PresenceAdminServiceClient,
  PresenceAdminServiceService,
  type TryRequest,
  type TryResponse,
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
import type { WaitingWatcher } from '../actor/waiting.ts'
import { UserDataUnavailableError } from '../errors.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { PartitionDirectory } from '../partition/partitions.ts'
import type { UserData, UserDataCache } from '../sh/user-data.ts'
import { impuOf } from '../sip/fields.ts'
import { explainWatcher, sessionsOf, watchingAs } from './why.ts'

/** How long the owner on another replica may take. */
const FORWARD_MS_MAX = 2_000

export interface PresenceAdminOptions {
  readonly users: Pick<UserDataCache, 'fetch'>
  readonly partitions: PartitionDirectory & { ownerElsewhere(partition: number): Member | undefined }
  readonly runtime: Pick<Runtime, 'identity' | 'metrics' | 'clock'>
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
        await this.#atOwner(request.impu, traceparent, peer.role === 'presence', {
          here: async (user, owner) => describe(user, owner),
          there: (client, o) => callUnary(client.getPresentity.bind(client), request, o),
        }),
      explain: async (request, { traceparent, peer }) =>
        await this.#atOwner(request.presentity, traceparent, peer.role === 'presence', {
          here: (user, owner) => this.#explain(request, user, owner, traceparent),
          there: (client, o) => callUnary(client.explain.bind(client), request, o),
        }),
      try: async (request, { traceparent, peer }) =>
        await this.#atOwner(request.presentity, traceparent, peer.role === 'presence', {
          here: (user, owner) => this.#try(request, user, owner, traceparent),
          there: (client, o) => callUnary(client.try.bind(client), request, o),
        }),
    })
  }

  async #atOwner<T>(impu: string, parent: string, isForwarded: boolean, question: OwnerQuestion<T>): Promise<T> {
    const { users, partitions } = this.#o
    if (!partitions.isOpen) throw new RpcError('RPC_UNAVAILABLE', 'the store is not connected')
    const user = await findUser(users, impu, parent)
    const owner = partitions.ownerOf(user.partition)
    if (owner) {
      // guard: admin-lease — what stands here may be another owner's to tell by now
      if (!owner.mayTell) throw new RpcError('RPC_UNAVAILABLE', 'the lease of this replica has ended')
      return await question.here(user, owner)
    }
    const member = partitions.ownerElsewhere(user.partition)
    if (!member) throw new RpcError('RPC_UNAVAILABLE', 'the partition changes hands')
    if (isForwarded) throw new RpcError('RPC_UNAVAILABLE', `replica ${member.replica} serves the partition`)
    return await this.#ask(member, question, parent)
  }

  async #ask<T>(member: Member, { there }: OwnerQuestion<T>, parent: string): Promise<T> {
    const { identity, metrics } = this.#o.runtime
    const { target, replica } = member
    // Operators ask rarely: a connection for each question is no cost.
    const client = createGrpcClient(PresenceAdminServiceClient, { target, role: 'presence', identity, metrics })
    try {
      return await there(client, { deadlineMs: FORWARD_MS_MAX, parent })
    } catch (cause) {
      if (!(cause instanceof RpcError)) throw cause
      // What the other one says of the question is the answer.
      if (cause.code !== 'RPC_UNAVAILABLE' && cause.code !== 'RPC_DEADLINE') throw cause
      throw new RpcError('RPC_UNAVAILABLE', `replica ${replica} serves the partition and does not answer`, { cause })
    } finally {
      client.close()
    }
  }

  async #explain(
    request: ExplainRequest,
    user: UserData,
    owner: PartitionOwner,
    parent: string,
  ): Promise<ExplainResponse> {
    const identities = await this.#identitiesOf(request.watcher, parent)
    const state = owner.presentity(user.canonical) ?? emptyState(user.canonical)
    const nowMs = this.#o.runtime.clock.now()
    const watcher = watchingAs(state, identities)
    const answer = explainWatcher({ user, state, watcher, nowMs })
    const sessions = sessionsOf(state, identities)
    return { presentity: user.canonical, watcher: request.watcher, sessions, ...answer }
  }

  async #try(request: TryRequest, user: UserData, owner: PartitionOwner, parent: string): Promise<TryResponse> {
    const identities = await this.#identitiesOf(request.watcher, parent)
    const state = owner.presentity(user.canonical) ?? emptyState(user.canonical)
    const nowMs = request.atMs === 0n ? this.#o.runtime.clock.now() : Number(request.atMs)
    const kind = request.isAnonymous ? 'pseudonymous' : 'verified'
    const rules = request.rules.length === 0 ? undefined : request.rules
    try {
      const answer = explainWatcher({ user, state, watcher: { kind, identities }, nowMs, rules })
      return { presentity: user.canonical, watcher: request.watcher, ...answer }
    } catch (error) {
      if (error instanceof RulesError)
        throw new RpcError('RPC_INVALID', `the rules: ${error.message}`, { cause: error })
      throw error
    }
  }

  /** All of a watcher's identities, as his S-CSCF would assert them; of a stranger the one that was named. */
  async #identitiesOf(watcher: string, parent: string): Promise<readonly [Impu, ...Impu[]]> {
    const impu = impuOf(watcher)
    if (impu === undefined) throw new RpcError('RPC_INVALID', 'the watcher is not an IMPU')
    const user = await this.#o.users.fetch(impu, parent).catch(unknownWhileAway)
    return [impu, ...(user?.impus.filter((other) => other !== impu) ?? [])]
  }
}

/** A question that the owner of a presentity answers, here or on another replica. */
interface OwnerQuestion<T> {
  here(user: UserData, owner: PartitionOwner): Promise<T>
  there(client: PresenceAdminServiceClient, o: { deadlineMs: number; parent: string }): Promise<T>
}

function unknownWhileAway(error: unknown): undefined {
  if (error instanceof UserDataUnavailableError) return undefined
  throw error
}

async function findUser(users: PresenceAdminOptions['users'], text: string, parent: string): Promise<UserData> {
  const impu = impuOf(text)
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
  const subscriptions = [...state.subscriptions.values()].map((subscription) => ({
    watcher: subscription.watcher[0] ?? '',
    eventPackage: subscription.eventPackage,
    callId: dialogOf(subscription).callId,
    status: statusOf(subscription),
    expiresAtMs: BigInt(subscription.expiresAtMs),
    notifyCount: owner.notifyCount(subscription.id),
  }))
  const waiting = [...(state.waiting?.values() ?? [])].map(waitingView)
  return {
    canonicalImpu: user.canonical,
    partition: owner.partition,
    publications: [...state.publications.values()].map(({ entityTag, expiresAtMs }) => ({
      entityTag,
      expiresAtMs: BigInt(expiresAtMs),
    })),
    subscriptions: [...subscriptions, ...waiting],
  }
}

/** Who waits has no dialog any more (RFC 3857 section 4.7.1). */
function waitingView({ watcher, giveUpAtMs }: WaitingWatcher): GetPresentityResponse['subscriptions'][number] {
  return {
    watcher: watcher[0] ?? '',
    eventPackage: 'presence',
    callId: '',
    status: 'waiting',
    expiresAtMs: BigInt(giveUpAtMs),
    notifyCount: 0,
  }
}

function statusOf({ handling }: Subscription): string {
  return handling === 'confirm' ? 'pending' : 'active'
}
