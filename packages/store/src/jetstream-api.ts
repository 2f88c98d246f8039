import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node'
import { JetStreamError, StoreUnavailableError, StreamMissingError } from './errors.ts'
import type { StreamLayout } from './layout.ts'
import type { StoreLink } from './store-link.ts'

/** JetStream's `err_code`s that mean something to us. */
export const JS_WRONG_LAST_SEQUENCE = 10071
/** "wrong last sequence" without a number: the subject has a write in flight. Send again. */
export const JS_SUBJECT_BUSY = 10164
const JS_STREAM_NOT_FOUND = 10059
const JS_NO_MESSAGE_FOUND = 10037
/** The message could not be stored; the description says why. */
const JS_STORE_FAILED = 10077
/** No room in the account, or on the server. */
const JS_NO_RESOURCES: ReadonlySet<number> = new Set([10002, 10023, 10028, 10047])

export const EXPECTED_LAST_SUBJECT_SEQUENCE = 'Nats-Expected-Last-Subject-Sequence'

const NO_OCTETS = new Uint8Array(0)

/** A message of a stream. */
export interface StoredMessage {
  readonly sequence: number
  readonly data: Buffer
  readonly headers: MsgHdrs | undefined
}

/** The answer to a publish: where the message lies now, or why it was not taken. */
export type PublishAnswer =
  | { readonly ok: true; readonly sequence: number }
  | { readonly ok: false; readonly errorCode: number; readonly description: string }

interface ApiError {
  readonly err_code?: number
  readonly code?: number
  readonly description?: string
}

/** What `STREAM.INFO` tells, as far as we look. */
export interface StreamInfo {
  readonly config: Readonly<Record<string, unknown>> & {
    readonly subjects?: readonly string[]
    readonly metadata?: Readonly<Record<string, string>>
  }
  readonly state: { readonly messages: number; readonly bytes: number; readonly last_seq: number }
}

/** True when the stream or the disk has no room: the same write may pass later. */
export function isFull(answer: { readonly errorCode: number; readonly description: string }): boolean {
  if (answer.errorCode === JS_STORE_FAILED) return /maximum (bytes|messages)/.test(answer.description)
  return JS_NO_RESOURCES.has(answer.errorCode)
}

/** Publishes into a stream; with `expected`, only if that is the sequence of the subject's last message. */
export async function publish(
  connection: StoreLink,
  o: {
    subject: string
    data: Uint8Array
    expected?: number
    headers?: readonly (readonly [string, string])[]
    timeoutMs: number
  },
): Promise<PublishAnswer> {
  const fields = headers()
  if (o.expected !== undefined) fields.set(EXPECTED_LAST_SUBJECT_SEQUENCE, String(o.expected))
  for (const [name, value] of o.headers ?? []) fields.set(name, value)
  const answer = await connection.requests.request(o.subject, o.data, { headers: fields, timeoutMs: o.timeoutMs })
  const ack = answer.json<{ seq?: number; error?: ApiError }>()
  if (ack.error) return { ok: false, ...errorOf(ack.error) }
  if (typeof ack.seq !== 'number') throw new JetStreamError(0, 'an acknowledgement without a sequence')
  return { ok: true, sequence: ack.seq }
}

/**
 * The last message of a subject, asked of the stream's leader: replicas lag.
 *
 * @throws StreamMissingError, JetStreamError, StoreUnavailableError, StoreDeniedError
 */
export async function lastMessage(
  connection: StoreLink,
  o: { stream: string; subject: string; timeoutMs: number },
): Promise<StoredMessage | undefined> {
  const request = { last_by_subj: o.subject }
  const answer = await call(connection, `$JS.API.STREAM.MSG.GET.${o.stream}`, request, o.timeoutMs)
  const { message, error } = answer.json<{
    message?: { seq: number; data?: string; hdrs?: string }
    error?: ApiError
  }>()
  if (error?.err_code === JS_NO_MESSAGE_FOUND) return undefined
  if (error) throw apiError(error, o.stream)
  if (!message) throw new JetStreamError(0, 'an answer without a message')
  return {
    sequence: message.seq,
    data: Buffer.from(message.data ?? '', 'base64'),
    headers: message.hdrs ? decodeHeaders(Buffer.from(message.hdrs, 'base64').toString('latin1')) : undefined,
  }
}

/**
 * Reads up to `messagesMax` messages of a subject (or of what a wildcard matches) from sequence `from` on, in order.
 * Any replica may answer, so the end may be stale. `onMessage` returns true when it has had enough.
 *
 * @throws JetStreamError, StoreUnavailableError, StoreDeniedError, and what `onMessage` throws
 */
export async function readBatch(
  connection: StoreLink,
  o: {
    stream: string
    subject: string
    from: number
    messagesMax: number
    octetsMax: number
    timeoutMs: number
    onMessage: (message: StoredMessage, subject: string) => void
  },
): Promise<void> {
  const request = { seq: o.from, next_by_subj: o.subject, batch: o.messagesMax, max_bytes: o.octetsMax }
  await connection.requests.requestMany(`$JS.API.DIRECT.GET.${o.stream}`, encode(request), {
    timeoutMs: o.timeoutMs,
    onMessage: (message) => {
      const fields = message.headers
      const code = fields?.code ?? 0
      // 204 ends a batch, 404 says that there is nothing from there on.
      if (code === 204 || code === 404) return true
      if (code !== 0 || !fields) throw new JetStreamError(code, fields?.description ?? 'a message without headers')
      const sequence = Number(fields.get('Nats-Sequence'))
      const data = message.data
      o.onMessage(
        { sequence, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength), headers: fields },
        fields.get('Nats-Subject'),
      )
      return false
    },
  })
}

/**
 * The last message of a subject as any replica has it: cheaper than `lastMessage`, and perhaps stale.
 *
 * @throws JetStreamError, StoreUnavailableError, StoreDeniedError
 */
export async function lastMessageOfReplica(
  connection: StoreLink,
  o: { stream: string; subject: string; timeoutMs: number },
): Promise<StoredMessage | undefined> {
  const request = { last_by_subj: o.subject }
  const { data, headers: fields } = await call(connection, `$JS.API.DIRECT.GET.${o.stream}`, request, o.timeoutMs)
  const code = fields?.code ?? 0
  if (code === 404) return undefined
  if (code !== 0 || !fields) throw new JetStreamError(code, fields?.description ?? 'a message without headers')
  return {
    sequence: Number(fields.get('Nats-Sequence')),
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    headers: fields,
  }
}

/**
 * Removes the messages of a subject, or of what a wildcard matches, that lie below a sequence, or all of them, and gives how
 * many they were. It cannot be fenced: `below` is what makes it harmless whenever it arrives.
 *
 * @throws StreamMissingError, JetStreamError, StoreUnavailableError, StoreDeniedError
 */
export async function purge(
  connection: StoreLink,
  o: { stream: string; subject: string; below?: number; timeoutMs: number },
): Promise<number> {
  const request = { filter: o.subject, ...(o.below !== undefined && { seq: o.below }) }
  const answer = await call(connection, `$JS.API.STREAM.PURGE.${o.stream}`, request, o.timeoutMs)
  const { purged, error } = answer.json<{ purged?: number; error?: ApiError }>()
  if (error) throw apiError(error, o.stream)
  return purged ?? 0
}

/** @throws StreamMissingError, JetStreamError, StoreUnavailableError, StoreDeniedError */
export async function streamInfo(connection: StoreLink, stream: string, timeoutMs: number): Promise<StreamInfo> {
  const answer = await call(connection, `$JS.API.STREAM.INFO.${stream}`, undefined, timeoutMs)
  const info = answer.json<StreamInfo & { error?: ApiError }>()
  if (info.error) throw apiError(info.error, stream)
  return info
}

/**
 * Octets that the server could not read when it was last started, and left out with all that came behind them in their block;
 * undefined when it does not say: the answer lists each sequence that was ever removed, and may be too long for a message.
 *
 * @throws StreamMissingError, JetStreamError, StoreDeniedError
 */
export async function lostOctets(
  connection: StoreLink,
  stream: string,
  timeoutMs: number,
): Promise<number | undefined> {
  try {
    const answer = await call(connection, `$JS.API.STREAM.INFO.${stream}`, { deleted_details: true }, timeoutMs)
    const info = answer.json<{ state?: { lost?: { bytes?: number } }; error?: ApiError }>()
    if (info.error) throw apiError(info.error, stream)
    return info.state?.lost?.bytes ?? 0
  } catch (error) {
    if (error instanceof StoreUnavailableError) return undefined
    throw error
  }
}

/**
 * The subjects in a stream that a wildcard matches, each with how many messages it has.
 *
 * @throws StreamMissingError, JetStreamError, StoreUnavailableError, StoreDeniedError
 */
export async function subjectsOf(
  connection: StoreLink,
  o: { stream: string; filter: string; timeoutMs: number },
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (;;) {
    const request = { subjects_filter: o.filter, offset: found.size }
    const answer = await call(connection, `$JS.API.STREAM.INFO.${o.stream}`, request, o.timeoutMs)
    const info = answer.json<{ state?: { subjects?: Readonly<Record<string, number>> }; error?: ApiError }>()
    if (info.error) throw apiError(info.error, o.stream)
    const page = Object.entries(info.state?.subjects ?? {})
    const before = found.size
    for (const [subject, count] of page) found.set(subject, count)
    if (page.length === 0 || found.size === before) return found
  }
}

/** @throws JetStreamError, StoreUnavailableError, StoreDeniedError */
export async function createStream(
  connection: StoreLink,
  layout: StreamLayout,
  o: { replicas: number; bytesMax: number; firstSequence?: number; timeoutMs: number },
): Promise<void> {
  const config = {
    name: layout.name,
    subjects: layout.subjects,
    ...layout.config,
    num_replicas: o.replicas,
    max_bytes: o.bytesMax,
    metadata: layout.metadata,
    ...(o.firstSequence !== undefined && { first_seq: o.firstSequence }),
  }
  const answer = await call(connection, `$JS.API.STREAM.CREATE.${layout.name}`, config, o.timeoutMs)
  const { error } = answer.json<{ error?: ApiError }>()
  if (error) throw apiError(error, layout.name)
}

async function call(connection: StoreLink, subject: string, body: unknown, timeoutMs: number): Promise<Msg> {
  return await connection.requests.request(subject, body === undefined ? NO_OCTETS : encode(body), { timeoutMs })
}

function encode(body: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(body))
}

function errorOf(error: ApiError): { errorCode: number; description: string } {
  return { errorCode: error.err_code ?? error.code ?? 0, description: error.description ?? '' }
}

function apiError(error: ApiError, stream: string): JetStreamError | StreamMissingError {
  const { errorCode, description } = errorOf(error)
  return errorCode === JS_STREAM_NOT_FOUND ? new StreamMissingError(stream) : new JetStreamError(errorCode, description)
}

function decodeHeaders(text: string): MsgHdrs {
  const fields = headers()
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return fields
}
