import { assert } from '@rollcall/core'
import { InvalidAutsError, InvalidNonceError } from './errors.ts'
import { RAND_OCTETS } from './milenage.ts'
import { AUTN_OCTETS, AUTS_OCTETS } from './vector.ts'

/** `Choice:` RAND and AUTN take 44 characters; server data behind them gets generous room, but an end. */
const NONCE_CHARS_MAX = 1024

/**
 * The nonce of an AKA challenge: base64 of RAND and AUTN, without server data.
 *
 * @see RFC 3310 section 3.2
 */
export function encodeNonce(rand: Buffer, autn: Buffer): string {
  assert(rand.length === RAND_OCTETS && autn.length === AUTN_OCTETS, 'RAND and AUTN have 16 octets')
  return Buffer.concat([rand, autn]).toString('base64')
}

/**
 * RAND and AUTN out of a nonce. Server data behind them is skipped, and padding may be wrong or missing, as it is in
 * the RFC's own example.
 *
 * @throws InvalidNonceError
 * @see RFC 3310 section 3.2
 */
export function decodeNonce(nonce: string): { rand: Buffer; autn: Buffer } {
  if (nonce.length > NONCE_CHARS_MAX) throw new InvalidNonceError(`longer than ${NONCE_CHARS_MAX} characters`)
  const octets = decodeBase64(nonce)
  if (octets === undefined) throw new InvalidNonceError('not base64')
  if (octets.length < RAND_OCTETS + AUTN_OCTETS) throw new InvalidNonceError(`${octets.length} octets of 32`)
  return { rand: octets.subarray(0, RAND_OCTETS), autn: octets.subarray(RAND_OCTETS, RAND_OCTETS + AUTN_OCTETS) }
}

/** The auts parameter: base64 of AUTS (RFC 3310 section 3.4). */
export function encodeAuts(auts: Buffer): string {
  assert(auts.length === AUTS_OCTETS, 'AUTS has 14 octets')
  return auts.toString('base64')
}

/**
 * AUTS out of an auts parameter. Whether it is genuine is for `verifyAuts` to say.
 *
 * @throws InvalidAutsError
 * @see RFC 3310 section 3.4
 */
export function decodeAuts(text: string): Buffer {
  if (text.length > NONCE_CHARS_MAX) throw new InvalidAutsError(`longer than ${NONCE_CHARS_MAX} characters`)
  const octets = decodeBase64(text)
  if (octets === undefined) throw new InvalidAutsError('not base64')
  if (octets.length !== AUTS_OCTETS) throw new InvalidAutsError(`${octets.length} octets of ${AUTS_OCTETS}`)
  return octets
}

function decodeBase64(text: string): Buffer | undefined {
  const digits = /^([A-Za-z0-9+/]*)={0,2}$/.exec(text)?.[1]
  // One digit alone at the end holds no whole octet.
  if (digits === undefined || digits.length % 4 === 1) return undefined
  return Buffer.from(digits, 'base64')
}
