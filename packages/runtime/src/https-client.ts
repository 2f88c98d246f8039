import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, type AgentOptions, request as sendRequest } from 'node:https'
import { parseHostPort } from './config-fields.ts'
import { HttpsError } from './errors.ts'
import { bodyToWrite } from './https-body.ts'
import type { Metrics } from './metrics.ts'
import type { Role } from './roles.ts'
import type { TlsIdentity } from './tls-identity.ts'
import { failSpan, startSpan, traceparentOf } from './tracing.ts'

/** How much one client may have going. */
export interface HttpsClientLimits {
  /** Connections to each target. */
  readonly connectionsMax: number
  /** Requests under way and waiting for a connection; one more is refused at once. */
  readonly requestsMax: number
  /** To the end of the TLS handshake; then the next replica is tried. */
  readonly connectMs: number
  /** From the call to the end of the answer. */
  readonly timeoutMs: number
  readonly answerBytesMax: number
}

/** `Choice:` for a pool between two services. */
export const HTTPS_CLIENT_LIMITS: HttpsClientLimits = {
  connectionsMax: 64,
  requestsMax: 1_000,
  connectMs: 2_000,
  timeoutMs: 10_000,
  answerBytesMax: 1024 * 1024,
}

/** Shorter than a server of ours keeps a connection: a request must not be sent into one that is being closed. */
const IDLE_MS = 30_000
/** A target that could not be reached is asked again after this long; before that only when no other is left. */
const AVOIDED_MS = 1_000
/** The same for one that took a request and did not answer in time: it may be stopped, and would hold the next ones up. */
const AVOIDED_SILENT_MS = 5_000
/** May be sent again when it is not known whether they came to be carried out (RFC 9110 section 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export interface HttpsClientRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
  /** Traceparent of the span above; without it the active one. */
  readonly parent?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpsClientAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
}

export interface HttpsClientOptions {
  /** `HOST:PORT` of replicas; they take turns. */
  readonly targets: readonly string[]
  readonly role: Role
  readonly identity: TlsIdentity
  readonly metrics: Metrics
  readonly limits?: Partial<HttpsClientLimits>
}

interface Target {
  readonly host: string
  readonly port: number
  avoidedUntilMs: number
}

/**
 * HTTPS to the replicas of another service of the trust domain: connections are kept and bounded, and open to nobody but a
 * server whose certificate names `role`. What could not be sent goes to the next replica; what broke on its way is sent
 * again only when its method is safe. A renewed certificate is used from the next connection on.
 */
export class HttpsClient implements Disposable {
  readonly #o: HttpsClientOptions
  readonly #limits: HttpsClientLimits
  readonly #targets: readonly Target[]
  #material: TlsIdentity['material'] | undefined
  #agent: Agent | undefined
  #next = 0
  #pending = 0

  constructor(o: HttpsClientOptions) {
    this.#o = o
    this.#limits = { ...HTTPS_CLIENT_LIMITS, ...o.limits }
    this.#targets = o.targets.flatMap((target) => {
      const at = parseHostPort(target)
      return at ? [{ ...at, avoidedUntilMs: 0 }] : []
    })
  }

  /** Requests under way. */
  get pending(): number {
    return this.#pending
  }

  /**
   * Sends a request and gives its answer, whatever its status.
   *
   * @throws HttpsError
   */
  async send(request: HttpsClientRequest): Promise<HttpsClientAnswer> {
    const startMs = performance.now()
    const span = startSpan(`HTTP ${request.method}`, {
      kind: 'client',
      parent: request.parent,
      attributes: { 'rollcall.peer.role': this.#o.role },
    })
    let outcome = 'HTTPS_BUSY'
    try {
      if (this.#pending >= this.#limits.requestsMax) throw new HttpsError('HTTPS_BUSY')
      this.#pending += 1
      try {
        const answer = await this.#try(request, traceparentOf(span))
        outcome = String(answer.status)
        return answer
      } finally {
        this.#pending -= 1
      }
    } catch (error) {
      if (error instanceof HttpsError) outcome = error.code
      failSpan(span, outcome)
      throw error
    } finally {
      span.end()
      this.#o.metrics
        .histogram('rollcall_http_client_duration_seconds', { peer: this.#o.role, outcome })
        .record((performance.now() - startMs) / 1000)
    }
  }

  /** Cuts every connection. */
  [Symbol.dispose](): void {
    this.#agent?.destroy()
  }

  async #try(request: HttpsClientRequest, traceparent: string): Promise<HttpsClientAnswer> {
    const endMs = performance.now() + this.#limits.timeoutMs
    let failure: HttpsError | undefined
    let isRepeated = false
    for (const target of this.#inTurn()) {
      try {
        return await this.#exchange(target, request, traceparent, endMs)
      } catch (error) {
        if (!(error instanceof HttpsError)) throw error
        failure = error
        if (error.code === 'HTTPS_TIMEOUT') target.avoidedUntilMs = performance.now() + AVOIDED_SILENT_MS
        if (error.code === 'HTTPS_UNREACHABLE') {
          target.avoidedUntilMs = performance.now() + AVOIDED_MS
          continue
        }
        // guard: https-safe-retry — a PUT that broke may have been carried out: twice it could undo what came between
        if (error.code !== 'HTTPS_BROKEN' || isRepeated || !SAFE_METHODS.has(request.method)) throw error
        isRepeated = true
        this.#o.metrics.counter('rollcall_http_client_retries_total', { peer: this.#o.role }).add()
      }
    }
    throw failure ?? new HttpsError('HTTPS_UNREACHABLE')
  }

  /** Each target once, those that could be reached before the others; the first once more, for what may be repeated. */
  #inTurn(): Target[] {
    const at = this.#next++ % Math.max(1, this.#targets.length)
    const rotated = [...this.#targets.slice(at), ...this.#targets.slice(0, at)]
    const nowMs = performance.now()
    const isAvoided = (target: Target): boolean => target.avoidedUntilMs > nowMs
    const ordered = [...rotated.filter((target) => !isAvoided(target)), ...rotated.filter(isAvoided)]
    return ordered.length === 1 ? [...ordered, ...ordered] : ordered
  }

  #exchange(
    { host, port }: Target,
    o: HttpsClientRequest,
    traceparent: string,
    endMs: number,
  ): Promise<HttpsClientAnswer> {
    const { answerBytesMax, connectMs } = this.#limits
    return new Promise((resolve, reject) => {
      let wasSecure = false
      let connecting: NodeJS.Timeout | undefined
      const headers: Record<string, string> = { ...o.headers }
      if (traceparent !== '') headers.traceparent = traceparent
      if (o.body !== undefined) headers['Content-Length'] = String(o.body.length)
      const request = sendRequest({ host, port, method: o.method, path: o.path, headers, agent: this.#agentNow() })
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        clearTimeout(connecting)
        o.signal?.removeEventListener('abort', cancel)
        act()
      }
      const fail = (code: HttpsError['code'], cause?: unknown): void => {
        settle(() => reject(new HttpsError(code, cause === undefined ? undefined : { cause })))
        request.destroy()
      }
      const cancel = (): void => fail('HTTPS_CANCELLED')
      const timer = setTimeout(() => fail('HTTPS_TIMEOUT'), Math.max(0, endMs - performance.now()))
      if (o.signal?.aborted) {
        cancel()
        return
      }
      o.signal?.addEventListener('abort', cancel, { once: true })
      request.once('socket', (socket) => {
        wasSecure = request.reusedSocket
        if (wasSecure) return
        connecting = setTimeout(() => fail('HTTPS_UNREACHABLE'), connectMs)
        socket.once('secureConnect', () => {
          wasSecure = true
          clearTimeout(connecting)
        })
      })
      // Before TLS is through not an octet of the request is out.
      request.on('error', (cause) => fail(wasSecure ? 'HTTPS_BROKEN' : 'HTTPS_UNREACHABLE', cause))
      request.once('response', (response) => {
        const { statusCode = 0, headers, rawHeaders } = response
        readAnswer(response, answerBytesMax).then(
          (body) => settle(() => resolve({ status: statusCode, headers, rawHeaders, body })),
          (error: HttpsError) => fail(error.code, error.cause),
        )
      })
      request.end(o.body && bodyToWrite(o.body), 'latin1')
    })
  }

  /** A pool with the certificate of now. The one before it lets go of its connections as they become free. */
  #agentNow(): Agent {
    const { material } = this.#o.identity
    if (this.#agent && this.#material === material) return this.#agent
    if (this.#agent) retire(this.#agent)
    this.#material = material
    this.#agent = new Agent({
      ...this.#o.identity.httpsClientOptions(this.#o.role),
      keepAlive: true,
      timeout: IDLE_MS,
      maxSockets: this.#limits.connectionsMax,
      maxFreeSockets: this.#limits.connectionsMax,
      scheduling: 'lifo',
      // A session that is resumed would go on with the certificate of before.
      maxCachedSessions: 0,
    } satisfies AgentOptions)
    return this.#agent
  }
}

function retire(agent: Agent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

function readAnswer(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let bytes = 0
    response.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > bytesMax) reject(new HttpsError('HTTPS_ANSWER_TOO_LARGE'))
      else pieces.push(piece)
    })
    response.once('end', () => resolve(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)))
    response.once('close', () => {
      if (!response.complete) reject(new HttpsError('HTTPS_BROKEN'))
    })
  })
}
