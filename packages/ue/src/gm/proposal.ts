import type { Random } from '@rollcall/core'
import { formatIpsecOffer, type IpsecOffer } from '@rollcall/sip'
import type { SecuritySuite } from '../settings.ts'

/** From here on an SPI has the ten digits that the grammar of TS 33.203 annex H asks for. */
const SPI_MIN = 1_000_000_000
const SPI_MAX = 0xffff_ffff
/** `Choice:` protected ports, which exist inside of the SAs only; never 5060 or 5061 (TS 33.203 clause 7.1). */
const PORT_S_MIN = 40_000
const PORT_C_MIN = 50_000
const PORTS = 10_000

/** What the UE offers in Security-Client: its end of the SAs to be, and the suites it accepts. */
export interface Proposal {
  readonly spiUc: number
  readonly spiUs: number
  readonly portUc: number
  readonly portUs: number
  /** Elements of Security-Client, one a suite. */
  readonly securityClient: readonly string[]
}

/** Picks the protected server port, which stays the same until the UE is de-registered (TS 33.203 clause 7.1). */
export function pickServerPort(random: Random): number {
  return PORT_S_MIN + draw(random, PORTS)
}

/**
 * Makes a proposal for a new set: both SPIs and the client port are new ones, so that the sets can stand side by side.
 *
 * @see TS 33.203 clauses 7.1 and 7.4, TS 24.229 clause 5.1.1.4.2
 */
export function createProposal(o: {
  random: Random
  portUs: number
  /** SPIs and client ports of the sets that the UE has, of both ends. */
  taken: { readonly spis: ReadonlySet<number>; readonly ports: ReadonlySet<number> }
  suites: readonly SecuritySuite[]
  mode: string
}): Proposal {
  const spiUc = drawOther(() => SPI_MIN + draw(o.random, SPI_MAX - SPI_MIN + 1), o.taken.spis)
  const spiUs = drawOther(() => SPI_MIN + draw(o.random, SPI_MAX - SPI_MIN + 1), new Set([...o.taken.spis, spiUc]))
  const portUc = drawOther(() => PORT_C_MIN + draw(o.random, PORTS), o.taken.ports)
  const securityClient = o.suites.map((suite) => {
    // A client gives no q: its order is its preference (RFC 3329 section 2.3.1).
    const offer: IpsecOffer = {
      ...suite,
      prot: 'esp',
      mod: o.mode,
      spiC: spiUc,
      spiS: spiUs,
      portC: portUc,
      portS: o.portUs,
      q: undefined,
    }
    return formatIpsecOffer(offer)
  })
  return { spiUc, spiUs, portUc, portUs: o.portUs, securityClient }
}

function drawOther(pick: () => number, taken: ReadonlySet<number>): number {
  let value = pick()
  while (taken.has(value)) value = pick()
  return value
}

/** A number from 0 to `count - 1`. 48 bits for at most 32: the bias is below 2^-16 of a value's chance. */
function draw(random: Random, count: number): number {
  return random.bytes(6).readUIntBE(0, 6) % count
}
