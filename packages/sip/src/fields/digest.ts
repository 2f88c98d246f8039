import { Secret } from '@rollcall/core'
import { type AuthParam, type AuthParams, formatAuth, parseAuth } from '../auth.ts'
import { isToken, isTokenEqual, trimmed } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { withoutParams } from './elements.ts'

/** A Digest challenge; with AKA its nonce holds RAND and AUTN, and between S-CSCF and P-CSCF it carries the keys. */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  /** As it came: `AKAv1-MD5`. */
  readonly algorithm?: string | undefined
  /** In lower case; empty when there is none. */
  readonly qop: readonly string[]
  readonly opaque?: string | undefined
  readonly isStale: boolean
  readonly domain?: string | undefined
  /** CK and IK, for the P-CSCF alone. */
  readonly ck?: Secret | undefined
  readonly ik?: Secret | undefined
  /** The rest. */
  readonly params: ReadonlyMap<string, AuthParam>
}

/** Digest credentials. What is absent that the RFC wants there is empty: a first REGISTER has nothing to say. */
export interface DigestCredentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm?: string | undefined
  readonly cnonce?: string | undefined
  /** Eight hexadecimal digits, as they came. */
  readonly nc?: string | undefined
  /** In lower case. */
  readonly qop?: string | undefined
  readonly opaque?: string | undefined
  /** Base64 of AUTS: the sequence number of the challenge was out of range. */
  readonly auts?: string | undefined
  /** In lower case: `yes`, `no`, `tls-yes` … as the P-CSCF says it. */
  readonly integrityProtected?: string | undefined
  /** The rest. */
  readonly params: ReadonlyMap<string, AuthParam>
}

type ChallengeHeader = 'WWW-Authenticate' | 'Proxy-Authenticate'
type CredentialsHeader = 'Authorization' | 'Proxy-Authorization'

const CHALLENGE_TYPED = ['realm', 'nonce', 'algorithm', 'qop', 'opaque', 'stale', 'domain', 'ck', 'ik']
const CREDENTIALS_TYPED = [
  'username',
  'realm',
  'nonce',
  'uri',
  'response',
  'algorithm',
  'cnonce',
  'nc',
  'qop',
  'opaque',
  'auts',
  'integrity-protected',
]

/** CK and IK have 128 bits (TS 33.102 clause 6.3.3). */
const KEY_OCTETS = 16

/**
 * Reads a Digest challenge, that of AKA too.
 *
 * @throws SipSyntaxError also for another scheme, without realm or nonce, and for a ck or ik that is no key.
 * @see RFC 3310 section 3.2; RFC 2617 section 3.2.1; TS 24.229 clause 7.2A.1
 */
export function parseDigestChallenge(text: string, header: ChallengeHeader = 'WWW-Authenticate'): DigestChallenge {
  const { params } = parseDigest(text, header)
  const value = (name: string): string | undefined => params.get(name)?.value
  const qop = value('qop')
  return {
    realm: required(params, 'realm', header),
    nonce: required(params, 'nonce', header),
    algorithm: value('algorithm'),
    qop: qop === undefined ? [] : readQops(qop, header),
    opaque: value('opaque'),
    isStale: isTokenEqual(value('stale') ?? '', 'true'),
    domain: value('domain'),
    ck: readKey(params, 'ck', header),
    ik: readKey(params, 'ik', header),
    params: withoutParams(params, CHALLENGE_TYPED),
  }
}

/**
 * The inverse. A key that is there is written: who sends a challenge to a UE takes `ck` and `ik` out first
 * (TS 24.229 clause 5.2.2.2).
 */
export function formatDigestChallenge(challenge: DigestChallenge): string {
  const params = new Map<string, AuthParam>()
  const set = (name: string, value: string | undefined, quoted: boolean): void => {
    if (value !== undefined) params.set(name, { value, quoted })
  }
  set('realm', challenge.realm, true)
  set('nonce', challenge.nonce, true)
  set('domain', challenge.domain, true)
  set('opaque', challenge.opaque, true)
  if (challenge.isStale) set('stale', 'true', false)
  set('algorithm', challenge.algorithm, !isToken(challenge.algorithm ?? ''))
  if (challenge.qop.length > 0) set('qop', challenge.qop.join(','), true)
  set('ck', challenge.ck?.reveal().toString('hex'), true)
  set('ik', challenge.ik?.reveal().toString('hex'), true)
  for (const [name, param] of challenge.params) params.set(name, param)
  return formatAuth({ scheme: 'Digest', params })
}

/**
 * Reads Digest credentials. `response` may be absent: an answer with `auts` is one without it as well.
 *
 * @throws SipSyntaxError also for another scheme, and without username or realm.
 * @see RFC 3310 sections 3.3 and 3.4; RFC 2617 section 3.2.2; TS 24.229 clause 7.2A.2
 */
export function parseDigestCredentials(text: string, header: CredentialsHeader = 'Authorization'): DigestCredentials {
  const { params } = parseDigest(text, header)
  const value = (name: string): string | undefined => params.get(name)?.value
  return {
    username: required(params, 'username', header),
    realm: required(params, 'realm', header),
    nonce: value('nonce') ?? '',
    uri: value('uri') ?? '',
    response: value('response') ?? '',
    algorithm: value('algorithm'),
    cnonce: value('cnonce'),
    nc: value('nc'),
    qop: value('qop')?.toLowerCase(),
    opaque: value('opaque'),
    auts: value('auts'),
    integrityProtected: value('integrity-protected')?.toLowerCase(),
    params: withoutParams(params, CREDENTIALS_TYPED),
  }
}

/** The inverse. */
export function formatDigestCredentials(credentials: DigestCredentials): string {
  const params = new Map<string, AuthParam>()
  const set = (name: string, value: string | undefined, quoted: boolean): void => {
    if (value !== undefined) params.set(name, { value, quoted })
  }
  set('username', credentials.username, true)
  set('realm', credentials.realm, true)
  set('nonce', credentials.nonce, true)
  set('uri', credentials.uri, true)
  set('response', credentials.response, true)
  set('algorithm', credentials.algorithm, !isToken(credentials.algorithm ?? ''))
  set('cnonce', credentials.cnonce, true)
  set('opaque', credentials.opaque, true)
  set('qop', credentials.qop, !isToken(credentials.qop ?? ''))
  set('nc', credentials.nc, !isToken(credentials.nc ?? ''))
  set('auts', credentials.auts, true)
  set('integrity-protected', credentials.integrityProtected, true)
  for (const [name, param] of credentials.params) params.set(name, param)
  return formatAuth({ scheme: 'Digest', params })
}

function parseDigest(text: string, header: string): AuthParams {
  const auth = parseAuth(text, header)
  if (!isTokenEqual(auth.scheme, 'Digest')) throw new SipSyntaxError(header, 'is not of the Digest scheme')
  return auth
}

function required(params: ReadonlyMap<string, AuthParam>, name: string, header: string): string {
  const param = params.get(name)
  if (param === undefined) throw new SipSyntaxError(header, `has no ${name}`)
  return param.value
}

function readQops(text: string, header: string): string[] {
  return text.split(',').map((part) => {
    const qop = trimmed(part, 0, part.length)
    if (!isToken(qop)) throw new SipSyntaxError(header, 'has a qop that is no token')
    return qop.toLowerCase()
  })
}

/** A key as hexadecimal digits, whatever their case. Nothing of it gets into the error. */
function readKey(params: ReadonlyMap<string, AuthParam>, name: 'ck' | 'ik', header: string): Secret | undefined {
  const value = params.get(name)?.value
  if (value === undefined) return undefined
  if (value.length !== 2 * KEY_OCTETS || !/^[0-9A-Fa-f]+$/.test(value)) {
    throw new SipSyntaxError(header, `has a ${name} that is no key`)
  }
  return Secret.fromHex(value)
}
