import type { Impu } from '@rollcall/core'
import { SessionCase } from '@rollcall/proto-gen/cx'
import type { Envelope } from '@rollcall/proto-gen/hop'
import type { SipRequest } from '@rollcall/sip'
import type { FilterCriterion } from '../ifc/filter-criteria.ts'
import type { RequestFacts } from '../ifc/service-point-trigger.ts'

/** What the next node may believe of a request. The private identity stays here: no application server needs it. */
export type Vouched = Pick<Envelope, 'accessSecurity' | 'impi' | 'assertedIdentities'>

/** One half of a session: the procedures for one served user. */
export interface Leg {
  readonly sessionCase: SessionCase
  /** Whose filter criteria apply. */
  readonly servedUser: Impu
  /** Names the served user's registration set. */
  readonly canonicalImpu: Impu
  readonly criteria: readonly FilterCriterion[]
  readonly vouched: Vouched
}

/** Whether the leg is the calling user's. */
export function isOriginating({ sessionCase }: Leg): boolean {
  return (
    sessionCase === SessionCase.SESSION_CASE_ORIGINATING ||
    sessionCase === SessionCase.SESSION_CASE_ORIGINATING_UNREGISTERED
  )
}

/** P-Served-User: for whom the application server acts, in which role and state (RFC 5502 section 4). */
export function servedUserHeader(leg: Leg): string {
  const isUnregistered =
    leg.sessionCase === SessionCase.SESSION_CASE_TERMINATING_UNREGISTERED ||
    leg.sessionCase === SessionCase.SESSION_CASE_ORIGINATING_UNREGISTERED
  const sessionCase = isOriginating(leg) ? 'orig' : 'term'
  return `<${leg.servedUser}>;sescase=${sessionCase};regstate=${isUnregistered ? 'unreg' : 'reg'}`
}

/** What the filter criteria look at. */
export function factsOf(request: SipRequest, sessionCase: SessionCase): RequestFacts {
  const { method, uri, headers } = request
  return { method, requestUri: uri, sessionCase, headers: { [Symbol.iterator]: () => headers.entries() } }
}

/** A copy that can be changed without changing `request`. */
export function cloneRequest(request: SipRequest): SipRequest {
  return { ...request, headers: request.headers.clone() }
}

/** Methods whose 2xx makes a dialog: on these we record our route (RFC 3261 section 12.1, RFC 6665, RFC 3515). */
const DIALOG_METHODS: ReadonlySet<string> = new Set(['SUBSCRIBE', 'INVITE', 'REFER'])

export function makesDialog(request: SipRequest): boolean {
  return DIALOG_METHODS.has(request.method)
}
