import type { Envelope } from '@rollcall/proto-gen/hop'

/**
 * How a request given to the hop went on. A provisional response may come before the end; then one of the others. The
 * octets of a response are a view into the batch that it came in: copy what is kept for long.
 */
export type HopResult =
  | {
      readonly kind: 'response'
      readonly sip: Buffer
      readonly envelope: Envelope | undefined
      readonly status: number
    }
  | { readonly kind: 'timeout' }
  /** The peer is away, or was lost twice. In the second case it may have got the request. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'full' }
  | { readonly kind: 'no-route' }
  /** `mayLeave` said no. When it said yes before and that stream was lost, an earlier copy has left. */
  | { readonly kind: 'withdrawn' }

export type HopOutcome = HopResult['kind']

export interface HopLimits {
  /** Requests that wait for a stream. */
  readonly queueMessagesMax: number
  /** Requests without a final response, those that wait included. */
  readonly pendingMax: number
  /** So long what a lost stream owed waits for a peer that cannot be reached: one that restarts is back by then. */
  readonly resendMsMax: number
}

/** What a link tells, for metrics and the log. */
export interface LinkEvents {
  sent(): void
  outcome(outcome: HopOutcome): void
  resent(count: number): void
  stray(): void
  batch(messages: number): void
  stream(event: 'opened' | 'lost' | 'ended' | 'failed', code: string): void
}
