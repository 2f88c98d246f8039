import { InvalidIdentityError, parseImpu } from '@rollcall/core'
import {
  type EndWatcherRequest,
  type EndWatcherResponse,
  PresenceReplicaServiceClient,
  PresenceReplicaServiceService,
} from '@rollcall/proto-gen/presence'
import {
  callUnary,
  createGrpcClient,
  createGrpcService,
  type GrpcService,
  RpcError,
  type Runtime,
} from '@rollcall/runtime'
import { type AskReplica, type WatchedDirectory, WatcherEnds } from './watcher-ends.ts'

/** Connections to other replicas; the one opened first gives way. There are as many as replicas, and each pod's is new. */
const REPLICAS_MAX = 32
/** Of one question: more than there are partitions, and more identities than a set has. */
const PARTITIONS_MAX = 4_096
const IMPUS_MAX = 1_024

/** What replicas of the Presence Server ask of each other; the role table lets in nobody else. */
export class PresenceReplicaService implements Disposable {
  readonly service: GrpcService
  readonly ends: WatcherEnds
  readonly #runtime: Pick<Runtime, 'identity' | 'metrics'>
  readonly #replicas = new Map<string, PresenceReplicaServiceClient>()

  constructor(o: {
    readonly directory: WatchedDirectory
    readonly runtime: Pick<Runtime, 'clock' | 'identity' | 'metrics'>
  }) {
    const { directory, runtime } = o
    this.#runtime = runtime
    this.ends = new WatcherEnds({ clock: runtime.clock, directory, ask: this.#ask })
    this.service = createGrpcService(PresenceReplicaServiceService, {
      endWatcher: async (request) => await this.#endWatcher(request),
    })
  }

  [Symbol.dispose](): void {
    for (const client of this.#replicas.values()) client.close()
    this.#replicas.clear()
  }

  async #endWatcher(request: EndWatcherRequest): Promise<EndWatcherResponse> {
    const { impus, beforeMs, partitions } = request
    if (impus.length > IMPUS_MAX || partitions.length > PARTITIONS_MAX) throw new RpcError('RPC_INVALID', 'too many')
    try {
      const watcher = { impus: impus.map(parseImpu), beforeMs: Number(beforeMs) }
      const { partitions: ended, subscriptions } = await this.ends.endHere(watcher, partitions)
      return { partitions: [...ended], subscriptions }
    } catch (cause) {
      if (!(cause instanceof InvalidIdentityError)) throw cause
      throw new RpcError('RPC_INVALID', 'not an IMPU', { cause })
    }
  }

  readonly #ask: AskReplica = async (target, { impus, beforeMs }, partitions, deadlineMs) => {
    const client = this.#replica(target)
    const request = { impus: [...impus], beforeMs: BigInt(beforeMs), partitions: [...partitions] }
    return await callUnary(client.endWatcher.bind(client), request, { deadlineMs })
  }

  #replica(target: string): PresenceReplicaServiceClient {
    const known = this.#replicas.get(target)
    if (known) return known
    const { identity, metrics } = this.#runtime
    const client = createGrpcClient(PresenceReplicaServiceClient, { target, role: 'presence', identity, metrics })
    this.#replicas.set(target, client)
    for (const [oldest, other] of this.#replicas) {
      if (this.#replicas.size <= REPLICAS_MAX) break
      this.#replicas.delete(oldest)
      other.close()
    }
    return client
  }
}
