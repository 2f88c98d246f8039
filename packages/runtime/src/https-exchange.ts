import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@rollcall/core'
import { bodyToWrite } from './https-body.ts'
import { boundConnections, type ConnectionRefusal } from './https-connections.ts'
import type { HttpLimits } from './https-limits.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { failSpan, runInSpan, startSpan, traceparentOf } from './tracing.ts'

/** A whole request: it is handed on when its body is there. */
export interface HttpRequest {
  readonly method: string
  /** As it came; nothing of it is decoded or checked. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly socket: Socket
  /** Of the request's span; empty when nothing is traced. */
  readonly traceparent: string
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: Buffer | string
  /** The connection ends with it. */
  readonly closes?: boolean
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer

export interface HttpServing {
  readonly handler: HttpHandler
  readonly limits: HttpLimits
  /** Its name in metrics: `zb`, `ua`. */
  readonly listener: string
  /** Whether a client's traceparent counts: only of one that we know. */
  readonly believesTrace: boolean
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Why a request got no further; a label. */
type Refusal =
  | ConnectionRefusal
  | 'host'
  | 'transfer-encoding'
  | 'length'
  | 'body'
  | 'pipelined'
  | 'malformed'
  | 'header'
  | 'slow'
  | 'answer'

/** So long a client may take to see that it was refused: cut at once, it might not. */
const LINGER_MS = 1_000

/** Methods that are a label by their own name. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'OPTIONS', 'PATCH'])

/**
 * Serves whole requests of `server`, one after the other on each connection: two PUTs that a client sends without waiting
 * must not overtake each other. What is too much is answered here and never gets to the handler.
 *
 * A body is read before the handler sees it, and is framed anew by whoever sends it on: nothing can hide behind two ways
 * to read its length (RFC 9112 section 11.2).
 */
export function serveHttp(server: Server, o: HttpServing): void {
  // Header fields are bounded by their octets. With a bound on their number Node would drop those beyond it in silence.
  server.maxHeadersCount = 0
  // A client that does not read its answer would hold it, and its connection, for ever.
  server.setTimeout(o.limits.requestMs + o.limits.idleMs)
  const refuse = (reason: Refusal): void => {
    o.metrics.counter('rollcall_http_refused_total', { listener: o.listener, reason }).add()
  }
  const open = boundConnections(server, o.limits, refuse)
  o.metrics.gauge('rollcall_http_connections', { listener: o.listener }, () => open.size)
  const connections = new WeakMap<Socket, ConnectionTurn>()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    // What was read with the one that cut it.
    if (socket.destroyed) return
    const turn = connections.get(socket) ?? takeConnection(connections, socket, o.clock)
    if (turn.waiting >= o.limits.pipelinedMax) {
      refuse('pipelined')
      socket.destroy()
      return
    }
    turn.waiting += 1
    turn.tail = turn.tail.then(async () => {
      try {
        await exchange({ request, response, turn, refuse, serving: o })
      } catch (error) {
        o.metrics.counter('rollcall_unhandled_total', { where: 'http' }).add()
        o.log.error({ err: error, listener: o.listener }, 'an answer could not be written')
        socket.destroy()
      } finally {
        turn.waiting -= 1
      }
    })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const { reason, status } = clientFault(error.code)
    refuse(reason)
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    // guard: http-linger — a client that goes on sending behind its refusal would keep the connection
    const cut = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(cut))
  })
}

/** A connection and what goes on in it. */
interface ConnectionTurn {
  readonly sinceMs: number
  tail: Promise<void>
  waiting: number
}

function takeConnection(connections: WeakMap<Socket, ConnectionTurn>, socket: Socket, clock: Clock): ConnectionTurn {
  const turn: ConnectionTurn = { sinceMs: clock.monotonic(), tail: Promise.resolve(), waiting: 0 }
  connections.set(socket, turn)
  return turn
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly turn: ConnectionTurn
  readonly refuse: (reason: Refusal) => void
  readonly serving: HttpServing
}

async function exchange({ request, response, turn, refuse, serving: o }: Exchange): Promise<void> {
  const startMs = o.clock.monotonic()
  const method = request.method ?? ''
  const label = METHODS.has(method) ? method : 'other'
  const parent = request.headers.traceparent
  const span = startSpan(`HTTP ${METHODS.has(method) ? method : 'OTHER'}`, {
    kind: 'server',
    ...(o.believesTrace && typeof parent === 'string' ? { parent } : { root: true }),
  })
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  const answer = await runInSpan(span, async (): Promise<HttpAnswer> => {
    const fault = framingFault(request, o.limits)
    if (fault) {
      refuse(fault.reason)
      return { status: fault.status, closes: true }
    }
    const body = await readBody(request, o.limits.bodyBytesMax)
    if (body === 'gone') return { status: 400, closes: true }
    if (body === 'too-long') {
      refuse('body')
      return { status: 413, closes: true }
    }
    try {
      return await o.handler({
        method,
        target: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body,
        socket: request.socket,
        traceparent: traceparentOf(span),
        signal: gone.signal,
      })
    } catch (error) {
      // Nobody expected it. What it says stays here.
      o.metrics.counter('rollcall_unhandled_total', { where: 'http' }).add()
      o.log.error({ err: error, listener: o.listener }, 'a handler failed')
      return { status: 500 }
    }
  })
  const isOld = o.clock.monotonic() - turn.sinceMs > o.limits.connectionAgeMs
  if ((await write(response, answer, { isLast: isOld, limits: o.limits })) === 'not-taken') refuse('answer')
  const status = String(answer.status)
  o.metrics
    .histogram('rollcall_http_server_duration_seconds', { listener: o.listener, method: label, status })
    .record((o.clock.monotonic() - startMs) / 1000)
  if (answer.status >= 500) failSpan(span, status)
  span.end()
}

interface Fault {
  readonly status: number
  readonly reason: Refusal
}

/** What is wrong with how a request is framed. The parser has refused two lengths, and a length beside chunks. */
function framingFault(request: IncomingMessage, limits: HttpLimits): Fault | undefined {
  // guard: http-one-host — Node shows the first of two Hosts, another reader may take the second (RFC 9112 section 3.2)
  if (countOf(request.rawHeaders, 'host') > 1) return { status: 400, reason: 'host' }
  const coding = request.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return { status: 501, reason: 'transfer-encoding' }
  const length = request.headers['content-length']
  // guard: http-length — a body that says that it is too long is not read (RFC 9110 section 15.5.14)
  if (length !== undefined && Number(length) > limits.bodyBytesMax) return { status: 413, reason: 'length' }
  return undefined
}

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === name) count += 1
  return count
}

function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | 'too-long' | 'gone'> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let bytes = 0
    request.on('data', (piece: Buffer) => {
      bytes += piece.length
      // guard: http-body — a body in chunks says no length before it is there
      if (bytes > bytesMax) {
        request.removeAllListeners('data')
        request.pause()
        resolve('too-long')
      } else pieces.push(piece)
    })
    request.once('end', () => resolve(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)))
    request.once('error', () => resolve('gone'))
    request.once('close', () => resolve('gone'))
  })
}

/** Writes an answer, and waits until it is out or nobody wants it any more. */
function write(
  response: ServerResponse,
  answer: HttpAnswer,
  { isLast, limits }: { readonly isLast: boolean; readonly limits: HttpLimits },
): Promise<'done' | 'not-taken'> {
  const { socket } = response
  if (response.destroyed || socket === null) return Promise.resolve('done')
  const { status, headers, closes } = answer
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : (answer.body ?? Buffer.alloc(0))
  for (const [name, value] of Object.entries(headers ?? {})) {
    response.setHeader(name, typeof value === 'string' ? value : [...value])
  }
  const isBodiless = status === 204 || status === 304
  if (!isBodiless && !response.hasHeader('Content-Length')) response.setHeader('Content-Length', body.length)
  if (closes || isLast) response.setHeader('Connection', 'close')
  response.writeHead(status)
  return new Promise((resolve) => {
    let late: NodeJS.Timeout | undefined
    response.once('close', () => {
      clearTimeout(late)
      resolve('done')
    })
    response.end(isBodiless ? undefined : bodyToWrite(body), 'latin1')
    if (socket.writableLength === 0) return
    late = setTimeout(() => {
      resolve('not-taken')
      // guard: http-answer-time — who takes its answer drop by drop would hold it for ever
      socket.destroy()
    }, limits.requestMs + limits.idleMs)
  })
}

function clientFault(code: string | undefined): Fault {
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, reason: 'header' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, reason: 'slow' }
  return { status: 400, reason: 'malformed' }
}
