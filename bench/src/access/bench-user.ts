import { createHash } from 'node:crypto'
import type { MilenageKeys } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { Algorithm, type Subscriber } from '@rollcall/proto-gen/admin'
import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type ServicePointTrigger,
  SessionCase,
} from '@rollcall/proto-gen/cx'

/** The home domain of the access benchmarks. */
export const ACCESS_REALM = 'ims.mnc001.mcc001.3gppnetwork.org'

/** Addresses of UEs begin here: one each, 250 in a block of 256. */
const UE_BLOCK = 16
const UES_A_BLOCK = 250
/** More have no address. */
const UES_MAX = 200 * UES_A_BLOCK

/** A subscriber whose UE the generator plays. The stack and the generator derive the same one from its number. */
export interface BenchUser {
  readonly number: number
  readonly impi: string
  readonly impu: string
  /** URN of the device. */
  readonly instance: string
  readonly address: string
  readonly keys: MilenageKeys
}

/** @param network the first two octets of the addresses, `127.38`. */
export function benchUser(number: number, network: string): BenchUser {
  if (number >= UES_MAX) throw new RangeError(`there is no address for UE ${number}`)
  const digits = String(number).padStart(8, '0')
  return {
    number,
    impi: `0010188${digits}@${ACCESS_REALM}`,
    impu: `sip:u${digits}@${ACCESS_REALM}`,
    instance: `urn:gsma:imei:90420156-${digits.slice(2)}-0`,
    address: `${network}.${UE_BLOCK + Math.floor(number / UES_A_BLOCK)}.${1 + (number % UES_A_BLOCK)}`,
    keys: { k: key('k', digits), opc: key('opc', digits) },
  }
}

/** The user as the HSS takes it: everybody may watch it; PUBLISH and SUBSCRIBE go to the Presence Server. */
export function subscriberOf(user: BenchUser): Subscriber {
  return {
    subscriptionId: `bench-${user.number}`,
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
      initialFilterCriteria: [
        criteria(10, 'PUBLISH', SessionCase.SESSION_CASE_ORIGINATING),
        criteria(20, 'SUBSCRIBE', SessionCase.SESSION_CASE_TERMINATING_REGISTERED),
      ],
      canonicalImpu: '',
    },
    presencePolicy: { defaultAllow: true, allow: [], block: [] },
  }
}

/** Keys of nobody: who knows a number knows them. */
function key(name: string, digits: string): Secret {
  return new Secret(createHash('sha256').update(`bench ${name} ${digits}`).digest().subarray(0, 16))
}

function criteria(priority: number, method: string, sessionCase: SessionCase): InitialFilterCriteria {
  const triggers: ServicePointTrigger['trigger'][] = [
    { $case: 'method', value: method },
    { $case: 'sipHeader', value: { header: '^Event$', content: '^presence *(;.*)?$' } },
    { $case: 'sessionCase', value: sessionCase },
  ]
  return {
    priority,
    triggerPoint: {
      conditionTypeCnf: true,
      spt: triggers.map((trigger, group) => {
        return { conditionNegated: false, group: [group], trigger, registrationTypes: [] }
      }),
    },
    applicationServer: {
      serverName: `sip:presence.${ACCESS_REALM};lr`,
      defaultHandling: DefaultHandling.DEFAULT_HANDLING_SESSION_TERMINATED,
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
    },
    profilePartIndicator: ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED,
  }
}
