import { createHash, createHmac } from 'node:crypto'
import { type IncomingMessage, METHODS, type Server, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { type DigestCredentials, parseDigestCredentials } from '@rollcall/sip'
import type { FakeBsfSession } from './fake-bsf.ts'

/** A request that the NAF let in. */
export interface NafRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly btid: string
  readonly nc: number
  /** Which TLS connection it came in, from 1. */
  readonly connection: number
}

export interface NafAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** Departures from what a NAF does. */
export interface NafTwists {
  realm?: string
  qop?: string
  /** The identifier that it takes for the key, in hexadecimal digits; else that of the suite. */
  uaProtocol?: string
  /** The key itself, whatever the BSF says. */
  ksNaf?: string
  /** Says so many times that only the nonce is old. */
  stales?: number
  /** Does not know the key, so many times. */
  renegotiations?: number
  rspauth?: string | undefined
  nextnonce?: string | undefined
}

export interface FakeNafOptions {
  readonly address: string
  readonly fqdn: string
  /** What the BSF knows, as Zn would give it. */
  readonly sessions: ReadonlyMap<string, FakeBsfSession>
  readonly tls: TlsOptions
}

/**
 * A NAF of a test, with the digest inside of TLS, or with PSK-TLS when `tls` says so. It derives Ks_NAF by itself, from TS 33.220
 * annex B: the second implementation that the UE is held against.
 */
export class FakeNaf implements AsyncDisposable {
  readonly requests: NafRequest[] = []
  /** How many challenges went out. */
  challenges = 0
  connections = 0
  readonly twists: NafTwists = {}
  script: (request: NafRequest) => NafAnswer | Promise<NafAnswer> = () => ({ status: 200 })
  readonly #o: FakeNafOptions
  readonly #server: Server
  readonly #counts = new Map<string, number>()
  readonly #numbers = new WeakMap<object, number>()
  #nonces = 0

  private constructor(o: FakeNafOptions) {
    this.#o = o
    this.#server = createServer(o.tls, (request, response) => void this.#answer(request, response))
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.connections += 1
      this.#numbers.set(socket, this.connections)
    })
  }

  static async listen(o: FakeNafOptions): Promise<FakeNaf> {
    const fake = new FakeNaf(o)
    await new Promise<void>((resolve) => fake.#server.listen(0, o.address, resolve))
    return fake
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Ends the connections there are, as a restart does. */
  endConnections(): void {
    this.#server.closeAllConnections()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const isPsk = this.#o.tls.pskCallback !== undefined
    const proof = isPsk ? undefined : this.#check(request, body)
    if (!isPsk && proof === undefined) {
      this.#challenge(response, false)
      return
    }
    if (proof !== undefined && (this.twists.stales ?? 0) > 0) {
      this.twists.stales = (this.twists.stales ?? 0) - 1
      this.#challenge(response, true)
      return
    }
    if ((this.twists.renegotiations ?? 0) > 0) {
      this.twists.renegotiations = (this.twists.renegotiations ?? 0) - 1
      this.#challenge(response, false)
      return
    }
    const seen: NafRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
      btid: proof?.credentials.username ?? '',
      nc: Number.parseInt(proof?.credentials.nc ?? '0', 16),
      connection: this.#numbers.get(request.socket) ?? 0,
    }
    this.requests.push(seen)
    const answer = await this.script(seen)
    const info = proof && this.#info(proof, answer.body ?? Buffer.alloc(0))
    response
      .writeHead(answer.status, { ...answer.headers, ...(info && { 'Authentication-Info': info }) })
      .end(answer.body)
  }

  #challenge(response: ServerResponse, isStale: boolean): void {
    this.challenges += 1
    this.#nonces += 1
    const nonce = `nonce-${this.#nonces}`
    this.#counts.set(nonce, 0)
    const { realm = `3GPP-bootstrapping@${this.#o.fqdn}`, qop = 'auth,auth-int' } = this.twists
    const stale = isStale ? ', stale=true' : ''
    const challenge = `Digest realm="${realm}", nonce="${nonce}", algorithm=MD5, opaque="abc", qop="${qop}"${stale}`
    response.writeHead(401, { 'WWW-Authenticate': challenge }).end()
  }

  #check(request: IncomingMessage, body: Buffer): { credentials: DigestCredentials; ha1: string } | undefined {
    if (request.headers.authorization === undefined) return undefined
    const credentials = parseDigestCredentials(request.headers.authorization)
    const session = this.#o.sessions.get(credentials.username)
    const last = this.#counts.get(credentials.nonce)
    const count = Number.parseInt(credentials.nc ?? '0', 16)
    if (session === undefined || last === undefined || (credentials.qop !== undefined && count <= last))
      return undefined
    if (credentials.opaque !== 'abc' || credentials.uri !== request.url || !METHODS.includes(request.method ?? ''))
      return undefined
    this.#counts.set(credentials.nonce, count)
    const socket = request.socket as TLSSocket
    const { uaProtocol = protocolOf(socket), ksNaf } = this.twists
    const key = ksNaf === undefined ? deriveKsNaf(session, this.#o.fqdn, uaProtocol) : Buffer.from(ksNaf, 'hex')
    const password = key.toString('base64')
    const ha1 = md5(`${credentials.username}:${credentials.realm}:${password}`)
    const expected = responseOf(credentials, ha1, request.method ?? '', body)
    return expected === credentials.response ? { credentials, ha1 } : undefined
  }

  #info({ credentials, ha1 }: { credentials: DigestCredentials; ha1: string }, body: Buffer): string {
    const rspauth = this.twists.rspauth ?? responseOf(credentials, ha1, '', body)
    const next = this.twists.nextnonce
    if (next !== undefined) this.#counts.set(next, 0)
    const quality =
      credentials.qop === undefined
        ? ''
        : `, qop=${credentials.qop}, cnonce="${credentials.cnonce}", nc=${credentials.nc}`
    return `rspauth="${rspauth}"${quality}${next === undefined ? '' : `, nextnonce="${next}"`}`
  }
}

/** Ks_NAF, written out once more. @see TS 33.220 annexes B.2, B.3 and H.3 */
export function deriveKsNaf(session: FakeBsfSession, fqdn: string, uaProtocol: string): Buffer {
  const parts = [
    Buffer.from('gba-me'),
    session.rand,
    Buffer.from(session.impi, 'utf8'),
    Buffer.concat([Buffer.from(fqdn), Buffer.from(uaProtocol, 'hex')]),
  ]
  const hmac = createHmac('sha256', session.ks.reveal()).update(Buffer.of(0x01))
  for (const part of parts) hmac.update(part).update(Buffer.of(part.length >> 8, part.length & 0xff))
  return hmac.digest()
}

/** Codes of the suites that the tests negotiate (IANA, TLS Cipher Suites). */
const SUITES: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: '1301',
  TLS_AES_256_GCM_SHA384: '1302',
  TLS_CHACHA20_POLY1305_SHA256: '1303',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'c02b',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'c02c',
}

function protocolOf(socket: TLSSocket): string {
  return `010001${SUITES[socket.getCipher().standardName]}`
}

function responseOf(o: DigestCredentials, ha1: string, method: string, body: Buffer): string {
  const ha2 = md5(`${method}:${o.uri}${o.qop === 'auth-int' ? `:${md5(body)}` : ''}`)
  return o.qop === undefined
    ? md5(`${ha1}:${o.nonce}:${ha2}`)
    : md5(`${ha1}:${o.nonce}:${o.nc}:${o.cnonce}:${o.qop}:${ha2}`)
}

function md5(data: string | Buffer): string {
  return createHash('md5').update(data).digest('hex')
}
