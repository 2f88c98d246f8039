import { InvalidIdentityError } from '@rollcall/core'
import {
  type PushNotificationRequest,
  ShNotificationServiceClient,
  ShNotificationServiceService,
} from '@rollcall/proto-gen/sh'
import {
  callUnary,
  createGrpcClient,
  createGrpcService,
  type GrpcService,
  type Role,
  RpcError,
  type Runtime,
} from '@rollcall/runtime'
import { ReplicaClients } from '../replica-clients.ts'
import type { PolicyChanges, PolicyDirectory } from './policy-changes.ts'
import { readUserData, type UserData } from './read-user-data.ts'

/** Who says nothing of a deadline gets this long. */
const DEADLINE_MS_DEFAULT = 10_000

/** Whether a peer of this role may push so: the HSS by itself, a replica only what it says that it was pushed. */
export function mayPush(role: Role, isForwarded: boolean): boolean {
  // guard: push-forwarded — whoever pushes what is not forwarded decides who may watch, and that is the HSS alone
  return (role === 'presence') === isForwarded
}

/**
 * PNR/PNA: the HSS tells of a changed policy, and is answered when it is in force. From the HSS it is believed as it is;
 * from another replica only as forwarded by one step, and never the other way round.
 *
 * @see TS 29.328 clause 6.1.4
 */
export class PushNotificationService implements Disposable {
  readonly service: GrpcService
  readonly #changes: PolicyChanges
  readonly #directory: Pick<PolicyDirectory, 'isOpen' | 'partitionOf'>
  readonly #replicas: ReplicaClients<ShNotificationServiceClient>

  constructor(o: {
    readonly changes: PolicyChanges
    readonly directory: Pick<PolicyDirectory, 'isOpen' | 'partitionOf'>
    readonly runtime: Pick<Runtime, 'identity' | 'metrics'>
  }) {
    this.#changes = o.changes
    this.#directory = o.directory
    const { identity, metrics } = o.runtime
    this.#replicas = new ReplicaClients((target) => {
      return createGrpcClient(ShNotificationServiceClient, { target, role: 'presence', identity, metrics })
    })
    this.service = createGrpcService(ShNotificationServiceService, {
      pushNotification: async (request, { peer, remainingMs = DEADLINE_MS_DEFAULT }) => {
        if (!mayPush(peer.role, request.forwarded)) throw new RpcError('RPC_DENIED', 'peer-role')
        await this.#push(request, remainingMs)
        return {}
      },
    })
  }

  [Symbol.dispose](): void {
    this.#replicas[Symbol.dispose]()
  }

  async #push(request: PushNotificationRequest, remainingMs: number): Promise<void> {
    if (!this.#directory.isOpen) throw new RpcError('RPC_UNAVAILABLE', 'the store is not connected')
    await this.#changes.apply({
      data: this.#read(request),
      isForwarded: request.forwarded,
      remainingMs,
      forward: async (target, deadlineMs) => {
        const client = this.#replicas.of(target)
        await callUnary(client.pushNotification.bind(client), { ...request, forwarded: true }, { deadlineMs })
      },
    })
  }

  #read(request: PushNotificationRequest): UserData {
    try {
      return readUserData(request, (canonical) => this.#directory.partitionOf(canonical))
    } catch (cause) {
      if (!(cause instanceof InvalidIdentityError)) throw cause
      throw new RpcError('RPC_INVALID', 'user data with something else than identities', { cause })
    }
  }
}
