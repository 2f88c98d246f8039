import type { Impi } from '@rollcall/core'
import type { IpsecOffer } from '@rollcall/sip'
import type { SaSetView } from '../sa/sa-table.ts'

/** Why an offer's ports cannot be taken, and the answer. */
export interface PortRefusal {
  readonly status: number
  readonly reason: string
}

/**
 * Whether the ports of an offer fit beside the sets that there are towards the same address. The selectors of two sets
 * must differ: a UE changes port_uc with each set and keeps port_us, and no two UEs behind one address have the same
 * port_us.
 *
 * Sets that prove nothing (temporary ones of others) do not count, for anyone could make those; an unprotected
 * registration does not count its own earlier sets, since its success ends them. A re-registration brings new SPIs, for
 * the old set and the new one live side by side.
 *
 * @see TS 33.203 clauses 7.1 item 3 and 7.4, annex M for UEs behind one address
 */
export function checkOfferPorts(o: {
  readonly offer: IpsecOffer
  readonly impi: Impi
  /** The set that the REGISTER came on. */
  readonly set: SaSetView | undefined
  /** Established and old sets towards the address that it came from. */
  readonly proven: readonly SaSetView[]
}): PortRefusal | undefined {
  const { offer, set } = o
  if (set && offer.portS !== set.remote.portS) return { status: 400, reason: 'port-us-changed' }
  for (const other of o.proven) {
    const isOwn = other.impi === o.impi
    if (!isOwn && other.remote.portS === offer.portS) return { status: 403, reason: 'port-us-taken' }
    if ((set || !isOwn) && other.remote.portC === offer.portC) return { status: 400, reason: 'port-uc-taken' }
    // guard: ue-spi-apart — two SAs of a UE are never found by one SPI
    if (set && isOwn && sharesSpi(other, offer)) return { status: 400, reason: 'ue-spi-taken' }
  }
  return undefined
}

/** The UE chooses an SPI that none of its SAs has, in either direction (TS 33.203 clause 7.1). */
function sharesSpi({ remote, local }: SaSetView, { spiC, spiS }: IpsecOffer): boolean {
  const taken = [remote.spiC, remote.spiS, local.spiC, local.spiS]
  return taken.includes(spiC) || taken.includes(spiS)
}
