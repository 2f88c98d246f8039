import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Impi, type Impu, parseImpi, Secret, seededRandom, systemClock } from '@rollcall/core'
import { type Subscriber as AdminSubscriber, Algorithm } from '@rollcall/proto-gen/admin'
import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type ServiceProfile,
} from '@rollcall/proto-gen/cx'
import type { AuditEvent, Metrics } from '@rollcall/runtime'
import { createSealingKeys, Sealer } from '@rollcall/store'
import { AuthenticationCentre } from '../../auc/authentication-centre.ts'
import { SqnReservations } from '../../auc/sqn-reservations.ts'
import type { HssContext } from '../../context.ts'
import { Locations } from '../../cx/locations.ts'
import { HssEvents } from '../../events.ts'
import { SubscriberRepository } from '../repository.ts'
import type { NewSubscriber } from '../subscriber.ts'
import { MemoryBucket } from './memory-bucket.ts'

export const REALM = 'ims.mnc001.mcc001.3gppnetwork.org'
export const IMPI = '001010000000001@ims.mnc001.mcc001.3gppnetwork.org' as Impi
export const ALICE = `sip:alice@${REALM}` as Impu
export const SERVER_NAME = `sip:scscf-0.scscf.${REALM}`

export const K = Buffer.from('465b5ce8b199b49faa5f0a2ee238a6bc', 'hex')
export const OPC = Buffer.from('cd63cb71954a9f4e48a5994e37a02baf', 'hex')

/** A criterion that sends everything to the presence server. */
export function criteria(part: ProfilePartIndicator): InitialFilterCriteria {
  return {
    priority: 10,
    triggerPoint: undefined,
    applicationServer: {
      serverName: `sip:presence.${REALM};lr`,
      defaultHandling: DefaultHandling.DEFAULT_HANDLING_SESSION_TERMINATED,
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
    },
    profilePartIndicator: part,
  }
}

export function profile(...identities: string[]): ServiceProfile {
  return {
    publicIdentities: identities.map((identity) => ({ identity, barringIndication: false })),
    initialFilterCriteria: [criteria(ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED)],
    canonicalImpu: identities.find((identity) => identity.startsWith('sip:')) ?? '',
  }
}

/** A subscriber with these private and public identities. */
export function newSubscriber(subscriptionId: string, impis: string[], impus: string[]): NewSubscriber {
  return {
    subscriptionId,
    privateUsers: impis.map((impi) => ({
      impi: parseImpi(impi),
      k: new Secret(K),
      opc: new Secret(OPC),
      amf: Buffer.alloc(2),
      initialSqn: 32n,
    })),
    serviceProfile: profile(...impus),
    presencePolicy: { defaultAllow: true, allow: [], block: [] },
  }
}

/** Alice of the story: two ISIMs share one implicit set. */
export function alice(): NewSubscriber {
  return newSubscriber('alice', [IMPI, `001010000000002@${REALM}`], [ALICE, 'tel:+15550100'])
}

/** The same as an operator gives it. */
export function adminAlice(): AdminSubscriber {
  return {
    subscriptionId: 'alice',
    privateIdentities: [
      {
        impi: IMPI,
        algorithm: Algorithm.ALGORITHM_MILENAGE,
        k: K,
        opc: OPC,
        topc: Buffer.alloc(0),
        amf: Buffer.alloc(0),
        sqn: 0n,
      },
    ],
    serviceProfile: profile(ALICE, 'tel:+15550100'),
    presencePolicy: { defaultAllow: true, allow: [], block: [`sip:mallory@${REALM}`] },
  }
}

/** A sealer with a fresh key. */
export async function createSealer(): Promise<Sealer> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-hss-'))
  try {
    const file = join(folder, 'keys.json')
    writeFileSync(file, createSealingKeys(seededRandom('sealing')), { mode: 0o600 })
    return await Sealer.load(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** An HSS over a bucket in memory, without its shell. */
export async function createHss(
  push?: HssContext['push'],
  registrations?: HssContext['registrations'],
): Promise<{
  bucket: MemoryBucket
  context: HssContext
  audited: AuditEvent[]
  counted: string[]
  restart: () => HssContext
}> {
  const bucket = new MemoryBucket()
  const sealer = await createSealer()
  const audited: AuditEvent[] = []
  const counted: string[] = []
  const counter = (_name: string, labels: { readonly reason: string }) => ({ add: () => counted.push(labels.reason) })
  const metrics = { counter } as unknown as Metrics
  const start = (): HssContext => {
    const random = seededRandom(`hss ${systemClock.now()}`)
    const repository = new SubscriberRepository({ bucket, sealer, random })
    const { keys } = repository
    const reservations = new SqnReservations({ bucket, keys })
    return {
      realm: REALM,
      repository,
      locations: new Locations({ bucket, keys }),
      auc: new AuthenticationCentre({ repository, reservations, random }),
      events: new HssEvents({ metrics, audit: (event) => audited.push(event) }),
      push,
      registrations,
    }
  }
  return { bucket, context: start(), audited, counted, restart: start }
}
