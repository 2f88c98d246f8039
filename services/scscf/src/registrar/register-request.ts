import type { Impi, Impu } from '@rollcall/core'
import type { SipRequest } from '@rollcall/sip'
import type { RequestKey } from '@rollcall/store'

/** A REGISTER, read: what the registrar decides by. Made by `readRegister` alone. */
export interface RegisterRequest {
  /** The same for each arrival of one request: a retransmission gets the answer of the first. */
  readonly key: RequestKey
  readonly impi: Impi
  readonly impu: Impu
  readonly callId: string
  readonly cseq: number
  readonly source: SourceAddress
  /**
   * It came over a security association of this IMPI: the P-CSCF says so in the envelope and by
   * `integrity-protected="yes"` (TS 24.229 clause 7.2A.2).
   */
  readonly isProtected: boolean
  readonly authorization: RegisterAuthorization
  readonly contact: RequestedContact
  /** The longest that the UE asked for; undefined when it left one to us. */
  readonly expiresSeconds: number | undefined
  /** Path header field values, topmost first. */
  readonly path: readonly string[]
  /** Of the span in which it is handled: it is kept with the record. */
  readonly traceparent: string
  /** As it came: filter criteria look at it, and application servers may get it. Absent in tests that need none. */
  readonly sip?: SipRequest
}

/** Where the P-CSCF got the request from: `received` and `rport` of the UE's Via. */
export interface SourceAddress {
  readonly host: string
  readonly port: number
}

/** What the Authorization header field holds. */
export type RegisterAuthorization =
  /** No nonce: a registration begins. */
  | { readonly kind: 'none' }
  /** An answer to a challenge. */
  | { readonly kind: 'response'; readonly nonce: string; readonly digest: ReceivedDigest }
  /** A nonce, and neither response nor AUTS: the UE found the network's MAC wrong (TS 24.229 clause 5.1.1.5.3). */
  | { readonly kind: 'no-response'; readonly nonce: string }
  /** The UE found SQN out of range. Any `response` beside it is not looked at (RFC 3310 section 3.4). */
  | { readonly kind: 'resynchronise'; readonly nonce: string; readonly auts: string }

/** The parameters that a response was computed from, as they were received. */
export interface ReceivedDigest {
  readonly username: string
  readonly realm: string
  readonly uri: string
  readonly response: string
  readonly algorithm: string | undefined
  readonly qop: string | undefined
  readonly nc: string | undefined
  readonly cnonce: string | undefined
  readonly body: Buffer
}

/** The contacts to bind or to remove. */
export type RequestedContact =
  | {
      readonly kind: 'some'
      /** `+sip.instance`, the same of all; empty when there is none. */
      readonly instance: string
      /** One at least. */
      readonly bindings: readonly RequestedBinding[]
      /** One of them names a flow of its own (RFC 5626 section 4.2). */
      readonly hasRegId: boolean
    }
  /** `*`: whatever this IMPI has bound (RFC 3261 section 10.2.2). */
  | { readonly kind: 'all' }

/** One Contact. */
export interface RequestedBinding {
  readonly uri: string
  /** The header field's value without `expires`. */
  readonly value: string
  /** Its own, else that of the request. */
  readonly expiresSeconds: number | undefined
}

/** Whether the request ends a registration. */
export function isDeregistration(request: RegisterRequest): boolean {
  return request.expiresSeconds === 0
}
