import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidSaSetError, type SaSetParameters } from '@rollcall/esp'
import { PacketTooLargeError, SaSetMismatchError, SaUnknownError, SpiInUseError } from '../errors.ts'
import type { ProtectedPacket, SaBackEnd } from '../sa-back-end.ts'

/** One back end at work, and what came out of it. */
export interface BackEndUnderTest {
  readonly backEnd: SaBackEnd
  readonly packets: readonly ProtectedPacket[]
}

/** What a back end brings to be tested: two ends that reach each other, and sets for them. */
export interface BackEndSubject {
  readonly name: string
  openPair(): Promise<AsyncDisposable & { ue: BackEndUnderTest; pcscf: BackEndUnderTest }>
  /** The same set as both ends see it; another number is another set with nothing in common but the addresses. */
  createSet(number: number): { ue: SaSetParameters; pcscf: SaSetParameters }
  waitFor(condition: () => boolean, what: string): Promise<void>
}

/** What every SA back end must do, whichever carries the packets (TS 33.203 clause 7.1). */
export function testSaBackEnd(subject: BackEndSubject): void {
  const { name, waitFor } = subject

  test(`${name}: carries messages both ways in both sets of a re-registration (TS 33.203 clause 7.4)`, async () => {
    await using pair = await subject.openPair()
    const { ue, pcscf } = pair
    for (const number of [1, 2]) {
      const set = subject.createSet(number)
      await ue.backEnd.install(set.ue)
      await pcscf.backEnd.install(set.pcscf)
      ue.backEnd.send(set.ue.id, Buffer.from(`up ${number}`))
      await waitFor(() => pcscf.packets.length === number, 'the uplink')
      pcscf.backEnd.send(set.pcscf.id, Buffer.from(`down ${number}`))
      await waitFor(() => ue.packets.length === number, 'the downlink')
      assert.deepEqual(pcscf.packets.at(-1), {
        setId: set.pcscf.id,
        sourcePort: set.ue.local.portC,
        destinationPort: set.pcscf.local.portS,
        payload: Buffer.from(`up ${number}`),
      })
      assert.deepEqual(ue.packets.at(-1), {
        setId: set.ue.id,
        sourcePort: set.pcscf.local.portC,
        destinationPort: set.ue.local.portS,
        payload: Buffer.from(`down ${number}`),
      })
    }
    // The old set still works beside the new one, and goes without it.
    const [old, current] = [subject.createSet(1), subject.createSet(2)]
    ue.backEnd.send(old.ue.id, Buffer.from('old'))
    await waitFor(() => pcscf.packets.at(-1)?.setId === old.pcscf.id, 'the old set')
    await ue.backEnd.remove(old.ue.id)
    await pcscf.backEnd.remove(old.pcscf.id)
    assert.throws(() => ue.backEnd.send(old.ue.id, Buffer.from('x')), SaUnknownError)
    ue.backEnd.send(current.ue.id, Buffer.from('current'))
    await waitFor(() => pcscf.packets.at(-1)?.setId === current.pcscf.id, 'the current set')
  })

  test(`${name}: carries messages of every size up to 8 kB, and refuses larger ones by their size`, async () => {
    await using pair = await subject.openPair()
    const { ue, pcscf } = pair
    const set = subject.createSet(1)
    await ue.backEnd.install(set.ue)
    await pcscf.backEnd.install(set.pcscf)
    const sizes = [0, 1, 13, 14, 15, 16, 17, 1_300, 1_500, 8_191, 8_192]
    for (const size of sizes) {
      const payload = Buffer.alloc(size, size & 0xff)
      const before = pcscf.packets.length
      ue.backEnd.send(set.ue.id, payload)
      await waitFor(() => pcscf.packets.length > before, `${size} octets`)
      assert.deepEqual(pcscf.packets.at(-1)?.payload, payload)
    }
    assert.throws(
      () => ue.backEnd.send(set.ue.id, Buffer.alloc(8_193)),
      (error: unknown) => error instanceof PacketTooLargeError && error.bytes === 8_193 && error.bytesMax === 8_192,
    )
  })

  test(`${name}: installing a set again disturbs nothing, its sequence numbers go on`, async () => {
    await using pair = await subject.openPair()
    const { ue, pcscf } = pair
    const set = subject.createSet(1)
    for (let round = 1; round <= 3; round++) {
      await ue.backEnd.install(subject.createSet(1).ue)
      await pcscf.backEnd.install(subject.createSet(1).pcscf)
      ue.backEnd.send(set.ue.id, Buffer.from(`round ${round}`))
      await waitFor(() => pcscf.packets.length === round, `round ${round}`)
    }
  })

  test(`${name}: refuses a set of the same name with other parameters, and keeps the one it has`, async () => {
    await using pair = await subject.openPair()
    const { ue, pcscf } = pair
    const set = subject.createSet(1)
    await ue.backEnd.install(set.ue)
    await pcscf.backEnd.install(set.pcscf)
    const other = { ...subject.createSet(2).pcscf, id: set.pcscf.id }
    await assert.rejects(async () => pcscf.backEnd.install(other), SaSetMismatchError)
    ue.backEnd.send(set.ue.id, Buffer.from('still here'))
    await waitFor(() => pcscf.packets.length === 1, 'the set that was there')
  })

  test(`${name}: refuses an SPI that ends another set, and installs nothing then (TS 33.203 clause 7.1)`, async () => {
    await using pair = await subject.openPair()
    const { backEnd } = pair.pcscf
    const first = subject.createSet(1).pcscf
    const second = subject.createSet(2).pcscf
    await backEnd.install(first)
    for (const field of ['spiC', 'spiS'] as const) {
      const spi = first.local[field]
      const clash = { ...second, local: { ...second.local, [field]: spi } }
      await assert.rejects(
        async () => backEnd.install(clash),
        (error: unknown) => error instanceof SpiInUseError && error.spi === spi,
      )
      assert.throws(() => backEnd.send(second.id, Buffer.from('x')), SaUnknownError)
    }
    await backEnd.install(second)
    // A removed set gives its SPIs back.
    await backEnd.remove(first.id)
    await backEnd.remove(first.id)
    await backEnd.remove('never there')
    await backEnd.install({ ...first, id: 'again' })
  })

  test(`${name}: refuses a set that cannot work (TS 33.203 clause 7.1)`, async () => {
    await using pair = await subject.openPair()
    const set = subject.createSet(1).pcscf
    const reflected = { ...set, remote: { ...set.remote, spiS: set.local.spiS } }
    await assert.rejects(async () => pair.pcscf.backEnd.install(reflected), InvalidSaSetError)
  })
}
