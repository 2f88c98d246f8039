import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemRandom } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { HssService, hssShape } from '@rollcall/hss'
import { issueLeaf } from '@rollcall/pki'
import { Algorithm, ScscfAdminServiceClient, SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import type { Envelope } from '@rollcall/proto-gen/hop'
import {
  callUnary,
  createEnvelope,
  createGrpcClient,
  createHopService,
  createRuntime,
  type GrpcServer,
  type HopResult,
  HopRouter,
  loadConfig,
  type Role,
  type Runtime,
  sharedShape,
  startGrpcServer,
  TlsIdentity,
} from '@rollcall/runtime'
import {
  createResponse,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serializeMessage,
  topBranch,
} from '@rollcall/sip'
import { ScscfService, scscfShape } from '../service.ts'
import type { FakeUe, RegisterOptions } from './fake-ue.ts'
import { PCSCF_HOST, PRESENCE_HOST, REALM, SCSCF_HOST, storyCriteria } from './fixtures.ts'

/** A request that a played node got. */
export interface Received {
  readonly request: SipRequest
  readonly envelope: Envelope
}

/** One replica of the S-CSCF. */
interface Replica {
  readonly service: ScscfService
  readonly runtime: Runtime
}

export interface StackOptions {
  /** The first replica of the S-CSCF runs as a process of its own. */
  readonly isProcess?: boolean
  /** Replicas of the S-CSCF; one by default. */
  readonly replicas?: number
  /** Settings of the S-CSCF other than usual. */
  readonly settings?: Readonly<Record<string, string>>
  /** Where a replica finds NATS, if not straight. */
  readonly natsUrl?: (index: number, url: string) => string
  /** Runs when NATS is there, before the first replica starts. */
  readonly beforeScscf?: (store: TestStore) => Promise<void>
}

/**
 * HSS and S-CSCF on a real nats-server, with a played P-CSCF and a played Presence Server: real certificates, real hop.
 * There may be several replicas of the S-CSCF: the first at port 17002, the next ones at 17012, 17022 …
 */
export class ScscfStack implements AsyncDisposable {
  readonly store: TestStore
  hss: HssService | undefined
  readonly replicas = new Map<number, Replica>()
  /** What came to the played nodes. */
  readonly received: { pcscf: Received[]; presence: Received[] } = { pcscf: [], presence: [] }
  /** Status that the played nodes answer with; undefined: nothing. */
  status: number | undefined = 200
  /** Runs before a played node answers. */
  beforeAnswer: () => Promise<void> = async () => {}
  readonly #address: string
  readonly #options: StackOptions
  readonly #logged: string[] = []
  readonly #hops = new Map<string, HopRouter>()
  readonly #servers = new Map<string, GrpcServer>()
  #sealingKeysFile = ''
  #process: ChildProcess | undefined

  private constructor(store: TestStore, address: string, options: StackOptions) {
    this.store = store
    this.#address = address
    this.#options = options
  }

  static async start(address: string, options: StackOptions = {}): Promise<ScscfStack> {
    const stack = new ScscfStack(await startTestStore({ address, services: ['hss', 'scscf'] }), address, options)
    try {
      await stack.#startPeers()
      await options.beforeScscf?.(stack.store)
      if (options.isProcess) await stack.startProcess()
      for (let index = options.isProcess ? 1 : 0; index < (options.replicas ?? 1); index++) {
        await stack.startScscf(index)
      }
      return stack
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  async #startPeers(): Promise<void> {
    const { pkiFolder, trustDomain } = this.store
    for (const role of ['operator', 'presence', 'pcscf']) {
      await issueLeaf({ folder: pkiFolder, trustDomain, leaf: { name: role, role, dnsNames: [] } })
    }
    this.#sealingKeysFile = await this.store.sealingKeysFile('hss')
    await this.startHss()
    await this.startNode('pcscf', 17_004)
    await this.startNode('presence', 17_003)
  }

  /** The first replica. */
  get scscf(): ScscfService | undefined {
    return this.replicas.get(0)?.service
  }

  get scscfRuntime(): Runtime | undefined {
    return this.replicas.get(0)?.runtime
  }

  /** Everything that HSS and S-CSCF logged. */
  get log(): string {
    return this.#logged.join('')
  }

  async startHss(): Promise<void> {
    const replicas = Array.from({ length: this.#options.replicas ?? 1 }, (_, index) => index)
    const env = {
      ...this.#shared('hss', 17_001),
      ROLLCALL_HSS_SEALING_KEYS_FILE: this.#sealingKeysFile,
      ROLLCALL_HSS_SCSCF_TARGETS: replicas.map((index) => `${this.#address}:${portOf(index)}`).join(),
    }
    const config = loadConfig({ service: 'hss', shape: { ...sharedShape, ...hssShape }, env })
    const hss = await HssService.create(config, await this.#runtime('hss'))
    this.hss = hss
    await hss.start()
    await until(() => hss.ready().ready, 'the HSS is ready')
  }

  async stopHss(): Promise<void> {
    await this.hss?.stop()
    this.hss = undefined
  }

  /** Settings of the first replica. */
  get environment(): Record<string, string> {
    return this.#environment(0)
  }

  #environment(index: number): Record<string, string> {
    const { natsUrl } = this.#options
    return {
      ...this.#shared('scscf', portOf(index)),
      ROLLCALL_NATS_URL: natsUrl?.(index, this.store.url) ?? this.store.url,
      ROLLCALL_REPLICA_NAME: `scscf-${index}`,
      ROLLCALL_HSS_TARGET: `${this.#address}:17001`,
      ROLLCALL_HOP_ROUTES: [
        `${PCSCF_HOST}=pcscf@${this.#address}:17004`,
        `${PRESENCE_HOST}=presence@${this.#address}:17003`,
        `${REALM}=scscf@${this.#address}:17002`,
      ].join(),
      ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS: '1',
      ROLLCALL_SCSCF_REG_AWAIT_AUTH_MS: '5000',
      ROLLCALL_SCSCF_CX_DEADLINE_MS: '1500',
      ROLLCALL_SCSCF_PROFILE_FRESH_MS: '0',
      ...this.#options.settings,
    }
  }

  async startScscf(index = 0): Promise<void> {
    const config = loadConfig({
      service: 'scscf',
      shape: { ...sharedShape, ...scscfShape },
      env: this.#environment(index),
    })
    const runtime = await this.#runtime('scscf')
    const service = new ScscfService(config, runtime)
    this.replicas.set(index, { service, runtime })
    await service.start()
    await until(() => service.ready().ready, 'the S-CSCF is ready')
  }

  async stopScscf(index = 0): Promise<void> {
    const replica = this.replicas.get(index)
    this.replicas.delete(index)
    await replica?.service.stop()
  }

  /** Starts the S-CSCF as a process of its own. */
  async startProcess(): Promise<void> {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout.on('data', (chunk: Buffer) => this.#logged.push(chunk.toString('utf8')))
    this.#process = child
    const url = `http://${this.#address}:17102/readyz`
    await until(async () => (await fetch(url).catch(() => undefined))?.ok === true, 'the process is ready', 30_000)
  }

  /** Ends the process, as a power cut would unless told otherwise, and gives its exit code. */
  async killProcess(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#process
    if (!child) return null
    this.#process = undefined
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = await exit
    return code as number | null
  }

  /** Plays a node that answers requests and keeps them. */
  async startNode(role: 'pcscf' | 'presence', port: number): Promise<void> {
    const server = await startGrpcServer({
      listen: `${this.#address}:${port}`,
      services: [
        createHopService({
          onRequest: ({ sip, envelope }, _peer, reply) => {
            const request = parseMessage(sip)
            if (request.kind !== 'request') return
            this.received[role].push({ request, envelope })
            void this.beforeAnswer().then(() => {
              if (this.status !== undefined)
                reply(serializeMessage(createResponse(request, this.status, { toTag: 'as' })))
            })
          },
        }),
      ],
      runtime: await this.#runtime(role),
    })
    this.#servers.set(role, server)
  }

  async stopNode(role: 'pcscf' | 'presence'): Promise<void> {
    await this.#servers.get(role)?.stop(0)
    this.#servers.delete(role)
  }

  /** Provisions subscribers, each with its UEs' keys. */
  async provision(
    subscriptionId: string,
    impus: string[],
    ues: { impi: string; k: Buffer; opc: Buffer }[],
  ): Promise<void> {
    const admin = await this.client(SubscriberAdminServiceClient, 'operator', 'hss', 17_001)
    await callUnary(admin.addSubscriber.bind(admin), {
      subscriber: {
        subscriptionId,
        privateIdentities: ues.map((ue) => ({
          ...ue,
          algorithm: Algorithm.ALGORITHM_MILENAGE,
          topc: Buffer.alloc(0),
          amf: Buffer.alloc(0),
          sqn: 0n,
        })),
        serviceProfile: {
          publicIdentities: impus.map((identity) => ({ identity, barringIndication: false })),
          initialFilterCriteria: storyCriteria(),
          canonicalImpu: '',
        },
        presencePolicy: undefined,
      },
    })
    admin.close()
  }

  /** The S-CSCF that the HSS has stored for a subscriber. */
  async serverOf(key: string): Promise<string> {
    const admin = await this.client(SubscriberAdminServiceClient, 'operator', 'hss', 17_001)
    try {
      return (await callUnary(admin.getSubscriber.bind(admin), { key })).serverName
    } finally {
      admin.close()
    }
  }

  /** IMPIs with a contact, as a replica tells it: to an operator of all replicas, to another replica its own. */
  async registrations(index = 0, as: 'operator' | 'scscf' = 'operator'): Promise<string[]> {
    const admin = await this.client(ScscfAdminServiceClient, as, 'scscf', portOf(index))
    try {
      const { registrations } = await callUnary(admin.listRegistrations.bind(admin), {})
      return registrations.map(({ impi }) => impi).sort()
    } finally {
      admin.close()
    }
  }

  /** Asks a replica of the S-CSCF as an operator. */
  async asOperator<T>(index: number, ask: (admin: ScscfAdminServiceClient) => Promise<T>): Promise<T> {
    const admin = await this.client(ScscfAdminServiceClient, 'operator', 'scscf', portOf(index))
    try {
      return await ask(admin)
    } finally {
      admin.close()
    }
  }

  /** Asks the HSS as an operator. */
  async provisioning<T>(ask: (admin: SubscriberAdminServiceClient) => Promise<T>): Promise<T> {
    const admin = await this.client(SubscriberAdminServiceClient, 'operator', 'hss', 17_001)
    try {
      return await ask(admin)
    } finally {
      admin.close()
    }
  }

  async client<C extends ScscfAdminServiceClient | SubscriberAdminServiceClient>(
    Class: Parameters<typeof createGrpcClient<C>>[0],
    as: string,
    role: Role,
    port: number,
  ): Promise<C> {
    return createGrpcClient(Class, { target: `${this.#address}:${port}`, role, identity: await this.#identity(as) })
  }

  /** Sends a request over the hop as `role`, and gives the final response. */
  async send(
    request: SipRequest,
    envelope: Partial<Envelope>,
    role: Role = 'pcscf',
    to: Destination = 0,
  ): Promise<SipResponse> {
    for (let tries = 0; ; tries++) {
      const result = await this.trySend(request, envelope, role, to)
      if (result.kind === 'response') return parseMessage(result.sip) as SipResponse
      // After a restart the hop takes a moment to connect again.
      if (result.kind !== 'unreachable' || tries > 100) throw new Error(`no response: ${result.kind}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async trySend(
    request: SipRequest,
    envelope: Partial<Envelope>,
    role: Role = 'pcscf',
    to: Destination = 0,
  ): Promise<HopResult> {
    const hop = await this.#hopOf(role, to)
    const message = {
      sip: serializeMessage(request),
      branch: topBranch(request) ?? '',
      envelope: createEnvelope(envelope),
    }
    return await new Promise<HopResult>((resolve) => {
      hop.send(SCSCF_HOST, message, resolve, { deadlineMs: envelope.deadlineMs || 5_000 })
    })
  }

  /** Sends a REGISTER of `ue`. */
  async register(ue: FakeUe, options: RegisterOptions = {}, to: Destination = 0): Promise<SipResponse> {
    const { request, envelope } = ue.register(options)
    return await this.send(request, envelope, 'pcscf', to)
  }

  /**
   * A whole registration: 401, answer, final response. `isProtected`: it begins over an established association. A partition
   * that changes hands between the two costs another challenge.
   */
  async registerFully(ue: FakeUe, options: RegisterOptions = {}, to: Destination = 0): Promise<SipResponse> {
    let response = await this.register(ue, options, to)
    for (let tries = 0; tries < 3 && response.status === 401; tries++) {
      response = await this.register(ue, { ...options, isProtected: true, authorization: ue.answer(response) }, to)
    }
    return response
  }

  /** Value of a metric of a replica, all series that begin with this text added up. */
  async metric(text: string, index = 0): Promise<number> {
    const exposition = (await this.replicas.get(index)?.runtime.metrics.expose()) ?? ''
    return exposition
      .split('\n')
      .filter((line) => line.startsWith(text))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const hop of this.#hops.values()) await hop.close(0)
    await this.killProcess()
    for (const index of [...this.replicas.keys()]) await this.stopScscf(index)
    await this.stopHss()
    for (const server of this.#servers.values()) await server.stop(0)
    await this.store.stop()
  }

  async #hopOf(role: Role, to: Destination): Promise<HopRouter> {
    const key = `${role} ${to}`
    const known = this.#hops.get(key)
    if (known) return known
    const indexes = to === 'any' ? Array.from({ length: this.#options.replicas ?? 1 }, (_, index) => index) : [to]
    const targets = indexes.map((index) => `${this.#address}:${portOf(index)}`).join('|')
    const hop = new HopRouter({ routes: `${SCSCF_HOST}=scscf@${targets}`, runtime: await this.#runtime(role) })
    this.#hops.set(key, hop)
    return hop
  }

  #shared(role: string, port: number): Record<string, string> {
    const { certFile, keyFile, caFile } = this.store.tlsFor(role)
    return {
      ROLLCALL_REALM: REALM,
      ROLLCALL_NATS_URL: this.store.url,
      ROLLCALL_TLS_CERT_FILE: certFile,
      ROLLCALL_TLS_KEY_FILE: keyFile,
      ROLLCALL_TLS_CA_FILE: caFile,
      ROLLCALL_GRPC_LISTEN: `${this.#address}:${port}`,
      ROLLCALL_PROBE_LISTEN: `${this.#address}:${port + 100}`,
      ROLLCALL_LOG_LEVEL: 'trace',
    }
  }

  async #identity(role: string): Promise<TlsIdentity> {
    return await TlsIdentity.load({ ...this.store.tlsFor(role), trustDomain: this.store.trustDomain })
  }

  async #runtime(role: string): Promise<Runtime> {
    return createRuntime({
      service: role,
      identity: await this.#identity(role),
      random: systemRandom,
      logLevel: 'trace',
      logDestination: { write: (line) => this.#logged.push(line) },
    })
  }
}

/** The replica that a request is sent to; `any`: the hop chooses. */
export type Destination = number | 'any'

function portOf(index: number): number {
  return 17_002 + 10 * index
}

/** Waits until `holds`, looking again and again. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
