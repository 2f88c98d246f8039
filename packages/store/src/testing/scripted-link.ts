import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import { VirtualClock } from '@rollcall/core'
import { StoreUnavailableError } from '../errors.ts'
import type { RequestPort, StoreLink } from '../store-link.ts'

/** A request that the code under test has sent and that waits for the test to answer it. */
export interface ScriptedRequest {
  readonly subject: string
  readonly payload: Buffer
  readonly headers: MsgHdrs | undefined
  /** Answers with a JSON body. */
  answer(body: unknown): void
  /** Loses the answer. */
  lose(): void
}

/** A store whose answers a test gives, one by one, on a virtual clock. */
export class ScriptedLink implements StoreLink {
  readonly clock = new VirtualClock()
  readonly requests: RequestPort
  isConnected = true
  isClosed = false
  readonly #sent: ScriptedRequest[] = []
  #awaited: ((request: ScriptedRequest) => void) | undefined

  constructor() {
    this.requests = {
      request: (subject, payload, o) => this.#request(subject, payload, o.headers),
      requestMany: () => Promise.reject(new StoreUnavailableError('no-answer', 'open')),
    }
  }

  /** Requests that were sent and not yet looked at. */
  get waiting(): number {
    return this.#sent.length
  }

  /** The next request, in the order of sending. */
  async next(): Promise<ScriptedRequest> {
    const waiting = this.#sent.shift()
    if (waiting) return waiting
    return await new Promise((resolve) => {
      this.#awaited = resolve
    })
  }

  /** Lets `ms` pass, and then everything that was waiting for it happen. */
  async pass(ms: number): Promise<void> {
    await settled()
    this.clock.advance(ms)
    await settled()
  }

  #request(subject: string, payload: Uint8Array, headers: MsgHdrs | undefined): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const request: ScriptedRequest = {
        subject,
        payload: Buffer.from(payload),
        headers,
        answer: (body) => resolve(messageOf(body)),
        lose: () => reject(new StoreUnavailableError('no-answer', 'open')),
      }
      const awaited = this.#awaited
      this.#awaited = undefined
      if (awaited) awaited(request)
      else this.#sent.push(request)
    })
  }
}

/** Runs what is ready to run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve))
  })
}

/** An answer with a JSON body. */
export function messageOf(body: unknown): Msg {
  const data = Buffer.from(JSON.stringify(body))
  return { subject: '', sid: 0, data, respond: () => false, json: () => body as never, string: () => data.toString() }
}
