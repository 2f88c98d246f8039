import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { answerChallenge, decodeNonce, digestResponse, newIsimState } from '@rollcall/aka'
import { type Random, systemRandom } from '@rollcall/core'
import { parseDigestChallenge, parseMessage, type SipResponse } from '@rollcall/sip'
import type { Credentials } from '@rollcall/ue'

/** An answer that must come has come by then. */
const ANSWER_MS_MAX = 10_000

/** What a forged REGISTER has besides what a UE of the victim's would say. */
export interface ForgedRegister {
  readonly callId?: string
  readonly cseq?: number
  readonly expiresSeconds?: number
  /** More parameters of Authorization, such as `,response="…"` with its nonce. */
  readonly answer?: string
  readonly headers?: readonly string[]
  /** Value of Security-Client; a usual offer unless given, none when null. */
  readonly securityClient?: string | null
}

/**
 * Somebody with a socket who knows the victim's identities, but no keys: sends REGISTERs in its name to the unprotected
 * port, from any address of the loopback network.
 */
export class Attacker implements Disposable {
  readonly #socket: Socket
  readonly #victim: Credentials
  readonly #random: Random
  #cseq = 0

  private constructor(socket: Socket, victim: Credentials, random: Random) {
    this.#socket = socket
    this.#victim = victim
    this.#random = random
  }

  static async at(address: string, victim: Credentials, random: Random = systemRandom): Promise<Attacker> {
    const socket = createSocket('udp4')
    socket.bind({ address, port: 0 })
    await once(socket, 'listening')
    // A port where nobody listens tells of it by ICMP: that is an answer, too.
    socket.on('error', () => {})
    return new Attacker(socket, victim, random)
  }

  /** Sends octets as they are. */
  async send(octets: string | Buffer, to: { readonly address: string; readonly port: number }): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.send(octets, to.port, to.address, () => resolve()))
  }

  /** Sends a forged REGISTER and gives the final answer. */
  async register(forged: ForgedRegister = {}): Promise<SipResponse> {
    const branch = `z9hG4bK${this.#random.bytes(8).toString('hex')}`
    await this.send(this.#write(forged, branch), this.#victim.pcscf)
    return await this.#answerTo(branch)
  }

  /** Sends forged REGISTERs and waits for no answer. */
  async flood(count: number, forged: ForgedRegister = {}): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.send(this.#write(forged, `z9hG4bK${this.#random.bytes(8).toString('hex')}`), this.#victim.pcscf)
    }
  }

  /**
   * Answers a 401 of the attacker's own, outside of the SAs that it made: with anything, or by the victim's own K as if
   * the answer had been overheard.
   */
  answerTo(response: SipResponse, by: 'guess' | 'key'): string {
    const { nonce, realm } = parseDigestChallenge(response.headers.get('WWW-Authenticate') ?? '')
    const digest = by === 'guess' ? this.#random.bytes(16).toString('hex') : this.#rightResponse(nonce, realm)
    return `,nonce="${nonce}",algorithm=AKAv1-MD5,response="${digest}"`
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }

  #rightResponse(nonce: string, realm: string): string {
    const { impi: username, domain, keys } = this.#victim
    const answer = answerChallenge(keys, { ...decodeNonce(nonce), state: newIsimState() })
    if (answer.kind !== 'success') throw new Error(`the challenge is a ${answer.kind}`)
    return digestResponse({ username, realm, password: answer.res, method: 'REGISTER', uri: `sip:${domain}`, nonce })
  }

  async #answerTo(branch: string): Promise<SipResponse> {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX)
    for (;;) {
      const [octets] = (await once(this.#socket, 'message', { signal })) as [Buffer]
      const message = parseMessage(octets)
      if (message.kind !== 'response' || message.status < 200) continue
      if (message.headers.get('Via')?.includes(branch)) return message
    }
  }

  #write(forged: ForgedRegister, branch: string): string {
    const { impi, impus, domain, instance } = this.#victim
    const { address, port } = this.#socket.address()
    const expiresSeconds = forged.expiresSeconds ?? 600
    this.#cseq += 1
    const names = `username="${impi}",realm="${domain}",uri="sip:${domain}"`
    const spi = 2_000_000_000 + (this.#random.bytes(4).readUInt32BE(0) % 1_000_000_000)
    const ends = `spi-c=${spi};spi-s=${spi + 1};port-c=${51_000 + (spi % 8_000)};port-s=${42_000 + (spi % 7_000)}`
    const usual = `ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=UDP-enc-tun;${ends}`
    const securityClient = forged.securityClient === undefined ? usual : forged.securityClient
    return [
      `REGISTER sip:${domain} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: <${impus[0]}>;tag=${this.#random.bytes(4).toString('hex')}`,
      `To: <${impus[0]}>`,
      `Call-ID: ${forged.callId ?? this.#random.bytes(8).toString('hex')}`,
      `CSeq: ${forged.cseq ?? this.#cseq} REGISTER`,
      `Contact: <sip:ue@${address}:${port}>;+sip.instance="<${instance}>";expires=${expiresSeconds}`,
      `Expires: ${expiresSeconds}`,
      'Supported: path',
      'Require: sec-agree',
      'Proxy-Require: sec-agree',
      `Authorization: Digest ${names}${forged.answer ?? ',nonce="",response=""'}`,
      ...(securityClient === null ? [] : [`Security-Client: ${securityClient}`]),
      ...(forged.headers ?? []),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n')
  }
}
