import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeTraceExport, type ReceivedSpan } from './otlp-decode.ts'

/** The newest spans that are kept: some thousand SIP messages' worth. Older ones are forgotten. */
const SPANS_MAX = 50_000
/** An export batch of 512 spans takes some 200 kB; larger bodies are refused with 413. */
const BODY_BYTES_MAX = 8 * 1024 * 1024

/**
 * An OTLP/HTTP trace receiver on loopback: what the services export, the story's waterfall and the trace test read here.
 */
export class OtlpReceiver implements AsyncDisposable {
  readonly #server: Server
  readonly #spans: ReceivedSpan[] = []
  readonly #waiting = new Set<() => void>()

  private constructor() {
    this.#server = createServer((request, response) => {
      if (request.method !== 'POST' || request.url !== '/v1/traces') {
        response.writeHead(404).end()
        return
      }
      const chunks: Buffer[] = []
      let bytes = 0
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= BODY_BYTES_MAX) chunks.push(chunk)
      })
      request.on('end', () => {
        if (bytes > BODY_BYTES_MAX) {
          response.writeHead(413).end()
          return
        }
        try {
          this.#take(decodeTraceExport(Buffer.concat(chunks)))
          response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
        } catch {
          response.writeHead(400).end()
        }
      })
    })
  }

  /** Listens on `address`; port 0 lets the system choose. */
  static async listen(address: string, port = 0): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver()
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject)
      receiver.#server.listen(port, address, resolve)
    })
    return receiver
  }

  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to. */
  get endpoint(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `http://${address}:${port}`
  }

  /** The spans kept now, in order of arrival. */
  spans(): readonly ReceivedSpan[] {
    return this.#spans
  }

  /**
   * Waits until `find` gives something from the spans received so far.
   *
   * @throws Error when `timeoutMs` have passed.
   */
  async waitFor<T>(find: (spans: readonly ReceivedSpan[]) => T | undefined, timeoutMs: number): Promise<T> {
    const signal = AbortSignal.timeout(timeoutMs)
    for (;;) {
      const found = find(this.#spans)
      if (found !== undefined) return found
      if (signal.aborted) throw new Error(`no such spans arrived within ${timeoutMs} ms`)
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        this.#waiting.add(done)
        signal.addEventListener('abort', done)
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #take(spans: readonly ReceivedSpan[]): void {
    this.#spans.push(...spans)
    if (this.#spans.length > SPANS_MAX) this.#spans.splice(0, this.#spans.length - SPANS_MAX)
    for (const wake of this.#waiting) wake()
  }
}
