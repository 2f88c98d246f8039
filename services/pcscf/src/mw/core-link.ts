import { assertNever, type Random } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import type { HopResult, HopRouter } from '@rollcall/runtime'
import {
  newBranch,
  parseMessage,
  SipParseError,
  type SipRequest,
  type SipResponse,
  serializeMessage,
} from '@rollcall/sip'
import { pushVia } from './requests.ts'

/** What the core said, or why it said nothing. */
export type CoreOutcome =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'failed'; readonly reason: CoreFailure }

export type CoreFailure = 'core-timeout' | 'core-unreachable' | 'core-full' | 'core-no-route' | 'core-malformed'

/** What each failure is to the UE. `retry`: with Retry-After. */
export const CORE_FAILURES: Readonly<Record<CoreFailure, { readonly status: number; readonly retry: boolean }>> = {
  'core-timeout': { status: 504, retry: false },
  'core-unreachable': { status: 503, retry: true },
  'core-full': { status: 503, retry: true },
  // RFC 3261 section 21.4.5: the domain in the Request-URI is none that we serve.
  'core-no-route': { status: 404, retry: false },
  'core-malformed': { status: 502, retry: false },
}

/** Our sending side of Mw. */
export class CoreLink {
  readonly #router: Pick<HopRouter, 'send' | 'has'>
  readonly #random: Random
  readonly #host: string
  readonly #deadlineMs: number

  constructor(o: {
    readonly router: Pick<HopRouter, 'send' | 'has'>
    readonly random: Random
    /** Our own host name. */
    readonly host: string
    readonly deadlineMs: number
  }) {
    this.#router = o.router
    this.#random = o.random
    this.#host = o.host
    this.#deadlineMs = o.deadlineMs
  }

  /** Whether `host` is a next hop. */
  has(host: string): boolean {
    return this.#router.has(host)
  }

  /**
   * Sends `request` to the node that `host` names, under a Via of ours. `on` is told once, and gets the response as our
   * other side should see it: without that Via. A response to what a UE sent has that UE's Via left.
   */
  send(host: string, request: SipRequest, envelope: Envelope, on: (outcome: CoreOutcome) => void): void {
    const branch = newBranch(this.#random)
    const isForwarded = request.headers.has('Via')
    pushVia(request, this.#host, branch)
    const sip = serializeMessage(request)
    const deadlineMs = this.#deadlineMs
    this.#router.send(host, { sip, branch, envelope: { ...envelope, deadlineMs } }, tellOnce, { deadlineMs })

    function tellOnce(result: HopResult): void {
      // Towards a UE a provisional response to a non-INVITE request says nothing that it needs (RFC 4320 section 4.1).
      if (result.kind === 'response' && result.status < 200) return
      on(outcomeOf(result, isForwarded))
    }
  }
}

function outcomeOf(result: HopResult, isForwarded: boolean): CoreOutcome {
  switch (result.kind) {
    case 'response':
      return readResponse(result.sip, isForwarded)
    case 'timeout':
      return { kind: 'failed', reason: 'core-timeout' }
    case 'unreachable':
      return { kind: 'failed', reason: 'core-unreachable' }
    case 'full':
      return { kind: 'failed', reason: 'core-full' }
    // Nothing is withdrawn here.
    case 'withdrawn':
    case 'no-route':
      return { kind: 'failed', reason: 'core-no-route' }
    default:
      return assertNever(result)
  }
}

function readResponse(sip: Buffer, isForwarded: boolean): CoreOutcome {
  try {
    const response = parseMessage(sip)
    if (
      response.kind === 'response' &&
      response.headers.removeFirst('Via') !== undefined &&
      response.headers.has('Via') === isForwarded
    ) {
      return { kind: 'response', response }
    }
  } catch (error) {
    if (!(error instanceof SipParseError)) throw error
  }
  return { kind: 'failed', reason: 'core-malformed' }
}
