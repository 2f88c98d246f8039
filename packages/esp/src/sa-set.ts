import { InvalidSaSetError } from './errors.ts'
import { parseIp } from './ip-address.ts'
import type { EspKeys } from './keys.ts'

/** One end of an SA set: its address, protected ports, and the SPIs of the SAs that end there. */
export interface SaEnd {
  readonly address: string
  readonly portC: number
  readonly portS: number
  readonly spiC: number
  readonly spiS: number
}

/** An SA set as one of its ends sees it. */
export interface SaSetParameters {
  /** The owner's name for the set; unique at that end. */
  readonly id: string
  readonly local: SaEnd
  readonly remote: SaEnd
  readonly keys: EspKeys
}

/** One of the four unidirectional SAs: its SPI, and the only addresses and ports it may carry. */
export interface SaSelector {
  readonly direction: 'inbound' | 'outbound'
  readonly spi: number
  readonly source: { readonly address: string; readonly port: number }
  readonly destination: { readonly address: string; readonly port: number }
}

/** SPIs below are reserved (RFC 4303 section 2.1). One end of the field sends them all the same, so only 0 is refused. */
const SPI_OWN_MIN = 256
const SPI_MAX = 0xffff_ffff
const PORT_MAX = 0xffff

/**
 * The four SAs of a set. The SPI named after an end's client port belongs to the SA that ends at that port, and likewise
 * for the server port; client ports talk to server ports only.
 *
 * @see TS 33.203 clause 7.1
 */
export function selectorsOf(set: SaSetParameters): readonly SaSelector[] {
  const { local, remote } = set
  const localC = { address: local.address, port: local.portC }
  const localS = { address: local.address, port: local.portS }
  const remoteC = { address: remote.address, port: remote.portC }
  const remoteS = { address: remote.address, port: remote.portS }
  return [
    { direction: 'outbound', spi: remote.spiS, source: localC, destination: remoteS },
    { direction: 'inbound', spi: local.spiC, source: remoteS, destination: localC },
    { direction: 'inbound', spi: local.spiS, source: remoteC, destination: localS },
    { direction: 'outbound', spi: remote.spiC, source: localS, destination: remoteC },
  ]
}

/**
 * Checks that a set can be used: addresses, ports and SPIs in range, the ports of an end apart, and all four SPIs apart,
 * so that no packet can be reflected to its sender.
 *
 * @throws InvalidSaSetError
 * @see TS 33.203 clause 7.1
 */
export function checkSaSet(set: SaSetParameters): void {
  checkEnd('local', set.local)
  checkEnd('remote', set.remote)
  if (parseIp(set.local.address).length !== parseIp(set.remote.address).length) {
    throw new InvalidSaSetError('remote.address', 'is of another IP version')
  }
  for (const field of ['spiC', 'spiS'] as const) {
    if (set.local[field] < SPI_OWN_MIN) throw new InvalidSaSetError(`local.${field}`, 'is a reserved SPI')
  }
  const spis = [set.local.spiC, set.local.spiS, set.remote.spiC, set.remote.spiS]
  // guard: spi-apart — with one SPI twice a packet could be reflected to its sender
  if (new Set(spis).size !== spis.length) throw new InvalidSaSetError('spi', 'two SAs of the set have the same')
}

/** Whether two sets are the same in everything, keys included. */
export function sameSaSet(a: SaSetParameters, b: SaSetParameters): boolean {
  return (
    a.id === b.id &&
    sameEnd(a.local, b.local) &&
    sameEnd(a.remote, b.remote) &&
    a.keys.integrity === b.keys.integrity &&
    a.keys.encryption === b.keys.encryption &&
    a.keys.integrityKey.equals(b.keys.integrityKey) &&
    a.keys.encryptionKey.equals(b.keys.encryptionKey) &&
    a.keys.salt.equals(b.keys.salt)
  )
}

function checkEnd(name: 'local' | 'remote', end: SaEnd): void {
  try {
    parseIp(end.address)
  } catch (cause) {
    throw new InvalidSaSetError(`${name}.address`, 'is no IP address', { cause })
  }
  for (const field of ['portC', 'portS'] as const) {
    if (!isWhole(end[field], 1, PORT_MAX)) throw new InvalidSaSetError(`${name}.${field}`, 'is no port')
  }
  for (const field of ['spiC', 'spiS'] as const) {
    if (!isWhole(end[field], 1, SPI_MAX)) throw new InvalidSaSetError(`${name}.${field}`, 'is no SPI')
  }
  if (end.portC === end.portS) throw new InvalidSaSetError(`${name}.portS`, 'is the client port as well')
}

function sameEnd(a: SaEnd, b: SaEnd): boolean {
  return a.address === b.address && a.portC === b.portC && a.portS === b.portS && a.spiC === b.spiC && a.spiS === b.spiS
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}
