import { assertNever, type Random } from '@rollcall/core'
import {
  buildInnerUdp,
  InboundSa,
  type InnerUdp,
  type IpEndpoint,
  NEXT_HEADER_NONE,
  OutboundSa,
  parseInnerUdp,
  parseIp,
  type SaSelector,
  type SaSetParameters,
  selectorsOf,
  tunnelHeaderOf,
} from '@rollcall/esp'
import type { DropReason } from './sa-back-end.ts'

/** Where a packet came from or goes to, on the outside. */
export interface OuterAddress {
  readonly address: string
  readonly port: number
}

/** One inbound SA of an installed set, as the SPI table holds it. */
export interface InboundEntry {
  readonly set: InstalledSet
  readonly sa: InboundSa
  readonly source: IpEndpoint
  readonly destination: IpEndpoint
}

/** A set in use: its SAs in tunnel mode, and where its other end was last seen. */
export interface InstalledSet {
  readonly parameters: SaSetParameters
  readonly outbound: OutboundSa
  readonly flow: { readonly source: IpEndpoint; readonly destination: IpEndpoint }
  readonly inbound: readonly InboundEntry[]
  outer: OuterAddress | undefined
  /** It was said that the set is to be renewed. */
  isRenewalTold: boolean
}

/** What opening a packet gives: a message, nothing to speak of, or the reason to drop it. */
export type Received =
  | { readonly kind: 'message'; readonly inner: InnerUdp; readonly isNewest: boolean }
  | { readonly kind: 'dummy' }
  | { readonly kind: 'drop'; readonly reason: DropReason }

/**
 * Makes the SAs of a set which has passed `checkSaSet`. Of the two outbound ones only that to the other end's server
 * port is made: the other carries nothing over UDP (TS 33.203 clause 7.1).
 */
export function createInstalledSet(
  parameters: SaSetParameters,
  o: { readonly random: Random; readonly lastSequence?: number | undefined },
): InstalledSet {
  const { keys, local, remote } = parameters
  const { random, lastSequence = 0 } = o
  const inbound: InboundEntry[] = []
  const set: InstalledSet = {
    parameters,
    outbound: new OutboundSa({ spi: remote.spiS, keys, random, lastSequence }),
    flow: {
      source: { address: parseIp(local.address), port: local.portC },
      destination: { address: parseIp(remote.address), port: remote.portS },
    },
    inbound,
    outer: undefined,
    isRenewalTold: false,
  }
  for (const selector of selectorsOf(parameters)) {
    if (selector.direction === 'inbound') inbound.push(createInboundEntry(set, selector))
  }
  return set
}

/** Seals one message into an ESP packet. */
export function sealMessage(set: InstalledSet, payload: Buffer): Buffer {
  return set.outbound.seal(buildInnerUdp({ ...set.flow, payload }), tunnelHeaderOf(set.flow.source.address))
}

/** Opens one ESP packet and holds what is in it against the selectors of its SA (RFC 4301 section 5.2). */
export function openPacket(entry: InboundEntry, packet: Buffer): Received {
  const opened = entry.sa.open(packet)
  if (!opened.ok) {
    switch (opened.code) {
      case 'ESP_INTEGRITY':
        return drop('integrity')
      case 'ESP_REPLAY':
        return drop('replay')
      case 'ESP_MALFORMED':
        return drop('malformed')
      default:
        return assertNever(opened.code)
    }
  }
  if (opened.nextHeader === NEXT_HEADER_NONE) return { kind: 'dummy' }
  if (opened.nextHeader !== tunnelHeaderOf(entry.source.address)) return drop('malformed')
  const inner = parseInnerUdp(opened.payload, opened.nextHeader)
  if (inner === undefined) return drop('malformed')
  // guard: esp-selectors — an SA carries its own addresses and ports alone (RFC 4301 section 5.2)
  if (!sameEndpoint(inner.source, entry.source) || !sameEndpoint(inner.destination, entry.destination)) {
    return drop('selector')
  }
  return { kind: 'message', inner, isNewest: opened.isNewest }
}

function createInboundEntry(set: InstalledSet, selector: SaSelector): InboundEntry {
  return {
    set,
    sa: new InboundSa({ spi: selector.spi, keys: set.parameters.keys }),
    source: toEndpoint(selector.source),
    destination: toEndpoint(selector.destination),
  }
}

function toEndpoint(end: SaSelector['source']): IpEndpoint {
  return { address: parseIp(end.address), port: end.port }
}

function sameEndpoint(a: IpEndpoint, b: IpEndpoint): boolean {
  return a.port === b.port && a.address.equals(b.address)
}

function drop(reason: DropReason): Received {
  return { kind: 'drop', reason }
}
