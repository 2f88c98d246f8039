import { assert } from '@rollcall/core'
import { InvalidBtidError } from './errors.ts'

/** Bootstrapping transaction identifier. To all but the BSF it is opaque. */
export type Btid = string & { readonly __brand: 'Btid' }

const RAND_OCTETS = 16
/** RAND in base64 and a domain name. */
const BTID_CHARS_MAX = 24 + 1 + 253
/** As vendors write them: base64 or a hash in hexadecimal, `@`, a host name. */
const BTID = /^[A-Za-z0-9+/=_-]{1,128}@[A-Za-z0-9.-]{1,253}$/

/**
 * The B-TID of a bootstrapping: RAND in base64, `@`, the name of the BSF.
 *
 * @see TS 33.220 clause 4.4.7, TS 33.220 clause 4.5.2, TS 23.003 clause 2.9
 */
export function btidOf(rand: Buffer, bsfName: string): Btid {
  assert(rand.length === RAND_OCTETS, 'RAND has 16 octets')
  return `${rand.toString('base64')}@${bsfName}` as Btid
}

/**
 * Reads a B-TID as a UE gives it: case counts, nothing of it is decoded.
 *
 * @throws InvalidBtidError
 */
export function parseBtid(text: string): Btid {
  if (text.length > BTID_CHARS_MAX || !BTID.test(text)) throw new InvalidBtidError('no base64@host')
  return text as Btid
}
