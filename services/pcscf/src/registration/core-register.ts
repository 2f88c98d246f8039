import { formatVisitedNetworkIds, optionTags, type SipRequest } from '@rollcall/sip'
import { chargingVector, countHop, stampSource } from '../mw/requests.ts'
import { addNetworkAccess, setIntegrityProtected, stripFromUe } from '../mw/trust-boundary.ts'
import { stripSecAgree } from '../sec-agree/strip.ts'

/** What we say about a REGISTER. */
export interface CoreRegister {
  readonly source: { readonly address: string; readonly port: number }
  readonly isProtected: boolean
  readonly integrityProtected: 'yes' | 'no'
  /** Our Path. */
  readonly path: string
  readonly icid: string
  readonly host: string
  readonly realm: string
  readonly visitedNetworkId: string
  readonly accessNetworkInfo: string | undefined
}

/** What the UE may say and the core must not hear from it; Route is ours to write, and leads nowhere but home here. */
const NOT_FOR_CORE = ['P-Preferred-Identity', 'Route']

/**
 * The REGISTER as the core gets it: how it came in each Authorization, Path with our flow token, the visited network,
 * charging correlation; and nothing of the security agreement. The request is changed in place.
 *
 * @throws SipSyntaxError
 * @see TS 24.229 clause 5.2.2.2
 */
export function toCoreRegister(request: SipRequest, o: CoreRegister): void {
  const { headers } = request
  stampSource(request, o.source)
  stripFromUe(headers, o.isProtected)
  stripSecAgree(headers)
  for (const name of NOT_FOR_CORE) headers.remove(name)
  setIntegrityProtected(headers, o.integrityProtected)
  headers.set('Path', o.path)
  const required = optionTags(request, 'Require')
  headers.set('Require', [...required.filter((tag) => tag !== 'path'), 'path'].join(', '))
  headers.set('P-Visited-Network-ID', formatVisitedNetworkIds([{ id: o.visitedNetworkId }]))
  addNetworkAccess(headers, o.accessNetworkInfo)
  headers.set('P-Charging-Vector', chargingVector(o.icid, o.host, o.realm))
  countHop(request)
}
