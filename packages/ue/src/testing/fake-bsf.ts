import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AkaKeys,
  type AuthenticationVector,
  decodeAuts,
  digestResponse,
  encodeNonce,
  generateVector,
  verifyAuts,
} from '@rollcall/aka'
import { type Random, Secret, seededRandom } from '@rollcall/core'
import { type DigestCredentials, parseDigestCredentials } from '@rollcall/sip'

/** A key that the fake BSF agreed on, as a NAF would ask for it. */
export interface FakeBsfSession {
  readonly btid: string
  readonly ks: Secret
  readonly rand: Buffer
  readonly impi: string
}

/** Departures from what a BSF does. */
export interface BsfTwists {
  /** The SQN of the next vector, and that of every one. */
  sqn?: bigint
  sqnAlways?: bigint
  /** The RAND of the next one. */
  rand?: Buffer | undefined
  hasWrongMac?: boolean
  qop?: string
  algorithm?: string
  rspauth?: string | undefined
  hasNoProof?: boolean
  /** Takes no RES, this many times. */
  refusals?: number
  /** Answers so in the place of everything else. */
  status?: number
  /** Answers 200 at once. */
  isLax?: boolean
  body?: string
  /** Takes these temporary names, by the IMPI that each is of. */
  tmpis?: Map<string, string>
  lifetimeMs?: number
  /** How far its clock is ahead. */
  clockAheadMs?: number
}

/** A BSF of a test: one ISIM, every vector used once. */
export class FakeBsf implements AsyncDisposable {
  readonly name: string
  /** Credentials that came, in their order. */
  readonly requests: DigestCredentials[] = []
  readonly sessions = new Map<string, FakeBsfSession>()
  readonly twists: BsfTwists = {}
  readonly #keys: AkaKeys
  readonly #server: Server
  readonly #random: Random
  #sqn = 0n
  #vector: AuthenticationVector | undefined

  private constructor(o: { name: string; keys: AkaKeys; seed: string }) {
    this.name = o.name
    this.#keys = o.keys
    this.#random = seededRandom(o.seed)
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  static async listen(o: {
    address: string
    port?: number
    name: string
    keys: AkaKeys
    seed?: string
  }): Promise<FakeBsf> {
    const fake = new FakeBsf({ ...o, seed: o.seed ?? 'fake BSF' })
    await new Promise<void>((resolve, reject) => {
      fake.#server.once('error', reject)
      fake.#server.listen(o.port ?? 0, o.address, resolve)
    })
    return fake
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const credentials = parseDigestCredentials(String(request.headers.authorization))
    this.requests.push(credentials)
    const { status } = this.twists
    if (status !== undefined) response.writeHead(status, { 'Retry-After': '7' }).end()
    else if (this.twists.isLax) response.writeHead(200).end(this.#body('fake'))
    else if (credentials.username.endsWith('@tmpi.bsf.3gppnetwork.org') && !this.#impiOf(credentials)) {
      response.writeHead(403).end()
    } else if (credentials.auts !== undefined) this.#resynchronise(credentials, response)
    else if (credentials.nonce === '') this.#challenge(response)
    else this.#check(credentials, response)
  }

  /** The next vector is the last one once more: for another ISIM with the same key. */
  repeatVector(): void {
    this.#sqn -= 32n
    const [last] = [...this.sessions.values()].slice(-1)
    this.twists.rand = last?.rand
  }

  #takeRand(): Buffer {
    const rand = this.twists.rand ?? this.#random.bytes(16)
    this.twists.rand = undefined
    return rand
  }

  #impiOf({ username }: DigestCredentials): string | undefined {
    return this.twists.tmpis?.get(username)
  }

  #challenge(response: ServerResponse): void {
    this.#sqn = this.twists.sqnAlways ?? this.twists.sqn ?? this.#sqn + 32n
    delete this.twists.sqn
    const vector = generateVector(this.#keys, { sqn: this.#sqn, amf: Buffer.alloc(2), rand: this.#takeRand() })
    this.#vector = vector
    const autn = Buffer.from(vector.autn)
    if (this.twists.hasWrongMac) autn.writeUInt8(autn.readUInt8(15) ^ 1, 15)
    const { qop = 'auth-int', algorithm = 'AKAv1-MD5' } = this.twists
    const challenge =
      `Digest realm="${this.name}", nonce="${encodeNonce(vector.rand, autn)}", algorithm=${algorithm}, ` +
      `qop="${qop}", opaque="5ccc069c403ebaf9f0171e9517f40e41"`
    response.writeHead(401, { 'WWW-Authenticate': challenge, Server: 'fake-bsf' }).end()
  }

  #resynchronise(credentials: DigestCredentials, response: ServerResponse): void {
    const rand = this.#vector?.rand
    const sqn = rand && verifyAuts(this.#keys, { rand, auts: decodeAuts(credentials.auts ?? '') })
    if (sqn === undefined || credentials.response !== this.#response(credentials, 'GET', 'empty')) {
      response.writeHead(403).end()
      return
    }
    this.#sqn = sqn
    this.#challenge(response)
  }

  #check(credentials: DigestCredentials, response: ServerResponse): void {
    const vector = this.#vector
    this.#vector = undefined
    const isRight =
      vector !== undefined &&
      credentials.nonce === encodeNonce(vector.rand, vector.autn) &&
      credentials.response === this.#response(credentials, 'GET', vector.xres)
    const refusals = this.twists.refusals ?? 0
    this.twists.refusals = Math.max(0, refusals - 1)
    if (!isRight || refusals > 0) {
      this.#challenge(response)
      return
    }
    const btid = `${vector.rand.toString('base64')}@${this.name}`
    const ks = new Secret(Buffer.concat([vector.ck.reveal(), vector.ik.reveal()]))
    this.sessions.set(btid, { btid, ks, rand: vector.rand, impi: this.#impiOf(credentials) ?? credentials.username })
    const body = Buffer.from(this.twists.body ?? this.#body(btid))
    const rspauth = this.twists.rspauth ?? this.#response(credentials, '', vector.xres, body)
    const proof = `qop=auth-int, rspauth="${rspauth}", cnonce="${credentials.cnonce}", nc=${credentials.nc}`
    const headers = {
      'Content-Type': 'application/vnd.3gpp.bsf+xml',
      ...(this.twists.tmpis && { Server: 'fake-bsf 3gpp-gba-tmpi' }),
    }
    response.writeHead(200, this.twists.hasNoProof ? headers : { ...headers, 'Authentication-Info': proof }).end(body)
  }

  #response(o: DigestCredentials, method: string, password: Secret | 'empty', body?: Buffer): string {
    const { username, realm, uri, nonce, nc, cnonce } = o
    return digestResponse({ username, realm, uri, nonce, nc, cnonce, password, method, qop: 'auth-int', body })
  }

  #body(btid: string): string {
    const { lifetimeMs = 3_600_000, clockAheadMs = 0 } = this.twists
    const nowMs = Date.now() + clockAheadMs
    const time = (ms: number): string => new Date(ms).toISOString()
    return (
      '<?xml version="1.0" encoding="UTF-8"?>\n<BootstrappingInfo xmlns="uri:3gpp-gba">' +
      `<btid>${btid}</btid><lifetime>${time(nowMs + lifetimeMs)}</lifetime>` +
      `<Extension><currenttime>${time(nowMs)}</currenttime></Extension></BootstrappingInfo>`
    )
  }
}
