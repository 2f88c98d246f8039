import assert from 'node:assert/strict'
import test from 'node:test'
import { systemRandom } from '@rollcall/core'
import type { ProtectedPacket } from '@rollcall/esp-net'
import { BindFailedError, UdpTransport } from '@rollcall/sip-net'
import { until } from '../testing/stack.ts'
import { type GmReceiver, openGm } from './gm-transport.ts'

const ADDRESS = '127.1.7.4'
const PORTS = {
  sip: { address: ADDRESS, port: 15_060 },
  portPs: 15_064,
  encapsulation: { address: ADDRESS, port: 14_500 },
}

/** Keeps what it is told in private fields, as Gm does: it must be called as a receiver and not as loose functions. */
class Recorder implements GmReceiver {
  readonly #told: string[] = []

  get told(): readonly string[] {
    return this.#told
  }

  unprotected(bytes: Buffer): void {
    this.#told.push(`unprotected ${bytes.length}`)
  }

  protected(packet: ProtectedPacket): void {
    this.#told.push(`protected ${packet.payload.length}`)
  }

  dropped(reason: string): void {
    this.#told.push(`dropped ${reason}`)
  }

  socketError(error: Error): void {
    this.#told.push(`error ${error.name}`)
  }
}

function open(receiver: GmReceiver) {
  return openGm({ ...PORTS, random: systemRandom, setsMax: 10, receiver })
}

test('each socket takes what is for it; on port_ps as it stands, and oversized anywhere, nothing is (TS 33.203 clause 7.1)', async () => {
  const receiver = new Recorder()
  await using gm = await open(receiver)
  await using stranger = await UdpTransport.bind({ address: '127.1.7.66', port: 0 })
  const cases = [
    [15_060, 100, 'unprotected 100'],
    [15_060, 9_000, 'dropped too-large'],
    [15_064, 100, 'dropped unprotected-on-protected-port'],
    [14_500, 3, 'dropped malformed'],
    [14_500, 100, 'dropped unknown-spi'],
    [14_500, 9_000, 'dropped too-large'],
  ] as const
  for (const [port, octets, told] of cases) {
    const before = receiver.told.length
    stranger.send(Buffer.alloc(octets, 1), { address: ADDRESS, port })
    await until(() => receiver.told.length > before, told)
    assert.equal(receiver.told.at(-1), told)
  }
  const answered = new Promise<string>((resolve) => {
    stranger.onMessage = (_bytes, source) => resolve(`${source.address}:${source.port}`)
  })
  gm.send({ kind: 'unprotected', ...stranger.local }, Buffer.from('answer'))
  assert.equal(await answered, `${ADDRESS}:15060`)
})

test('what the system refuses to send is told, and the socket goes on', async () => {
  const receiver = new Recorder()
  await using gm = await open(receiver)
  gm.send({ kind: 'unprotected', address: '255.255.255.255', port: 9 }, Buffer.from('x'))
  await until(() => receiver.told.length > 0, 'the error is told')
  assert.match(receiver.told.at(-1) ?? '', /^error /)
})

test('a socket that cannot be opened leaves none of the others open', async () => {
  {
    await using _taken = await UdpTransport.bind({ address: ADDRESS, port: 15_064 })
    await assert.rejects(open(new Recorder()), BindFailedError)
  }
  await using gm = await open(new Recorder())
  assert.equal(gm.backEnd.mode, 'UDP-enc-tun')
})
