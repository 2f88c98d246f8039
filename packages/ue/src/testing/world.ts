import { parseImpi, parseImpu, Secret, seededRandom } from '@rollcall/core'
import type { Credentials } from '../credentials.ts'
import type { UeEvent } from '../events.ts'
import type { BindBackEnd } from '../gm/back-end.ts'
import { type IsimStore, memoryIsimStore } from '../isim-store.ts'
import { gmTimers, type UeSettings } from '../settings.ts'
import { Ue } from '../ue.ts'
import { FakePcscf } from './fake-pcscf.ts'

export const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org'
export const ALICE = parseImpu(`sip:alice@${DOMAIN}`)
export const BOB = parseImpu(`sip:bob@${DOMAIN}`)

const random = seededRandom('keys of the UE tests')
export const KEYS = { k: new Secret(random.bytes(16)), opc: new Secret(random.bytes(16)) }
export const OTHER_KEYS = { k: new Secret(random.bytes(16)), opc: KEYS.opc }

/** Loopback addresses of one test file, so that files can run side by side. */
export interface Place {
  readonly pcscf: string
  readonly ue: string
  readonly attacker: string
}

export function placeOf(file: number): Place {
  return { pcscf: `127.1.8.${file}`, ue: `127.1.8.${file + 10}`, attacker: `127.1.8.${file + 20}` }
}

/** Credentials of alice's phone. */
export function testCredentials(place: Place): Credentials {
  return {
    impi: parseImpi(`001010000000001@${DOMAIN}`),
    impus: [ALICE],
    domain: DOMAIN,
    keys: KEYS,
    pcscf: { address: place.pcscf, port: 15_060 },
    encapsulation: { address: place.pcscf, port: 14_500 },
    localAddress: place.ue,
    instance: 'urn:gsma:imei:35000000-000001-0',
  }
}

export interface Bench extends AsyncDisposable {
  readonly pcscf: FakePcscf
  readonly ue: Ue
  readonly isimStore: IsimStore
  readonly events: UeEvent[]
}

/** T1 of the tests: nothing is sent twice on a busy machine. */
export const T1_MS = 200

/** A UE and the network it talks to, the UE not yet registered. */
export async function openBench(
  place: Place,
  o: { settings?: Partial<UeSettings>; isimStore?: IsimStore; keyLogFile?: string; bindBackEnd?: BindBackEnd } = {},
): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const pcscf = opened.use(await FakePcscf.listen({ address: place.pcscf, keys: KEYS, domain: DOMAIN }))
  const isimStore = o.isimStore ?? memoryIsimStore()
  const events: UeEvent[] = []
  const ue = opened.use(
    await Ue.open({
      credentials: testCredentials(place),
      isimStore,
      settings: { timers: gmTimers(T1_MS), refreshes: false, subscribesToRegEvent: false, ...o.settings },
      onEvent: (event) => events.push(event),
      keyLogFile: o.keyLogFile,
      ...(o.bindBackEnd && { bindBackEnd: o.bindBackEnd }),
    }),
  )
  const toClose = opened.move()
  return { pcscf, ue, isimStore, events, [Symbol.asyncDispose]: () => toClose.disposeAsync() }
}

/** Lets what is on its way arrive: polls until `isSo`, for at most two seconds. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  if (!isSo()) throw new Error('waited in vain')
}
