import type { Random } from '@rollcall/core'
import {
  formatChargingVector,
  formatVia,
  maxForwards,
  parseVia,
  type SipRequest,
  topVia,
  type Via,
} from '@rollcall/sip'

/** RFC 3261 section 16.6, item 3: for a request that came without one. */
const MAX_FORWARDS = 70

/** Whether a request may go on (RFC 3261 section 16.3, items 3 and 4). */
export function mayForward(request: SipRequest, host: string): { ok: true } | { ok: false; status: 482 | 483 } {
  if (maxForwards(request) === 0) return { ok: false, status: 483 }
  const isLoop = request.headers.list('Via').some((line) => parseVia(line).host.toLowerCase() === host)
  return isLoop ? { ok: false, status: 482 } : { ok: true }
}

/** One hop less. */
export function countHop(request: SipRequest): void {
  request.headers.set('Max-Forwards', String((maxForwards(request) ?? MAX_FORWARDS + 1) - 1))
}

/**
 * Writes into the UE's Via where the request came from, as the core tells attempts apart by it.
 *
 * @see RFC 3261 section 18.2.1, RFC 3581 section 4; `Choice:` always, also when sent-by says the same
 */
export function stampSource(request: SipRequest, source: { address: string; port: number }): Via {
  const via = topVia(request)
  const params = new Map(via.params)
  params.set('received', source.address)
  params.set('rport', String(source.port))
  request.headers.removeFirst('Via')
  request.headers.prepend('Via', formatVia({ ...via, params }))
  return via
}

/** Our Via towards the core: the hop is gRPC over TLS, and finds its way by the branch alone. */
export function pushVia(request: SipRequest, host: string, branch: string): void {
  request.headers.prepend('Via', `SIP/2.0/TLS ${host};branch=${branch}`)
}

/**
 * Charging correlation: one value a registration or dialog.
 *
 * @see TS 24.229 clause 5.2.6.3; RFC 7315 section 4.6
 */
export function chargingVector(icid: string, host: string, realm: string): string {
  return formatChargingVector({ icid, icidGeneratedAt: host, origIoi: realm })
}

export function newIcid(random: Random): string {
  return random.bytes(16).toString('hex')
}
