import { hash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { systemClock, systemRandom } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { issueLeaf } from '@rollcall/pki'
import {
  DigestAlgorithm,
  DigestCredentialsServiceService,
  type LookupRequest,
  type LookupResponse,
} from '@rollcall/proto-gen/digest'
import { type PresencePolicy, ShServiceService } from '@rollcall/proto-gen/sh'
import {
  createEnvelope,
  createGrpcService,
  createHopService,
  createRuntime,
  type GrpcServer,
  type HopResult,
  HopRouter,
  RpcError,
  type Runtime,
  type Service,
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
import { ALICE, ALICE_TEL, BOB, CAROL, MALLORY } from './inputs.ts'
import { PresenceReplica } from './presence-replica.ts'

export { until } from './until.ts'

export const REALM = 'ims.example.com'
export const PRESENCE_HOST = `presence.${REALM}`
export const SCSCF_HOST = `scscf-0.scscf.${REALM}`

/** Replicas that a stack has addresses for. */
const REPLICAS = [0, 1, 2] as const

interface TestUser {
  canonicalImpu: string
  impus: string[]
  presencePolicy: PresencePolicy
}

/** What the played HSS knows. */
export function storyUsers(): Map<string, TestUser> {
  const users = new Map<string, TestUser>()
  const add = (impus: string[], block: string[]): void => {
    const presencePolicy = { defaultAllow: true, allow: [], block }
    for (const impu of impus) users.set(impu, { canonicalImpu: impus[0] ?? '', impus, presencePolicy })
  }
  add([ALICE, ALICE_TEL], [MALLORY])
  for (const impu of [BOB, CAROL, MALLORY]) add([impu], [])
  return users
}

/** How a request is sent. */
export interface SendOptions {
  readonly role?: string
  readonly traceparent?: string
  /** Which replica it goes to; without it to one of them. */
  readonly to?: number
  readonly envelope?: {
    readonly forwarded?: boolean
    readonly forwardedRole?: string
    readonly receivedAtMs?: bigint
  }
}

/**
 * Presence Servers on a real nats-server, with a played HSS and a played S-CSCF around them: real certificates, real hop.
 */
export class Stack implements AsyncDisposable {
  readonly store: TestStore
  readonly users = storyUsers()
  /** Passwords for the home domain, by IMPI. */
  readonly passwords = new Map<string, { readonly password: string; readonly impu: string }>()
  readonly notifies = new EventEmitter<{ notify: [SipRequest] }>()
  /** Status that the played S-CSCF answers NOTIFYs with; undefined: it answers nothing. */
  notifyStatus: number | undefined = 200
  isHssAway = false
  readonly address: string
  readonly #replicas = new Map<number, PresenceReplica>()
  #revision = 0n
  #hss: GrpcServer | undefined
  #scscf: GrpcServer | undefined
  #hop: HopRouter | undefined
  #scscfRuntime: Runtime | undefined

  private constructor(store: TestStore, address: string) {
    this.store = store
    this.address = address
  }

  /** Starts it with one Presence Server, in this process or in one of its own, or with none. */
  static async start(
    address: string,
    o: { readonly isProcess?: boolean; readonly isEmpty?: boolean } = {},
  ): Promise<Stack> {
    const stack = new Stack(await startTestStore({ address }), address)
    try {
      const leaf = { name: 'operator', role: 'operator', dnsNames: [] }
      await issueLeaf({ folder: stack.store.pkiFolder, trustDomain: stack.store.trustDomain, leaf })
      await stack.#startPeers()
      if (o.isProcess) await stack.startProcess()
      else if (!o.isEmpty) await stack.startPresence()
      return stack
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A Presence Server of this stack, not started yet; with other settings than usual if `over` says so. */
  replica(index: number, over: Readonly<Record<string, string>> = {}): PresenceReplica {
    const known = this.#replicas.get(index)
    if (known && Object.keys(over).length === 0) return known
    const environment = { ...this.#environment(index), ...over }
    const replica = new PresenceReplica(environment, () => this.runtimeOf('presence'))
    this.#replicas.set(index, replica)
    return replica
  }

  get presence(): Service | undefined {
    return this.replica(0).service
  }

  get presenceRuntime(): Runtime | undefined {
    return this.replica(0).runtime
  }

  async startPresence(): Promise<void> {
    await this.replica(0).start()
  }

  async startProcess(): Promise<void> {
    await this.replica(0).startProcess()
  }

  async killProcess(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.replica(0).kill(signal)
  }

  async stopPresence(): Promise<void> {
    await this.replica(0).stop()
  }

  /** Sends a request as the S-CSCF does, and gives the final response. */
  async send(
    request: SipRequest,
    assertedIdentities: readonly string[],
    o: SendOptions | string = {},
  ): Promise<SipResponse> {
    const options = typeof o === 'string' ? { traceparent: o } : o
    // After a restart the hop takes a moment to connect again.
    for (let tries = 0; ; tries++) {
      const result = await this.trySend(request, assertedIdentities, options)
      if (result.kind === 'response') return parseMessage(result.sip) as SipResponse
      if (result.kind !== 'unreachable' || tries > 100) throw new Error(`no response: ${result.kind}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Sends a request over the hop, as `role`. */
  async trySend(
    request: SipRequest,
    assertedIdentities: readonly string[],
    { role = 'scscf', traceparent = '', to, envelope: said = {} }: SendOptions = {},
  ): Promise<HopResult> {
    const hop = role === 'scscf' && this.#hop ? this.#hop : await this.#hopOf(role)
    const envelope = createEnvelope({ assertedIdentities: [...assertedIdentities], traceparent, ...said })
    const message = { sip: serializeMessage(request), branch: topBranch(request) ?? '', envelope }
    const host = to === undefined ? PRESENCE_HOST : replicaHost(to)
    const result = await new Promise<HopResult>((resolve) => {
      hop.send(host, message, resolve, { deadlineMs: 6_000 })
    })
    if (hop !== this.#hop) await hop.close(0)
    return result
  }

  /** The next NOTIFY. */
  async nextNotify(): Promise<SipRequest> {
    const [notify] = await once(this.notifies, 'notify', { signal: AbortSignal.timeout(10_000) })
    return notify as SipRequest
  }

  /** Value of a counter of the Presence Server, all series with this text added up. */
  async metric(text: string): Promise<number> {
    return await this.replica(0).metric(text)
  }

  /** Of user data: each answer of the played HSS is newer than all before. */
  nextRevision(): bigint {
    this.#revision += 1n
    return this.#revision
  }

  /** Where a replica takes gRPC. */
  target(index: number): string {
    return `${this.address}:${17_003 + 10 * index}`
  }

  /** What a peer of this role needs to talk to the others. */
  async runtimeOf(role: string): Promise<Runtime> {
    const identity = await TlsIdentity.load({ ...this.store.tlsFor(role), trustDomain: this.store.trustDomain })
    return createRuntime({ service: role, identity, clock: systemClock, random: systemRandom, logLevel: 'silent' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const replicas = [...this.#replicas.values()]
    await Promise.all(replicas.map((replica) => replica.kill()))
    await Promise.all(replicas.map((replica) => replica.stop()))
    await this.#hop?.close(0)
    await Promise.all([this.#hss?.stop(0), this.#scscf?.stop(0)])
    await this.store.stop()
  }

  /** Settings of a Presence Server. */
  #environment(index: number): Record<string, string> {
    const { certFile, keyFile, caFile } = this.store.tlsFor('presence')
    return {
      ROLLCALL_REALM: REALM,
      ROLLCALL_NATS_URL: this.store.url,
      ROLLCALL_TLS_CERT_FILE: certFile,
      ROLLCALL_TLS_KEY_FILE: keyFile,
      ROLLCALL_TLS_CA_FILE: caFile,
      ROLLCALL_GRPC_LISTEN: this.target(index),
      ROLLCALL_PROBE_LISTEN: `${this.address}:${17_103 + 10 * index}`,
      ROLLCALL_HSS_TARGET: `${this.address}:17001`,
      ROLLCALL_HOP_ROUTES: `${SCSCF_HOST}=scscf@${this.address}:17002`,
      ROLLCALL_REPLICA_NAME: `presence-${index}`,
      ROLLCALL_PRESENCE_EXPIRES_MIN_SECONDS: '1',
      ROLLCALL_PRESENCE_NOTIFY_TIMEOUT_MS: '1000',
      ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS: '0',
      ROLLCALL_PRESENCE_WINFO_INTERVAL_MS: '0',
      ROLLCALL_PRESENCE_SH_FRESH_MS: '100',
      ROLLCALL_PRESENCE_SH_STALE_MS: '1500',
      ROLLCALL_LOG_LEVEL: 'warn',
    }
  }

  async #startPeers(): Promise<void> {
    this.#hss = await startGrpcServer({
      listen: `${this.address}:17001`,
      services: [
        createGrpcService(ShServiceService, {
          userData: ({ impu }) => {
            if (this.isHssAway) throw new RpcError('RPC_UNAVAILABLE', 'away')
            const user = this.users.get(impu)
            return user
              ? { found: true, ...user, revision: this.nextRevision() }
              : { found: false, canonicalImpu: '', impus: [], presencePolicy: undefined, revision: 0n }
          },
        }),
        createGrpcService(DigestCredentialsServiceService, { lookup: (request) => this.#lookup(request) }),
      ],
      runtime: await this.runtimeOf('hss'),
    })
    this.#scscfRuntime = await this.runtimeOf('scscf')
    this.#scscf = await startGrpcServer({
      listen: `${this.address}:17002`,
      services: [
        createHopService({
          onRequest: ({ sip }, _, reply) => {
            const request = parseMessage(sip) as SipRequest
            if (this.notifyStatus !== undefined) {
              reply(serializeMessage(createResponse(request, this.notifyStatus)))
            }
            this.notifies.emit('notify', request)
          },
        }),
      ],
      runtime: this.#scscfRuntime,
    })
    this.#hop = await this.#hopOf('scscf')
  }

  #lookup({ username, realm }: LookupRequest): LookupResponse {
    if (this.isHssAway) throw new RpcError('RPC_UNAVAILABLE', 'away')
    const user = this.passwords.get(username)
    if (!user || realm !== REALM) throw new RpcError('RPC_NOT_FOUND', 'unknown')
    const value = hash('sha256', `${username}:${realm}:${user.password}`, 'buffer')
    const ha1 = [{ algorithm: DigestAlgorithm.DIGEST_ALGORITHM_SHA_256, value }]
    return { impi: username, impus: [user.impu], canonicalImpu: user.impu, ha1 }
  }

  async #hopOf(role: string): Promise<HopRouter> {
    const targets = REPLICAS.map((index) => this.target(index))
    const each = REPLICAS.map((index) => `${replicaHost(index)}=presence@${this.target(index)}`)
    const routes = [`${PRESENCE_HOST}=presence@${targets.join('|')}`, ...each].join()
    return new HopRouter({ routes, runtime: await this.runtimeOf(role) })
  }
}

/** The name by which a test sends to one replica. */
function replicaHost(index: number): string {
  return `presence-${index}.test`
}
