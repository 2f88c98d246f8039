import type { Clock, Random } from '@rollcall/core'
import { PAYLOAD_BYTES_MAX } from '@rollcall/esp-net'
import { failSpan, type IdentityHash, isTracing, type Metrics, startSpan, traceparentOf } from '@rollcall/runtime'
import type { ServerTransaction, SipRequest, SipResponse } from '@rollcall/sip'
import type { PcscfEvents } from '../events.ts'
import type { SaSetView } from '../sa/sa-table.ts'
import type { Flow } from './flow.ts'
import type { Incoming } from './incoming.ts'
import { localResponse } from './local-answers.ts'
import { methodLabel, octetsOf } from './message-facts.ts'

export interface IncomingOptions {
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly events: PcscfEvents
  readonly hashIdentity: IdentityHash
  /** Whether a UE may name the trace that its request belongs to. */
  readonly allowUeTraceContext: boolean
}

/** Makes an `Incoming` of each new request: its span, its measure, and the one answer it gets. */
export class IncomingRequests {
  readonly #o: IncomingOptions
  #unanswered = 0

  constructor(options: IncomingOptions) {
    this.#o = options
  }

  /** Requests without a final response. */
  get unanswered(): number {
    return this.#unanswered
  }

  make(transaction: ServerTransaction<Flow>, set: SaSetView | undefined): Incoming {
    const { clock } = this.#o
    const { request, flow } = transaction
    const startMs = clock.monotonic()
    const method = methodLabel(request.method)
    const span = this.#startSpan(request, method, set)
    this.#unanswered += 1
    let isAnswered = false
    return {
      request,
      flow,
      source: set ? { address: set.remote.address, port: set.remote.portC } : sourceOf(flow),
      set,
      receivedAtMs: clock.now(),
      span,
      traceparent: traceparentOf(span),
      answer: (response, over = flow) => {
        if (isAnswered) return
        isAnswered = true
        this.#unanswered -= 1
        const fitting = this.#fitting(request, response, over)
        transaction.respond(fitting, over)
        span.setAttribute('rollcall.sip.status', fitting.status)
        if (fitting.status >= 500) failSpan(span, `SIP_${fitting.status}`)
        span.end()
        const labels = { direction: 'from-ue', method, status: String(fitting.status) }
        const seconds = (clock.monotonic() - startMs) / 1000
        this.#o.metrics.histogram('rollcall_pcscf_request_duration_seconds', labels).record(seconds)
      },
    }
  }

  /** The P-CSCF begins the trace, whatever the UE says of one. */
  #startSpan(request: SipRequest, method: string, set: SaSetView | undefined): Incoming['span'] {
    const parent = this.#o.allowUeTraceContext ? request.headers.get('Traceparent') : undefined
    return startSpan(`SIP ${method}`, {
      kind: 'server',
      ...(parent === undefined ? { root: true } : { parent }),
      // To hash an identity for a span that nobody takes costs more than the span.
      attributes: isTracing() ? this.#attributes(method, set) : {},
    })
  }

  #attributes(method: string, set: SaSetView | undefined): Record<string, string> {
    return {
      'rollcall.sip.method': method,
      'rollcall.access.security': set ? 'udp-enc-tun' : 'none',
      ...(set ? { 'rollcall.access.sa_set': set.id, 'rollcall.impi_hash': this.#o.hashIdentity(set.impi) } : {}),
    }
  }

  /** A response that one protected datagram cannot carry becomes 513 (readings, Access 1). */
  #fitting(request: SipRequest, response: SipResponse, flow: Flow): SipResponse {
    if (flow.kind === 'unprotected' || octetsOf(response) <= PAYLOAD_BYTES_MAX) return response
    this.#o.events.refused('response-too-large')
    return localResponse(request, { status: 513 }, this.#o.random)
  }
}

function sourceOf(flow: Flow): { address: string; port: number } {
  if (flow.kind === 'unprotected') return { address: flow.address, port: flow.port }
  throw new Error('assertion failed: what came in a set is handed on with it')
}
