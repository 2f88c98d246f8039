import { CIPHER_SUITES } from './cipher-suites.ts'
import { InvalidNafIdError, UnknownCipherSuiteError } from './errors.ts'

/** Octets of a Ua security protocol identifier (TS 33.220 annex H). */
const UA_PROTOCOL_OCTETS = 5
/** Longest domain name (RFC 1035 section 2.3.4). */
const FQDN_CHARS_MAX = 253
const FQDN = /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/

/** HTTP Digest by TS 24.109 outside of TLS, and what older handsets take inside of it (TS 33.220 annex H.3). */
export const HTTP_DIGEST_UA_PROTOCOL: Buffer = Buffer.of(1, 0, 0, 0, 2)
/** Shared key TLS 1.3 (TS 33.222 clause 5.4.0.2). */
export const TLS13_PSK_UA_PROTOCOL: Buffer = Buffer.of(1, 0, 0, 0, 7)
/** No protocol: a TMPI is made with it (TS 33.220 annex B.4). */
export const TMPI_UA_PROTOCOL: Buffer = Buffer.of(1, 0, 0, 1, 0)

/**
 * NAF_Id: the NAF's FQDN and then the Ua security protocol identifier. The name is written in lower case.
 *
 * @throws InvalidNafIdError when the name is no host name, or the identifier has not five octets.
 * @see TS 33.220 clause 4.5.2 and annex H.1
 */
export function nafId(fqdn: string, uaProtocol: Buffer): Buffer {
  const name = fqdn.toLowerCase()
  if (name.length > FQDN_CHARS_MAX || !FQDN.test(name))
    throw new InvalidNafIdError('the name of the NAF is no host name')
  if (uaProtocol.length !== UA_PROTOCOL_OCTETS) throw new InvalidNafIdError(`${uaProtocol.length} octets of 5`)
  return Buffer.concat([Buffer.from(name, 'latin1'), uaProtocol])
}

/**
 * The Ua security protocol identifier of TLS with this cipher suite: of digest inside of TLS, and of PSK TLS 1.2.
 *
 * @see TS 33.220 annex H.3, TS 33.222 clauses 5.3 and 5.4
 */
export function uaProtocolOfTls(suiteCode: number): Buffer {
  return Buffer.of(1, 0, 1, suiteCode >> 8, suiteCode & 0xff)
}

/**
 * As `uaProtocolOfTls`, by the name that `getCipher().standardName` says.
 *
 * @throws UnknownCipherSuiteError
 */
export function uaProtocolOfSuiteName(standardName: string): Buffer {
  const code = Object.hasOwn(CIPHER_SUITES, standardName) ? CIPHER_SUITES[standardName] : undefined
  if (code === undefined) throw new UnknownCipherSuiteError(standardName)
  return uaProtocolOfTls(code)
}
