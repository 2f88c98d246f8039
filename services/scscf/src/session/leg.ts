import type { Impu } from '@rollcall/core'
import { SessionCase } from '@rollcall/proto-gen/cx'
import type { Envelope } from '@rollcall/proto-gen/hop'
import {
  formatServedUser,
  parseContentType,
  parseMultipart,
  type SipHeaders,
  type SipRequest,
  SipSyntaxError,
} from '@rollcall/sip'
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

/** Whether the leg is the calling user's, or that of a called user who has diverted the request. */
export function isOriginating({ sessionCase }: Leg): boolean {
  return (
    sessionCase === SessionCase.SESSION_CASE_ORIGINATING ||
    sessionCase === SessionCase.SESSION_CASE_ORIGINATING_UNREGISTERED ||
    sessionCase === SessionCase.SESSION_CASE_ORIGINATING_CDIV
  )
}

/** The leg of a called user whose application server has sent the request on to somebody else. */
export function divertedLeg(leg: Leg): Leg {
  return { ...leg, sessionCase: SessionCase.SESSION_CASE_ORIGINATING_CDIV }
}

/** P-Served-User: for whom the application server acts, in which role and state (RFC 5502 section 4, RFC 8498 section 4). */
export function servedUserHeader({ sessionCase, servedUser: uri }: Leg): string {
  switch (sessionCase) {
    case SessionCase.SESSION_CASE_TERMINATING_REGISTERED:
      return formatServedUser({ uri, sessionCase: 'term', registrationState: 'reg' })
    case SessionCase.SESSION_CASE_TERMINATING_UNREGISTERED:
      return formatServedUser({ uri, sessionCase: 'term', registrationState: 'unreg' })
    case SessionCase.SESSION_CASE_ORIGINATING_UNREGISTERED:
      return formatServedUser({ uri, sessionCase: 'orig', registrationState: 'unreg' })
    case SessionCase.SESSION_CASE_ORIGINATING_CDIV:
      return formatServedUser({ uri, isOrigCdiv: true })
    default:
      return formatServedUser({ uri, sessionCase: 'orig', registrationState: 'reg' })
  }
}

/** What the filter criteria look at. */
export function factsOf(request: SipRequest, sessionCase: SessionCase): RequestFacts {
  const { method, uri, headers } = request
  return {
    method,
    requestUri: uri,
    sessionCase,
    headers: { [Symbol.iterator]: () => headers.entries() },
    sessionDescriptions: () => sessionDescriptionsOf(headers, request.body, BODY_DEPTH_MAX),
  }
}

/** A multipart in a multipart is looked into, and no deeper. */
const BODY_DEPTH_MAX = 2

/** Bodies of type application/sdp; what cannot be read is none. */
function sessionDescriptionsOf(headers: SipHeaders, body: Buffer, depth: number): string[] {
  if (body.length === 0) return []
  try {
    const contentType = parseContentType(headers.get('Content-Type') ?? '')
    if (contentType.type === 'application' && contentType.subtype === 'sdp') return [body.toString('latin1')]
    if (contentType.type !== 'multipart' || depth === 0) return []
    return parseMultipart(body, contentType).flatMap((part) =>
      sessionDescriptionsOf(part.headers, part.body, depth - 1),
    )
  } catch (error) {
    if (error instanceof SipSyntaxError) return []
    throw error
  }
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
