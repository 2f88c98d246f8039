import type { Clock, Random } from '@rollcall/core'
import { createEnvelope, type HopIncoming, type HopPeer, type HopReply, type Role } from '@rollcall/runtime'
import {
  checkRequest,
  parseMessage,
  SipParseError,
  type SipRequest,
  SipSyntaxError,
  serializeMessage,
  topBranch,
} from '@rollcall/sip'
import { isMisdirected, type Refusal } from '../refusal.ts'
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
    if (!senderOf(message, peer)) {
      this.refuse(incoming, { reason: 'peer-role' })
      return
    }
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
    const response = replyResponse(incoming.request, refusalReply(refusal, this.#options.random))
    incoming.reply(response, { isMisdirected: isMisdirected(refusal) })
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

  #incoming(request: SipRequest, message: HopIncoming, peer: HopPeer, reply: HopReply): Incoming {
    const { envelope } = message
    const deadlineMs = envelope.deadlineMs || DEADLINE_MS_DEFAULT
    return {
      request,
      envelope,
      octets: message.sip,
      branch: topBranch(request) ?? '',
      role: senderOf(message, peer) ?? peer.role,
      traceparent: envelope.traceparent,
      deadlineAtMs: this.#options.clock.monotonic() + deadlineMs,
      reply: (response, o) => reply(serializeMessage(response), o?.isMisdirected ? MISDIRECTED : undefined),
      pass: reply,
    }
  }
}

const MISDIRECTED = createEnvelope({ misdirected: true })

/** Whom a replica may have had a request from: who may send to it. */
const FORWARDED_ROLES: ReadonlySet<string> = new Set<Role>(['pcscf', 'presence', 'as', 'scscf'])

/**
 * Who sent a request, as far as that can be believed. A replica of ours says whom it had it from; it could vouch for the
 * same itself, having the same certificate. Nobody else forwards: who says so lies about whom it had it from.
 */
function senderOf({ envelope }: HopIncoming, peer: HopPeer): Role | undefined {
  if (!envelope.forwarded) return peer.role
  // guard: forwarded-by-replica — what a P-CSCF or an application server calls forwarded is not taken for another's
  if (peer.role !== 'scscf') return undefined
  // guard: scscf-forwarded-role — a replica speaks for those alone who may send to it
  return FORWARDED_ROLES.has(envelope.forwardedRole) ? (envelope.forwardedRole as Role) : undefined
}
