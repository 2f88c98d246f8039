import { EventEmitter, once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { systemClock, systemRandom } from '@rollcall/core'
import { createResponse, parseMessage, type SipRequest, type SipResponse, serializeMessage } from '@rollcall/sip'
import { Resolver, type SocketAddress, type StreamConnection, StreamTransport } from '@rollcall/sip-net'

/** How long a test waits for a message. */
const WAIT_MS = 10_000

/** Where the certificate of a played node lies. */
export interface VendorTls {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

/**
 * Plays a node of another vendor: SIP over TLS or TCP as it comes, without our transactions and without our roles. It
 * answers each request with `status`, and keeps it.
 */
export class VendorNode implements AsyncDisposable {
  readonly requests: SipRequest[] = []
  /** Undefined: no answer. */
  status: number | undefined = 200
  readonly #transport: StreamTransport
  readonly #received = new EventEmitter<{ response: [SipResponse]; request: [SipRequest]; closed: [] }>()

  private constructor(o: { readonly tls?: VendorTlsMaterial; readonly localAddress: string }) {
    this.#transport = new StreamTransport({
      clock: systemClock,
      random: systemRandom,
      resolver: new Resolver({ clock: systemClock }),
      ...(o.tls ? { tls: { material: o.tls } } : {}),
      localAddress: o.localAddress,
      onConnection: (connection) => {
        connection.onMessage = (bytes) => this.#take(bytes, connection)
        connection.onClosed(() => this.#received.emit('closed'))
      },
    })
  }

  /** Listens at `at`, and calls from its address; with `tls` over TLS. */
  static async start(at: SocketAddress, tls?: VendorTls): Promise<VendorNode> {
    const node = new VendorNode({ ...(tls ? { tls: await readTls(tls) } : {}), localAddress: at.address })
    await node.#transport.listen(at)
    return node
  }

  /** Sends a request, and gives the final response to it; undefined when the connection ends instead. */
  async ask(to: SocketAddress, request: SipRequest): Promise<SipResponse | undefined> {
    const target = { host: to.address, port: to.port, identity: 'any', accepts: () => true }
    const connection = this.#transport.connect(target)
    const callId = request.headers.get('Call-ID')
    return await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('no response')), WAIT_MS)
      const end = (response: SipResponse | undefined): void => {
        clearTimeout(late)
        this.#received.off('response', hear)
        resolve(response)
      }
      const hear = (response: SipResponse): void => {
        if (response.headers.get('Call-ID') === callId && response.status >= 200) end(response)
      }
      this.#received.on('response', hear)
      connection.onClosed(() => end(undefined))
      connection.send(serializeMessage(request))
    })
  }

  /** The next request that comes. */
  async nextRequest(): Promise<SipRequest> {
    const [request] = await once(this.#received, 'request', { signal: AbortSignal.timeout(WAIT_MS) })
    return request as SipRequest
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport.close()
  }

  #take(bytes: Buffer, connection: StreamConnection): void {
    const message = parseMessage(Buffer.from(bytes))
    if (message.kind === 'response') {
      this.#received.emit('response', message)
      return
    }
    this.requests.push(message)
    if (this.status !== undefined) {
      connection.send(serializeMessage(createResponse(message, this.status, { toTag: 'vendor' })))
    }
    this.#received.emit('request', message)
  }
}

interface VendorTlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer
}

async function readTls({ certFile, keyFile, caFile }: VendorTls): Promise<VendorTlsMaterial> {
  const [cert, key, ca] = await Promise.all([readFile(certFile), readFile(keyFile), readFile(caFile)])
  return { cert, key, ca }
}
