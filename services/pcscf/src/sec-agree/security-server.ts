import type { EncryptionAlgorithm, IntegrityAlgorithm, SaEnd } from '@rollcall/esp'
import { formatIpsecOffer } from '@rollcall/sip'
import type { OwnPair } from './own-pairs.ts'
import type { SecAgreePolicy } from './policy.ts'
import { rankOf } from './refusal.ts'

/** What of a set its Security-Server is made of. */
interface ServedSet {
  readonly local: SaEnd
  readonly integrity: IntegrityAlgorithm
  readonly encryption: EncryptionAlgorithm
}

/**
 * The Security-Server of each set, as the 401 that made it had it: every pair that we support, in our order, all with the
 * set's SPIs and ports, or the chosen pair alone. That the UE sees the whole list is what shows it a bidding down.
 *
 * @see TS 33.203 clause 7.2
 */
export class SecurityServers {
  readonly #policy: Pick<SecAgreePolicy, 'pairs' | 'list'>
  /** By our end, which lives as long as its set. */
  readonly #texts = new WeakMap<SaEnd, string>()

  constructor(policy: Pick<SecAgreePolicy, 'pairs' | 'list'>) {
    this.#policy = policy
  }

  textOf(set: ServedSet): string {
    const known = this.#texts.get(set.local)
    if (known !== undefined) return known
    const text = formatSecurityServer(this.#listed(set), set.local)
    this.#texts.set(set.local, text)
    return text
  }

  #listed({ integrity, encryption }: ServedSet): readonly OwnPair[] {
    const { pairs, list } = this.#policy
    return list === 'full' ? pairs : pairs.filter(({ alg, ealg }) => alg === integrity && ealg === encryption)
  }
}

/** All pairs of a list with the SPIs and ports of one end. */
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
