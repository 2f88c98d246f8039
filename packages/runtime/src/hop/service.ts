import {
  type handleBidiStreamingCall,
  Metadata,
  type ServerDuplexStream,
  type ServiceError,
  status as Status,
} from '@grpc/grpc-js'
import type { Span } from '@opentelemetry/api'
import type { Clock, Timer } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import type { AdmittedPeer } from '../admission.ts'
import { HopMalformedError } from '../errors.ts'
import { denial, type GrpcHost, type GrpcService } from '../grpc-service.ts'
import type { Counter, Histogram, Metrics } from '../metrics.ts'
import { maySend } from '../role-table.ts'
import type { Peer } from '../spiffe.ts'
import { failSpan, isTracing, runInSpan, startSpan, traceparentOf } from '../tracing.ts'
import { BATCH_BYTES_MAX, Batcher } from './batcher.ts'
import { decodeBatch, type InboundMessage, messageOctetsMax, type OutboundMessage } from './codec.ts'
import { Deadlines, type Waiting } from './deadlines.ts'
import { createEnvelope } from './envelope.ts'
import { requestMethod, responseStatus } from './sip-scan.ts'
import { HOP_DEFINITION } from './stream.ts'

/** Who is at the sending end of the hop. */
export type HopPeer = Peer

/** A request that came over the hop. */
export interface HopIncoming {
  /** Octets of one SIP message, a view into the batch that it came in: copy what is kept for long. */
  readonly sip: Buffer
  /** What the peer vouches for; its traceparent is that of `span`, when there is tracing. */
  readonly envelope: Envelope
  /** `SIP METHOD`, child of the sender's span. The hop ends it with the final response, or when none comes in time. */
  readonly span: Span
}

/**
 * Answers a request on the stream that it came by. Provisional responses may be sent before the final one, which is the
 * last; what comes later, finds the stream gone, or is longer than a batch may be, is dropped and counted.
 */
export type HopReply = (sip: Buffer, envelope?: Envelope) => void

export type HopRequestHandler = (message: HopIncoming, peer: HopPeer, reply: HopReply) => void

/** Requests of one stream that wait for an answer; at the bound nothing more is read from it until half are answered. */
const PENDING_MAX = 16_384
/** Responses that a peer does not take away; at the bound its stream is cut. */
const REPLIES_MAX = 16_384
/** 64*T1 (RFC 3261 section 17.1.2.2): by then the sender has given up, whatever it said. */
const ANSWER_MS_MAX = 32_000

/** A replica that starts serves nothing yet: its peers take another one, and come again soon. */
const NOT_OPEN: Pick<ServiceError, 'code' | 'details'> = { code: Status.UNAVAILABLE, details: 'it is not open yet' }

/**
 * The receiving side of the hop, for `startGrpcServer`.
 *
 * @param o.isOpen asked when a stream comes: while it is false streams are refused, so that no peer sends here. Without
 *   it, it is open at once.
 * @param o.pendingMax bounds the unanswered requests of each stream.
 */
export function createHopService(o: {
  onRequest: HopRequestHandler
  isOpen?: () => boolean
  pendingMax?: number
}): GrpcService {
  const { isOpen = () => true, pendingMax = PENDING_MAX } = o
  const streams = new Set<InboundStream>()
  return {
    definition: HOP_DEFINITION,
    implement(host) {
      const exchange: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
        const peer = admit(host, call)
        if (!peer) return
        if (!isOpen()) {
          host.metrics.counter('rollcall_hop_streams_total', { peer: peer.role, event: 'not-open' }).add()
          call.emit('error', NOT_OPEN)
          return
        }
        const onGone = (): void => void streams.delete(stream)
        const stream = new InboundStream({ call, peer, host, onRequest: o.onRequest, pendingMax, onGone })
        streams.add(stream)
      }
      return { exchange }
    },
    async drain(signal) {
      await Promise.all([...streams].map((stream) => stream.drain(signal)))
    },
  }
}

function admit(host: GrpcHost, call: ServerDuplexStream<Buffer, Buffer>): AdmittedPeer | undefined {
  const { path } = HOP_DEFINITION.exchange
  const found = host.admission.admit(path, call)
  const peer =
    // guard: hop-direction — SIP is taken from the roles that may send it here
    'refused' in found || maySend(found.role, host.role) ? found : host.admission.refuse(path, found, 'direction')
  if (!('refused' in peer)) return peer
  const role = 'refused' in found ? 'none' : found.role
  host.metrics.counter('rollcall_hop_streams_total', { peer: role, event: 'denied' }).add()
  call.emit('error', denial(peer.reason))
  return undefined
}

/** A request that waits for its answer. */
interface Unanswered extends Waiting {
  isDone: boolean
  readonly span: Span
}

/** One peer's stream: requests in, responses out. */
class InboundStream {
  readonly #call: ServerDuplexStream<Buffer, Buffer>
  readonly #peer: AdmittedPeer
  readonly #onRequest: HopRequestHandler
  readonly #pendingMax: number
  readonly #onGone: () => void
  readonly #log: GrpcHost['log']
  readonly #metrics: Metrics
  readonly #received: Counter
  readonly #batches: Histogram
  readonly #replies: Batcher<OutboundMessage>
  readonly #deadlines: Deadlines<Unanswered>
  readonly #end: Timer
  #pending = 0
  #isPaused = false
  /** Nothing more comes in, or nothing more is to: it ends when all is answered. */
  #isEnding = false
  #isGone = false

  constructor(o: {
    call: ServerDuplexStream<Buffer, Buffer>
    peer: AdmittedPeer
    host: GrpcHost
    onRequest: HopRequestHandler
    pendingMax: number
    onGone: () => void
  }) {
    const { call, peer, host } = o
    this.#call = call
    this.#peer = peer
    this.#onRequest = o.onRequest
    this.#pendingMax = o.pendingMax
    this.#onGone = o.onGone
    this.#log = host.log
    this.#metrics = host.metrics
    this.#received = host.metrics.counter('rollcall_hop_received_total', { peer: peer.role })
    this.#batches = host.metrics.histogram('rollcall_hop_batch_messages', { direction: 'response' })
    this.#replies = new Batcher({ write: (octets, messages) => this.#write(octets, messages.length) })
    this.#deadlines = new Deadlines(host.clock, (item) => this.#expire(item))
    this.#end = this.#endWithCertificate(host.clock)
    this.#count('accepted')
    call.on('data', (batch: Buffer) => this.#take(batch))
    call.on('drain', () => this.#replies.resume())
    call.on('end', () => this.#endWhenAnswered())
    call.on('cancelled', () => this.#gone('lost'))
    call.on('error', () => this.#gone('lost'))
    // The sender writes nothing before it has these: they say that it may.
    call.sendMetadata(new Metadata())
  }

  /** Ends the stream once all is answered; resolves then, or when `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    if (this.#isGone) return
    await new Promise<void>((resolve) => {
      this.#call.once('finish', resolve)
      this.#call.once('cancelled', resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
      this.#endWhenAnswered()
    })
  }

  #take(batch: Buffer): void {
    // What comes after the end is not lost: its sender sends it again, on its next stream.
    if (this.#isGone) return
    let messages: InboundMessage[]
    try {
      messages = decodeBatch(batch)
    } catch (error) {
      if (!(error instanceof HopMalformedError)) throw error
      this.#log.warn({ err: error, peer: this.#peer.spiffeId }, 'a hop batch is malformed')
      this.#cut(Status.INVALID_ARGUMENT, error.code)
      return
    }
    this.#received.add(messages.length)
    for (const message of messages) this.#request(message)
    if (this.#pending >= this.#pendingMax && !this.#isPaused) {
      this.#isPaused = true
      this.#call.pause()
    }
  }

  #request({ sip, envelope = createEnvelope() }: InboundMessage): void {
    const name = isTracing() ? (`SIP ${requestMethod(sip)}` as const) : 'SIP UNKNOWN'
    const span = startSpan(name, {
      kind: 'server',
      parent: envelope.traceparent,
      attributes: { 'rollcall.peer.role': this.#peer.role },
    })
    const traceparent = traceparentOf(span)
    if (traceparent) envelope.traceparent = traceparent
    const item: Unanswered = { tick: 0, isDone: false, span }
    this.#pending += 1
    this.#deadlines.add(item, Math.min(envelope.deadlineMs || ANSWER_MS_MAX, ANSWER_MS_MAX))
    const reply: HopReply = (answer, replied) => this.#reply(item, answer, replied)
    runInSpan(span, () => this.#onRequest({ sip, envelope, span }, this.#peer, reply))
  }

  #reply(item: Unanswered, sip: Buffer, envelope: Envelope | undefined): void {
    if (this.#isGone || item.isDone) {
      const reason = this.#isGone ? 'stream-gone' : 'late'
      this.#metrics.counter('rollcall_hop_dropped_replies_total', { reason }).add()
      return
    }
    const answer: OutboundMessage = { sip, envelope }
    // guard: hop-reply-bytes — what the peer's gRPC does not take would end the stream, and the answers of all others with it
    if (messageOctetsMax(answer) > BATCH_BYTES_MAX) {
      this.#metrics.counter('rollcall_hop_dropped_replies_total', { reason: 'too-long' }).add()
      return
    }
    if (this.#replies.length >= REPLIES_MAX) {
      this.#cut(Status.RESOURCE_EXHAUSTED, 'responses are not taken')
      return
    }
    this.#replies.push(answer)
    const status = responseStatus(sip)
    if (status >= 100 && status < 200) return
    this.#deadlines.remove(item)
    item.span.setAttribute('rollcall.sip.status', status)
    if (status >= 500) failSpan(item.span, `SIP_${status}`)
    this.#close(item)
  }

  #expire(item: Unanswered): void {
    this.#metrics.counter('rollcall_hop_unanswered_total', { peer: this.#peer.role }).add()
    failSpan(item.span, 'HOP_UNANSWERED')
    this.#close(item)
  }

  #close(item: Unanswered): void {
    item.isDone = true
    item.span.end()
    this.#pending -= 1
    if (this.#isPaused && this.#pending <= this.#pendingMax / 2) {
      this.#isPaused = false
      this.#call.resume()
    }
    if (this.#isEnding && this.#pending === 0) this.#finish()
  }

  #write(octets: Buffer, messages: number): boolean {
    this.#batches.record(messages)
    const wantsMore = this.#call.write(octets)
    if (this.#isEnding && this.#pending === 0) this.#finish()
    return wantsMore
  }

  #endWhenAnswered(): void {
    this.#isEnding = true
    if (this.#pending === 0) this.#finish()
  }

  /** Ends in peace, once the last response has been written. */
  #finish(): void {
    if (this.#isGone || this.#replies.length > 0) return
    this.#gone('ended')
    this.#call.end()
  }

  #cut(code: Status, details: string): void {
    if (this.#isGone) return
    this.#gone('cut')
    this.#call.emit('error', { code, details })
  }

  #gone(event: 'lost' | 'ended' | 'cut'): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#count(event)
    this.#end.cancel()
    for (const { span } of this.#deadlines.items()) {
      failSpan(span, 'HOP_STREAM_GONE')
      span.end()
    }
    this.#deadlines.clear()
    this.#replies.stop()
    this.#onGone()
  }

  #count(event: string): void {
    this.#metrics.counter('rollcall_hop_streams_total', { peer: this.#peer.role, event }).add()
  }

  /** Whose certificate has ended is out, however long its stream would have lived. */
  #endWithCertificate(clock: Clock): Timer {
    return clock.setTimer(Math.max(0, this.#peer.notAfterMs - clock.now()), () =>
      this.#cut(Status.UNAUTHENTICATED, 'the certificate has ended'),
    )
  }
}
