import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'

/** How a link is: `cut` resets what is there and whoever comes, `stalled` keeps everything and moves nothing. */
export type LinkState = 'open' | 'cut' | 'stalled'

/** One connection through the proxy. */
interface Pair {
  readonly near: Socket
  /** Not there while the link is stalled: who connects then waits. */
  far: Socket | undefined
}

/**
 * A link between two processes on loopback, which a test can cut, stall and restore. It moves octets and reads none, so
 * that TLS goes through it from end to end.
 */
export class TcpProxy implements AsyncDisposable {
  readonly listen: string
  readonly target: string
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #state: LinkState = 'open'

  private constructor(listen: string, target: string) {
    this.listen = listen
    this.target = target
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (near) => this.#accept(near))
  }

  /** @param o.listen and o.target are `ADDRESS:PORT`. */
  static async start(o: { listen: string; target: string }): Promise<TcpProxy> {
    const proxy = new TcpProxy(o.listen, o.target)
    const { host, port } = endpoint(o.listen)
    proxy.#server.listen(port, host)
    await once(proxy.#server, 'listening')
    return proxy
  }

  get state(): LinkState {
    return this.#state
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Resets every connection, and those that come until `restore`. */
  cut(): void {
    this.#state = 'cut'
    for (const pair of [...this.#pairs]) this.#end(pair)
  }

  /** Moves nothing until `restore`: as a network that loses every packet. Connections stay, who connects waits. */
  stall(): void {
    this.#state = 'stalled'
    for (const { near, far } of this.#pairs) {
      near.pause()
      far?.pause()
    }
  }

  /** What was held moves on, in its order. */
  restore(): void {
    this.#state = 'open'
    for (const pair of this.#pairs) {
      if (!pair.far) this.#connect(pair)
      else {
        pair.near.resume()
        pair.far.resume()
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #accept(near: Socket): void {
    if (this.#state === 'cut') {
      near.resetAndDestroy()
      return
    }
    const pair: Pair = { near, far: undefined }
    this.#pairs.add(pair)
    this.#follow(near, pair)
    if (this.#state === 'open') this.#connect(pair)
  }

  #connect(pair: Pair): void {
    const far = createConnection({ ...endpoint(this.target), noDelay: true })
    pair.far = far
    this.#follow(far, pair)
    this.#forward(pair.near, far)
    this.#forward(far, pair.near)
    far.once('connect', () => {
      if (this.#state === 'open') pair.near.resume()
    })
  }

  /** As `pipe` does it, but for one thing: what was stalled by hand stays so when `to` has drained. */
  #forward(from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => {
      if (this.#state === 'open') from.resume()
    })
    from.on('end', () => to.end())
  }

  /** When one end goes, so does the other. */
  #follow(socket: Socket, pair: Pair): void {
    socket.on('error', () => {})
    socket.once('close', () => this.#end(pair))
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return
    pair.near.resetAndDestroy()
    pair.far?.resetAndDestroy()
  }
}

function endpoint(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) }
}
