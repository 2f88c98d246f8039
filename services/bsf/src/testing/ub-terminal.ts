import {
  type AkaKeys,
  answerChallenge,
  decodeNonce,
  digestPassword,
  digestResponse,
  encodeAuts,
  type IsimState,
  newIsimState,
} from '@rollcall/aka'
import { assert, Secret } from '@rollcall/core'
import { formatDigestCredentials, parseAuth, parseDigestChallenge } from '@rollcall/sip'

/** What a UE answered to a challenge with, and what it checks the 200 by. */
export interface UbAnswer {
  readonly authorization: string
  readonly ks: Secret
  readonly rand: Buffer
  /** The rspauth that a BSF which knows RES would send with this body. */
  readonly rspauthOf: (body: Buffer) => string
}

/** Parts of an answer, for tests that change some. */
export interface UbAnswerParts {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly qop: string
  readonly nc: string
  readonly cnonce: string
  readonly algorithm: string
  readonly body: Buffer
  readonly method: string
}

/** A UE on Ub with an ISIM of its own, which a test can make do wrong things. */
export class UbTerminal {
  readonly username: string
  readonly #keys: AkaKeys
  state: IsimState = newIsimState()

  constructor(username: string, keys: AkaKeys) {
    this.username = username
    this.#keys = keys
  }

  /** The first Authorization (TS 24.109 annex A). */
  first(realm: string, username: string = this.username): string {
    const about = { username, realm, nonce: '', uri: '/', response: '', params: new Map() }
    return formatDigestCredentials(about)
  }

  /** The answer to a challenge, changed as said. */
  answer(wwwAuthenticate: string, o: Partial<UbAnswerParts> & { readonly res?: Secret } = {}): UbAnswer {
    const challenge = parseDigestChallenge(wwwAuthenticate)
    const { rand, autn } = decodeNonce(challenge.nonce)
    const said = answerChallenge(this.#keys, { rand, autn, state: this.state })
    assert(said.kind === 'success', `the ISIM says ${said.kind}`)
    this.state = said.state
    const { username, realm, nonce, uri, qop, nc, cnonce, algorithm, body, method } = {
      username: this.username,
      realm: challenge.realm,
      nonce: challenge.nonce,
      uri: '/',
      qop: 'auth-int',
      nc: '00000001',
      cnonce: '0a4f113b',
      algorithm: challenge.algorithm ?? '',
      body: Buffer.alloc(0),
      method: 'GET',
      ...o,
    }
    const password = o.res ?? digestPassword('AKAv1-MD5', said)
    const about = { username, realm, nonce, uri, qop: qop as 'auth-int', nc, cnonce, password }
    const response = digestResponse({ ...about, method, body })
    const authorization = formatDigestCredentials({
      username,
      realm,
      nonce,
      uri,
      qop,
      nc,
      cnonce,
      response,
      algorithm,
      params: new Map(),
    })
    return {
      authorization,
      rand,
      ks: new Secret(Buffer.concat([said.ck.reveal(), said.ik.reveal()])),
      rspauthOf: (content) => digestResponse({ ...about, method: '', body: content }),
    }
  }

  /** What the ISIM says to a challenge whose SQN is behind its own (RFC 3310 section 3.4). */
  resync(wwwAuthenticate: string): string {
    const challenge = parseDigestChallenge(wwwAuthenticate)
    const { rand, autn } = decodeNonce(challenge.nonce)
    const said = answerChallenge(this.#keys, { rand, autn, state: this.state })
    assert(said.kind === 'sync-failure', `the ISIM says ${said.kind}`)
    const { username } = this
    const { realm, nonce, algorithm } = challenge
    const about = { username, realm, nonce, uri: '/', qop: 'auth-int', nc: '00000001', cnonce: '0a4f113b' } as const
    const response = digestResponse({ ...about, password: 'empty', method: 'GET' })
    return formatDigestCredentials({ ...about, response, algorithm, auts: encodeAuts(said.auts), params: new Map() })
  }
}

/** The rspauth in Authentication-Info. */
export function rspauthIn(authenticationInfo: string): string | undefined {
  return parseAuth(`Digest ${authenticationInfo}`).params.get('rspauth')?.value
}
