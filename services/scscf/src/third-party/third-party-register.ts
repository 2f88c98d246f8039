import type { Impu, Random } from '@rollcall/core'
import {
  createRequest,
  createResponse,
  formatChargingVector,
  formatMultipart,
  newCallId,
  newTag,
  parseChargingVector,
  parseSipUri,
  SipHeaders,
  type SipRequest,
  SipSyntaxError,
  serializeMessage,
} from '@rollcall/sip'
import type { ThirdPartyContents } from '../ifc/filter-criteria.ts'
import type { AcceptedAnswer } from '../registrar/attempt.ts'
import { bracketed } from '../session/routes.ts'

const MAX_FORWARDS = '70'
const SERVICE_INFO_TYPE = 'application/3gpp-ims+xml'
const MESSAGE_TYPE = 'message/sip'

/** The REGISTER of the UE, and its 200, as far as they are known: after a take-over they are not. */
export interface Occasion {
  readonly sip: SipRequest
  readonly answer: AcceptedAnswer | undefined
}

/** What one third-party REGISTER says. */
export interface ThirdPartyRegister {
  /** SIP URI of the application server. */
  readonly serverName: string
  readonly contents: ThirdPartyContents
  /** Who is registered. */
  readonly impu: Impu
  /** 0: not any more. */
  readonly expiresSeconds: number
  readonly occasion: Occasion | undefined
}

/**
 * Writes a third-party REGISTER: the S-CSCF registers itself with an application server in the user's name. Choice: the
 * Request-URI is the server's name without `lr`, which has no place there (RFC 3261 section 19.1.1), and the UE's REGISTER
 * goes along without its credentials, which concern the registrar alone.
 *
 * @see TS 24.229 clause 5.4.1.7
 */
export function writeThirdPartyRegister(
  register: ThirdPartyRegister,
  o: { readonly host: string; readonly realm: string; readonly random: Random; readonly isTrusted: boolean },
): SipRequest {
  const { serverName, impu, expiresSeconds, occasion, contents } = register
  const { host, realm, random, isTrusted } = o
  const own = `sip:${host}`
  const headers: [string, string][] = [
    ['Max-Forwards', MAX_FORWARDS],
    ['From', `${bracketed(own)};tag=${newTag(random)}`],
    ['To', bracketed(impu)],
    ['Call-ID', newCallId(random)],
    ['CSeq', '1 REGISTER'],
    ['Contact', bracketed(own)],
    ['Expires', String(expiresSeconds)],
  ]
  // guard: third-party-trust — where a user is, and what it is charged by, is told inside the trust domain alone
  if (isTrusted && occasion) headers.push(...copied(occasion.sip.headers, realm))
  const body = bodyOf(contents, isTrusted ? occasion : undefined, random)
  if (body) headers.push(['Content-Type', body.type])
  return createRequest('REGISTER', withoutLr(serverName), headers, body?.octets)
}

function withoutLr(uri: string): string {
  const params = parseSipUri(uri).params
  return params.has('lr') ? uri.replace(/;lr(=[^;?]*)?(?=[;?]|$)/i, '') : uri
}

/** What the application server may know of the access. */
function copied(from: SipHeaders, realm: string): [string, string][] {
  const headers: [string, string][] = []
  for (const name of ['P-Access-Network-Info', 'P-Visited-Network-ID', 'P-Charging-Function-Addresses']) {
    for (const value of from.getAll(name)) headers.push([name, value])
  }
  const vector = chargingVector(from.get('P-Charging-Vector'), realm)
  if (vector !== undefined) headers.push(['P-Charging-Vector', vector])
  return headers
}

/** The same charging identity; between S-CSCF and application server an IOI of type 3 (TS 24.229 clause 5.4.1.7). */
function chargingVector(text: string | undefined, realm: string): string | undefined {
  if (text === undefined) return undefined
  try {
    const { icid, icidGeneratedAt } = parseChargingVector(text)
    return formatChargingVector({ icid, icidGeneratedAt, origIoi: `Type 3${realm}` })
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

interface Part {
  readonly type: string
  readonly octets: Buffer
}

/** One part as it is, several as multipart/mixed. */
function bodyOf(contents: ThirdPartyContents, occasion: Occasion | undefined, random: Random): Part | undefined {
  const parts: Part[] = []
  const { serviceInfo, includesRequest, includesResponse } = contents
  if (serviceInfo !== '') parts.push({ type: SERVICE_INFO_TYPE, octets: serviceInfoXml(serviceInfo) })
  if (includesRequest && occasion) parts.push({ type: MESSAGE_TYPE, octets: requestOctets(occasion.sip) })
  if (includesResponse && occasion?.answer) {
    const { toTag, headers } = occasion.answer
    const response = createResponse(occasion.sip, 200, { toTag, headers })
    parts.push({ type: MESSAGE_TYPE, octets: serializeMessage(response) })
  }
  const [first, ...more] = parts
  if (!first || more.length === 0) return first
  const boundary = `part-${newTag(random)}`
  const octets = formatMultipart(
    parts.map((part) => ({ headers: new SipHeaders([['Content-Type', part.type]]), body: part.octets })),
    boundary,
  )
  return { type: `multipart/mixed;boundary=${boundary}`, octets }
}

function requestOctets(sip: SipRequest): Buffer {
  const headers = sip.headers.clone()
  // guard: third-party-credentials — an application server has no business with what the UE answered to a challenge
  headers.remove('Authorization')
  return serializeMessage({ ...sip, headers })
}

/** TS 24.229 clause 7.6: the service information of the profile, as text. */
function serviceInfoXml(text: string): Buffer {
  const escaped = text.replace(/[&<>]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[letter] ?? letter)
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<ims-3gpp version="1"><service-info>${escaped}</service-info></ims-3gpp>`,
  )
}
