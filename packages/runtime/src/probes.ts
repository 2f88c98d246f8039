import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAddressPort } from './config-fields.ts'
import { ListenError } from './errors.ts'
import type { Metrics } from './metrics.ts'

/** Whether a service can do its work now; if not, why not. A reason names no identity. */
export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** A probe asks in a line: what sends more is none. */
const HEADER_BYTES_MAX = 8 * 1024
const REQUEST_MS_MAX = 5_000
const CONNECTIONS_MAX = 100

/**
 * Plain HTTP for the orchestrator and for Prometheus: `/livez`, `/readyz`, `/metrics`. No identity and no secret is told
 * here, which is why it may be plain.
 */
export class ProbeServer implements AsyncDisposable {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** @throws ListenError */
  static async listen(o: { listen: string; metrics: Metrics; ready: () => Readiness }): Promise<ProbeServer> {
    const at = parseAddressPort(o.listen)
    if (!at) throw new ListenError(o.listen)
    const server = createServer(
      { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX },
      (request, response) => {
        const path = request.url?.split('?', 1)[0]
        if (request.method !== 'GET' && request.method !== 'HEAD') answer(response, 405, 'method not allowed\n')
        else if (path === '/livez') answer(response, 200, 'ok\n')
        else if (path === '/readyz') answerReady(response, o.ready())
        else if (path === '/metrics') answerMetrics(response, o.metrics)
        else answer(response, 404, 'not found\n')
      },
    )
    server.maxConnections = CONNECTIONS_MAX
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new ListenError(o.listen, { cause })))
      server.listen(at.port, at.address, resolve)
    })
    return new ProbeServer(server)
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

function answerReady(response: ServerResponse, { ready, reasons }: Readiness): void {
  const lines = [ready ? 'ready' : 'not ready', ...reasons]
  answer(response, ready ? 200 : 503, `${lines.join('\n')}\n`)
}

function answerMetrics(response: ServerResponse, metrics: Metrics): void {
  metrics.expose().then(
    (text) => answer(response, 200, text, 'text/plain; version=0.0.4; charset=utf-8'),
    () => answer(response, 500, 'the metrics cannot be collected\n'),
  )
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text)
}
