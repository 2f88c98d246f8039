import type { Clock, Random } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { createEnvelope, type HopRequest, type HopResult, type HopRouter } from '@rollcall/runtime'
import {
  formatVia,
  newBranch,
  parseMessage,
  parseVia,
  SipParseError,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
  serializeMessage,
} from '@rollcall/sip'
import type { RefusalReason } from '../refusal.ts'

/** Inside the hop the transport is gRPC over mutual TLS: to a SIP element it looks like TLS. */
const VIA_TRANSPORT = 'TLS'

/** So much earlier than our sender we stop waiting, so that our answer still finds it: two ticks of the hop's wheel. */
const DEADLINE_SLACK_MS = 250
const DEADLINE_MS_MIN = 100

/** What became of a request that was sent on. Provisional responses may come before one end. */
export type ForwardOutcome =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'failed'; readonly reason: RefusalReason }

/** A request to send on. It is taken as it is: nothing but a Via is added. */
export interface ForwardRequest {
  readonly request: SipRequest
  /** What we vouch for; deadline and trace are filled in. */
  readonly vouched: Pick<Envelope, 'accessSecurity' | 'impi' | 'assertedIdentities'>
  readonly receivedAtMs: bigint
  readonly traceparent: string
  readonly deadlineAtMs: number
}

/** The part of `HopRouter` that sends. */
export type HopSender = Pick<HopRouter, 'send' | 'has'>

/**
 * Sends requests to the next node over the hop and brings their responses back: our Via goes on top and comes off again.
 * There is no state beyond the hop's own pending table; transactions are the edges' business (decision 11).
 *
 * @see RFC 3261 sections 16.6 and 16.7
 */
export class Forwarder {
  readonly #hop: HopSender
  readonly #clock: Clock
  readonly #random: Random
  /** Host of our Via. */
  readonly #host: string
  readonly #trusts: (host: string) => boolean

  constructor(options: {
    readonly hop: HopSender
    readonly clock: Clock
    readonly random: Random
    readonly host: string
    /** Whether a next node is of the trust domain; each that the hop knows is, by its certificate. */
    readonly trusts?: (host: string) => boolean
  }) {
    this.#hop = options.hop
    this.#clock = options.clock
    this.#random = options.random
    this.#host = options.host
    this.#trusts = options.trusts ?? (() => true)
  }

  /** Whether `host` is of the trust domain (TS 24.229 clause 4.4). */
  trusts(host: string): boolean {
    return this.#trusts(host)
  }

  /** Whether there is a way to `host`. */
  knows(host: string): boolean {
    return this.#hop.has(host)
  }

  /** Makes what the hop sends: `forward.request` with our Via on top. The request itself stays as it is. */
  prepare(forward: ForwardRequest): HopRequest & { readonly deadlineMs: number } {
    const branch = newBranch(this.#random)
    const { request, vouched, traceparent, receivedAtMs } = forward
    const via = { transport: VIA_TRANSPORT, host: this.#host, port: undefined, params: new Map([['branch', branch]]) }
    request.headers.prepend('Via', formatVia(via))
    const sip = serializeMessage(request)
    // Should it come to nothing, the request is answered by us: along the Vias that it came with.
    request.headers.removeFirst('Via')
    const leftMs = Math.round(forward.deadlineAtMs - this.#clock.monotonic()) - DEADLINE_SLACK_MS
    const deadlineMs = Math.max(DEADLINE_MS_MIN, leftMs)
    const envelope = createEnvelope({ traceparent, ...vouched, receivedAtMs, deadlineMs })
    return { sip, branch, envelope, deadlineMs }
  }

  /** Sends `forward.request` to `host`. `on` never hears before this returns. */
  send(host: string, forward: ForwardRequest, on: (outcome: ForwardOutcome) => void): void {
    const { deadlineMs, ...message } = this.prepare(this.#trusts(host) ? forward : withoutTrust(forward))
    // What begins here has no Via below ours.
    const isOwn = !forward.request.headers.has('Via')
    this.#hop.send(host, message, (result) => on(readResult(result, message.branch, isOwn)), { deadlineMs })
  }
}

/** What is said inside the trust domain alone (TS 24.229 clause 4.4; RFC 3325 section 5; RFC 7315 section 5). */
const TRUSTED_HEADERS = [
  'P-Asserted-Identity',
  'P-Asserted-Service',
  'P-Access-Network-Info',
  'P-Charging-Function-Addresses',
  'P-Charging-Vector',
  'P-Private-Network-Indication',
  'P-Profile-Key',
  'P-Served-User',
  'P-User-Database',
  'P-Visited-Network-ID',
] as const

/** The same request as one who is not trusted may have it. */
function withoutTrust(forward: ForwardRequest): ForwardRequest {
  const headers = forward.request.headers.clone()
  // guard: untrusted-next-hop — what the network knows of its users does not leave the trust domain
  for (const name of TRUSTED_HEADERS) headers.remove(name)
  return {
    ...forward,
    request: { ...forward.request, headers },
    vouched: { ...forward.vouched, impi: '', assertedIdentities: [] },
  }
}

function readResult(result: HopResult, branch: string, isOwn: boolean): ForwardOutcome {
  switch (result.kind) {
    case 'response':
      return readResponse(result.sip, branch, isOwn)
    case 'timeout':
      return { kind: 'failed', reason: 'next-hop-silent' }
    case 'unreachable':
      return { kind: 'failed', reason: 'next-hop-away' }
    case 'full':
      return { kind: 'failed', reason: 'next-hop-full' }
    // Nothing is withdrawn here.
    case 'withdrawn':
    case 'no-route':
      return { kind: 'failed', reason: 'next-hop-unknown' }
  }
}

/**
 * Reads a response to a request that went out with this branch on top. Takes our Via off; what has not ours on top, or
 * nothing below it unless the request was our own, is nobody's response.
 */
export function readResponse(octets: Buffer, branch: string, isOwn = false): ForwardOutcome {
  try {
    const message = parseMessage(octets)
    if (message.kind !== 'response') return { kind: 'failed', reason: 'next-hop-garbled' }
    const own = message.headers.removeFirst('Via')
    const isOurs = own !== undefined && parseVia(own).params.get('branch') === branch
    if (!isOurs || message.headers.has('Via') === isOwn) return { kind: 'failed', reason: 'next-hop-garbled' }
    return { kind: 'response', response: message }
  } catch (error) {
    if (error instanceof SipParseError || error instanceof SipSyntaxError) {
      return { kind: 'failed', reason: 'next-hop-garbled' }
    }
    throw error
  }
}
