import type { Span } from '@opentelemetry/api'
import type { SipRequest, SipResponse } from '@rollcall/sip'
import type { SaSetView } from '../sa/sa-table.ts'
import type { Flow } from './flow.ts'

/** A request of a UE, once however often it is retransmitted. */
export interface Incoming {
  readonly request: SipRequest
  readonly flow: Flow
  /** Address and port that it came from: of the IP packet, or of the one inside the SA. */
  readonly source: { readonly address: string; readonly port: number }
  /** The set that it came on, as it was then; undefined when it came unprotected. */
  readonly set: SaSetView | undefined
  /** Epoch milliseconds. */
  readonly receivedAtMs: number
  readonly span: Span
  /** W3C trace context of the span. */
  readonly traceparent: string
  /** Sends the final response, over `flow` when it is to go elsewhere than the request came from. */
  answer(response: SipResponse, flow?: Flow): void
}
