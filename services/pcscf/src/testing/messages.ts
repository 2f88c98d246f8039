import { Secret } from '@rollcall/core'
import { createRequest, type SipRequest, serializeMessage } from '@rollcall/sip'

export const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org'
export const HOST = `pcscf-0.pcscf.${DOMAIN}`
export const PCSCF = '127.0.0.1'
export const UE = '127.0.1.1'
export const ALICE = 'sip:alice@ims.mnc001.mcc001.3gppnetwork.org'
export const ALICE_TEL = 'tel:+15550100'
export const ALICE_IMPI = '001010000000001@ims.mnc001.mcc001.3gppnetwork.org'
export const BOB = 'sip:bob@ims.mnc001.mcc001.3gppnetwork.org'
export const BOB_IMPI = '001010000000003@ims.mnc001.mcc001.3gppnetwork.org'
export const PHONE = 'urn:gsma:imei:90420156-025763-0'
export const SERVICE_ROUTE = `<sip:orig@scscf-0.scscf.${DOMAIN};lr>`
export const NONCE = Buffer.alloc(32, 7).toString('base64')
export const CK = '000102030405060708090a0b0c0d0e0f'
export const IK = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'

/** The UE's end of a security agreement. */
export interface UeEnd {
  readonly spiC: number
  readonly spiS: number
  readonly portC: number
  readonly portS: number
}

export const FIRST_END: UeEnd = { spiC: 1111, spiS: 2222, portC: 40_001, portS: 15_064 }
export const SECOND_END: UeEnd = { spiC: 3333, spiS: 4444, portC: 40_002, portS: 15_064 }
export const THIRD_END: UeEnd = { spiC: 5555, spiS: 6666, portC: 40_003, portS: 15_064 }

export function securityClient(end: UeEnd, mod = 'UDP-enc-tun'): string {
  const ends = `spi-c=${end.spiC};spi-s=${end.spiS};port-c=${end.portC};port-s=${end.portS}`
  return ['aes-cbc', 'null']
    .map((ealg) => `ipsec-3gpp;alg=hmac-sha-1-96;ealg=${ealg};prot=esp;mod=${mod};${ends}`)
    .join(', ')
}

/** What a test says of a REGISTER; the rest is a well-behaved phone's. */
export interface RegisterText {
  readonly impi?: string
  readonly impu?: string
  readonly instance?: string
  readonly callId?: string
  readonly cseq?: number
  readonly branch?: string
  readonly via?: string
  readonly contactPort?: number
  readonly expires?: number
  /** Parameters of Authorization beside username, realm and uri. */
  readonly authorization?: string | undefined
  readonly headers?: readonly (readonly [string, string])[]
  /** `undefined` leaves Require and Proxy-Require out. */
  readonly require?: string | undefined
}

let branches = 0

export function newBranchText(): string {
  return `z9hG4bK-test-${++branches}`
}

export function register(o: RegisterText = {}): SipRequest {
  const impi = o.impi ?? ALICE_IMPI
  const impu = o.impu ?? ALICE
  const require = 'require' in o ? o.require : 'sec-agree'
  return createRequest('REGISTER', `sip:${DOMAIN}`, [
    ['Via', `${o.via ?? `SIP/2.0/UDP ${UE}:15060`};branch=${o.branch ?? newBranchText()};rport`],
    ['Max-Forwards', '70'],
    ['From', `<${impu}>;tag=ue-tag`],
    ['To', `<${impu}>`],
    ['Call-ID', o.callId ?? 'register-call'],
    ['CSeq', `${o.cseq ?? 1} REGISTER`],
    ['Contact', `<sip:${UE}:${o.contactPort ?? 15_060}>;+sip.instance="<${o.instance ?? PHONE}>"`],
    ['Expires', String(o.expires ?? 600_000)],
    ['Supported', 'path'],
    ...(require === undefined
      ? []
      : ([
          ['Require', require],
          ['Proxy-Require', require],
        ] as const)),
    [
      'Authorization',
      `Digest username="${impi}",realm="${DOMAIN}",uri="sip:${DOMAIN}",${o.authorization ?? 'nonce="",response=""'}`,
    ],
    ...(o.headers ?? []),
  ])
}

/** What a test says of a request in the SA. */
export interface RequestText {
  readonly method?: string
  readonly uri?: string
  readonly callId?: string
  readonly cseq?: number
  readonly branch?: string
  readonly fromTag?: string
  readonly toTag?: string
  readonly route?: readonly string[]
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: Buffer
}

export function subscribe(o: RequestText = {}): SipRequest {
  const method = o.method ?? 'SUBSCRIBE'
  const route = o.route ?? [`<sip:${PCSCF}:15064;lr>`, SERVICE_ROUTE]
  return createRequest(
    method,
    o.uri ?? BOB,
    [
      ['Via', `SIP/2.0/UDP ${UE}:15064;branch=${o.branch ?? newBranchText()};rport`],
      ['Max-Forwards', '70'],
      ...route.map((value) => ['Route', value] as const),
      ['From', `<sip:anonymous@anonymous.invalid>;tag=${o.fromTag ?? 'watcher-tag'}`],
      ['To', o.toTag === undefined ? `<${BOB}>` : `<${BOB}>;tag=${o.toTag}`],
      ['Call-ID', o.callId ?? 'subscribe-call'],
      ['CSeq', `${o.cseq ?? 1} ${method}`],
      ['Contact', `<sip:${UE}:15064>`],
      ['Event', 'presence'],
      ['Expires', '3600'],
      ...(o.headers ?? []),
    ],
    o.body,
  )
}

export function notify(
  token: string,
  o: { branch?: string; body?: Buffer; headers?: [string, string][] } = {},
): Buffer {
  const request = createRequest(
    'NOTIFY',
    `sip:${UE}:15064`,
    [
      ['Via', `SIP/2.0/TLS scscf-0.scscf.${DOMAIN};branch=${o.branch ?? newBranchText()}`],
      ['Max-Forwards', '68'],
      ['Route', `<sip:${token}@${HOST};lr>`],
      ['Route', `<sip:${PCSCF}:15064;lr>`],
      ['From', `<${BOB}>;tag=notifier-tag`],
      ['To', '<sip:anonymous@anonymous.invalid>;tag=watcher-tag'],
      ['Call-ID', 'subscribe-call'],
      ['CSeq', '1 NOTIFY'],
      ['Contact', `<sip:presence-3@presence.${DOMAIN}>`],
      ['Event', 'presence'],
      ['Subscription-State', 'active;expires=3600'],
      ...(o.headers ?? []),
    ],
    o.body,
  )
  return serializeMessage(request)
}

export const KEYS = { ck: Secret.fromHex(CK), ik: Secret.fromHex(IK) }
