import { Agent, type IncomingHttpHeaders, request as sendRequest } from 'node:http'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { Secret } from '@rollcall/core'
import {
  type Challenge,
  type DigestAlgorithm,
  formatCredentials,
  ha1Of,
  parseChallenges,
  type Qop,
  responseOf,
} from '@rollcall/digest'
import { HTTP_DIGEST_UA_PROTOCOL, uaProtocolOfSuiteName } from '@rollcall/gba'
import { type ApStack, XCAP } from './ap-stack.ts'
import { keyOf, type Session } from './played-bsf.ts'

export interface UeAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly challenges: readonly Challenge[]
}

export interface UeRequest {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
}

/** What a proof is made of where it differs from what is right. */
export interface ProofChanges {
  readonly uri?: string
  readonly qop?: Qop
  readonly nc?: string
  readonly username?: string
  readonly realm?: string
  readonly nonce?: string
}

/** A UE's connection to the proxy, one socket for all requests. */
export class PlayedUe {
  readonly socket: TLSSocket
  readonly fqdn: string
  readonly #agent: Agent
  #nc = 0

  private constructor(socket: TLSSocket, fqdn: string) {
    this.socket = socket
    this.fqdn = fqdn
    this.#agent = new PinnedAgent(socket)
  }

  /** Opens TLS; rejects when the handshake fails. */
  static async open(
    stack: ApStack,
    o: ConnectionOptions & { readonly port?: number; readonly fqdn?: string; readonly localAddress?: string } = {},
  ): Promise<PlayedUe> {
    const fqdn = o.fqdn ?? XCAP
    const socket = connect({ host: stack.address, port: stack.ports.digest, ca: stack.ca, servername: fqdn, ...o })
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('closed')))
    })
    socket.on('error', () => {})
    return new PlayedUe(socket, fqdn)
  }

  get suiteName(): string {
    return this.socket.getCipher().standardName
  }

  send(o: UeRequest = {}): Promise<UeAnswer> {
    const { method = 'GET', path = DOCUMENT, headers = {}, body } = o
    return new Promise((resolve, reject) => {
      const request = sendRequest({
        agent: this.#agent,
        method,
        path,
        headers: {
          Host: this.fqdn,
          ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
          ...headers,
        },
      })
      request.once('error', reject)
      request.once('response', (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.once('end', () => {
          const lines = response.rawHeaders.filter((_, i, all) => all[i - 1]?.toLowerCase() === 'www-authenticate')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(pieces).toString(),
            challenges: lines.flatMap((line) => parseChallenges(line)),
          })
        })
      })
      request.end(body)
    })
  }

  /** The credentials for a request, with the key of `session` for this very connection, or by the older identifier. */
  prove(
    session: Session,
    challenge: Challenge,
    o: UeRequest = {},
    changes: ProofChanges & { isOlder?: boolean } = {},
  ): string {
    const protocol = changes.isOlder ? HTTP_DIGEST_UA_PROTOCOL : uaProtocolOfSuiteName(this.suiteName)
    const password = new Secret(Buffer.from(keyOf(session, this.fqdn, protocol).reveal().toString('base64')))
    return this.proveBy({ username: session.btid, password, algorithm: 'MD5' }, challenge, o, changes)
  }

  proveBy(
    user: { readonly username: string; readonly password: Secret; readonly algorithm: DigestAlgorithm },
    challenge: Challenge,
    o: UeRequest = {},
    changes: ProofChanges = {},
  ): string {
    this.#nc += 1
    const { method = 'GET', path = DOCUMENT, body } = o
    const { algorithm, password } = user
    const username = changes.username ?? user.username
    const realm = changes.realm ?? challenge.realm
    const fields = {
      algorithm,
      nonce: changes.nonce ?? challenge.nonce,
      uri: changes.uri ?? path,
      qop: changes.qop ?? 'auth-int',
      nc: changes.nc ?? this.#nc.toString(16).padStart(8, '0'),
      cnonce: 'c',
    } as const
    const ha1 = ha1Of({ algorithm, username, realm, password })
    const response = responseOf({ ...fields, ha1, method, body: Buffer.from(body ?? '') })
    return formatCredentials({ ...fields, username, realm, response, opaque: challenge.opaque })
  }

  /** Asks without a proof, and gives the challenge for a bootstrapped key. */
  async challenged(): Promise<Challenge> {
    const { challenges } = await this.send({ headers: { 'User-Agent': 'test 3gpp-gba' } })
    const challenge = challenges.find(({ realm }) => realm.startsWith('3GPP-bootstrapping'))
    if (challenge === undefined) throw new Error('no challenge')
    return challenge
  }

  /** A request with the right proof for a fresh challenge. */
  async ask(session: Session, o: UeRequest = {}): Promise<UeAnswer> {
    const Authorization = this.prove(session, await this.challenged(), o)
    return this.send({ ...o, headers: { ...o.headers, Authorization } })
  }

  close(): void {
    this.#agent.destroy()
    this.socket.destroy()
  }
}

export const DOCUMENT = '/pres-rules/users/sip:alice@home1.net/index'

class PinnedAgent extends Agent {
  #socket: TLSSocket | undefined

  constructor(socket: TLSSocket) {
    super({ keepAlive: true, maxSockets: 1 })
    this.#socket = socket
  }

  override createConnection(): TLSSocket {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) throw new Error('the connection has ended')
    return socket
  }
}
