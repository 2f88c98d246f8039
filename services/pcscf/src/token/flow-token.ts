import { timingSafeEqual } from 'node:crypto'
import { Hmac, type Secret } from '@rollcall/core'

/** Names a registration, (IMPI, instance), and nothing about it: random. */
export const REGISTRATION_ID_OCTETS = 16
export const TOKEN_KEY_OCTETS = 32
const KEY_ID_OCTETS = 4
/** HMAC-SHA-256 truncated to 128 bits. */
const MAC_OCTETS = 16
const TOKEN_OCTETS = KEY_ID_OCTETS + REGISTRATION_ID_OCTETS + MAC_OCTETS
/** base64url without padding: every letter of it may stand in the user part of a SIP URI as it is. */
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{48}$/

/** A key that tokens are made or checked with. */
export interface TokenKey {
  readonly keyId: number
  readonly key: Secret
}

export type TokenReading =
  | { readonly ok: true; readonly registrationId: Buffer }
  | { readonly ok: false; readonly reason: 'token-malformed' | 'token-key-unknown' | 'token-forged' }

/**
 * Makes the flow token of a registration: base64url of key id, registration id and MAC. It stands in Path and
 * Record-Route, so that what the core sends back finds the registration, and nobody else can name one.
 *
 * @see RFC 3327 section 5.2, RFC 5626 section 5.2; `Choice:` the registration and not the SA is named, since a dialog
 * outlives many SA sets
 */
export function makeFlowToken(key: TokenKey, registrationId: Buffer): string {
  const head = Buffer.alloc(KEY_ID_OCTETS + REGISTRATION_ID_OCTETS)
  head.writeUInt32BE(key.keyId)
  registrationId.copy(head, KEY_ID_OCTETS)
  return Buffer.concat([head, macOf(key.key, head)]).toString('base64url')
}

/** Reads a token made with one of `keys`. */
export function readFlowToken(keys: readonly TokenKey[], text: string): TokenReading {
  const octets = TOKEN_PATTERN.test(text) ? Buffer.from(text, 'base64url') : undefined
  if (octets?.length !== TOKEN_OCTETS) return { ok: false, reason: 'token-malformed' }
  const keyId = octets.readUInt32BE()
  const key = keys.find((candidate) => candidate.keyId === keyId)
  if (!key) return { ok: false, reason: 'token-key-unknown' }
  const head = octets.subarray(0, KEY_ID_OCTETS + REGISTRATION_ID_OCTETS)
  // guard: flow-token — nobody names a registration but who holds the key
  if (!timingSafeEqual(macOf(key.key, head), octets.subarray(head.length))) return { ok: false, reason: 'token-forged' }
  return { ok: true, registrationId: head.subarray(KEY_ID_OCTETS) }
}

/** Made once a key: each NOTIFY brings a token. */
const hmacs = new WeakMap<Secret, Hmac>()

function macOf(key: Secret, head: Buffer): Buffer {
  let hmac = hmacs.get(key)
  if (!hmac) {
    hmac = new Hmac('sha256', key)
    hmacs.set(key, hmac)
  }
  return Buffer.from(hmac.digest(head), 'latin1').subarray(0, MAC_OCTETS)
}
