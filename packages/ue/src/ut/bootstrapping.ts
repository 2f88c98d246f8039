import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import {
  type AkaDigestAlgorithm,
  decodeNonce,
  digestPassword,
  digestResponse,
  encodeAuts,
  InvalidNonceError,
  parseAkaAlgorithm,
  sameDigest,
} from '@rollcall/aka'
import type { Clock, Impi, Random } from '@rollcall/core'
import { Secret } from '@rollcall/core'
import { type BootstrappingInfo, BootstrappingInfoError, readBootstrappingInfo, tmpiOf } from '@rollcall/gba'
import {
  type DigestChallenge,
  formatDigestCredentials,
  parseAuthenticationInfo,
  parseDigestChallenge,
  SipSyntaxError,
} from '@rollcall/sip'
import { NetworkAuthenticationError } from '../errors.ts'
import type { Isim } from '../isim.ts'
import { BootstrappingRefusedError, MalformedUtAnswerError, UtPeerNotAuthenticError } from './errors.ts'
import { exchange, type HttpAnswer, retryAfterOf } from './http-exchange.ts'
import type { UtPlaces } from './places.ts'

/** What a bootstrapping gives: it lives in memory, and nowhere else. */
export interface BootstrappedSession {
  readonly btid: string
  /** CK‖IK. */
  readonly ks: Secret
  readonly rand: Buffer
  readonly impi: Impi
  /** By our own clock. */
  readonly expiresAtMs: number
  /** What the UE may call itself next time, in the place of its IMPI. */
  readonly tmpi: string | undefined
}

export interface BootstrapOptions {
  readonly places: UtPlaces
  readonly impi: Impi
  readonly isim: Isim
  readonly clock: Clock
  readonly random: Random
  readonly timeoutMs: number
  readonly usesTmpi: boolean
  /** That of the last bootstrapping. */
  readonly tmpi: string | undefined
}

/** The token of those who can do with temporary names (TS 24.109 clause 4.2). */
const TMPI_TOKEN = '3gpp-gba-tmpi'

/** The first 401, one after AUTS, one after an answer that was refused, and no more. */
const CHALLENGES_MAX = 3
const CNONCE_OCTETS = 8
const NC = '00000001'
const URI = '/'

/** A challenge whose nonce the ISIM has looked at. */
interface AkaChallenge extends DigestChallenge {
  readonly aka: AkaDigestAlgorithm
  readonly rand: Buffer
  readonly autn: Buffer
}

/** What went out and waits for the 200. */
interface Proof {
  readonly challenge: AkaChallenge
  readonly cnonce: string
  readonly password: Secret
  readonly ks: Secret
}

/**
 * Bootstraps over Ub: HTTP Digest AKA with the ISIM, auth-int, AUTS when the SQN is out of range, one more try when the
 * answer is refused.
 *
 * @throws BootstrappingRefusedError, NetworkAuthenticationError, UtPeerNotAuthenticError, MalformedUtAnswerError,
 * UtUnreachableError
 * @see TS 24.109 clause 4.2, TS 33.220 clause 4.5.2, RFC 3310
 */
export async function bootstrap(o: BootstrapOptions): Promise<BootstrappedSession> {
  const { bsf, authorities } = o.places
  const where = { host: bsf.host, port: bsf.port, keepAlive: true, maxSockets: 1 }
  const agent = bsf.isTls
    ? new HttpsAgent({ ...where, servername: bsf.name, minVersion: 'TLSv1.2', ...(authorities && { ca: authorities }) })
    : new HttpAgent(where)
  try {
    const run = new BootstrapRun(o, agent, o.tmpi ?? o.impi)
    try {
      return await run.run()
    } catch (error) {
      // A BSF forgets temporary names: then the real one is said (TS 33.220 annex B.4).
      if (!(error instanceof BootstrappingRefusedError) || o.tmpi === undefined || run.isChallenged) throw error
    }
    return await new BootstrapRun(o, agent, o.impi).run()
  } finally {
    agent.destroy()
  }
}

class BootstrapRun {
  readonly #o: BootstrapOptions
  readonly #agent: HttpAgent
  readonly #username: string
  #proof: Proof | undefined
  #answered = 0
  #resynchronised = 0
  #takesTmpi = false

  constructor(o: BootstrapOptions, agent: HttpAgent, username: string) {
    this.#o = o
    this.#agent = agent
    this.#username = username
  }

  /** The BSF knew the name. */
  get isChallenged(): boolean {
    return this.#answered + this.#resynchronised > 0
  }

  async run(): Promise<BootstrappedSession> {
    const { places } = this.#o
    let answer = await this.#send(
      formatDigestCredentials({
        username: this.#username,
        realm: places.bsf.name,
        nonce: '',
        uri: URI,
        response: '',
        params: new Map(),
      }),
    )
    for (let challenges = 0; answer.status === 401; challenges += 1) {
      if (challenges === CHALLENGES_MAX) throw refused(answer)
      answer = await this.#send(await this.#answer(readAkaChallenge(answer), answer))
    }
    if (answer.status !== 200) throw refused(answer)
    return this.#accept(answer)
  }

  async #send(authorization: string): Promise<HttpAnswer> {
    const { places, usesTmpi } = this.#o
    const { bsf } = places
    const headers = {
      Host: bsf.name,
      'User-Agent': usesTmpi ? `rollcall ${TMPI_TOKEN}` : 'rollcall',
      Accept: '*/*',
      Authorization: authorization,
    }
    const options = { agent: this.#agent, place: `the BSF ${bsf.name}`, timeoutMs: this.#o.timeoutMs }
    const answer = await exchange({ method: 'GET', path: URI, headers }, options)
    if (answer.header('Server')?.split(/\s+/).includes(TMPI_TOKEN)) this.#takesTmpi = true
    return answer
  }

  async #answer(challenge: AkaChallenge, response: HttpAnswer): Promise<string> {
    const { isim, random } = this.#o
    const cnonce = random.bytes(CNONCE_OCTETS).toString('hex')
    const answer = await isim.answer(challenge.rand, challenge.autn)
    switch (answer.kind) {
      case 'mac-failure':
        // Whoever sent this does not know K: it gets no answer (TS 24.109 clause 4.4, TS 33.220 clause 4.5.2).
        throw new NetworkAuthenticationError('mac')
      case 'sync-failure':
        this.#resynchronised += 1
        if (this.#resynchronised > 1) throw new NetworkAuthenticationError('sqn')
        this.#proof = undefined
        return this.#format(challenge, cnonce, 'empty', answer.auts)
      case 'success': {
        this.#answered += 1
        if (this.#answered > 2) throw refused(response)
        const password = digestPassword(challenge.aka, answer)
        const ks = new Secret(Buffer.concat([answer.ck.reveal(), answer.ik.reveal()]))
        this.#proof = { challenge, cnonce, password, ks }
        return this.#format(challenge, cnonce, password, undefined)
      }
    }
  }

  #format(challenge: AkaChallenge, cnonce: string, password: Secret | 'empty', auts: Buffer | undefined): string {
    const { realm, nonce, opaque, algorithm } = challenge
    const about = { username: this.#username, realm, nonce, uri: URI, qop: 'auth-int', nc: NC, cnonce } as const
    return formatDigestCredentials({
      ...about,
      response: digestResponse({ ...about, password, method: 'GET' }),
      opaque,
      algorithm,
      ...(auts && { auts: encodeAuts(auts) }),
      params: new Map(),
    })
  }

  /** The 200: first its proof, then its body. */
  #accept(answer: HttpAnswer): BootstrappedSession {
    const proof = this.#proof
    if (proof === undefined) throw new MalformedUtAnswerError('a 200 on Ub without a challenge')
    // guard: ub-rspauth — who cannot prove RES may not say which B-TID is whose (RFC 3310 section 3.5)
    if (!isAuthentic(answer, proof, this.#username)) throw new UtPeerNotAuthenticError('rspauth of the BSF is wrong')
    const info = readInfo(answer.body)
    const { clock, impi, usesTmpi } = this.#o
    const key = { ks: proof.ks, rand: proof.challenge.rand, impi }
    const isTaken = usesTmpi && this.#takesTmpi
    return {
      ...key,
      btid: info.btid,
      tmpi: isTaken ? tmpiOf({ ...key, bsfName: info.btid.slice(info.btid.lastIndexOf('@') + 1) }) : undefined,
      // The BSF's clock may differ from ours: with its time in the answer only the difference counts.
      expiresAtMs: clock.now() + (info.lifetimeMs - (info.currentTimeMs ?? clock.now())),
    }
  }
}

function readInfo(body: Buffer): BootstrappingInfo {
  try {
    return readBootstrappingInfo(body)
  } catch (cause) {
    if (!(cause instanceof BootstrappingInfoError)) throw cause
    throw new MalformedUtAnswerError(`BootstrappingInfo: ${cause.message}`, { cause })
  }
}

/** @see RFC 2617 section 3.2.3: in A2 of the response there is no method */
function isAuthentic(answer: HttpAnswer, { challenge, cnonce, password }: Proof, username: string): boolean {
  const info = answer.header('Authentication-Info')
  if (info === undefined) return false
  const { params } = read(() => parseAuthenticationInfo(info))
  const expected = digestResponse({
    username,
    realm: challenge.realm,
    nonce: challenge.nonce,
    password,
    method: '',
    uri: URI,
    qop: 'auth-int',
    nc: NC,
    cnonce,
    body: answer.body,
  })
  return (
    params.get('qop')?.value.toLowerCase() === 'auth-int' && sameDigest(params.get('rspauth')?.value ?? '', expected)
  )
}

function readAkaChallenge(answer: HttpAnswer): AkaChallenge {
  for (const line of answer.lines('WWW-Authenticate')) {
    const challenge = read(() => parseDigestChallenge(line))
    const aka = parseAkaAlgorithm(challenge.algorithm ?? '')
    // guard: ub-auth-int — without it nothing would protect the B-TID on plain HTTP (TS 24.109 clause 4.2)
    if (aka === undefined || !challenge.qop.includes('auth-int')) continue
    return { ...challenge, aka, ...readNonce(challenge.nonce) }
  }
  throw new MalformedUtAnswerError('the 401 of the BSF holds no AKA challenge with auth-int')
}

function readNonce(nonce: string): { readonly rand: Buffer; readonly autn: Buffer } {
  try {
    return decodeNonce(nonce)
  } catch (cause) {
    if (!(cause instanceof InvalidNonceError)) throw cause
    throw new MalformedUtAnswerError('the nonce holds no RAND and AUTN', { cause })
  }
}

function read<T>(reader: () => T): T {
  try {
    return reader()
  } catch (cause) {
    if (cause instanceof SipSyntaxError) throw new MalformedUtAnswerError(cause.message, { cause })
    throw cause
  }
}

function refused(answer: HttpAnswer): BootstrappingRefusedError {
  return new BootstrappingRefusedError(answer.status, answer.reason, retryAfterOf(answer))
}
