import type { SaEnd } from '@rollcall/esp'
import { formatIpsecOffer } from '@rollcall/sip'
import type { OwnPair } from './own-pairs.ts'
import { rankOf } from './refusal.ts'

/**
 * The Security-Server of a 401: every pair that we support, in our order, all with the SPIs and ports of the new
 * temporary set. That the UE sees the whole list is what shows it a bidding down.
 *
 * @see TS 33.203 clause 7.2
 */
export function formatSecurityServer(own: readonly OwnPair[], local: SaEnd): string {
  return own
    .map(({ alg, ealg, mod }, index) =>
      formatIpsecOffer({ alg, ealg, prot: 'esp', mod, ...endOf(local), q: rankOf(own.length, index) }),
    )
    .join(', ')
}

function endOf({ spiC, spiS, portC, portS }: SaEnd): Pick<SaEnd, 'spiC' | 'spiS' | 'portC' | 'portS'> {
  return { spiC, spiS, portC, portS }
}
