import { type Clock, sourceNetwork } from '@rollcall/core'
import {
  type Credentials,
  type DigestAlgorithm,
  MalformedDigestError,
  type NonceKeeper,
  parseCredentials,
} from '@rollcall/digest'
import type { HttpRequest } from '@rollcall/runtime'
import type { Passwords } from '../hss/passwords.ts'
import type { Naf } from '../nafs/naf.ts'
import type { NafKeys } from '../zn/naf-keys.ts'
import { passwordScope } from './challenges.ts'
import type { ShownCertificate } from './client-certificate.ts'
import { namesTarget } from './digest-uri.ts'
import { checkGbaDigest, userOfKey } from './gba-digest.ts'
import { challenge, refuse, type UaOutcome } from './outcome.ts'
import { checkPasswordDigest } from './password-digest.ts'
import type { UaConnection } from './ua-connection.ts'
import { WrongTries } from './wrong-tries.ts'

export interface AuthenticatorOptions {
  readonly keys: NafKeys
  readonly passwords: Passwords | undefined
  readonly nonces: NonceKeeper
  readonly passwordRealm: string
  readonly passwordAlgorithms: readonly DigestAlgorithm[]
  readonly clock: Clock
}

/** A B-TID has 278 at most, an IMPI fewer (RFC 7542 section 2.2). */
const NAME_CHARS_MAX = 300

type InCertificateTls = Extract<UaConnection, { kind: 'certificate' }>

/**
 * Says whom a request is from. What the NAF's operator has not opened lets nobody in, however right the proof is.
 *
 * @see TS 33.222 clause 5.2, TS 33.141 clause 5.1.4
 */
export class Authenticator {
  readonly #o: AuthenticatorOptions
  readonly #tries: WrongTries

  constructor(o: AuthenticatorOptions) {
    this.#o = o
    this.#tries = new WrongTries(o.clock)
  }

  async authenticate(request: HttpRequest, naf: Naf, connection: UaConnection): Promise<UaOutcome> {
    const outcome = connection.kind === 'psk' ? this.#byPsk(connection) : await this.#inTls(request, naf, connection)
    // guard: no-identity — a key whose settings name nobody at this NAF stands for nobody (TS 24.109 clause 7.3)
    if (outcome.kind === 'user' && outcome.user.identities.length === 0) return refuse('no-identity', 403)
    return outcome
  }

  /** TLS itself had the key (TS 33.222 clause 5.4). */
  #byPsk({ key }: Extract<UaConnection, { kind: 'psk' }>): UaOutcome {
    // guard: psk-expiry — a connection does not outlive its key (TS 24.109 clause 5.3.3.4)
    if (key.expiresMs <= this.#o.clock.now()) {
      return { kind: 'challenge', reason: 'key-expired', isStale: false, closes: true }
    }
    return { kind: 'user', user: userOfKey(key, 'gba-psk'), proof: undefined }
  }

  async #inTls(request: HttpRequest, naf: Naf, { suiteName, shown }: InCertificateTls): Promise<UaOutcome> {
    const value = request.headers.authorization
    if (value === undefined) return byCertificate(naf, shown)
    let credentials: Credentials | undefined
    try {
      credentials = parseCredentials(value)
    } catch (error) {
      if (error instanceof MalformedDigestError) return refuse('malformed', 400)
      throw error
    }
    if (credentials === undefined || credentials.isUserHashed) return challenge('no-credentials')
    // guard: digest-uri — a proof for one document must not be good for another (RFC 7616 section 3.4.6)
    if (!namesTarget(credentials.uri, request.target, naf.fqdn)) return refuse('wrong-uri', 400)
    return this.#byDigest(request, naf, suiteName, credentials)
  }

  async #byDigest(request: HttpRequest, naf: Naf, suiteName: string, credentials: Credentials): Promise<UaOutcome> {
    // guard: name-length — names are kept with what is counted of them, so none may be long
    if (credentials.username.length > NAME_CHARS_MAX) return refuse('malformed', 400)
    const source = sourceNetwork(request.socket.remoteAddress)
    // guard: wrong-tries — who guesses is not listened to any more (TS 24.109 clause 5.2.3)
    if (this.#tries.isSpent(credentials.username, source)) return refuse('too-many-tries', 403)
    const { method, body } = request
    const isPassword = credentials.realm === this.#o.passwordRealm
    // guard: wrong-passwords — who tries one password on everybody is not listened to any more
    if (isPassword && this.#tries.isSourceSpent(source)) return refuse('too-many-tries', 403)
    const outcome = await this.#check({ method, body, naf, source, suiteName, credentials })
    if (outcome.kind === 'user') this.#tries.clear(credentials.username, source)
    else if (outcome.reason === 'wrong-response' || outcome.reason === 'user-unknown') {
      this.#tries.count(credentials.username, source)
      if (isPassword) this.#tries.countPassword(source)
    }
    return outcome
  }

  async #check(o: {
    readonly method: string
    readonly body: Buffer
    readonly naf: Naf
    readonly source: string
    readonly suiteName: string
    readonly credentials: Credentials
  }): Promise<UaOutcome> {
    const { naf, credentials } = o
    const { nonces, keys, passwords, passwordRealm: realm, passwordAlgorithms: algorithms } = this.#o
    // guard: gba-open — a key of GBA is taken where the operator opened that
    if (credentials.realm === naf.gbaRealm && naf.means.has('gba-digest')) {
      return checkGbaDigest({ ...o, keys, nonces })
    }
    // guard: password-open — a password is taken where the operator opened that
    if (credentials.realm === realm && naf.means.has('password') && passwords !== undefined) {
      return checkPasswordDigest({ ...o, realm, algorithms, nonces, passwords, scope: passwordScope(naf, realm) })
    }
    return challenge('wrong-realm')
  }
}

/** Who has shown a certificate and no other proof (TS 33.222 clause 5.5). */
function byCertificate(naf: Naf, shown: ShownCertificate): UaOutcome {
  // guard: certificate-open — certificates are for NAFs whose operator opened them
  if (!naf.means.has('client-certificate')) return challenge('no-credentials')
  if (shown.kind === 'user') return { kind: 'user', user: shown.user, proof: undefined }
  if (shown.kind === 'none') return challenge('no-credentials')
  // Its certificate may be as good as before: it is told to show it again.
  if (shown.reason === 'certificate-outdated')
    return { kind: 'refused', reason: shown.reason, status: 503, closes: true }
  return challenge(shown.reason)
}
