import { assert } from '@rollcall/core'
import { parseDigits, parsePort } from './chars.ts'
import { SecurityAgreementError } from './errors.ts'
import type { Params } from './params.ts'
import { unquote } from './quoted-string.ts'
import { isMediaSecurity, type SecurityMechanism } from './security-mechanism.ts'

/** One `ipsec-3gpp` entry: one pair of algorithms, with the SPIs and ports of whoever sent it. */
export interface IpsecOffer {
  /** Integrity algorithm, in lower case; perhaps one that we do not know. */
  readonly alg: string
  /** Encryption algorithm, in lower case. */
  readonly ealg: string
  readonly prot: string
  /** `trans`, `tun`, `UDP-enc-tun` in this spelling; another in lower case. */
  readonly mod: string
  /** SPI of the inbound SA at the sender's protected client port. */
  readonly spiC: number
  /** SPI of the inbound SA at the sender's protected server port. */
  readonly spiS: number
  readonly portC: number
  readonly portS: number
  /** Preference 0 to 1; undefined when it is not ranked. */
  readonly q: number | undefined
}

export const IPSEC_3GPP = 'ipsec-3gpp'

const SPI_DIGITS = 10
const SPI_MAX = 0xffff_ffff

/** SPIs that RFC 4303 section 2.1 keeps back. Networks in the field send 1 and 2, so they are read. */
const RESERVED_SPI_MAX = 255

/** Never protected (TS 33.203 clause 7.1): traffic on these ports is the unprotected one. */
const UNPROTECTED_PORTS = [5060, 5061]

const MODES = new Map([
  ['trans', 'trans'],
  ['tun', 'tun'],
  ['udp-enc-tun', 'UDP-enc-tun'],
])

/**
 * The `ipsec-3gpp` entries that could become SAs, in their order. Left out: entries of other mechanisms, of the media
 * plane (`mediasec`), and with `prot=ah`. An entry with an algorithm or mode that nobody knows stays: the choice passes
 * over it, and the list may hold others. Empty when all are left out.
 *
 * @throws SecurityAgreementError when there is no `ipsec-3gpp` entry at all (SECURITY_MECHANISM_MISSING), or one lacks
 *   what is mandatory or has an SPI or port that cannot be (SECURITY_OFFER_INVALID).
 * @see TS 33.203 annex H; TS 33.203 clause 7.1
 */
export function parseIpsecOffers(mechanisms: readonly SecurityMechanism[]): IpsecOffer[] {
  const entries = mechanisms.filter((entry) => entry.name === IPSEC_3GPP && !isMediaSecurity(entry))
  if (entries.length === 0) throw new SecurityAgreementError('SECURITY_MECHANISM_MISSING', 'no ipsec-3gpp entry')
  return entries.map(({ params }) => parseOffer(params)).filter((offer) => offer.prot === 'esp')
}

function parseOffer(params: Params): IpsecOffer {
  const mod = token(params, 'mod') ?? 'trans'
  const offer: IpsecOffer = {
    alg: token(params, 'alg') ?? fail('no alg'),
    ealg: token(params, 'ealg') ?? 'null',
    prot: token(params, 'prot') ?? 'esp',
    mod: MODES.get(mod) ?? mod,
    spiC: spi(params, 'spi-c'),
    spiS: spi(params, 'spi-s'),
    portC: port(params, 'port-c'),
    portS: port(params, 'port-s'),
    q: qvalue(params),
  }
  if (offer.spiC === offer.spiS) fail('one SPI for two SAs')
  return offer
}

/** A token in lower case. The quotes that some put around it are not legal, and harmless. */
function token(params: Params, name: string): string | undefined {
  const value = params.get(name)
  if (value === undefined) return undefined
  return value === true ? fail(`no value for ${name}`) : unquote(value).toLowerCase()
}

/** Annex H writes ten digits; one to ten are seen, with and without zeros in front. */
function spi(params: Params, name: string): number {
  const value = parseDigits(token(params, name) ?? '', SPI_DIGITS)
  return value >= 1 && value <= SPI_MAX ? value : fail(`no usable ${name}`)
}

function port(params: Params, name: string): number {
  const value = parsePort(token(params, name) ?? '')
  return value > 0 && !UNPROTECTED_PORTS.includes(value) ? value : fail(`no usable ${name}`)
}

function qvalue(params: Params): number | undefined {
  const value = token(params, 'q')
  if (value === undefined) return undefined
  return /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : fail('a q that is none')
}

function fail(detail: string): never {
  throw new SecurityAgreementError('SECURITY_OFFER_INVALID', detail)
}

/** Whether an SPI is one of those that RFC 4303 keeps back: read, and worth a warning. */
export function isReservedSpi(value: number): boolean {
  return value <= RESERVED_SPI_MAX
}

/** One entry as it goes out: SPIs as ten digits, unsigned; all parameters written, also those that have a default. */
export function formatIpsecOffer(offer: IpsecOffer): string {
  const q = offer.q === undefined ? '' : `;q=${Number(offer.q.toFixed(3))}`
  return (
    `${IPSEC_3GPP}${q};prot=${offer.prot};mod=${offer.mod}` +
    `;spi-c=${formatSpi(offer.spiC)};spi-s=${formatSpi(offer.spiS)}` +
    `;port-c=${offer.portC};port-s=${offer.portS};alg=${offer.alg};ealg=${offer.ealg}`
  )
}

function formatSpi(value: number): string {
  assert(Number.isInteger(value) && value > 0 && value <= SPI_MAX, 'an SPI is an unsigned number of 32 bits, not 0')
  return String(value).padStart(SPI_DIGITS, '0')
}
