import { createHash } from 'node:crypto'
import { BRANCH_DIGITS, PIDF_OCTETS, pidf, SERIAL_DIGITS } from '../load/load-messages.ts'
import { ACCESS_REALM, type BenchUser } from './bench-user.ts'

/** No registration, publication or subscription runs out during a measurement. */
const EXPIRES_SECONDS = 3_600

/** What a UE has of its registration. */
export interface Granted {
  readonly portUs: number
  /** Value of Security-Verify. */
  readonly securityServer: string
  /** Value of Route of a first request: the P-CSCF's protected port, then Service-Route. */
  readonly route: string
}

/** What is in a REGISTER besides what always is. */
export interface RegisterParts {
  readonly branch: number
  readonly callId: string
  readonly cseq: number
  readonly port: number
  readonly authorization: string
  readonly securityClient: string
  /** Nothing outside of SAs. */
  readonly securityVerify?: string
}

/** REGISTER (TS 24.229 clause 5.1.1.2.2, RFC 3329 section 2.3.1). */
export function writeRegister(user: BenchUser, o: RegisterParts): Buffer {
  const { impu, address } = user
  const isProtected = o.securityVerify !== undefined
  return octets([
    `REGISTER sip:${ACCESS_REALM} SIP/2.0`,
    `Via: SIP/2.0/UDP ${address}:${o.port};branch=${branchText(o.branch)}${isProtected ? '' : ';rport'}`,
    'Max-Forwards: 70',
    `From: <${impu}>;tag=r${o.callId}`,
    `To: <${impu}>`,
    `Call-ID: ${o.callId}`,
    `CSeq: ${o.cseq} REGISTER`,
    `Contact: <sip:ue@${address}:${o.port}>;+sip.instance="<${user.instance}>";expires=${EXPIRES_SECONDS}`,
    `Expires: ${EXPIRES_SECONDS}`,
    'Supported: path',
    'Require: sec-agree',
    'Proxy-Require: sec-agree',
    `Authorization: ${o.authorization}`,
    `Security-Client: ${o.securityClient}`,
    ...(isProtected ? [`Security-Verify: ${o.securityVerify}`] : []),
    'Content-Length: 0',
    '',
    '',
  ])
}

/** PUBLISH of one's own state (RFC 3903). Its number stands in the note, which every watcher is told. */
export function writePublish(
  user: BenchUser,
  granted: Granted,
  o: { readonly branch: number; readonly change: number; readonly ifMatch: Buffer | undefined },
): Buffer {
  const body = pidf(user.impu).replace(`{serial:${SERIAL_DIGITS}}`, String(o.change).padStart(SERIAL_DIGITS, '0'))
  return octets([
    ...initial('PUBLISH', user, granted, { branch: o.branch, callId: `p${o.branch}`, to: user.impu }),
    'Content-Type: application/pidf+xml',
    `Content-Length: ${PIDF_OCTETS}`,
    o.ifMatch ? `${o.ifMatch.toString('latin1')}\r\n${body}` : `\r\n${body}`,
  ])
}

/** SUBSCRIBE (RFC 6665, RFC 3856) outside of a dialog. Its Call-ID is `w` and the serial, which NOTIFYs are told by. */
export function writeSubscribe(
  user: BenchUser,
  granted: Granted,
  o: { readonly branch: number; readonly serial: number; readonly presentity: string },
): Buffer {
  const callId = `w${String(o.serial).padStart(SERIAL_DIGITS, '0')}`
  return octets([
    ...initial('SUBSCRIBE', user, granted, { branch: o.branch, callId, to: o.presentity }),
    `Contact: <sip:ue@${user.address}:${granted.portUs}>`,
    'Accept: application/pidf+xml',
    'Content-Length: 0',
    '',
    '',
  ])
}

/** Authorization of a REGISTER; `answer` is what answers a challenge. */
export function authorization(user: BenchUser, answer?: { readonly nonce: string; readonly response: string }): string {
  const names = `username="${user.impi}",realm="${ACCESS_REALM}",uri="sip:${ACCESS_REALM}"`
  if (!answer) return `Digest ${names},nonce="",response=""`
  return `Digest ${names},nonce="${answer.nonce}",algorithm=AKAv1-MD5,response="${answer.response}"`
}

function initial(
  method: string,
  user: BenchUser,
  granted: Granted,
  o: { readonly branch: number; readonly callId: string; readonly to: string },
): string[] {
  return [
    `${method} ${o.to} SIP/2.0`,
    `Via: SIP/2.0/UDP ${user.address}:${granted.portUs};branch=${branchText(o.branch)}`,
    `Route: ${granted.route}`,
    'Max-Forwards: 70',
    `From: <${user.impu}>;tag=${createHash('md5').update(o.callId).digest('hex').slice(0, 16)}`,
    `To: <${o.to}>`,
    `Call-ID: ${o.callId}`,
    `CSeq: 1 ${method}`,
    `P-Preferred-Identity: <${user.impu}>`,
    'Require: sec-agree',
    'Proxy-Require: sec-agree',
    `Security-Verify: ${granted.securityServer}`,
    'Event: presence',
    `Expires: ${EXPIRES_SECONDS}`,
  ]
}

function branchText(branch: number): string {
  return `z9hG4bK${String(branch).padStart(BRANCH_DIGITS, '0')}`
}

function octets(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join('\r\n'), 'latin1')
}
