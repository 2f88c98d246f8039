import type { Clock, Random } from '@rollcall/core'
import type { HopIncoming, HopPeer, HopReply } from '@rollcall/runtime'
import {
  checkRequest,
  parseMessage,
  SipParseError,
  type SipRequest,
  SipSyntaxError,
  serializeMessage,
} from '@rollcall/sip'
import type { Refusal } from '../refusal.ts'
import { refusalReply, replyResponse } from './answers.ts'
import type { Incoming } from './incoming.ts'

/** 64*T1: so long a sender waits that does not say how long (RFC 3261 section 17.1.2.2). */
const DEADLINE_MS_DEFAULT = 32_000

export interface HopFrontOptions {
  readonly clock: Clock
  readonly random: Random
  readonly register: (incoming: Incoming) => void
  readonly route: (incoming: Incoming) => Promise<void>
  readonly onRefused: (incoming: Incoming, refusal: Refusal) => void
  /** What cannot even be answered was dropped. */
  readonly onDropped: (reason: 'no-request' | 'unanswerable') => void
}

/** The door of the hop: parses and checks each request, and leads it to the registrar or to the session procedures. */
export class HopFront {
  readonly #options: HopFrontOptions

  constructor(options: HopFrontOptions) {
    this.#options = options
  }

  /** Takes one message of a peer whom the role table lets in. */
  receive(message: HopIncoming, peer: HopPeer, reply: HopReply): void {
    const request = this.#read(message, peer, reply)
    if (!request) return
    if (request.method === 'ACK') return
    const incoming = this.#incoming(request, message, peer, reply)
    if (request.method === 'CANCEL') {
      // No method here can be cancelled (RFC 3261 section 9.1).
      this.refuse(incoming, { reason: 'no-transaction' })
      return
    }
    if (request.method === 'REGISTER') {
      this.#options.register(incoming)
      return
    }
    // Any other error nobody expected: it stays unhandled, and the process ends.
    void this.#options.route(incoming).catch((error: unknown) => {
      if (!(error instanceof SipSyntaxError)) throw error
      this.refuse(incoming, { reason: 'malformed' })
    })
  }

  /** Answers a refused request. */
  refuse(incoming: Incoming, refusal: Refusal): void {
    this.#options.onRefused(incoming, refusal)
    incoming.reply(replyResponse(incoming.request, refusalReply(refusal, this.#options.random)))
  }

  #read(message: HopIncoming, peer: HopPeer, reply: HopReply): SipRequest | undefined {
    let partial: SipRequest | undefined
    try {
      const parsed = parseMessage(message.sip)
      if (parsed.kind === 'request') {
        partial = parsed
        checkRequest(parsed)
        return parsed
      }
      this.#options.onDropped('no-request')
    } catch (error) {
      if (!(error instanceof SipParseError || error instanceof SipSyntaxError)) throw error
      const request = error instanceof SipParseError ? error.request : partial
      if (request?.headers.has('Via')) {
        this.refuse(this.#incoming(request, message, peer, reply), { reason: 'malformed' })
      } else {
        this.#options.onDropped('unanswerable')
      }
    }
    return undefined
  }

  #incoming(request: SipRequest, { envelope }: HopIncoming, peer: HopPeer, reply: HopReply): Incoming {
    const deadlineMs = envelope.deadlineMs || DEADLINE_MS_DEFAULT
    return {
      request,
      envelope,
      role: peer.role,
      traceparent: envelope.traceparent,
      deadlineAtMs: this.#options.clock.monotonic() + deadlineMs,
      reply: (response) => reply(serializeMessage(response)),
    }
  }
}
