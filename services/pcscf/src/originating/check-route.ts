import { parseNameAddr, sameSipUri } from '@rollcall/sip'
import { routeHost } from './own-routes.ts'

/** Where a request goes, and what was wrong with what the UE said about it. */
export interface RouteChoice {
  /** The Route it leaves with. */
  readonly route: readonly string[]
  readonly isReplaced: boolean
}

export type RouteCheck = ({ readonly ok: true } & RouteChoice) | { readonly ok: false; readonly reason: string }

/**
 * The route of an initial request: the Service-Route of the registration, whatever the UE sent. A difference is told.
 *
 * @see TS 24.229 clause 5.2.6.3.3 step 2 b
 */
export function checkInitialRoute(sent: readonly string[], serviceRoute: readonly string[]): RouteChoice {
  // guard: service-route — a request goes along the registration’s Service-Route, whatever the UE writes
  return { route: serviceRoute, isReplaced: !sameRoute(sent, serviceRoute) }
}

/**
 * The route of a request inside a dialog: what the dialog was made with, if we saw it made. After our own restart we did
 * not: then it must have brought the flow token that we recorded, and begin with the S-CSCF that serves this
 * registration, which checks the rest by what it wrote there itself.
 *
 * @see TS 24.229 clause 5.2.6.3.5; `Choice:` the second half, since dialogs go on after a restart (readings, Access 3)
 */
export function checkDialogRoute(o: {
  /** Behind our own entries. */
  readonly sent: readonly string[]
  /** Our own entries held a token, and it was this UE's. */
  readonly hasToken: boolean
  readonly known: readonly string[] | undefined
  readonly serviceRoute: readonly string[]
}): RouteCheck {
  const { sent, known } = o
  if (known) return { ok: true, route: known, isReplaced: !sameRoute(sent, known) }
  const [first] = sent
  const [serving] = o.serviceRoute
  if (!o.hasToken || first === undefined || serving === undefined || routeHost(first) !== routeHost(serving)) {
    return { ok: false, reason: 'route-unknown' }
  }
  return { ok: true, route: sent, isReplaced: false }
}

/** The same URIs in the same order; header parameters and how they are written do not count (readings, Access 4). */
function sameRoute(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => sameSipUri(uriOf(value), uriOf(b[index] ?? '<sip:x>')))
}

function uriOf(value: string): string {
  return parseNameAddr(value, 'Route').uri
}
