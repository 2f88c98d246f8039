import type { Envelope } from '@rollcall/proto-gen/hop'
import type { Role } from '@rollcall/runtime'
import type { SipRequest, SipResponse } from '@rollcall/sip'

/** A request that came over the hop, parsed and checked, and the way back. */
export interface Incoming {
  /** Ours to change: it was parsed for us alone. */
  readonly request: SipRequest
  /** What the peer vouches for; its role says how far it is believed. */
  readonly envelope: Envelope
  readonly role: Role
  /** Of this message's span: what we send on stands below it. */
  readonly traceparent: string
  /** When the sender stops waiting, by the monotonic clock. */
  readonly deadlineAtMs: number
  /** Sends a response back the way the request came. One final response, the last. */
  reply(response: SipResponse): void
}
