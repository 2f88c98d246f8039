import type { Envelope } from '@rollcall/proto-gen/hop'
import type { HopReply, Role } from '@rollcall/runtime'
import type { SipRequest, SipResponse } from '@rollcall/sip'

/** A request that came over the hop, parsed and checked, and the way back. */
export interface Incoming {
  /** Ours to change: it was parsed for us alone. */
  readonly request: SipRequest
  /** As it came: what another replica gets of it. */
  readonly octets: Buffer
  /** Of its topmost Via, as it came. */
  readonly branch: string
  /** What the sender vouches for; its role says how far it is believed. */
  readonly envelope: Envelope
  /** Of the peer that sent it; of what a replica forwarded, of the peer that it had it from. */
  readonly role: Role
  /** Of this message's span: what we send on stands below it. */
  readonly traceparent: string
  /** When the sender stops waiting, by the monotonic clock. */
  readonly deadlineAtMs: number
  /** Sends a response back the way the request came. One final response, the last. */
  reply(response: SipResponse, o?: ReplyOptions): void
  /** Sends back what another replica answered, as it is. */
  readonly pass: HopReply
}

export interface ReplyOptions {
  /** The 503 says that another replica may do better. */
  readonly isMisdirected?: boolean
}
