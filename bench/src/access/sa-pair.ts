import { systemRandom } from '@rollcall/core'
import {
  buildInnerUdp,
  type EspKeys,
  InboundSa,
  type IpAddress,
  NEXT_HEADER_IPV4,
  OutboundSa,
  parseInnerUdp,
  pooledRandom,
} from '@rollcall/esp'

const random = pooledRandom(systemRandom)

/** One end's address and protected ports, and the SPIs of the SAs that end there. */
export interface ProtectedEnd {
  readonly address: IpAddress
  readonly spiC: number
  readonly spiS: number
  readonly portC: number
  readonly portS: number
}

/**
 * The two SAs of a set that carry anything over UDP: from the UE's client port to the P-CSCF's server port, and from the
 * P-CSCF's client port to the UE's server port (TS 33.203 clause 7.1).
 */
export class SaPair {
  readonly ue: ProtectedEnd
  readonly pcscf: ProtectedEnd
  readonly #outbound: OutboundSa
  readonly #inbound: InboundSa

  constructor(o: { readonly ue: ProtectedEnd; readonly pcscf: ProtectedEnd; readonly keys: EspKeys }) {
    this.ue = o.ue
    this.pcscf = o.pcscf
    this.#outbound = new OutboundSa({ spi: o.pcscf.spiS, keys: o.keys, random })
    this.#inbound = new InboundSa({ spi: o.ue.spiS, keys: o.keys })
  }

  seal(payload: Buffer): Buffer {
    const source = { address: this.ue.address, port: this.ue.portC }
    const destination = { address: this.pcscf.address, port: this.pcscf.portS }
    return this.#outbound.seal(buildInnerUdp({ source, destination, payload }), NEXT_HEADER_IPV4)
  }

  /** The message; nothing when the packet is not one that the P-CSCF may send in this set. */
  open(packet: Buffer): Buffer | undefined {
    const opened = this.#inbound.open(packet)
    if (!opened.ok) return undefined
    const inner = parseInnerUdp(opened.payload, opened.nextHeader)
    if (!inner || inner.source.port !== this.pcscf.portC || inner.destination.port !== this.ue.portS) return undefined
    return inner.payload
  }
}
