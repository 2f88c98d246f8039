import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { expires, paramValue, parseDeltaSeconds, parseNameAddr, type SipResponse } from '@rollcall/sip'
import { readAnswer } from '../answer.ts'

/** What the 200 to a REGISTER gives a UE. */
export interface Grant {
  /** P-Associated-URI: the implicit set without its barred identities; the first one is the default. */
  readonly associatedUris: readonly Impu[]
  /** Service-Route: what requests go through (RFC 3608). */
  readonly serviceRoute: readonly string[]
  readonly expiresSeconds: number
}

/**
 * Reads the 200 to a REGISTER that asked for `askedSeconds`. Of several contacts ours is the one with our instance.
 *
 * @throws MalformedAnswerError
 * @see TS 24.229 clause 5.1.1.2.1, RFC 3455 section 4.1
 */
export function readGrant(response: SipResponse, own: { instance: string; askedSeconds: number }): Grant {
  return readAnswer(() => ({
    associatedUris: response.headers.list('P-Associated-URI').flatMap(readImpu),
    serviceRoute: response.headers.list('Service-Route'),
    expiresSeconds: grantedSeconds(response, own),
  }))
}

/** An identity of a kind that we do not know is none that we could use. */
function readImpu(text: string): Impu[] {
  try {
    return [parseImpu(parseNameAddr(text, 'P-Associated-URI').uri)]
  } catch (error) {
    if (error instanceof InvalidIdentityError) return []
    throw error
  }
}

function grantedSeconds(response: SipResponse, own: { instance: string; askedSeconds: number }): number {
  for (const text of response.headers.list('Contact')) {
    const { params } = parseNameAddr(text, 'Contact')
    const instance = paramValue(params, '+sip.instance')
    if (instance === undefined || !instance.includes(own.instance)) continue
    const seconds = paramValue(params, 'expires')
    if (seconds !== undefined) return parseDeltaSeconds(seconds, 'Contact')
  }
  return expires(response) ?? own.askedSeconds
}

/**
 * How long after a grant the UE registers anew: 600 s before its end when it is long, at half time when it is short.
 *
 * @see TS 24.229 clause 5.1.1.4.1
 */
export function reregisterAfterMs(expiresSeconds: number): number {
  return 1000 * (expiresSeconds > 1200 ? expiresSeconds - 600 : expiresSeconds / 2)
}
