import { InvalidCrlError } from '../errors.ts'

/** A list of revoked certificates, as TLS takes it. */
export interface RevocationList {
  readonly pem: string
  /** From then on its authority's certificates are not believed; undefined when it names no time. */
  readonly nextUpdateMs: number | undefined
}

const BEGIN = '-----BEGIN X509 CRL-----'
const BLOCK = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/g
const INTEGER = 0x02
const SEQUENCE = 0x30
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18

/**
 * Reads the revocation lists of a PEM file. Of each only its end is read here: TLS itself checks who signed it and whom it
 * names.
 *
 * @throws InvalidCrlError when there is none, or one that cannot be read.
 * @see RFC 5280 section 5.1
 */
export function readRevocationLists(text: string): RevocationList[] {
  const lists = [...text.matchAll(BLOCK)].map(([pem, base64 = '']) => ({
    pem: `${pem}\n`,
    nextUpdateMs: nextUpdateOf(Buffer.from(base64, 'base64')),
  }))
  if (lists.length === 0) throw new InvalidCrlError('holds no revocation list in PEM')
  if (lists.length !== text.split(BEGIN).length - 1) throw new InvalidCrlError('holds a revocation list that is no PEM')
  return lists
}

/** TBSCertList: version (optional), signature, issuer, thisUpdate, nextUpdate (optional). */
function nextUpdateOf(octets: Buffer): number | undefined {
  const list = take(octets, SEQUENCE)
  let rest = take(list.content, SEQUENCE).content
  if (rest[0] === INTEGER) rest = take(rest, INTEGER).rest
  const { rest: times } = take(take(rest, SEQUENCE).rest, SEQUENCE)
  const { rest: after } = takeTime(times)
  return after[0] === UTC_TIME || after[0] === GENERALIZED_TIME ? takeTime(after).ms : undefined
}

interface Taken {
  readonly content: Buffer
  readonly rest: Buffer
}

/** One value of DER with this tag. */
function take(octets: Buffer, tag: number): Taken {
  const first = octets[1]
  if (octets[0] !== tag || first === undefined) throw new InvalidCrlError('holds a revocation list that is out of form')
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f
  const start = 2 + lengthOctets
  if (lengthOctets > 4 || (first >= 0x80 && lengthOctets === 0) || octets.length < start) {
    throw new InvalidCrlError('holds a revocation list whose lengths cannot be')
  }
  const end = start + (lengthOctets === 0 ? first : octets.readUIntBE(2, lengthOctets))
  if (end > octets.length) throw new InvalidCrlError('holds a revocation list that is cut off')
  return { content: octets.subarray(start, end), rest: octets.subarray(end) }
}

/** Years of two digits lie between 1950 and 2049 (RFC 5280 section 4.1.2.5.1). */
function takeTime(octets: Buffer): { readonly ms: number; readonly rest: Buffer } {
  const isShort = octets[0] === UTC_TIME
  const { content, rest } = take(octets, isShort ? UTC_TIME : GENERALIZED_TIME)
  const short = content.toString('latin1')
  const text = isShort ? `${short < '50' ? '20' : '19'}${short}` : short
  const ms = Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(ms) || !/^\d{14}Z$/.test(text)) throw new InvalidCrlError('holds a revocation list without its time')
  return { ms, rest }
}
