import { Agent } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { MalformedUtAnswerError, UtUnreachableError } from './errors.ts'
import { exchange, type HttpAnswer, type HttpRequest } from './http-exchange.ts'
import type { UaDigest } from './ua-digest.ts'

/** One TLS connection to the NAF, with the key that belongs to it and to no other. */
export interface UaConnection {
  readonly socket: TLSSocket
  readonly agent: Agent
  /** The digest inside of this connection; undefined when TLS itself has the key. */
  readonly digest: UaDigest | undefined
  /** With PSK-TLS the B-TID whose key it has. */
  readonly btid: string | undefined
}

/** Opens a TLS socket; whatever goes wrong is told as one thing. @throws UtUnreachableError */
export async function openTls(options: ConnectionOptions, o: { place: string; timeoutMs: number }): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const socket = connectTls({ ...options, ALPNProtocols: ['http/1.1'] })
  const fail = (detail: string, cause?: unknown): void => {
    socket.destroy()
    reject(new UtUnreachableError(o.place, detail, { cause }))
  }
  const timer = setTimeout(() => fail(`no TLS within ${o.timeoutMs} ms`), o.timeoutMs)
  socket.once('secureConnect', () => resolve(socket))
  socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message, error))
  socket.once('close', () => fail('closed'))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

/** An HTTP agent that has this one socket and opens no other: the next one might have another suite, and another key. */
export class PinnedAgent extends Agent {
  #socket: TLSSocket | undefined

  constructor(socket: TLSSocket) {
    super({ keepAlive: true, maxSockets: 1 })
    this.#socket = socket
  }

  override createConnection(): Duplex {
    const socket = this.#socket
    this.#socket = undefined
    // A key goes with the socket that it was derived for (TS 33.220 annex H.3).
    if (socket === undefined) throw new UtUnreachableError('the NAF', 'the connection has ended')
    return socket
  }
}

export function isUsable({ socket }: UaConnection): boolean {
  return !socket.destroyed && !socket.readableEnded && socket.writable
}

/** One request on this connection. @throws UtUnreachableError, MalformedUtAnswerError */
export async function exchangeOn(
  connection: UaConnection,
  request: HttpRequest,
  o: { place: string; timeoutMs: number },
): Promise<HttpAnswer> {
  try {
    return await exchange(request, { agent: connection.agent, ...o })
  } catch (error) {
    if (error instanceof UtUnreachableError || error instanceof MalformedUtAnswerError) closeConnection(connection)
    throw error
  }
}

export function closeConnection({ socket, agent }: UaConnection): void {
  agent.destroy()
  socket.destroy()
}
