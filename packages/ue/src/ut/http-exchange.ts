import { type Agent, type IncomingMessage, request as startRequest } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { MalformedUtAnswerError, UtUnreachableError } from './errors.ts'

export interface HttpRequest {
  readonly method: string
  /** As it goes out, and into the digest. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
}

export interface HttpAnswer {
  readonly status: number
  readonly reason: string
  readonly body: Buffer
  /** The lines of a header field. */
  lines(name: string): readonly string[]
  header(name: string): string | undefined
}

export interface ExchangeOptions {
  readonly agent: Agent
  /** Whom it goes to, in words. */
  readonly place: string
  readonly timeoutMs: number
}

/** No document of ours is longer; what is, is not read to its end. */
const BODY_BYTES_MAX = 1_048_576

/**
 * One request and its answer, read whole. The agent has the socket.
 *
 * @throws UtUnreachableError when it does not end well in time; MalformedUtAnswerError when the answer is too long.
 */
export function exchange(request: HttpRequest, o: ExchangeOptions): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const { method, path, headers, body } = request
  const length = body === undefined ? {} : { 'Content-Length': String(body.length) }
  const protocol = o.agent instanceof HttpsAgent ? 'https:' : 'http:'
  const options = { agent: o.agent, protocol, method, path, headers: { ...headers, ...length }, setHost: false }
  const outgoing = startRequest(options)
  const fail = (detail: string, cause?: unknown): void => {
    reject(new UtUnreachableError(o.place, detail, { cause, isOutcomeUnknown: outgoing.headersSent }))
    outgoing.destroy()
  }
  const timer = setTimeout(() => fail(`nothing within ${o.timeoutMs} ms`), o.timeoutMs)
  outgoing.on('close', () => clearTimeout(timer))
  outgoing.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message, error))
  outgoing.on('response', (incoming) => {
    readWhole(incoming).then(
      (octets) => (octets === undefined ? tooLong() : resolve(answerOf(incoming, octets))),
      (error: NodeJS.ErrnoException) => fail(error.code ?? error.message, error),
    )
  })
  const tooLong = (): void => {
    reject(new MalformedUtAnswerError(`more than ${BODY_BYTES_MAX} octets`))
    outgoing.destroy()
  }
  outgoing.end(body)
  return promise
}

/** Nothing when it is too long. */
async function readWhole(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function answerOf(incoming: IncomingMessage, body: Buffer): HttpAnswer {
  const lines = (name: string): readonly string[] => incoming.headersDistinct[name.toLowerCase()] ?? []
  return {
    status: incoming.statusCode ?? 0,
    reason: incoming.statusMessage ?? '',
    body,
    lines,
    header: (name) => lines(name)[0],
  }
}

/** Retry-After in seconds, when it is a number. */
export function retryAfterOf(answer: HttpAnswer): number | undefined {
  const text = answer.header('Retry-After')
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
