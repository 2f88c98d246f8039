import type { TestContext } from 'node:test'
import {
  type HttpAnswer,
  type HttpsServer,
  type PeerHttpRequest,
  type Runtime,
  startHttpsServer,
} from '@rollcall/runtime'

/** The server behind: it notes what comes, and answers what a test says. */
export class PlayedAs {
  readonly target: string
  readonly seen: PeerHttpRequest[] = []
  answer: (request: PeerHttpRequest) => HttpAnswer | Promise<HttpAnswer> = ({ method }) => ({
    status: method === 'PUT' ? 201 : 200,
    headers: { ETag: '"1"', 'Content-Type': 'text/plain' },
    body: method === 'PUT' ? '' : 'document',
  })
  readonly #server: HttpsServer

  private constructor(target: string, server: HttpsServer) {
    this.target = target
    this.#server = server
  }

  static async start(t: TestContext, address: string, runtime: () => Promise<Runtime>): Promise<PlayedAs> {
    const handler: { at?: PlayedAs } = {}
    const server = await startHttpsServer({
      listen: `${address}:0`,
      listener: 'zb',
      roles: ['ap'],
      runtime: await runtime(),
      handler: (request) => handler.at?.take(request) ?? { status: 503 },
    })
    t.after(() => server.stop(0))
    const as = new PlayedAs(`${address}:${server.port}`, server)
    handler.at = as
    return as
  }

  take(request: PeerHttpRequest): HttpAnswer | Promise<HttpAnswer> {
    this.seen.push(request)
    return this.answer(request)
  }

  async stop(): Promise<void> {
    await this.#server.stop(0)
  }
}
