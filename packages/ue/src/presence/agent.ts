import type { Clock, Impu, Random, RollcallError } from '@rollcall/core'
import { createRequest, newBranch, newCallId, newTag, type SipRequest, type SipResponse } from '@rollcall/sip'
import type { UeEvent } from '../events.ts'
import type { UeSettings } from '../settings.ts'

/** What publications and subscriptions need of their UE. */
export interface Agent {
  readonly clock: Clock
  readonly random: Random
  readonly settings: UeSettings
  /** The default public identity. */
  readonly identity: Impu
  /** Value of a Contact header: where requests reach the UE in its SAs. */
  readonly contact: string
  /**
   * Sends a request in the SAs; `isInitial` puts the preloaded route on it.
   *
   * @throws NotRegisteredError, NoAnswerError, MessageTooLargeError, UeClosedError
   */
  send(request: SipRequest, o: { isInitial: boolean }): Promise<SipResponse>
  emit(event: UeEvent): void
  /** A refresh that nobody asked for came to nothing. */
  refreshFailed(what: 'publication' | 'subscription', error: RollcallError): void
}

/** What names the transactions of a dialog to be, or a request that stands alone. */
export interface CallNames {
  readonly callId: string
  readonly fromTag: string
}

export function newCallNames(random: Random): CallNames {
  return { callId: newCallId(random), fromTag: newTag(random) }
}

/**
 * Writes a request outside of any dialog, from the UE's default identity to `uri`.
 *
 * @see RFC 3261 section 8.1.1
 */
export function createInitialRequest(
  agent: Agent,
  o: {
    readonly method: string
    readonly uri: string
    readonly names: CallNames
    readonly cseq: number
    readonly headers: readonly (readonly [string, string])[]
    readonly body?: Buffer | undefined
    /** Value of From without its tag; the UE's own identity unless said otherwise. */
    readonly from?: string | undefined
  },
): SipRequest {
  return createRequest(
    o.method,
    o.uri,
    [
      ['Max-Forwards', '70'],
      ['From', `${o.from ?? `<${agent.identity}>`};tag=${o.names.fromTag}`],
      ['To', `<${o.uri}>`],
      ['Call-ID', o.names.callId],
      ['CSeq', `${o.cseq} ${o.method}`],
      ...o.headers,
    ],
    o.body,
  )
}

/** What makes a request one that goes through the SAs of a registration. */
export interface Protection {
  readonly reachableAt: { readonly address: string; readonly port: number }
  /** Preloaded route: the P-CSCF's protected port, then Service-Route. */
  readonly route: readonly string[]
  readonly securityServer: readonly string[]
  readonly preferredIdentity: string
  readonly accessNetworkInfo: string | undefined
}

/**
 * Adds to a request what each protected one other than REGISTER has.
 *
 * @see TS 24.229 clause 5.1.2A.1.1, RFC 3329 section 2.3.1
 */
export function protectRequest(request: SipRequest, o: Protection, random: Random, isInitial: boolean): void {
  const { headers } = request
  const { address, port } = o.reachableAt
  headers.prepend('Via', `SIP/2.0/UDP ${address}:${port};branch=${newBranch(random)}`)
  if (isInitial) {
    headers.setAll('Route', o.route)
    if (!headers.has('P-Preferred-Identity')) headers.add('P-Preferred-Identity', `<${o.preferredIdentity}>`)
  }
  headers.set('Require', 'sec-agree')
  headers.set('Proxy-Require', 'sec-agree')
  headers.setAll('Security-Verify', o.securityServer)
  if (o.accessNetworkInfo !== undefined) headers.set('P-Access-Network-Info', o.accessNetworkInfo)
}
