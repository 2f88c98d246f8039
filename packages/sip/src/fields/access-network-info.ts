import { tokenEnd } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { formatParams, type Params, parseParams } from '../params.ts'
import { elementsOf, joinElements, withoutParams } from './elements.ts'

/** One element of P-Access-Network-Info: by which network a UE is reached. */
export interface AccessNetworkInfo {
  /** The access type or class as it came: `3GPP-E-UTRAN-FDD`, `IEEE-802.11`. */
  readonly accessType: string
  /** Said by the network, not by the UE. */
  readonly isNetworkProvided: boolean
  /** The rest: `utran-cell-id-3gpp`, `i-wlan-node-id` …; a quoted string with its quotes. */
  readonly params: Params
}

const HEADER = 'P-Access-Network-Info'
const NETWORK_PROVIDED = 'network-provided'

/**
 * Reads P-Access-Network-Info.
 *
 * @throws SipSyntaxError
 * @see RFC 7315 sections 4.4 and 5.4
 */
export function parseAccessNetworkInfo(lines: readonly string[]): AccessNetworkInfo[] {
  return elementsOf(lines, HEADER).map((element) => {
    const end = tokenEnd(element, 0)
    if (end === 0) throw new SipSyntaxError(HEADER, 'has no access type')
    const params = parseParams(element, end, HEADER)
    return {
      accessType: element.slice(0, end),
      isNetworkProvided: params.has(NETWORK_PROVIDED),
      params: withoutParams(params, [NETWORK_PROVIDED]),
    }
  })
}

/** The inverse: one line. */
export function formatAccessNetworkInfo(values: readonly AccessNetworkInfo[]): string {
  return joinElements(
    values.map(({ accessType, isNetworkProvided, params }) => {
      return accessType + formatParams(params) + (isNetworkProvided ? `;${NETWORK_PROVIDED}` : '')
    }),
  )
}
