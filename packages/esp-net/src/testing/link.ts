import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Secret, seededRandom, systemRandom } from '@rollcall/core'
import {
  type EncryptionAlgorithm,
  expandKeys,
  type IntegrityAlgorithm,
  type SaEnd,
  type SaSetParameters,
} from '@rollcall/esp'
import {
  type DropReason,
  type OuterAddress,
  type ProtectedPacket,
  UdpEncapsulation,
  type UdpEncapsulationOptions,
} from '../mod.ts'

/** Loopback addresses of these tests. */
export const UE_ADDRESS = '127.1.2.1'
export const PCSCF_ADDRESS = '127.1.2.100'
export const STRANGER_ADDRESS = '127.1.2.66'

/** Both ends of a link in one version of IP. */
export interface AddressPair {
  readonly name: string
  readonly ue: string
  readonly pcscf: string
}

export const IPV4_PAIR: AddressPair = { name: 'IPv4', ue: UE_ADDRESS, pcscf: PCSCF_ADDRESS }
/** The loopback of IPv6 has one address: ports tell the ends apart outside, and addresses need not inside. */
export const IPV6_PAIR: AddressPair = { name: 'IPv6', ue: '::1', pcscf: '::1' }

/** Why nothing can be tried over a pair: a container may be without IPv6. */
export function reasonToSkip(addresses: AddressPair): string | false {
  if (addresses.name !== 'IPv6') return false
  const isThere = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
  return isThere ? false : 'this machine has no IPv6 loopback'
}

const WAIT_MS_MAX = 5_000

/** One encapsulation socket and all that it reported. */
export interface TestEnd extends AsyncDisposable {
  readonly backEnd: UdpEncapsulation
  readonly packets: ProtectedPacket[]
  readonly drops: { reason: DropReason; source: OuterAddress }[]
}

/** Opens one end on any free port. */
export async function openEnd(
  address: string,
  o?: Pick<UdpEncapsulationOptions, 'remote' | 'setsMax' | 'lastSequence' | 'onRenewalDue'>,
): Promise<TestEnd> {
  const packets: ProtectedPacket[] = []
  const drops: TestEnd['drops'] = []
  const backEnd = await UdpEncapsulation.bind({
    address,
    port: 0,
    random: systemRandom,
    onPacket: (packet) => packets.push(packet),
    onDrop: (reason, source) => drops.push({ reason, source }),
    ...o,
  })
  return { backEnd, packets, drops, [Symbol.asyncDispose]: () => backEnd.close() }
}

/** A UE and a P-CSCF that it knows. */
export async function openPair(addresses = IPV4_PAIR): Promise<AsyncDisposable & { ue: TestEnd; pcscf: TestEnd }> {
  const pcscf = await openEnd(addresses.pcscf)
  const ue = await openEnd(addresses.ue, { remote: pcscf.backEnd.local })
  return {
    ue,
    pcscf,
    async [Symbol.asyncDispose]() {
      await ue.backEnd.close()
      await pcscf.backEnd.close()
    },
  }
}

/** The same set as both ends see it. Each `number` has SPIs, ports and keys of its own. */
export function testSet(
  number: number,
  transform: { encryption: EncryptionAlgorithm; integrity: IntegrityAlgorithm } = {
    encryption: 'aes-cbc',
    integrity: 'hmac-sha-1-96',
  },
  addresses = IPV4_PAIR,
): { ue: SaSetParameters; pcscf: SaSetParameters } {
  const random = seededRandom(`set ${number}`)
  const keys = expandKeys({ ...transform, ck: new Secret(random.bytes(16)), ik: new Secret(random.bytes(16)) })
  const ue: SaEnd = {
    address: addresses.ue,
    portC: 40_000 + number,
    portS: 40_500,
    spiC: 1_000_000_000 + 2 * number,
    spiS: 1_000_000_001 + 2 * number,
  }
  const pcscf: SaEnd = {
    address: addresses.pcscf,
    portC: 15_100 + number,
    portS: 15_064,
    spiC: 4_000_000_000 + 2 * number,
    spiS: 4_000_000_001 + 2 * number,
  }
  const id = `set-${number}`
  return { ue: { id, local: ue, remote: pcscf, keys }, pcscf: { id, local: pcscf, remote: ue, keys } }
}

/** A plain socket: an attacker, or a NAT in the middle. */
export interface PlainSocket extends AsyncDisposable {
  readonly local: OuterAddress
  readonly datagrams: Buffer[]
  send(datagram: Buffer, to: OuterAddress): void
}

export async function openPlainSocket(address: string): Promise<PlainSocket> {
  const socket: Socket = createSocket('udp4')
  socket.bind({ address, port: 0 })
  await once(socket, 'listening')
  const datagrams: Buffer[] = []
  socket.on('message', (datagram) => datagrams.push(datagram))
  return {
    local: { address, port: socket.address().port },
    datagrams,
    send: (datagram, to) => socket.send(datagram, to.port, to.address),
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

/** Polls until `condition` holds. */
export async function waitFor(condition: () => boolean, what: string): Promise<void> {
  for (const endMs = performance.now() + WAIT_MS_MAX; !condition(); await sleep(1)) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`)
  }
}
