import { EventEmitter, once } from 'node:events'
import {
  createRequest,
  createResponse,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serializeMessage,
} from '@rollcall/sip'
import { type SocketAddress, UdpTransport } from '@rollcall/sip-net'

/** How long a test waits for a message. */
const WAIT_MS = 10_000

let serial = 0

/** A user agent that speaks plain SIP over UDP, as any load generator does. */
export class UdpClient implements AsyncDisposable {
  readonly received = new EventEmitter<{ response: [SipResponse]; notify: [SipRequest] }>()
  /** Status that NOTIFYs are answered with; undefined: none. */
  notifyStatus: number | undefined = 200
  readonly #transport: UdpTransport
  readonly #server: SocketAddress

  private constructor(transport: UdpTransport, server: SocketAddress) {
    this.#transport = transport
    this.#server = server
    transport.onMessage = (bytes) => this.#take(bytes)
  }

  static async open(address: string, server: SocketAddress): Promise<UdpClient> {
    return new UdpClient(await UdpTransport.bind({ address, port: 0 }), server)
  }

  get at(): string {
    return `${this.#transport.local.address}:${this.#transport.local.port}`
  }

  /** A request of `from`, complete but for what the method asks for. */
  request(
    method: string,
    uri: string,
    from: string,
    headers: readonly (readonly [string, string])[],
    body?: Buffer,
  ): SipRequest {
    const n = ++serial
    return createRequest(
      method,
      uri,
      [
        ['Via', `SIP/2.0/UDP ${this.at};branch=z9hG4bK-client-${n}`],
        ['Max-Forwards', '70'],
        ['From', `<${from}>;tag=f${n}`],
        ['To', `<${uri}>`],
        ['Call-ID', `client-${n}`],
        ['CSeq', `${n} ${method}`],
        ...headers,
      ],
      body,
    )
  }

  send(message: SipRequest | Buffer): void {
    this.#transport.send(Buffer.isBuffer(message) ? message : serializeMessage(message), this.#server)
  }

  /** Sends, and gives the next response. */
  async ask(message: SipRequest | Buffer): Promise<SipResponse> {
    const response = this.#next('response')
    this.send(message)
    return (await response) as SipResponse
  }

  async nextNotify(): Promise<SipRequest> {
    return (await this.#next('notify')) as SipRequest
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.close()
  }

  async #next(what: 'response' | 'notify'): Promise<SipRequest | SipResponse> {
    const [message] = await once(this.received, what, { signal: AbortSignal.timeout(WAIT_MS) })
    return message as SipRequest | SipResponse
  }

  #take(bytes: Buffer): void {
    const message = parseMessage(bytes)
    if (message.kind === 'response') {
      this.received.emit('response', message)
      return
    }
    const status = this.notifyStatus
    if (status !== undefined) this.#transport.send(serializeMessage(createResponse(message, status)), this.#server)
    this.received.emit('notify', message)
  }
}
