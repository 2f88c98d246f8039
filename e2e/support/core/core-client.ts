import { performance } from 'node:perf_hooks'
import type { LocalStack } from '@rollcall/deploy/local/stack.ts'
import type { Envelope } from '@rollcall/proto-gen/hop'
import {
  createEnvelope,
  createHopService,
  createRuntime,
  type GrpcServer,
  type HopResult,
  HopRouter,
  type Runtime,
  startGrpcServer,
  type TlsIdentity,
} from '@rollcall/runtime'
import {
  createResponse,
  formatVia,
  parseMessage,
  parseNameAddr,
  parseSipUri,
  type SipRequest,
  type SipResponse,
  serializeMessage,
} from '@rollcall/sip'
import type { History } from '../history/history.ts'

/** Which node is played: the S-CSCF, straight to the Presence Server, or the P-CSCF, with the S-CSCF behind it. */
export type PlayedRole = 'scscf' | 'pcscf'

const PORTS: Readonly<Record<PlayedRole, number>> = { scscf: 17_902, pcscf: 17_904 }
/**
 * One try of a request when nobody says; then it is sent again with the UE's branch as it was, as a retransmission of the
 * UE's, and maybe to another replica.
 */
const TRY_MS_DEFAULT = 8_000
/** 64*T1 with the default T1: a UE gives up (RFC 3261 section 17.1.2.2). */
const GIVE_UP_MS = 32_000
/** Between two tries, when the peer is not even there. */
const AGAIN_MS = 100

/** What became of a request: its final response, or nothing in all the time. */
export type CoreAnswer = SipResponse | undefined

/** Takes NOTIFYs; gives the status to answer with. */
export type NotifyHandler = (request: SipRequest) => number

/** Host name of the node that is played. */
export function playedHost(role: PlayedRole, realm: string): string {
  return `${role}-9.${role}.${realm}`
}

/** The next hop that services need to find the node that is played. */
export function playedRoute(role: PlayedRole, o: { readonly realm: string; readonly address: string }): string {
  return `${playedHost(role, o.realm)}=${role}@${o.address}:${PORTS[role]}`
}

/**
 * A node of the core that is played by a test, with the certificate of its role: it sends requests for hundreds of UEs over
 * the hop, and takes the NOTIFYs for them. Far quicker than UEs with ESP, and everything behind the edge is real.
 */
export class CoreClient implements AsyncDisposable {
  readonly role: PlayedRole
  readonly realm: string
  readonly host: string
  readonly history: History
  readonly #tryMs: number
  readonly #identity: TlsIdentity
  readonly #server: GrpcServer
  readonly #hop: HopRouter
  readonly #handlers: Map<string, NotifyHandler>
  /** Requests that were sent and answered, by status; 0 for those that nobody answered. */
  readonly answers = new Map<number, number>()
  #branch = 0
  #isClosed = false

  private constructor(o: {
    role: PlayedRole
    realm: string
    history: History
    tryMs: number
    identity: TlsIdentity
    server: GrpcServer
    hop: HopRouter
    handlers: Map<string, NotifyHandler>
  }) {
    this.role = o.role
    this.realm = o.realm
    this.host = playedHost(o.role, o.realm)
    this.history = o.history
    this.#tryMs = o.tryMs
    this.#identity = o.identity
    this.#server = o.server
    this.#hop = o.hop
    this.#handlers = o.handlers
  }

  /** The stack's next-hop tables must hold `playedRoute(role, …)`. @param o.tryMs how long one try waits. */
  static async start(o: {
    stack: LocalStack
    role: PlayedRole
    history: History
    tryMs?: number
  }): Promise<CoreClient> {
    const { stack, role, history } = o
    const { realm, address } = stack.options
    const identity = await stack.identity(role)
    const runtime: Runtime = createRuntime({ service: role, identity })
    const handlers = new Map<string, NotifyHandler>()
    const server = await startGrpcServer({
      listen: `${address}:${PORTS[role]}`,
      services: [createHopService({ onRequest: ({ sip }, _, reply) => take(sip, handlers, reply) })],
      runtime,
    })
    const hop = new HopRouter({ routes: routesOf(stack, role), runtime })
    const tryMs = o.tryMs ?? TRY_MS_DEFAULT
    return new CoreClient({ role, realm, history, tryMs, identity, server, hop, handlers })
  }

  /** NOTIFYs of this dialog go to `handler`; what belongs to no dialog is answered 481. */
  onNotify(callId: string, handler: NotifyHandler): void {
    this.#handlers.set(callId, handler)
  }

  forget(callId: string): void {
    this.#handlers.delete(callId)
  }

  /**
   * Sends a request of a UE, which has the UE's Via, until it is answered or the UE would give up: again and again with
   * another branch of ours and the same of the UE's. A 503 is an answer.
   *
   * @param o.giveUpMs how long in all.
   */
  async send(request: SipRequest, envelope: Partial<Envelope>, o: { giveUpMs?: number } = {}): Promise<CoreAnswer> {
    const endMs = performance.now() + (o.giveUpMs ?? GIVE_UP_MS)
    for (;;) {
      const leftMs = endMs - performance.now()
      if (leftMs <= 0 || this.#isClosed) break
      const result = await this.#try(request, envelope, Math.min(this.#tryMs, leftMs))
      if (result.kind === 'response') {
        const response = parseMessage(result.sip) as SipResponse
        this.#count(response.status)
        return response
      }
      if (result.kind === 'no-route') throw new Error(`nobody knows the way of a ${request.method}`)
      if (result.kind !== 'timeout') await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
    this.#count(0)
    return undefined
  }

  /** Nothing is sent any more: who goes on asking gets no answer. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#hop.close(0)
    await this.#server.stop(0)
    this.#identity[Symbol.dispose]()
  }

  #count(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
  }

  #try(request: SipRequest, envelope: Partial<Envelope>, deadlineMs: number): Promise<HopResult> {
    const headers = request.headers.clone()
    const branch = `z9hG4bKc${++this.#branch}`
    const params = new Map([['branch', branch]])
    headers.prepend('Via', formatVia({ transport: 'TLS', host: this.host, port: undefined, params }))
    const host = nextHop(request, this.host, headers)
    const message = {
      sip: serializeMessage({ ...request, headers }),
      branch,
      envelope: createEnvelope({ deadlineMs: GIVE_UP_MS, ...envelope }),
    }
    return new Promise((resolve) => {
      const hear = (result: HopResult): void => {
        if (result.kind !== 'response' || result.status >= 200) resolve(result)
      }
      this.#hop.send(host, message, hear, { deadlineMs })
    })
  }
}

/** Where a request goes: along its Route, of which our own part is taken off, else to the host of its Request-URI. */
function nextHop(request: SipRequest, own: string, headers: SipRequest['headers']): string {
  for (let [first] = headers.list('Route'); first !== undefined; [first] = headers.list('Route')) {
    const { host } = parseSipUri(parseNameAddr(first, 'Route').uri)
    if (host !== own) return host
    headers.removeFirst('Route')
  }
  return parseSipUri(request.uri).host
}

function take(sip: Buffer, handlers: ReadonlyMap<string, NotifyHandler>, reply: (sip: Buffer) => void): void {
  const request = parseMessage(sip)
  if (request.kind !== 'request') return
  const handler = handlers.get(request.headers.get('Call-ID') ?? '')
  reply(serializeMessage(createResponse(request, handler?.(request) ?? 481)))
}

/** The routes of a node of that role, from the stack's own tables. */
function routesOf(stack: LocalStack, role: PlayedRole): string {
  const own = playedHost(role, stack.options.realm)
  return stack.hopRoutes.filter((route) => !route.startsWith(`${own}=`)).join(',')
}
