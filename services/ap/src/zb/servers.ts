import { type HttpAnswer, HttpsClient, HttpsError, type HttpsErrorCode, type Runtime } from '@rollcall/runtime'
import type { Naf, Route } from '../nafs/naf.ts'
import { answerHeaders } from './headers.ts'

/** So long a UE is told to wait when nobody behind can answer. */
export const RETRY_AFTER = { 'Retry-After': '2' }

/** What a UE is told when the server behind gave no answer. */
const STATUSES = {
  HTTPS_UNREACHABLE: 503,
  HTTPS_BROKEN: 503,
  HTTPS_BUSY: 503,
  HTTPS_CANCELLED: 503,
  HTTPS_TIMEOUT: 504,
  HTTPS_ANSWER_TOO_LARGE: 502,
} as const satisfies Record<HttpsErrorCode, number>

export interface ZbRequest {
  readonly route: Route
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly signal: AbortSignal
}

/**
 * The servers behind, over mutual TLS (Zb): a pool for each route, open to servers of the route's role alone.
 *
 * @see TS 33.222 clause 6.3, TS 33.210 clause 5
 */
export class ZbServers implements Disposable {
  readonly #clients: ReadonlyMap<Route, HttpsClient>

  constructor(o: {
    readonly nafs: readonly Naf[]
    readonly runtime: Pick<Runtime, 'identity' | 'metrics'>
    readonly timeoutMs: number
    readonly connectionsMax: number
  }) {
    const { identity, metrics } = o.runtime
    const { timeoutMs, connectionsMax } = o
    const pools = new Map<string, HttpsClient>()
    const clients = new Map<Route, HttpsClient>()
    for (const route of o.nafs.flatMap(({ routes }) => routes)) {
      // Routes to the same replicas of one role share their connections.
      const name = [route.role, ...route.targets].join(' ')
      const limits = { timeoutMs, connectionsMax }
      // guard: zb-route-role — what a user asks of one server is told to no other, whoever answers at its address
      const pool = pools.get(name) ?? new HttpsClient({ ...route, identity, metrics, limits })
      pools.set(name, pool)
      clients.set(route, pool)
    }
    this.#clients = clients
  }

  /** Requests under way. */
  get pending(): number {
    let pending = 0
    for (const client of new Set(this.#clients.values())) pending += client.pending
    return pending
  }

  /** Sends a request on; what its server answers is the UE's, errors too (TS 24.109 clause 7.2). */
  async send(o: ZbRequest): Promise<HttpAnswer> {
    const { method, path, headers, signal } = o
    const body = method === 'PUT' || o.body.length > 0 ? o.body : undefined
    try {
      const answer = await this.#clientOf(o.route).send({ method, path, headers, body, signal })
      // It knows the user by our word alone: that it wants a proof says that something is set wrongly.
      if (answer.status === 401 || answer.status === 407) return { status: 502 }
      return { status: answer.status, headers: answerHeaders(answer), body: answer.body }
    } catch (error) {
      if (!(error instanceof HttpsError)) throw error
      const status = STATUSES[error.code]
      return { status, headers: status === 503 ? RETRY_AFTER : {} }
    }
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client[Symbol.dispose]()
  }

  #clientOf(route: Route): HttpsClient {
    const client = this.#clients.get(route)
    if (client === undefined) throw new RangeError('a route of no NAF')
    return client
  }
}
