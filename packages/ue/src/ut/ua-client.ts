import { NafRefusedError, UtPeerNotAuthenticError, UtUnreachableError } from './errors.ts'
import type { HttpAnswer, HttpRequest } from './http-exchange.ts'
import type { KeyKeeper } from './key-keeper.ts'
import { closeConnection, exchangeOn, type UaConnection } from './ua-connection.ts'
import type { UaDigest } from './ua-digest.ts'
import { digestKeyOf, openForDigest, openWithPsk, type UaOpenOptions } from './ua-open.ts'
import { UaPool } from './ua-pool.ts'

/** The first challenge, one for a nonce that is old, one for a key that is, and one more for both together. */
const CHALLENGES_MAX = 4
/** Methods that change nothing: what broke off may be said again (RFC 9110 section 9.2.1). */
const SAFE_METHODS = new Set(['GET', 'HEAD'])
/** The token that says what we can do (TS 24.109 clause 5.2.1). */
const USER_AGENT = 'rollcall 3gpp-gba'

/**
 * HTTPS to one NAF, or to an Authentication Proxy in its name, with bootstrapped keys.
 *
 * @see TS 33.220 clause 4.5.1, TS 33.222 clause 5, TS 24.109 clause 5
 */
export class UaClient {
  readonly #o: UaOpenOptions
  readonly #keys: KeyKeeper
  readonly #pool: UaPool
  #protection: string | undefined

  constructor(o: UaOpenOptions, keys: KeyKeeper) {
    this.#o = o
    this.#keys = keys
    this.#pool = new UaPool(o.settings.connectionsMax, () => this.#open())
  }

  /**
   * Sends a request; bootstraps before or anew when the NAF wants it, once.
   *
   * @throws NafRefusedError, UtPeerNotAuthenticError, UtUnreachableError, MalformedUtAnswerError, UtClosedError, and what
   * `bootstrap` throws.
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const whole = {
      ...request,
      headers: { Host: this.#o.places.naf.name, 'User-Agent': USER_AGENT, ...request.headers },
    }
    for (let isAgain = false; ; isAgain = true) {
      let wasReused = false
      try {
        return await this.#pool.use((connection, isReused) => {
          wasReused = isReused
          return this.#on(connection, whole)
        })
      } catch (error) {
        // A kept connection may have been closed from the other end while we wrote.
        const mayRepeat = error instanceof UtUnreachableError && wasReused && SAFE_METHODS.has(request.method)
        if (!mayRepeat || isAgain) throw error
      }
    }
  }

  /** How the last request was protected: `tlsv1.3 tls_aes_256_gcm_sha384 digest`. */
  get protection(): string | undefined {
    return this.#protection
  }

  close(): void {
    this.#pool.close()
  }

  async #on(connection: UaConnection, request: HttpRequest): Promise<HttpAnswer> {
    const { socket } = connection
    this.#protection =
      `${socket.getProtocol()} ${socket.getCipher().standardName} ${this.#o.settings.access}`.toLowerCase()
    try {
      return connection.digest === undefined
        ? await this.#withPsk(connection, request)
        : await this.#withDigest(connection, connection.digest, request)
    } catch (error) {
      // guard: ua-drop — what somebody else holds the other end of is not used again (TS 33.222 clause 5.3)
      if (error instanceof NafRefusedError || error instanceof UtPeerNotAuthenticError) closeConnection(connection)
      throw error
    }
  }

  async #withDigest(connection: UaConnection, digest: UaDigest, request: HttpRequest): Promise<HttpAnswer> {
    let renewed = 0
    for (let challenges = 0; ; challenges += 1) {
      const session = this.#keys.current
      const proof = session && digest.prove(request, digestKeyOf(connection.socket, session, this.#o))
      const headers = proof ? { ...request.headers, Authorization: proof.authorization } : request.headers
      const answer = await exchangeOn(connection, { ...request, headers }, this.#timing())
      if (answer.status !== 401) {
        if (proof) digest.answered(answer, proof)
        return answer
      }
      if (challenges === CHALLENGES_MAX) throw this.#refused('it challenges without end')
      const { isStale } = digest.challenged(answer)
      if (proof === undefined || session === undefined || isStale) {
        // Bootstrapping required (TS 24.109 clause 5.2.4), or an old nonce only.
        if (session === undefined) renewed += 1
        await this.#keys.take()
        continue
      }
      // Renegotiation (TS 24.109 clause 5.2.5): but a key that is new and refused is refused for good.
      if (renewed > 0) throw this.#refused('it does not take a key that was bootstrapped just now')
      renewed += 1
      await this.#keys.take(session.btid)
    }
  }

  /** The key is in the connection: a 401 means that it is not good any more, and so does the end of a handshake. */
  async #withPsk(connection: UaConnection, request: HttpRequest): Promise<HttpAnswer> {
    const answer = await exchangeOn(connection, request, this.#timing())
    if (answer.status !== 401) return answer
    closeConnection(connection)
    await this.#keys.take(connection.btid)
    const again = await this.#open()
    try {
      const second = await exchangeOn(again, request, this.#timing())
      if (second.status === 401) throw this.#refused('it does not take a key that was bootstrapped just now')
      return second
    } finally {
      closeConnection(again)
    }
  }

  async #open(): Promise<UaConnection> {
    if (this.#o.settings.access === 'digest') return await openForDigest(this.#o)
    const known = this.#keys.current
    const session = known ?? (await this.#keys.take())
    try {
      return await openWithPsk(this.#o, session)
    } catch (error) {
      // The NAF says by an alert that it does not know the key (TS 24.109 clause 5.3.3): a new one, once.
      if (!(error instanceof UtUnreachableError) || known === undefined) throw error
      return await openWithPsk(this.#o, await this.#keys.take(session.btid))
    }
  }

  #refused(detail: string): NafRefusedError {
    return new NafRefusedError(this.#o.places.naf.name, detail)
  }

  #timing(): { place: string; timeoutMs: number } {
    return { place: this.#o.places.naf.name, timeoutMs: this.#o.settings.timeoutMs }
  }
}
