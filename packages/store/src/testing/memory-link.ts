import { headers, type Msg, type MsgHdrs, MsgHdrsImpl } from '@nats-io/transport-node'
import { assert, VirtualClock } from '@rollcall/core'
import { StoreUnavailableError } from '../errors.ts'
import { EXPECTED_LAST_SUBJECT_SEQUENCE } from '../jetstream-api.ts'
import type { RequestPort, StoreLink } from '../store-link.ts'
import { settled } from './scripted-link.ts'

/** A message of a stream in memory. */
export interface MemoryMessage {
  readonly sequence: number
  readonly subject: string
  readonly data: Buffer
  readonly fields: MsgHdrs
}

/** What a test does to a request: it never arrives, its answer is lost, or the disk is full. */
export type Fault = 'lose-request' | 'lose-answer' | 'full'

/**
 * One stream of JetStream in memory, as far as this package asks of it: publishes with an expected sequence, the last message of a
 * subject, batches, purges. Several links share one stream; each answers on its own virtual clock.
 */
export class MemoryStream {
  readonly messages: MemoryMessage[] = []
  #sequence = 0

  link(o: { fault?: (subject: string, payload: Buffer) => Fault | undefined; clock?: VirtualClock } = {}): MemoryLink {
    return new MemoryLink(this, o.fault ?? (() => undefined), o.clock ?? new VirtualClock())
  }

  matching(filter: string): MemoryMessage[] {
    return this.messages.filter(({ subject }) => matches(filter, subject))
  }

  /** The next message gets a sequence behind this one. */
  skipTo(sequence: number): void {
    this.#sequence = sequence
  }

  /** Puts a message where it lay in another stream. */
  put(message: MemoryMessage): void {
    assert(message.sequence > this.#sequence, 'messages are put in their order')
    this.#sequence = message.sequence
    this.messages.push({ ...message, data: Buffer.from(message.data) })
  }

  publish(subject: string, data: Buffer, fields: MsgHdrs): object {
    const expected = fields.get(EXPECTED_LAST_SUBJECT_SEQUENCE)
    const last = this.matching(subject).at(-1)?.sequence ?? 0
    if (expected !== '' && Number(expected) !== last) {
      return { error: { code: 400, err_code: 10071, description: `wrong last sequence: ${last}` } }
    }
    this.#sequence += 1
    this.messages.push({ sequence: this.#sequence, subject, data: Buffer.from(data), fields })
    return { stream: 'S', seq: this.#sequence }
  }

  purge(o: { filter: string; seq?: number }): object {
    const below = o.seq ?? Number.POSITIVE_INFINITY
    const kept = this.messages.filter(({ sequence, subject }) => sequence >= below || !matches(o.filter, subject))
    const purged = this.messages.length - kept.length
    this.messages.splice(0, this.messages.length, ...kept)
    return { success: true, purged }
  }
}

/** A connection to a stream in memory, on a virtual clock. */
export class MemoryLink implements StoreLink {
  readonly clock: VirtualClock
  readonly requests: RequestPort
  isConnected = true
  isClosed = false
  readonly #stream: MemoryStream
  readonly #fault: (subject: string, payload: Buffer) => Fault | undefined

  constructor(
    stream: MemoryStream,
    fault: (subject: string, payload: Buffer) => Fault | undefined,
    clock: VirtualClock,
  ) {
    this.clock = clock
    this.#stream = stream
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
    const answers = fault === 'full' ? [json(FULL)] : this.#answer(subject, data, fields ?? headers())
    if (fault === 'lose-answer') throw new StoreUnavailableError('no-answer', 'open')
    for (const answer of answers) give(answer)
  }

  #answer(subject: string, payload: Buffer, fields: MsgHdrs): Msg[] {
    if (!subject.startsWith('$JS.API.')) return [json(this.#stream.publish(subject, payload, fields))]
    const body = JSON.parse(payload.toString() || '{}')
    if (subject.startsWith('$JS.API.STREAM.MSG.GET.')) return [json(this.#last(body.last_by_subj))]
    if (subject.startsWith('$JS.API.STREAM.PURGE.')) return [json(this.#stream.purge(body))]
    assert(subject.startsWith('$JS.API.DIRECT.GET.'), `${subject} is known`)
    const found =
      'last_by_subj' in body
        ? this.#stream.matching(body.last_by_subj).slice(-1)
        : this.#stream.matching(body.next_by_subj).filter(({ sequence }) => sequence >= body.seq)
    if (found.length === 0) return [status(404, 'Message Not Found')]
    const batch = found.slice(0, body.batch ?? 1).map(direct)
    return 'batch' in body ? [...batch, status(204, 'EOB')] : batch
  }

  #last(subject: string): object {
    const last = this.#stream.matching(subject).at(-1)
    if (!last) return { error: { code: 404, err_code: 10037, description: 'no message found' } }
    return { message: { seq: last.sequence, data: last.data.toString('base64') } }
  }
}

const FULL = { error: { code: 503, err_code: 10077, description: 'maximum bytes exceeded' } }

function direct({ sequence, subject, data, fields }: MemoryMessage): Msg {
  const given = headers()
  for (const name of fields.keys()) given.set(name, fields.get(name))
  given.set('Nats-Sequence', String(sequence))
  given.set('Nats-Subject', subject)
  return messageOf(data, given)
}

function status(code: number, description: string): Msg {
  return messageOf(Buffer.alloc(0), new MsgHdrsImpl(code, description))
}

function json(body: object): Msg {
  return { ...messageOf(Buffer.from(JSON.stringify(body)), headers()), json: () => body as never }
}

function messageOf(data: Buffer, fields: MsgHdrs): Msg {
  return {
    subject: '',
    sid: 0,
    data,
    headers: fields,
    respond: () => false,
    json: () => JSON.parse(data.toString()),
    string: () => data.toString(),
  }
}

function matches(filter: string, subject: string): boolean {
  const wanted = filter.split('.')
  const tokens = subject.split('.')
  return wanted.length === tokens.length && wanted.every((token, at) => token === '*' || token === tokens[at])
}
