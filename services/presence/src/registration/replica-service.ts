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
import { ReplicaClients } from '../replica-clients.ts'
import { answerToWire, forwardedMessage, forwardXcap } from '../xcap/forward-xcap.ts'
import type { ForwardXcap } from '../xcap/xcap-front.ts'
import type { XcapAnswer, XcapMessage } from '../xcap/xcap-message.ts'
import { type AskReplica, type WatchedDirectory, WatcherEnds } from './watcher-ends.ts'

/** Of one question: more than there are partitions, and more identities than a set has. */
const PARTITIONS_MAX = 4_096
const IMPUS_MAX = 1_024

/** What replicas of the Presence Server ask of each other; the role table lets in nobody else. */
export class PresenceReplicaService implements Disposable {
  readonly service: GrpcService
  readonly ends: WatcherEnds
  readonly #replicas: ReplicaClients<PresenceReplicaServiceClient>

  constructor(o: {
    readonly directory: WatchedDirectory
    /** Answers an XCAP request that another replica forwarded. */
    readonly xcap: (message: XcapMessage) => Promise<XcapAnswer>
    readonly runtime: Pick<Runtime, 'clock' | 'identity' | 'metrics'>
  }) {
    const { directory, runtime } = o
    const { identity, metrics } = runtime
    this.#replicas = new ReplicaClients((target) => {
      return createGrpcClient(PresenceReplicaServiceClient, { target, role: 'presence', identity, metrics })
    })
    this.ends = new WatcherEnds({ clock: runtime.clock, directory, ask: this.#ask })
    this.service = createGrpcService(PresenceReplicaServiceService, {
      endWatcher: async (request) => await this.#endWatcher(request),
      xcap: async (request, { traceparent }) => answerToWire(await o.xcap(forwardedMessage(request, traceparent))),
    })
  }

  [Symbol.dispose](): void {
    this.#replicas[Symbol.dispose]()
  }

  /** Sends an XCAP request to the replica that owns its partition. */
  readonly forwardXcap: ForwardXcap = (target, message) => forwardXcap(this.#replicas, target, message)

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
    const client = this.#replicas.of(target)
    const request = { impus: [...impus], beforeMs: BigInt(beforeMs), partitions: [...partitions] }
    return await callUnary(client.endWatcher.bind(client), request, { deadlineMs })
  }
}
