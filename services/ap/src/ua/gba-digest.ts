import { Secret } from '@rollcall/core'
import { type Credentials, checkProof, ha1Of, type NonceKeeper } from '@rollcall/digest'
import { HTTP_DIGEST_UA_PROTOCOL, UnknownCipherSuiteError, uaProtocolOfSuiteName } from '@rollcall/gba'
import { LookupError } from '../errors.ts'
import { type Naf, QOPS, type UaProtocol } from '../nafs/naf.ts'
import type { NafKey, NafKeys } from '../zn/naf-keys.ts'
import { challenge, refuse, type UaOutcome } from './outcome.ts'
import type { User } from './user.ts'

export interface GbaDigestInput {
  readonly naf: Naf
  readonly credentials: Credentials
  readonly method: string
  readonly body: Buffer
  /** Where the request comes from, for limits. */
  readonly source: string
  /** Of the very connection, as `getCipher` says it. */
  readonly suiteName: string
  readonly keys: NafKeys
  readonly nonces: NonceKeeper
}

/**
 * Checks a proof with Ks_NAF inside of TLS. A B-TID that the BSF does not know, or whose time is over, makes the UE
 * bootstrap anew; where handsets of both ages come, the key is tried under each identifier that the operator set.
 *
 * @see TS 33.222 clause 5.3, TS 24.109 clause 5.2.2, TS 24.109 clause 5.2.6, TS 24.109 clause 5.3.2.1, TS 33.220 annex H.3
 */
export async function checkGbaDigest(o: GbaDigestInput): Promise<UaOutcome> {
  const { naf, credentials, nonces } = o
  // Asked for before the BSF is: who has no nonce of ours has not been challenged.
  if (!nonces.isGood(credentials.nonce, naf.gbaRealm)) return challenge('stale-nonce', true)
  let wrong: UaOutcome = challenge('wrong-response')
  for (const protocol of naf.uaProtocols) {
    const uaProtocol = identifierOf(protocol, o.suiteName)
    if (uaProtocol === undefined) continue
    const key = await keyOf(o, uaProtocol)
    if ('kind' in key) return key
    const outcome = checkWith(o, key)
    if (outcome.kind !== 'challenge' || outcome.reason !== 'wrong-response') return outcome
    wrong = outcome
  }
  return wrong
}

function identifierOf(protocol: UaProtocol, suiteName: string): Buffer | undefined {
  if (protocol === 'http-digest') return HTTP_DIGEST_UA_PROTOCOL
  try {
    return uaProtocolOfSuiteName(suiteName)
  } catch (error) {
    if (error instanceof UnknownCipherSuiteError) return undefined
    throw error
  }
}

async function keyOf(
  { naf, credentials, keys, source }: GbaDigestInput,
  uaProtocol: Buffer,
): Promise<NafKey | UaOutcome> {
  try {
    return await keys.get({ btid: credentials.username, fqdn: naf.fqdn, uaProtocol, gsids: naf.gsids, source })
  } catch (error) {
    if (error instanceof LookupError) return outcomeOf(error)
    throw error
  }
}

/** What a UE is told when its key cannot be had (TS 24.109 clause 5.2.5, TS 24.109 clause 5.3.2.4). */
export function outcomeOf({ failure }: LookupError): UaOutcome {
  if (failure === 'unknown') return challenge('key-unknown')
  if (failure === 'denied') return refuse('naf-denied', 403)
  return refuse('lookup-unavailable', 503)
}

function checkWith({ naf, credentials, method, body, nonces }: GbaDigestInput, key: NafKey): UaOutcome {
  const ha1 = ha1OfKey(key, credentials.username, naf.gbaRealm)
  const scope = naf.gbaRealm
  const outcome = checkProof({ credentials, method, body, ha1, algorithm: 'MD5', qop: QOPS, nonces, scope })
  if (outcome.kind === 'wrong') return challenge('wrong-response')
  if (outcome.kind === 'stale') return challenge('stale-nonce', true)
  if (outcome.kind === 'replayed') return challenge('replayed', true)
  return { kind: 'user', user: userOfKey(key, 'gba-digest'), proof: outcome.proof }
}

/** H(A1) of each key: it is the same for all its requests, and goes when the key does. */
const HA1_OF_KEYS = new WeakMap<NafKey, Secret>()

function ha1OfKey(key: NafKey, username: string, realm: string): Secret {
  const known = HA1_OF_KEYS.get(key)
  if (known) return known
  const password = new Secret(Buffer.from(key.ksNaf.reveal().toString('base64'), 'latin1'))
  const ha1 = ha1Of({ algorithm: 'MD5', username, realm, password })
  HA1_OF_KEYS.set(key, ha1)
  return ha1
}

/** Who a bootstrapped key stands for. It is the key of the ME, Ks_(ext_)NAF (TS 24.109 clause 5.1). */
export function userOfKey({ identities, impi, flags }: NafKey, means: 'gba-digest' | 'gba-psk'): User {
  return { means, identities, impi, flags }
}
