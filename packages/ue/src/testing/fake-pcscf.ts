import {
  type AkaDigestAlgorithm,
  type AkaKeys,
  type AuthenticationVector,
  decodeAuts,
  digestPassword,
  digestResponse,
  encodeNonce,
  generateVector,
  sameDigest,
  verifyAuts,
} from '@rollcall/aka'
import { assert, seededRandom, systemClock } from '@rollcall/core'
import { type EncryptionAlgorithm, expandKeys, type IntegrityAlgorithm, type SaSetParameters } from '@rollcall/esp'
import { UdpEncapsulation } from '@rollcall/esp-net'
import {
  ClientTransactions,
  createRequest,
  createResponse,
  formatIpsecOffer,
  type IpsecOffer,
  newBranch,
  parseAuth,
  parseIpsecOffers,
  parseMessage,
  parseSecurityMechanisms,
  type ServerTransaction,
  ServerTransactions,
  type SipRequest,
  type SipResponse,
  serializeMessage,
} from '@rollcall/sip'
import { UdpTransport } from '@rollcall/sip-net'
import type { Endpoint } from '../endpoint.ts'
import { gmTimers } from '../settings.ts'

/** What a script answers; undefined leaves the request without an answer. */
export interface ScriptedAnswer {
  readonly status: number
  readonly headers?: readonly (readonly [string, string])[]
  /** Out of the SAs, although the request came in one. */
  readonly isUnprotected?: boolean
}

/** Answers a request that is no REGISTER. */
export type Script = (request: SipRequest) => ScriptedAnswer | undefined | Promise<ScriptedAnswer | undefined>

type Flow =
  | { readonly kind: 'unprotected'; readonly remote: Endpoint }
  | { readonly kind: 'set'; readonly setId: string }

/** What a test may turn at the registration. */
export interface RegistrationTwists {
  /** Answers each REGISTER in the place of the built-in S-CSCF, unless it gives nothing. */
  answer?: ((request: SipRequest, isProtected: boolean) => ScriptedAnswer | undefined) | undefined
  /** Changes the headers of a challenge. */
  challenge?: ((headers: [string, string][]) => [string, string][]) | undefined
  /** Whether an AUTS moves its SQN; true unless said otherwise. */
  takesAuts?: boolean
  /** SQN of the next vector. */
  sqn?: bigint
  /** K of the vectors, when the network has a wrong one. */
  keys?: AkaKeys
  /** Of its challenges; AKAv1-MD5 unless said otherwise. */
  algorithm?: AkaDigestAlgorithm
  expiresSeconds?: number
  /** The UE's address as it is seen behind a NAT. */
  publicAddress?: string
}

export const FAKE_SERVICE_ROUTE = '<sip:orig@scscf.example;lr>'
const PORT_PS = 15_064

/**
 * The network behind Gm, for one UE: P-CSCF and S-CSCF in one, made of the same packages as the UE but from their other
 * side. It registers by AKA with SA sets; everything else is for the test to script.
 */
export class FakePcscf implements AsyncDisposable {
  /** Every request that came, retransmissions left out. */
  readonly requests: SipRequest[] = []
  /** Those of them that came outside of SAs. */
  readonly unprotectedRequests: SipRequest[] = []
  readonly twists: RegistrationTwists = {}
  readonly drops: string[] = []
  script: Script = () => ({ status: 200 })
  /** Dead: nothing is answered. */
  isSilent = false
  readonly #keys: AkaKeys
  readonly #domain: string
  readonly #transport: UdpTransport
  readonly #backEnd: UdpEncapsulation
  readonly #server: ServerTransactions<Flow>
  readonly #client: ClientTransactions<Flow>
  readonly #random = seededRandom('fake P-CSCF')
  readonly #sets: SaSetParameters[] = []
  #pending: { readonly set: SaSetParameters; readonly nonce: string; readonly vector: AuthenticationVector } | undefined
  #setCount = 0

  private constructor(o: { keys: AkaKeys; domain: string }, transport: UdpTransport, backEnd: UdpEncapsulation) {
    this.#keys = o.keys
    this.#domain = o.domain
    this.#transport = transport
    this.#backEnd = backEnd
    const shared = { clock: systemClock, timers: gmTimers(200), transactionsMax: 1000 }
    this.#server = new ServerTransactions({
      ...shared,
      send: (flow, bytes) => this.#send(flow, bytes),
      onRequest: (request, transaction) => void this.#answer(request, transaction),
      onFull: () => {},
    })
    this.#client = new ClientTransactions({ ...shared, send: (flow, bytes) => this.#send(flow, bytes) })
    transport.onMessage = (bytes, remote) => this.#receive(bytes, { kind: 'unprotected', remote })
  }

  static async listen(o: { address: string; keys: AkaKeys; domain: string }): Promise<FakePcscf> {
    let fake: FakePcscf | undefined
    const transport = await UdpTransport.bind({ address: o.address, port: 15_060 })
    try {
      const backEnd = await UdpEncapsulation.bind({
        address: o.address,
        port: 14_500,
        random: seededRandom('fake P-CSCF ESP'),
        onPacket: ({ setId, payload }) => fake?.receiveProtected(setId, payload),
        onDrop: (reason) => fake?.drops.push(reason),
      })
      fake = new FakePcscf(o, transport, backEnd)
      return fake
    } catch (error) {
      await transport.close()
      throw error
    }
  }

  /** Sets of the UE, the newest last. */
  get sets(): readonly SaSetParameters[] {
    return this.#sets
  }

  requestsOf(method: string): SipRequest[] {
    return this.requests.filter((request) => request.method === method)
  }

  /** Sends a request to the UE in one of its sets, the newest unless said otherwise, and waits for the answer. */
  request(o: {
    method: string
    headers: readonly (readonly [string, string])[]
    body?: Buffer
    set?: SaSetParameters | undefined
    branch?: string
  }): Promise<SipResponse> {
    const set = o.set ?? this.#sets.at(-1)
    if (!set) throw new Error('the UE has no SA set')
    const { address, portS } = set.local
    const branch = o.branch ?? newBranch(this.#random)
    const request = createRequest(
      o.method,
      `sip:ue@${set.remote.address}:${set.remote.portS}`,
      [['Via', `SIP/2.0/UDP ${address}:${portS};branch=${branch}`], ['Max-Forwards', '70'], ...o.headers],
      o.body,
    )
    return new Promise((resolve, reject) => {
      this.#client.request(
        request,
        { kind: 'set', setId: set.id },
        {
          response: (response) => response.status >= 200 && resolve(response),
          timeout: () => reject(new Error(`the UE did not answer ${o.method}`)),
        },
      )
    })
  }

  /** Sends octets to the UE's unprotected port, from ours. */
  sendUnprotected(octets: Buffer, to: Endpoint): void {
    this.#transport.send(octets, to)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#client.close()
    await Promise.all([this.#transport.close(), this.#backEnd[Symbol.asyncDispose]()])
  }

  receiveProtected(setId: string, payload: Buffer): void {
    this.#receive(payload, { kind: 'set', setId })
  }

  #receive(bytes: Buffer, flow: Flow): void {
    if (this.isSilent) return
    const message = parseMessage(bytes)
    if (message.kind === 'request') this.#server.receive(message, flow)
    else this.#client.receive(message)
  }

  async #answer(request: SipRequest, transaction: ServerTransaction<Flow>): Promise<void> {
    const { flow } = transaction
    this.requests.push(request)
    if (flow.kind === 'unprotected') this.unprotectedRequests.push(request)
    const answer = request.method === 'REGISTER' ? this.#register(request, flow) : await this.script(request)
    if (!answer) return
    const response = createResponse(request, answer.status, { headers: answer.headers ?? [], toTag: 'fake' })
    const { publicAddress } = this.twists
    if (publicAddress) response.headers.set('Via', `${response.headers.get('Via')};received=${publicAddress}`)
    const remote = { address: this.#sets.at(-1)?.remote.address ?? '', port: 15_060 }
    transaction.respond(response, answer.isUnprotected ? { kind: 'unprotected', remote } : flow)
  }

  #register(request: SipRequest, flow: Flow): ScriptedAnswer | undefined {
    const scripted = this.twists.answer?.(request, flow.kind === 'set')
    if (scripted) return scripted
    const params = parseAuth(request.headers.get('Authorization') ?? '').params
    const auts = params.get('auts')?.value
    if (auts !== undefined && this.#pending && this.twists.takesAuts !== false) {
      const sqnMs = verifyAuts(this.#keys, { rand: this.#pending.vector.rand, auts: decodeAuts(auts) })
      if (sqnMs === undefined) return { status: 403 }
      this.twists.sqn = sqnMs + 32n
    }
    const pending = this.#pending
    if (flow.kind === 'set' && flow.setId === pending?.set.id) {
      return this.#hasRes(request, pending) ? this.#grant(request, pending.set) : { status: 403 }
    }
    return this.#challenge(request, flow)
  }

  #hasRes(request: SipRequest, pending: { nonce: string; vector: AuthenticationVector }): boolean {
    const { params } = parseAuth(request.headers.get('Authorization') ?? '')
    const value = (name: string): string => params.get(name)?.value ?? ''
    const { xres, ik, ck } = pending.vector
    const expected = digestResponse({
      username: value('username'),
      realm: this.#domain,
      password: digestPassword(this.twists.algorithm ?? 'AKAv1-MD5', { res: xres, ik, ck }),
      method: 'REGISTER',
      uri: value('uri'),
      nonce: pending.nonce,
      qop: 'auth',
      nc: value('nc'),
      cnonce: value('cnonce'),
    })
    return sameDigest(expected, value('response'))
  }

  #challenge(request: SipRequest, flow: Flow): ScriptedAnswer {
    this.twists.sqn = (this.twists.sqn ?? 0n) + 32n
    const vector = generateVector(this.twists.keys ?? this.#keys, {
      sqn: this.twists.sqn,
      amf: Buffer.alloc(2),
      rand: this.#random.bytes(16),
    })
    const [client] = parseIpsecOffers(parseSecurityMechanisms(request.headers.getAll('Security-Client')))
    if (!client) return { status: 494 }
    const count = ++this.#setCount
    const offer: IpsecOffer = {
      alg: client.alg,
      ealg: client.ealg,
      prot: 'esp',
      mod: 'UDP-enc-tun',
      spiC: 1000 + 2 * count,
      spiS: 1001 + 2 * count,
      portC: 15_100 + count,
      portS: PORT_PS,
      q: 0.9,
    }
    const seenAddress = flow.kind === 'unprotected' ? flow.remote.address : this.#sets.at(-1)?.remote.address
    const ueAddress = this.twists.publicAddress ?? seenAddress
    const set: SaSetParameters = {
      id: `set-${count}`,
      local: {
        address: this.#transport.local.address,
        portC: offer.portC,
        portS: offer.portS,
        spiC: offer.spiC,
        spiS: offer.spiS,
      },
      remote: {
        address: ueAddress ?? '',
        portC: client.portC,
        portS: client.portS,
        spiC: client.spiC,
        spiS: client.spiS,
      },
      keys: expandKeys({ ck: vector.ck, ik: vector.ik, ...pairOf(client) }),
    }
    this.#backEnd.install(set)
    const nonce = encodeNonce(vector.rand, vector.autn)
    this.#pending = { set, nonce, vector }
    const algorithm = this.twists.algorithm ?? 'AKAv1-MD5'
    const headers: [string, string][] = [
      ['WWW-Authenticate', `Digest realm="${this.#domain}",nonce="${nonce}",algorithm=${algorithm},qop="auth"`],
      ['Security-Server', formatIpsecOffer(offer)],
    ]
    return { status: 401, headers: this.twists.challenge?.(headers) ?? headers }
  }

  #grant(request: SipRequest, set: SaSetParameters): ScriptedAnswer {
    this.#pending = undefined
    this.#sets.push(set)
    const asked = Number(request.headers.get('Expires'))
    const granted = Math.min(asked, this.twists.expiresSeconds ?? asked)
    const contact = String(request.headers.get('Contact')).replace(/expires=\d+/, `expires=${granted}`)
    return {
      status: 200,
      headers: [
        ['Contact', contact],
        ['P-Associated-URI', `<sip:alice@${this.#domain}>, <tel:+15550100>`],
        ['Service-Route', FAKE_SERVICE_ROUTE],
      ],
    }
  }

  #send(flow: Flow, bytes: Buffer): void {
    if (this.isSilent) return
    if (flow.kind === 'unprotected') this.#transport.send(bytes, flow.remote)
    else this.#backEnd.send(flow.setId, bytes)
  }
}

const INTEGRITIES = ['hmac-sha-1-96', 'hmac-md5-96', 'aes-gmac', 'null'] as const
const ENCRYPTIONS = ['aes-cbc', 'des-ede3-cbc', 'aes-gcm', 'null'] as const

/** The first entry of an offer is what this network takes, whatever it is. */
function pairOf({ alg, ealg }: IpsecOffer): { integrity: IntegrityAlgorithm; encryption: EncryptionAlgorithm } {
  const integrity = INTEGRITIES.find((name) => name === alg)
  const encryption = ENCRYPTIONS.find((name) => name === ealg)
  assert(integrity !== undefined && encryption !== undefined, `${alg} and ${ealg} are known`)
  return { integrity, encryption }
}

/** The octets of a message, for a test that forges one. */
export function octetsOf(message: SipRequest | SipResponse): Buffer {
  return serializeMessage(message)
}
