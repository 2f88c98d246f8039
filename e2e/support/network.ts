import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemRandom } from '@rollcall/core'
import { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import { Operator } from '@rollcall/deploy/local/operator.ts'
import { OtlpReceiver } from '@rollcall/deploy/local/otlp-receiver.ts'
import { ENCAPSULATION_PORT, LocalStack, SIP_PORT, type StackOptions } from '@rollcall/deploy/local/stack.ts'
import { startTestCluster, type TestCluster } from '@rollcall/dev-env'
import { gmTimers, memoryIsimStore, Ue, type UeEvent, type UeSettings } from '@rollcall/ue'
import type { UeName } from '../story/people.ts'
import { provisionWorld } from '../story/provision.ts'
import { prepareWorld, type World } from '../story/world.ts'
import { CoreClient, type PlayedRole, playedRoute } from './core/core-client.ts'
import { type CoreUser, createCoreUsers, subscriberOf } from './core/core-user.ts'
import type { History } from './history/history.ts'

export const REALM = 'ims.mnc001.mcc001.3gppnetwork.org'

/** Tests do not wait two seconds for a retransmission: T1 on Gm, at both ends. */
export const T1_MS = 50

export interface TestNetworkOptions {
  readonly block: number
  readonly t1Ms?: number
  readonly settings?: Readonly<Record<string, string>>
  readonly played?: readonly PlayedRole[]
  /** Whether services send spans, which costs them a good part of their speed. */
  readonly isTraced?: boolean
  /** Whether the store is three nats-servers, on 127.BLOCK.0.2 to 4, with three replicas of each stream. */
  readonly isReplicated?: boolean
  /** Does something to the data folder before anything is in it. */
  readonly onFolder?: (data: DataFolder) => Promise<void>
  /** Replicas, proxies, settings of single processes. */
  readonly stack?: Pick<StackOptions, 'replicas' | 'replicasMax' | 'settingsOf' | 'via' | 'streamBytesMax'>
}

/** Where the network of a block listens. */
export function addressOf(block: number): string {
  return `127.${block}.0.1`
}

/** A whole network on this machine for one test file, with the story's people as its subscribers. */
export class TestNetwork implements AsyncDisposable {
  readonly stack: LocalStack
  /** The three nats-servers, when the store is replicated. */
  readonly cluster: TestCluster | undefined
  readonly data: DataFolder
  readonly world: World
  readonly operator: Operator
  readonly otlp: OtlpReceiver
  readonly #t1Ms: number
  readonly #ues: Ue[] = []
  readonly #clients: CoreClient[] = []
  /** Ends that nobody asked for. */
  readonly unexpectedEnds: string[]

  private constructor(o: {
    stack: LocalStack
    cluster: TestCluster | undefined
    data: DataFolder
    world: World
    operator: Operator
    otlp: OtlpReceiver
    t1Ms: number
    unexpectedEnds: string[]
  }) {
    this.stack = o.stack
    this.cluster = o.cluster
    this.data = o.data
    this.world = o.world
    this.operator = o.operator
    this.otlp = o.otlp
    this.#t1Ms = o.t1Ms
    this.unexpectedEnds = o.unexpectedEnds
  }

  /**
   * @param o.block the network listens on 127.BLOCK.0.1, its UEs on 127.BLOCK.1.x.
   * @param o.played nodes that the test plays itself, see `CoreClient`.
   */
  static async start(o: TestNetworkOptions): Promise<TestNetwork> {
    const t1Ms = o.t1Ms ?? T1_MS
    const timers = gmTimers(t1Ms)
    const address = addressOf(o.block)
    const data = new DataFolder(join(tmpdir(), `rollcall-e2e-${randomUUID()}`))
    const key = await data.prepare()
    await o.onFolder?.(data)
    const cluster = o.isReplicated ? await startCluster(data, o.block) : undefined
    const otlp = await OtlpReceiver.listen(address)
    const unexpectedEnds: string[] = []
    const options = {
      data,
      realm: REALM,
      address,
      ...(o.isTraced !== false && { otlpEndpoint: otlp.endpoint }),
      ...o.stack,
      ...(cluster && { natsServers: cluster.servers.map((server) => `${server.address}:${server.port}`) }),
      hopRoutes: (o.played ?? []).map((role) => playedRoute(role, { realm: REALM, address })),
      settings: {
        ROLLCALL_PCSCF_T1_MS: String(timers.t1Ms),
        ROLLCALL_PCSCF_T2_MS: String(timers.t2Ms),
        ROLLCALL_PCSCF_T4_MS: String(timers.t4Ms),
        ...o.settings,
      },
      onExit: (name: string, how: string) => void unexpectedEnds.push(`${name} ${how}`),
    }
    await LocalStack.createTrustDomain(options)
    const stack = await LocalStack.create(options, key)
    try {
      await stack.start()
      const operator = await Operator.of(stack)
      const world = await prepareWorld({
        folder: data.ue,
        domain: REALM,
        pcscf: { address, port: SIP_PORT },
        encapsulation: { address, port: ENCAPSULATION_PORT },
        ut: stack.ut,
        addressOf: (number) => `127.${o.block}.1.${number}`,
      })
      await provisionWorld(world, (subscriber) => operator.addSubscriber(subscriber))
      return new TestNetwork({ stack, cluster, data, world, operator, otlp, t1Ms, unexpectedEnds })
    } catch (error) {
      await stack.stop()
      await cluster?.stop()
      // Left open it would keep the test's process from its end.
      await otlp[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Switches a UE of the story's people on. */
  async ue(
    name: UeName,
    o: { settings?: Partial<UeSettings>; keyLogFile?: string; onEvent?: (event: UeEvent) => void } = {},
  ): Promise<Ue> {
    const ue = await Ue.open({
      credentials: this.world.credentials[name],
      isimStore: memoryIsimStore(),
      settings: { timers: gmTimers(this.#t1Ms), ...o.settings },
      keyLogFile: o.keyLogFile,
      ...(o.onEvent && { onEvent: o.onEvent }),
    })
    this.#ues.push(ue)
    return ue
  }

  /** Plays a node of the core; `started` named it among those that are played. */
  async play(role: PlayedRole, history: History, o: { tryMs?: number } = {}): Promise<CoreClient> {
    const client = await CoreClient.start({ stack: this.stack, role, history, ...o })
    this.#clients.push(client)
    return client
  }

  /** New subscribers, told to the HSS. `base` is another for each call. */
  async coreUsers(prefix: string, count: number, base: number): Promise<CoreUser[]> {
    const users = createCoreUsers({ prefix, count, base, domain: REALM, random: systemRandom })
    for (const user of users) await this.operator.addSubscriber(subscriberOf(user, REALM))
    return users
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()))
    await Promise.all(this.#ues.map((ue) => ue.close()))
    this.operator[Symbol.dispose]()
    await this.stack.stop()
    await this.cluster?.stop()
    await this.otlp[Symbol.asyncDispose]()
    await rm(this.data.path, { recursive: true, force: true })
  }
}

/** Its authority and its certificates are where the stack has its own, so that there is one trust domain. */
async function startCluster(data: DataFolder, block: number): Promise<TestCluster> {
  const addresses = [`127.${block}.0.2`, `127.${block}.0.3`, `127.${block}.0.4`] as const
  return await startTestCluster({ folder: dirname(data.pki), addresses })
}
