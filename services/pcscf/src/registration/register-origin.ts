import { parseSipUri, parseVia, SipSyntaxError } from '@rollcall/sip'
import { isHostAddress } from '../edge/host-text.ts'
import type { Incoming } from '../edge/incoming.ts'

/**
 * A REGISTER comes from the UE itself: one Via, which names the address that a protected one came from.
 *
 * @see TS 33.203 clause 7.1 item 2; `Choice:` an address alone, since no UE of ours has a name to be looked up
 */
export function viaProblemOf({ request, set, source }: Incoming): string | undefined {
  const vias = request.headers.list('Via')
  const [via] = vias
  if (via === undefined || vias.length > 1) return 'via-not-alone'
  return set && !isHostAddress(parseVia(via).host, source.address) ? 'via-source-mismatch' : undefined
}

/** The host of the Request-URI: the home network of the UE. */
export function homeOf(incoming: Incoming): string {
  return parseSipUri(incoming.request.uri).host
}

/** Whether a Contact URI names this address. */
export function leadsTo(uri: string, address: string): boolean {
  try {
    return isHostAddress(parseSipUri(uri).host, address)
  } catch (error) {
    if (error instanceof SipSyntaxError) return false
    throw error
  }
}
