import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Impu, parseImpi, parseImpu, type Random, Secret, systemRandom } from '@rollcall/core'
import { Algorithm, type PrivateIdentity, type Subscriber } from '@rollcall/proto-gen/admin'
import {
  type Credentials,
  CredentialsError,
  type Endpoint,
  loadCredentials,
  saveCredentials,
  type UtPlaces,
} from '@rollcall/ue'
import { storyFilterCriteria } from './filter-criteria.ts'
import { PEOPLE, type Person, UE_NAMES, UE_NUMBERS, type UeName } from './people.ts'

/** K and OPc of Milenage, K and TOPc of TUAK (TS 35.205 clause 3, TS 35.231 clause 5). */
const MILENAGE_KEY_OCTETS = 16
const TUAK_KEY_OCTETS = 32
/** For their owner alone. */
const FOLDER_MODE = 0o700

/** The story's world: who there is, with which keys, and where each UE has them. */
export interface World {
  readonly domain: string
  /** Credentials file of a UE; its ISIM keeps its state beside it. */
  fileOf(ue: UeName): string
  readonly credentials: Readonly<Record<UeName, Credentials>>
  /** Everybody, as the HSS takes them. */
  readonly subscribers: readonly Subscriber[]
}

export interface WorldOptions {
  /** Where the credentials files are, or shall be: `<data>/ue`. */
  readonly folder: string
  readonly domain: string
  /** The P-CSCF's unprotected port and its encapsulation socket. */
  readonly pcscf: Endpoint
  readonly encapsulation: Endpoint
  /** Where BSF and AP are, and who certified them; without it the UEs look for their names. */
  readonly ut?: UtPlaces | undefined
  /** Loopback address of the UE with this number; by default 127.0.1.NUMBER. */
  readonly addressOf?: (number: number) => string
  readonly random?: Random
}

/**
 * Reads the UEs' credentials, and makes those that are not there yet, with random K and OPc or TOPc. What the HSS is to know comes
 * from them, and so a second start finds the subscribers it has.
 *
 * @throws CredentialsError when a file is there and damaged: making it anew would lock its ISIM out.
 */
export async function prepareWorld(options: WorldOptions): Promise<World> {
  const { folder, domain } = options
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  const fileOf = (ue: UeName): string => join(folder, `${ue}.json`)
  const entries: [UeName, Credentials][] = []
  for (const ue of UE_NAMES) entries.push([ue, await prepareCredentials(ue, fileOf(ue), options)])
  const credentials = Object.fromEntries(entries) as Record<UeName, Credentials>
  return { domain, fileOf, credentials, subscribers: PEOPLE.map((person) => subscriberOf(person, credentials, domain)) }
}

/** Identity of somebody in the story. */
export function impuOf(name: string, domain: string): Impu {
  return parseImpu(`sip:${name}@${domain}`)
}

/** Keeps the keys that are there; where things are may have changed. */
async function prepareCredentials(ue: UeName, file: string, options: WorldOptions): Promise<Credentials> {
  const kept = await loadIfThere(file)
  const wanted = credentialsOf(ue, kept?.keys ?? newKeys(personOf(ue), options.random ?? systemRandom), options)
  if (!kept || !sameApartFromKeys(kept, wanted)) await saveCredentials(file, wanted)
  return wanted
}

async function loadIfThere(file: string): Promise<Credentials | undefined> {
  try {
    return await loadCredentials(file)
  } catch (error) {
    const isAbsent =
      error instanceof CredentialsError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
    if (isAbsent) return undefined
    throw error
  }
}

function newKeys({ algorithm }: Person, random: Random): Credentials['keys'] {
  const draw = (octets: number): Secret => new Secret(random.bytes(octets))
  if (algorithm === 'tuak') return { k: draw(TUAK_KEY_OCTETS), topc: draw(TUAK_KEY_OCTETS) }
  return { k: draw(MILENAGE_KEY_OCTETS), opc: draw(MILENAGE_KEY_OCTETS) }
}

function credentialsOf(ue: UeName, keys: Credentials['keys'], options: WorldOptions): Credentials {
  const { domain, pcscf, encapsulation, ut, addressOf = (number: number) => `127.0.1.${number}` } = options
  const number = UE_NUMBERS[ue]
  const person = personOf(ue)
  const tel = person.tel === undefined ? [] : [parseImpu(person.tel)]
  return {
    // IMSI of MCC 001, MNC 01 (TS 23.003 clause 13.3).
    impi: parseImpi(`00101${String(number).padStart(10, '0')}@${domain}`),
    impus: [impuOf(person.name, domain), ...tel],
    domain,
    keys,
    pcscf,
    encapsulation,
    localAddress: addressOf(number),
    instance: `urn:gsma:imei:35000000-${String(number).padStart(6, '0')}-0`,
    ...(ut && { ut }),
  }
}

function personOf(ue: UeName): Person {
  const person = PEOPLE.find(({ ues }) => ues.includes(ue))
  if (!person) throw new RangeError(`nobody owns ${ue}`)
  return person
}

function sameApartFromKeys(a: Credentials, b: Credentials): boolean {
  return JSON.stringify({ ...a, keys: undefined }) === JSON.stringify({ ...b, keys: undefined })
}

function subscriberOf(person: Person, credentials: Readonly<Record<UeName, Credentials>>, domain: string): Subscriber {
  const identities = [impuOf(person.name, domain), ...(person.tel === undefined ? [] : [person.tel])]
  return {
    subscriptionId: person.name,
    privateIdentities: person.ues.map((ue) => privateIdentityOf(credentials[ue])),
    serviceProfile: {
      publicIdentities: identities.map((identity) => ({ identity, barringIndication: false })),
      initialFilterCriteria: storyFilterCriteria(domain),
      canonicalImpu: '',
    },
    presencePolicy: {
      defaultAllow: true,
      allow: [],
      block: person.blocks.map((name) => impuOf(name, domain)),
    },
  }
}

function privateIdentityOf({ impi, keys }: Credentials): PrivateIdentity {
  return {
    impi,
    algorithm: 'topc' in keys ? Algorithm.ALGORITHM_TUAK : Algorithm.ALGORITHM_MILENAGE,
    k: keys.k.reveal(),
    opc: 'opc' in keys ? keys.opc.reveal() : Buffer.alloc(0),
    topc: 'topc' in keys ? keys.topc.reveal() : Buffer.alloc(0),
    amf: Buffer.alloc(2),
    sqn: 0n,
  }
}
