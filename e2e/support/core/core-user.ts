import type { MilenageKeys } from '@rollcall/aka'
import { parseImpu, type Random, Secret } from '@rollcall/core'
import { Algorithm, type Subscriber } from '@rollcall/proto-gen/admin'
import { storyFilterCriteria } from '../../story/filter-criteria.ts'

/** A subscriber whose UE is played: what the P-CSCF or the S-CSCF would send for it. */
export interface CoreUser {
  readonly name: string
  readonly impi: string
  readonly impu: string
  readonly keys: MilenageKeys
}

/** K and OPc (TS 35.205 clause 3). */
const KEY_OCTETS = 16
/** The last ten digits of the IMSIs, away from those of the story's people. */
const MSIN_BASE = 5_000_000_000

/** Users by the name of `PREFIX0`, `PREFIX1` …; no two prefixes share an IMSI when `base` is another for each. */
export function createCoreUsers(o: {
  readonly prefix: string
  readonly count: number
  readonly base: number
  readonly domain: string
  readonly random: Random
}): CoreUser[] {
  return Array.from({ length: o.count }, (_, i) => ({
    name: `${o.prefix}${i}`,
    impi: `00101${MSIN_BASE + o.base + i}@${o.domain}`,
    impu: parseImpu(`sip:${o.prefix}${i}@${o.domain}`),
    keys: { k: new Secret(o.random.bytes(KEY_OCTETS)), opc: new Secret(o.random.bytes(KEY_OCTETS)) },
  }))
}

/** The user as the HSS takes it: everybody may watch it, PUBLISH and SUBSCRIBE go to the Presence Server. */
export function subscriberOf(user: CoreUser, domain: string): Subscriber {
  return {
    subscriptionId: user.name,
    privateIdentities: [
      {
        impi: user.impi,
        algorithm: Algorithm.ALGORITHM_MILENAGE,
        k: user.keys.k.reveal(),
        opc: user.keys.opc.reveal(),
        topc: Buffer.alloc(0),
        amf: Buffer.alloc(2),
        sqn: 0n,
      },
    ],
    serviceProfile: {
      publicIdentities: [{ identity: user.impu, barringIndication: false }],
      initialFilterCriteria: storyFilterCriteria(domain),
      canonicalImpu: '',
    },
    presencePolicy: { defaultAllow: true, allow: [], block: [] },
  }
}
