import { answerChallenge, decodeNonce, digestResponse, encodeAuts, type IsimState, newIsimState } from '@rollcall/aka'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createRequest, parseAuth, type SipRequest, type SipResponse } from '@rollcall/sip'
import type { CoreAnswer, CoreClient } from './core-client.ts'
import type { CoreUser } from './core-user.ts'

/** Where the UEs are said to be. */
const UE_ADDRESS = '127.0.0.1'
/** A challenge that its S-CSCF has forgotten is answered with another one; a resynchronisation takes one more. */
const CHALLENGES_MAX = 6

let serial = 0

/** A request as it comes out of the edge: with the UE's Via, and nothing of ours yet. */
export function ueRequest(
  method: string,
  uri: string,
  user: CoreUser,
  headers: readonly (readonly [string, string])[],
  body?: Buffer,
): SipRequest {
  const n = ++serial
  return createRequest(
    method,
    uri,
    [
      ['Via', `SIP/2.0/UDP ${UE_ADDRESS}:15060;branch=z9hG4bKu${n};received=${UE_ADDRESS};rport=15060`],
      ['Max-Forwards', '69'],
      ['From', `<${user.impu}>;tag=f${n}`],
      ['To', `<${uri}>`],
      ['Call-ID', `c${n}-${user.name}`],
      ['CSeq', `1 ${method}`],
      ...headers,
    ],
    body,
  )
}

/** One UE behind a node that is played. */
export class CoreUe {
  readonly client: CoreClient
  readonly user: CoreUser
  #isim: IsimState = newIsimState()
  #cseq = 0
  #port = 40_000
  /** Of the 200 to the newest REGISTER; without one, requests go to the Presence Server as from an S-CSCF. */
  serviceRoute: string | undefined

  constructor(client: CoreClient, user: CoreUser) {
    this.client = client
    this.user = user
  }

  /** What the edge vouches for. */
  get envelope(): Partial<Envelope> {
    const assertedIdentities = [this.user.impu]
    if (this.client.role === 'scscf') return { assertedIdentities }
    return { assertedIdentities, impi: this.user.impi, accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN }
  }

  /** The way of requests outside of dialogs. */
  get routes(): readonly (readonly [string, string])[] {
    const { role, realm } = this.client
    if (role === 'scscf') return [['Route', `<sip:presence.${realm};lr>`]]
    return this.serviceRoute === undefined ? [] : [['Route', this.serviceRoute]]
  }

  /** What makes requests of the dialog come back to the node that is played. */
  get recordRoute(): readonly [string, string] {
    return ['Record-Route', `<sip:${this.client.role === 'scscf' ? 'term' : this.user.name}@${this.client.host};lr>`]
  }

  get contact(): string {
    return `<sip:${this.user.name}@${UE_ADDRESS}:15064>`
  }

  /**
   * Registers with AKA, or again. Gives the last answer: 200 when all went well.
   *
   * @param o.giveUpMs for each of the REGISTERs.
   */
  async register(o: { expires?: number; giveUpMs?: number } = {}): Promise<CoreAnswer> {
    const callId = `r-${this.user.name}`
    let isProtected = this.serviceRoute !== undefined
    let credentials: Readonly<Record<string, string>> = {}
    let answer: CoreAnswer
    for (let challenges = 0; challenges <= CHALLENGES_MAX; challenges++) {
      const request = this.#register({ callId, credentials, isProtected, expires: o.expires ?? 600_000 })
      const security = isProtected ? this.envelope : { accessSecurity: AccessSecurity.ACCESS_SECURITY_NONE }
      answer = await this.client.send(request, security, o)
      if (answer?.status !== 401) break
      credentials = this.#answer(answer)
      // AUTS is told in the clear, a RES inside of the associations that the challenge brought.
      isProtected = credentials.auts === undefined
    }
    if (answer?.status === 200) this.serviceRoute = answer.headers.get('Service-Route')
    return answer
  }

  #register(o: {
    callId: string
    credentials: Readonly<Record<string, string>>
    isProtected: boolean
    expires: number
  }): SipRequest {
    const { realm, host } = this.client
    const { impi, impu, name } = this.user
    const cseq = ++this.#cseq
    const port = o.isProtected ? ++this.#port : 15_060
    const fields = { username: impi, realm, uri: `sip:${realm}`, nonce: '', response: '', ...o.credentials }
    const listed = Object.entries(fields).map(([field, value]) => `${field}="${value}"`)
    return createRequest('REGISTER', `sip:${realm}`, [
      ['Via', `SIP/2.0/UDP ${UE_ADDRESS}:15066;branch=z9hG4bKr${++serial};received=${UE_ADDRESS};rport=${port}`],
      ['Max-Forwards', '69'],
      ['From', `<${impu}>;tag=r`],
      ['To', `<${impu}>`],
      ['Call-ID', o.callId],
      ['CSeq', `${cseq} REGISTER`],
      ['Contact', `<sip:${name}@${UE_ADDRESS}:15066>;+sip.instance="<urn:gsma:imei:${impi.slice(0, 15)}>"`],
      ['Expires', String(o.expires)],
      ['Require', 'path'],
      ['Path', `<sip:${name}@${host};lr>`],
      ['Route', `<sip:${realm};lr>`],
      ['Authorization', `Digest ${listed.join(',')},integrity-protected="${o.isProtected ? 'yes' : 'no'}"`],
    ])
  }

  /** What the ISIM says to a challenge. */
  #answer(challenge: SipResponse): Readonly<Record<string, string>> {
    const { params } = parseAuth(challenge.headers.get('WWW-Authenticate') ?? '', 'WWW-Authenticate')
    const nonce = params.get('nonce')?.value ?? ''
    const given = answerChallenge(this.user.keys, { ...decodeNonce(nonce), state: this.#isim })
    if (given.kind === 'mac-failure') throw new Error(`${this.user.name} does not believe the network`)
    if (given.kind === 'sync-failure') return { nonce, auts: encodeAuts(given.auts) }
    this.#isim = given.state
    const { realm } = this.client
    const digest = { qop: 'auth', nc: '00000001', cnonce: 'abcdef01' } as const
    const response = digestResponse({
      username: this.user.impi,
      realm,
      password: given.res,
      method: 'REGISTER',
      uri: `sip:${realm}`,
      nonce,
      ...digest,
    })
    return { nonce, response, algorithm: 'AKAv1-MD5', ...digest }
  }
}
