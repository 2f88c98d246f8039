import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock, systemRandom } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { type PresencePolicy, ShServiceService } from '@rollcall/proto-gen/sh'
import {
  createEnvelope,
  createGrpcService,
  createHopService,
  createRuntime,
  type GrpcServer,
  type HopResult,
  HopRouter,
  loadConfig,
  RpcError,
  type Runtime,
  type Service,
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
import { createPresenceService, presenceShape } from '../service.ts'
import { ALICE, ALICE_TEL, BOB, CAROL, MALLORY } from './inputs.ts'

export const REALM = 'ims.example.com'
export const PRESENCE_HOST = `presence.${REALM}`
export const SCSCF_HOST = `scscf-0.scscf.${REALM}`

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

/**
 * A Presence Server on a real nats-server, with a played HSS and a played S-CSCF around it: real certificates, real hop.
 */
export class Stack implements AsyncDisposable {
  readonly store: TestStore
  readonly users = storyUsers()
  readonly notifies = new EventEmitter<{ notify: [SipRequest] }>()
  /** Status that the played S-CSCF answers NOTIFYs with; undefined: it answers nothing. */
  notifyStatus: number | undefined = 200
  isHssAway = false
  readonly #address: string
  #hss: GrpcServer | undefined
  #scscf: GrpcServer | undefined
  #hop: HopRouter | undefined
  #scscfRuntime: Runtime | undefined
  #process: ChildProcess | undefined
  presence: Service | undefined
  presenceRuntime: Runtime | undefined

  private constructor(store: TestStore, address: string) {
    this.store = store
    this.#address = address
  }

  /** Starts it with the Presence Server in this process, or in one of its own, which can be killed. */
  static async start(address: string, o: { readonly isProcess?: boolean } = {}): Promise<Stack> {
    const stack = new Stack(await startTestStore({ address }), address)
    try {
      await stack.#startPeers()
      if (o.isProcess) await stack.startProcess()
      else await stack.startPresence()
      return stack
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Settings of the Presence Server, as its environment. */
  get environment(): Record<string, string> {
    const { certFile, keyFile, caFile } = this.store.tlsFor('presence')
    return {
      ROLLCALL_REALM: REALM,
      ROLLCALL_NATS_URL: this.store.url,
      ROLLCALL_TLS_CERT_FILE: certFile,
      ROLLCALL_TLS_KEY_FILE: keyFile,
      ROLLCALL_TLS_CA_FILE: caFile,
      ROLLCALL_GRPC_LISTEN: `${this.#address}:17003`,
      ROLLCALL_PROBE_LISTEN: `${this.#address}:17103`,
      ROLLCALL_HSS_TARGET: `${this.#address}:17001`,
      ROLLCALL_HOP_ROUTES: `${SCSCF_HOST}=scscf@${this.#address}:17002`,
      ROLLCALL_PRESENCE_EXPIRES_MIN_SECONDS: '1',
      ROLLCALL_PRESENCE_NOTIFY_TIMEOUT_MS: '1000',
      ROLLCALL_PRESENCE_SH_FRESH_MS: '100',
      ROLLCALL_PRESENCE_SH_STALE_MS: '1500',
      ROLLCALL_LOG_LEVEL: 'warn',
    }
  }

  async startPresence(): Promise<void> {
    const runtime = await this.#runtime('presence')
    const config = loadConfig({
      service: 'presence',
      shape: { ...sharedShape, ...presenceShape },
      env: this.environment,
    })
    this.presenceRuntime = runtime
    this.presence = createPresenceService(config, runtime)
    await this.presence.start()
    await until(() => this.presence?.ready().ready === true, 'the Presence Server is ready')
  }

  /** Starts the Presence Server as a process of its own. */
  async startProcess(): Promise<void> {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: { ...process.env, ...this.environment, ROLLCALL_LOG_LEVEL: 'fatal' },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#process = child
    const url = `http://${this.#address}:17103/readyz`
    await until(async () => (await fetch(url).catch(() => undefined))?.ok === true, 'the process is ready', 30_000)
  }

  /** Kills the process as a power cut would. */
  async killProcess(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (!child) return
    this.#process = undefined
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }

  async stopPresence(): Promise<void> {
    await this.presence?.stop()
    this.presence = undefined
  }

  /** Sends a request as the S-CSCF does, and gives the final response. */
  async send(request: SipRequest, assertedIdentities: readonly string[], traceparent = ''): Promise<SipResponse> {
    // After a restart the hop takes a moment to connect again.
    for (let tries = 0; ; tries++) {
      const result = await this.trySend(request, assertedIdentities, { traceparent })
      if (result.kind === 'response') return parseMessage(result.sip) as SipResponse
      if (result.kind !== 'unreachable' || tries > 100) throw new Error(`no response: ${result.kind}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Sends a request over the hop, as `role`. */
  async trySend(
    request: SipRequest,
    assertedIdentities: readonly string[],
    { role = 'scscf', traceparent = '' }: { readonly role?: string; readonly traceparent?: string } = {},
  ): Promise<HopResult> {
    const hop = role === 'scscf' && this.#hop ? this.#hop : await this.#hopOf(role)
    const envelope = createEnvelope({ assertedIdentities: [...assertedIdentities], traceparent })
    const message = { sip: serializeMessage(request), branch: topBranch(request) ?? '', envelope }
    const result = await new Promise<HopResult>((resolve) => {
      hop.send(PRESENCE_HOST, message, resolve, { deadlineMs: 5_000 })
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
    const exposition = (await this.presenceRuntime?.metrics.expose()) ?? ''
    return exposition
      .split('\n')
      .filter((line) => line.startsWith(text))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killProcess()
    await this.stopPresence()
    await this.#hop?.close(0)
    await Promise.all([this.#hss?.stop(0), this.#scscf?.stop(0)])
    await this.store.stop()
  }

  async #startPeers(): Promise<void> {
    this.#hss = await startGrpcServer({
      listen: `${this.#address}:17001`,
      services: [
        createGrpcService(ShServiceService, {
          userData: ({ impu }) => {
            if (this.isHssAway) throw new RpcError('RPC_UNAVAILABLE', 'away')
            const user = this.users.get(impu)
            return user
              ? { found: true, ...user }
              : { found: false, canonicalImpu: '', impus: [], presencePolicy: undefined }
          },
        }),
      ],
      runtime: await this.#runtime('hss'),
    })
    this.#scscfRuntime = await this.#runtime('scscf')
    this.#scscf = await startGrpcServer({
      listen: `${this.#address}:17002`,
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

  async #hopOf(role: string): Promise<HopRouter> {
    const routes = `${PRESENCE_HOST}=presence@${this.#address}:17003`
    return new HopRouter({ routes, runtime: await this.#runtime(role) })
  }

  async #runtime(role: string): Promise<Runtime> {
    const identity = await TlsIdentity.load({ ...this.store.tlsFor(role), trustDomain: this.store.trustDomain })
    return createRuntime({ service: role, identity, clock: systemClock, random: systemRandom, logLevel: 'silent' })
  }
}

/** Waits until `holds`, looking again and again. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
