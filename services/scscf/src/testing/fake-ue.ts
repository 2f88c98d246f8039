import {
  answerChallenge,
  decodeNonce,
  digestResponse,
  encodeAuts,
  type IsimState,
  type MilenageKeys,
  newIsimState,
} from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createRequest, parseAuth, type SipRequest, type SipResponse } from '@rollcall/sip'
import { PCSCF_HOST, REALM } from './fixtures.ts'

/** How a REGISTER leaves the P-CSCF. */
export interface RegisterOptions {
  readonly expires?: number
  /** It came over a security association. */
  readonly isProtected?: boolean
  readonly authorization?: Readonly<Record<string, string>>
  /** Branch of the UE's Via; the same again makes a retransmission. */
  readonly branch?: string
  readonly cseq?: number
  readonly impu?: string
  readonly port?: number
}

/** A REGISTER and the envelope it travels in. */
export interface RegisterMessage {
  readonly request: SipRequest
  readonly envelope: Partial<Envelope>
}

/** A UE with an ISIM, and the P-CSCF's handwriting on what it sends. */
export class FakeUe {
  readonly impi: string
  readonly impu: string
  readonly keys: MilenageKeys
  readonly address: string
  state: IsimState = newIsimState()
  callId: string
  #cseq = 0
  #branch = 0

  constructor(options: {
    readonly impi: string
    readonly impu: string
    readonly address: string
    readonly k: Buffer
    readonly opc: Buffer
  }) {
    this.impi = options.impi
    this.impu = options.impu
    this.address = options.address
    this.keys = { k: new Secret(options.k), opc: new Secret(options.opc) }
    this.callId = `call of ${options.impi}`.replaceAll(' ', '-')
  }

  /** A REGISTER, as the P-CSCF sends it on. */
  register(options: RegisterOptions = {}): RegisterMessage {
    const isProtected = options.isProtected ?? false
    const cseq = options.cseq ?? ++this.#cseq
    const branch = options.branch ?? `z9hG4bK-${this.impi.slice(0, 15)}-${++this.#branch}`
    const impu = options.impu ?? this.impu
    const port = options.port ?? (isProtected ? 40_000 + cseq : 15_060)
    const mark = isProtected ? 'yes' : 'no'
    const credentials = { username: this.impi, realm: REALM, uri: `sip:${REALM}`, ...options.authorization }
    const fields = Object.entries(credentials).map(([name, value]) => `${name}="${value}"`)
    const request = createRequest('REGISTER', `sip:${REALM}`, [
      ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKp${cseq}${branch.slice(8)}`],
      ['Via', `SIP/2.0/UDP ${this.address}:15066;branch=${branch};received=${this.address};rport=${port}`],
      ['From', `<${impu}>;tag=f`],
      ['To', `<${impu}>`],
      ['Call-ID', this.callId],
      ['CSeq', `${cseq} REGISTER`],
      ['Contact', `<sip:${this.address}:15066>;+sip.instance="<urn:gsma:imei:${this.impi.slice(0, 15)}>"`],
      ['Expires', String(options.expires ?? 600_000)],
      ['Require', 'path'],
      ['Path', `<sip:token-${this.impi.slice(0, 15)}@${PCSCF_HOST};lr>`],
      ['Authorization', `Digest ${fields.join(',')},integrity-protected="${mark}"`],
      ['Max-Forwards', '69'],
    ])
    const envelope: Partial<Envelope> = isProtected
      ? { accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN, impi: this.impi }
      : { accessSecurity: AccessSecurity.ACCESS_SECURITY_NONE }
    return { request, envelope }
  }

  /** What the ISIM says to a 401: the credentials of the next REGISTER. */
  answer(response: SipResponse, changes: { readonly res?: Secret } = {}): Readonly<Record<string, string>> {
    const { params } = parseAuth(response.headers.get('WWW-Authenticate') ?? '', 'WWW-Authenticate')
    const nonce = params.get('nonce')?.value ?? ''
    const given = answerChallenge(this.keys, { ...decodeNonce(nonce), state: this.state })
    switch (given.kind) {
      case 'mac-failure':
        return { nonce, response: '' }
      case 'sync-failure':
        return { nonce, auts: encodeAuts(given.auts) }
      case 'success': {
        this.state = given.state
        const digest = { qop: 'auth', nc: '00000001', cnonce: 'abcdef01' } as const
        const computed = digestResponse({
          username: this.impi,
          realm: REALM,
          password: changes.res ?? given.res,
          method: 'REGISTER',
          uri: `sip:${REALM}`,
          nonce,
          ...digest,
        })
        return { nonce, response: computed, algorithm: 'AKAv1-MD5', ...digest }
      }
    }
  }
}
