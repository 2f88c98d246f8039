import { createRequest, type SipRequest } from '@rollcall/sip'
import type { Endpoint } from '../endpoint.ts'

/** What differs from one REGISTER to the next. */
export interface RegisterFields {
  readonly domain: string
  readonly impu: string
  /** URN of the device. */
  readonly instance: string
  readonly callId: string
  readonly fromTag: string
  readonly cseq: number
  readonly branch: string
  /** Where answers and requests reach us: the protected server port, or the unprotected one of the first REGISTER. */
  readonly reachableAt: Endpoint
  readonly isProtected: boolean
  readonly expiresSeconds: number
  readonly authorization: string
  readonly securityClient: readonly string[]
  readonly securityVerify: readonly string[]
  readonly accessNetworkInfo: string | undefined
}

/** Letters that stand in a Contact's user part; whose contact it is the network knows by other means. */
export const CONTACT_USER = 'ue'

/**
 * Writes a REGISTER.
 *
 * @see TS 24.229 clauses 5.1.1.2.2, 5.1.1.4.2 and 5.1.1.6.2; RFC 3329 section 2.3.1
 */
export function createRegister(fields: RegisterFields): SipRequest {
  const { address, port } = fields.reachableAt
  const via = `SIP/2.0/UDP ${address}:${port};branch=${fields.branch}`
  const headers: [string, string][] = [
    // In SAs answers come to the port of the Via, not to where the request came from (TS 33.203 clause 7.1).
    ['Via', fields.isProtected ? via : `${via};rport`],
    ['Max-Forwards', '70'],
    ['From', `<${fields.impu}>;tag=${fields.fromTag}`],
    ['To', `<${fields.impu}>`],
    ['Call-ID', fields.callId],
    ['CSeq', `${fields.cseq} REGISTER`],
    ['Contact', contactOf(fields)],
    ['Expires', String(fields.expiresSeconds)],
    ['Supported', 'path'],
    ['Require', 'sec-agree'],
    ['Proxy-Require', 'sec-agree'],
    ['Authorization', fields.authorization],
    ...fields.securityClient.map((value) => ['Security-Client', value] as [string, string]),
    ...fields.securityVerify.map((value) => ['Security-Verify', value] as [string, string]),
  ]
  if (fields.isProtected && fields.accessNetworkInfo !== undefined) {
    headers.push(['P-Access-Network-Info', fields.accessNetworkInfo])
  }
  return createRequest('REGISTER', `sip:${fields.domain}`, headers)
}

function contactOf(fields: RegisterFields): string {
  const { address, port } = fields.reachableAt
  return `<sip:${CONTACT_USER}@${address}:${port}>;+sip.instance="<${fields.instance}>";expires=${fields.expiresSeconds}`
}
