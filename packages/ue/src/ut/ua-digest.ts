import { type Random, Secret } from '@rollcall/core'
import {
  MalformedDigestError,
  parseAuthenticationInfo,
  parseChallenges,
  responseOf,
  sameResponse,
} from '@rollcall/digest'
import { parseNafRealm } from '@rollcall/gba'
import { DigestClient, type SentProof } from '../digest-client.ts'
import { MalformedUtAnswerError, NafRefusedError, UtPeerNotAuthenticError } from './errors.ts'
import type { HttpAnswer, HttpRequest } from './http-exchange.ts'

/** With whose key a request is answered for. */
export interface UaKey {
  readonly btid: string
  readonly ksNaf: Secret
}

/** The key of the ME: a UICC that keeps Ks to itself is not built. */
const PREFIX = '3GPP-bootstrapping'

/**
 * The digest of one connection to a NAF.
 *
 * @see TS 24.109 clause 5.2, RFC 7616
 */
export class UaDigest {
  readonly #fqdn: string
  readonly #client: DigestClient

  constructor(fqdn: string, random: Random) {
    this.#fqdn = fqdn
    this.#client = new DigestClient(random)
  }

  /** The proof for a request; nothing before the first challenge. */
  prove({ method, path, body }: HttpRequest, { btid, ksNaf }: UaKey): SentProof | undefined {
    // The password is the base64 text of Ks_NAF (TS 24.109 clause 5.2.2).
    const password = new Secret(Buffer.from(ksNaf.reveal().toString('base64'), 'latin1'))
    return this.#client.prove({ method, uri: path, body }, { username: btid, password })
  }

  /**
   * Takes the challenge of a 401. Gives whether only the nonce was old.
   *
   * @throws NafRefusedError when it asks for no bootstrapped key, or for that of another NAF.
   * @see TS 24.109 clauses 5.2.3 to 5.2.5; TS 33.222 clause 5.3
   */
  challenged(answer: HttpAnswer): { readonly isStale: boolean } {
    for (const challenge of answer.lines('WWW-Authenticate').flatMap((line) => read(() => parseChallenges(line)))) {
      const realms = parseNafRealm(challenge.realm).filter(({ prefix }) => prefix === PREFIX)
      if (realms.length === 0) continue
      // guard: ua-realm — whom we reached must not pass our proof on to the NAF that it names (TS 33.222 clause 5.3)
      if (!realms.some(({ fqdn }) => fqdn === this.#fqdn)) {
        throw new NafRefusedError(this.#fqdn, 'its realm names another NAF')
      }
      this.#client.challenged(challenge)
      return { isStale: challenge.isStale }
    }
    throw new NafRefusedError(this.#fqdn, 'it takes no bootstrapped key')
  }

  /**
   * Checks what an answer says of itself, and takes the next nonce. `Choice:` an answer without Authentication-Info counts:
   * TLS with the NAF's certificate has proved it, and RFC 7616 section 3.5 makes the field optional.
   *
   * @throws UtPeerNotAuthenticError when its proof is wrong.
   */
  answered(answer: HttpAnswer, { input }: SentProof): void {
    const line = answer.header('Authentication-Info')
    if (line === undefined) return
    const { rspauth, nextnonce } = read(() => parseAuthenticationInfo(line))
    const expected = responseOf({ ...input, method: 'answer', body: answer.body })
    // guard: ua-rspauth — a proof that is there must be right (RFC 7616 section 3.5)
    if (rspauth !== undefined && !sameResponse(rspauth, expected)) {
      throw new UtPeerNotAuthenticError(`rspauth of ${this.#fqdn} is wrong`)
    }
    if (nextnonce !== undefined) this.#client.nextNonce(nextnonce)
  }
}

function read<T>(reader: () => T): T {
  try {
    return reader()
  } catch (cause) {
    if (cause instanceof MalformedDigestError) throw new MalformedUtAnswerError(cause.message, { cause })
    throw cause
  }
}
