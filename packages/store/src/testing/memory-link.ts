import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import { assert, VirtualClock } from '@rollcall/core'
import { StoreUnavailableError } from '../errors.ts'
import { shardStreamName, streamsOf } from '../layout.ts'
import type { RequestPort, StoreLink } from '../store-link.ts'
import { JetStreamModel } from './jetstream-model.ts'
import type { ModelMessage, ModelStream } from './model-stream.ts'
import { messageOf, settled } from './scripted-link.ts'

/** The stream of a `MemoryStream`. */
export const MEMORY_STREAM: string = shardStreamName('presence', 0)

/** What a test does to a request: it never arrives, its answer is lost, or the disk is full. */
export type Fault = 'lose-request' | 'lose-answer' | 'full'

/** The model with one log stream, for a test that looks into it. Several links share it; each has a virtual clock. */
export class MemoryStream {
  readonly model = new JetStreamModel(streamsOf('presence').filter(({ name }) => name === MEMORY_STREAM))
  readonly #stream: ModelStream = this.model.stream(MEMORY_STREAM)

  link(o: { fault?: (subject: string, payload: Buffer) => Fault | undefined; clock?: VirtualClock } = {}): MemoryLink {
    return new MemoryLink(this.model, o.fault ?? (() => undefined), o.clock ?? new VirtualClock())
  }

  get messages(): readonly ModelMessage[] {
    return this.#stream.messages
  }

  /** Messages of a subject, or of what a wildcard matches, with their own octets. */
  matching(filter: string): (ModelMessage & { readonly data: Buffer })[] {
    const found = this.messages.filter(({ subject }) => matches(filter, subject))
    return found.map((message) => ({ ...message, data: asBuffer(message.data) }))
  }

  /** The next message gets a sequence behind this one. */
  skipTo(sequence: number): void {
    this.#stream.skipTo(sequence)
  }

  /** Puts a message where it lay in another stream. */
  put({ sequence, subject, data, headers }: ModelMessage): void {
    this.skipTo(sequence - 1)
    this.#stream.store(subject, Buffer.from(data), headers)
  }

  purge(o: { filter: string; seq?: number }): void {
    this.#stream.purge((subject) => matches(o.filter, subject), o.seq ?? Number.POSITIVE_INFINITY)
  }
}

/** A connection to a stream in memory, on a virtual clock. */
export class MemoryLink implements StoreLink {
  readonly clock: VirtualClock
  readonly requests: RequestPort
  isConnected = true
  isClosed = false
  readonly #model: JetStreamModel
  readonly #fault: (subject: string, payload: Buffer) => Fault | undefined

  constructor(
    model: JetStreamModel,
    fault: (subject: string, payload: Buffer) => Fault | undefined,
    clock: VirtualClock,
  ) {
    this.clock = clock
    this.#model = model
    this.#fault = fault
    this.requests = {
      request: async (subject, payload, o) => {
        let answer: Msg | undefined
        await this.#ask(subject, payload, o.headers, (message) => {
          answer = message
        })
        assert(answer, 'a request has an answer')
        return answer
      },
      requestMany: async (subject, payload, o) => {
        await this.#ask(subject, payload, undefined, (message) => void o.onMessage(message))
      },
    }
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    await settled()
    this.clock.advance(ms)
    await settled()
  }

  /** Waits for something, and lets time pass meanwhile. */
  async settle<T>(waited: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    waited.then(settle, settle)
    while (!isSettled) {
      await settled()
      this.clock.advance(10)
    }
    return await waited
  }

  async #ask(subject: string, payload: Uint8Array, fields: MsgHdrs | undefined, give: (m: Msg) => void): Promise<void> {
    const data = Buffer.from(payload)
    await new Promise(setImmediate)
    const fault = this.#fault(subject, data)
    if (fault === 'lose-request') throw new StoreUnavailableError('no-answer', 'open')
    const answers = fault === 'full' ? [messageOf(FULL)] : this.#model.serve(subject, data, fields)
    if (fault === 'lose-answer') throw new StoreUnavailableError('no-answer', 'open')
    for (const answer of answers) give(answer)
  }
}

const FULL = { error: { code: 503, err_code: 10077, description: 'maximum bytes exceeded' } }

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function matches(filter: string, subject: string): boolean {
  const wanted = filter.split('.')
  const tokens = subject.split('.')
  return wanted.length === tokens.length && wanted.every((token, at) => token === '*' || token === tokens[at])
}
