import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node'
import { EXPECTED_LAST_SUBJECT_SEQUENCE, JS_WRONG_LAST_SEQUENCE } from '../jetstream-api.ts'
import type { StreamLayout } from '../layout.ts'
import { type ModelMessage, ModelStream } from './model-stream.ts'

/** How one request is to be served. */
export interface ServeOptions {
  /** A direct get is answered by a replica that is so many operations behind. */
  readonly lag?: number
  /** A read of the leader is answered by an old one, which was so many operations behind when it was replaced. */
  readonly leaderLag?: number
}

/** What a request of ours asks, as far as the model knows it. */
interface Query {
  readonly last_by_subj?: string
  readonly seq?: number
  readonly next_by_subj?: string
  readonly batch?: number
  readonly max_bytes?: number
  readonly filter?: string
}

const JS_STREAM_NOT_FOUND = 10059
const JS_NO_MESSAGE_FOUND = 10037
const JS_STORE_FAILED = 10077
const JS_TOO_LARGE = 10054

/**
 * What our code uses of a JetStream server, in memory: per-subject expected sequences, one message a subject, reads from the
 * leader and from replicas that lag, purge. It knows no time, and no faults but a lagging replica and a full stream: those of
 * the way to it are the link's. Checked against nats-server by the store's integration tests, which assume the same.
 */
export class JetStreamModel {
  readonly #streams: readonly ModelStream[]
  /** Hears of each message that was stored. */
  readonly onStored: ((stream: string, message: ModelMessage) => void)[] = []

  constructor(layouts: readonly StreamLayout[], o: { bytesMax?: number } = {}) {
    this.#streams = layouts.map((layout) => new ModelStream(layout, o.bytesMax ?? Number.MAX_SAFE_INTEGER))
  }

  stream(name: string): ModelStream {
    const found = this.#streams.find(({ layout }) => layout.name === name)
    if (!found) throw new RangeError(`the model has no stream ${name}`)
    return found
  }

  /** Serves one request, and gives all its answers. */
  serve(subject: string, payload: Uint8Array, fields: MsgHdrs | undefined, o: ServeOptions = {}): Msg[] {
    if (!subject.startsWith('$JS.API.')) return [json(this.#publish(subject, payload, fields))]
    const [, , topic = '', verb = '', name = '', more = ''] = subject.split('.')
    const stream = this.#streams.find(
      ({ layout }) => layout.name === (topic === 'STREAM' && verb === 'MSG' ? more : name),
    )
    const query = payload.length > 0 ? (JSON.parse(Buffer.from(payload).toString()) as Query) : {}
    if (!stream) return [json({ error: { code: 404, err_code: JS_STREAM_NOT_FOUND, description: 'stream not found' } })]
    switch (`${topic}.${verb}`) {
      case 'STREAM.INFO':
        return [json(infoOf(stream))]
      case 'STREAM.MSG':
        return [json(lastOf(stream, query, o.leaderLag ?? 0))]
      case 'STREAM.PURGE': {
        const below = query.seq ?? Number.POSITIVE_INFINITY
        return [json({ success: true, purged: stream.purge(matcher(query.filter ?? '>'), below) })]
      }
      case 'DIRECT.GET':
        return query.last_by_subj === undefined ? batch(stream, query, o.lag ?? 0) : direct(stream, query, o.lag ?? 0)
      default:
        throw new RangeError(`the model does not know ${subject}`)
    }
  }

  #ofSubject(subject: string): ModelStream | undefined {
    return this.#streams.find(({ layout }) => layout.subjects.some((pattern) => matcher(pattern)(subject)))
  }

  #publish(subject: string, payload: Uint8Array, fields: MsgHdrs | undefined): unknown {
    const stream = this.#ofSubject(subject)
    if (!stream) throw new RangeError(`the model has no stream for ${subject}`)
    const expected = fields?.get(EXPECTED_LAST_SUBJECT_SEQUENCE) ?? ''
    const last = stream.last(subject)?.sequence ?? 0
    if (expected !== '' && Number(expected) !== last) {
      const description = `wrong last sequence: ${last}`
      return { error: { code: 400, err_code: JS_WRONG_LAST_SEQUENCE, description } }
    }
    if (payload.length > Number(stream.layout.config.max_msg_size))
      return { error: { code: 400, err_code: JS_TOO_LARGE, description: 'message size exceeds maximum allowed' } }
    if (!stream.hasRoom(payload))
      return { error: { code: 503, err_code: JS_STORE_FAILED, description: 'maximum bytes exceeded' } }
    const kept = new Map([...(fields ?? [])].map(([name, values]) => [name, values[0] ?? '']))
    const message = stream.store(subject, Buffer.from(payload), kept)
    for (const listener of this.onStored) listener(stream.layout.name, message)
    return { stream: stream.layout.name, seq: message.sequence }
  }
}

function infoOf(stream: ModelStream): unknown {
  const { name, subjects, config, metadata } = stream.layout
  return {
    config: { name, subjects, ...config, metadata, num_replicas: 1, max_bytes: stream.bytesMax },
    state: { messages: stream.count, bytes: stream.octets, last_seq: stream.lastSequence },
  }
}

function lastOf(stream: ModelStream, query: Query, lag: number): unknown {
  const message = stream.lastOf(query.last_by_subj ?? '', lag)
  if (!message) return { error: { code: 404, err_code: JS_NO_MESSAGE_FOUND, description: 'no message found' } }
  const lines = [...message.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return {
    message: {
      subject: message.subject,
      seq: message.sequence,
      data: Buffer.from(message.data).toString('base64'),
      ...(lines && { hdrs: Buffer.from(`NATS/1.0\r\n${lines}\r\n`).toString('base64') }),
    },
  }
}

function direct(stream: ModelStream, query: Query, lag: number): Msg[] {
  const message = stream.lastOf(query.last_by_subj ?? '', lag)
  return [message ? stored(message) : status(404, 'Message Not Found')]
}

function batch(stream: ModelStream, query: Query, lag: number): Msg[] {
  const matches = matcher(query.next_by_subj ?? '>')
  const answers: Msg[] = []
  let octets = 0
  for (const message of stream.from(query.seq ?? 1, lag)) {
    if (!matches(message.subject)) continue
    if (answers.length >= (query.batch ?? 1) || octets >= (query.max_bytes ?? Number.POSITIVE_INFINITY)) break
    answers.push(stored(message))
    octets += message.data.length
  }
  return answers.length === 0 ? [status(404, 'Message Not Found')] : [...answers, status(204, 'EOB')]
}

function stored({ sequence, subject, data, headers: kept }: ModelMessage): Msg {
  const fields = headers()
  for (const [name, value] of kept) fields.set(name, value)
  fields.set('Nats-Sequence', String(sequence))
  fields.set('Nats-Subject', subject)
  return message(data, fields)
}

function status(code: number, description: string): Msg {
  return message(new Uint8Array(0), headers(code, description))
}

function json(body: unknown): Msg {
  return message(Buffer.from(JSON.stringify(body)), undefined)
}

function message(data: Uint8Array, fields: MsgHdrs | undefined): Msg {
  const text = (): string => Buffer.from(data).toString()
  return {
    subject: '',
    sid: 0,
    data,
    ...(fields && { headers: fields }),
    respond: () => false,
    json: <T>() => JSON.parse(text()) as T,
    string: text,
  }
}

const matchers = new Map<string, (subject: string) => boolean>()

/** NATS's wildcards: `*` one token, `>` one or more at the end. */
function matcher(pattern: string): (subject: string) => boolean {
  const known = matchers.get(pattern)
  if (known) return known
  const source = pattern
    .split('.')
    .map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token.replace(/[$\\^*+?()[\]{}|]/g, '\\$&')))
    .join('\\.')
  const expression = new RegExp(`^${source}$`)
  const made = (subject: string): boolean => expression.test(subject)
  matchers.set(pattern, made)
  return made
}
