import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpi, seededRandom, VirtualClock } from '@rollcall/core'
import { expandKeys, type SaSetParameters, selectorsOf } from '@rollcall/esp'
import fc from 'fast-check'
import { PortExhaustedError, SaTableFullError } from '../errors.ts'
import { ALICE_IMPI, BOB_IMPI, KEYS, UE } from '../testing/messages.ts'
import { PortAllocator } from './port-allocator.ts'
import { SaTable } from './sa-table.ts'
import { SpiAllocator } from './spi-allocator.ts'

const ALICE = parseImpi(ALICE_IMPI)
const BOB = parseImpi(BOB_IMPI)

class Bench {
  readonly clock = new VirtualClock()
  readonly installed = new Map<string, SaSetParameters>()
  readonly removed: string[] = []
  readonly spis: SpiAllocator
  readonly ports = new PortAllocator({ first: 15_100, count: 8 })
  readonly table: SaTable
  installFails = false
  #ends = 0

  constructor(setsMax = 100, seed = 'sa table') {
    const random = seededRandom(seed)
    this.spis = new SpiAllocator(random)
    this.table = new SaTable({
      backEnd: {
        install: (set) => {
          if (this.installFails) throw new SaTableFullError(0)
          this.installed.set(set.id, set)
        },
        remove: (id) => void this.installed.delete(id),
      },
      clock: this.clock,
      random,
      spis: this.spis,
      ports: this.ports,
      lifetimes: { temporaryMs: 240_000, graceMs: 128_000, beyondRegistrationMs: 30_000 },
      local: { address: '127.0.0.1', portPs: 15_064 },
      setsMax,
      onRemoved: (set, why) => void this.removed.push(`${set.state} ${why}`),
      onRemoveFailed: () => {},
    })
  }

  challenge(o: { impi?: typeof ALICE; attempt?: string; origin?: string; address?: string } = {}) {
    const n = ++this.#ends
    return this.table.challenge({
      impi: o.impi ?? ALICE,
      attempt: o.attempt ?? `attempt ${n}`,
      origin: o.origin,
      remote: { address: o.address ?? UE, portC: 40_000 + n, portS: 15_064, spiC: 2 * n, spiS: 2 * n + 1 },
      keys: expandKeys({ ...KEYS, integrity: 'hmac-sha-1-96', encryption: 'aes-cbc' }),
    })
  }
}

test('a challenge installs four SAs with the SPIs and ports of both ends, and no more (TS 33.203 clause 7.1; mistake 25)', async () => {
  const bench = new Bench()
  const set = await bench.challenge()
  const [installed] = bench.installed.values()
  assert.ok(installed)
  assert.equal(bench.installed.size, 1)
  assert.deepEqual(installed.remote, set.remote)
  assert.deepEqual(installed.local, set.local)
  assert.equal(new Set(selectorsOf(installed).map(({ spi }) => spi)).size, 4)
  assert.ok(set.local.spiC >= 1_000_000_000 && set.local.spiS >= 1_000_000_000)
})

test('selectors are addresses and ports alone: one set carries every transport (TS 33.203 clause 7.1; mistake 14: an SA pinned to one transport)', async () => {
  const bench = new Bench()
  const { local, remote } = await bench.challenge()
  const [installed] = bench.installed.values()
  assert.ok(installed)
  const ends = selectorsOf(installed).map(({ direction, spi, source, destination, ...rest }) => {
    assert.deepEqual(rest, {})
    return [direction, spi, source.port, destination.port]
  })
  assert.deepEqual(
    ends.sort(),
    [
      ['inbound', local.spiC, remote.portS, local.portC],
      ['inbound', local.spiS, remote.portC, local.portS],
      ['outbound', remote.spiC, local.portS, remote.portC],
      ['outbound', remote.spiS, local.portC, remote.portS],
    ].sort(),
  )
})

test('a set that cannot be installed leaves no SPI, no port and no set behind', async () => {
  const bench = new Bench()
  bench.installFails = true
  await assert.rejects(bench.challenge(), SaTableFullError)
  assert.equal(bench.spis.size + bench.ports.size + bench.table.size + bench.clock.pending, 0)
})

test('at the bound a challenge is refused and nothing changes', async () => {
  const bench = new Bench(1)
  await bench.challenge()
  await assert.rejects(bench.challenge({ impi: BOB }), SaTableFullError)
  assert.equal(bench.installed.size, 1)
})

test('towards one address every set has a port_pc of its own; another address has its own range (TS 33.203 clause 7.4)', async () => {
  const bench = new Bench()
  const ports = new Set<number>()
  for (let n = 0; n < 8; n++) ports.add((await bench.challenge()).local.portC)
  assert.equal(ports.size, 8)
  await assert.rejects(bench.challenge(), PortExhaustedError)
  await bench.challenge({ address: '127.0.1.2' })
})

test('SPIs and ports come free when the set is gone, and not before', async () => {
  const bench = new Bench()
  await bench.challenge()
  assert.equal(bench.spis.size, 2)
  bench.clock.advance(239_999)
  assert.equal(bench.spis.size, 2)
  bench.clock.advance(1)
  assert.equal(bench.spis.size + bench.ports.size + bench.table.size, 0)
  assert.deepEqual(bench.removed, ['temporary expired'])
})

test('time alone ends every set: nothing is left, and no timer runs on', async () => {
  const bench = new Bench()
  const first = await bench.challenge()
  bench.table.tell(ALICE, { kind: 'authenticated', id: first.id, contact: 'c', grantedMs: 600_000 })
  const second = await bench.challenge({ origin: first.id })
  bench.table.tell(ALICE, { kind: 'authenticated', id: second.id, contact: 'c', grantedMs: 600_000 })
  assert.equal(bench.table.inForce(ALICE, 'c')?.id, first.id)
  bench.table.tell(ALICE, { kind: 'used', id: second.id })
  assert.equal(bench.table.inForce(ALICE, 'c')?.id, second.id)
  bench.clock.advance(128_000)
  assert.equal(bench.installed.size, 1)
  bench.clock.advance(600_000)
  assert.equal(bench.installed.size + bench.clock.pending, 0)
})

test('stopping removes every set', async () => {
  const bench = new Bench()
  await bench.challenge()
  await bench.challenge({ impi: BOB })
  bench.table.stop()
  assert.equal(bench.installed.size + bench.clock.pending, 0)
})

test('our SPIs are unique, at least 1,000,000,000, and never those of the UE (TS 33.203 clause 7.1)', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.array(fc.tuple(fc.integer({ min: 1 }), fc.integer({ min: 1 })), { maxLength: 50 }),
      (seed, ues) => {
        const spis = new SpiAllocator(seededRandom(seed))
        const taken = new Set<number>()
        for (const [spiUc, spiUs] of ues) {
          const { spiPc, spiPs } = spis.takePair([spiUc, spiUs])
          for (const spi of [spiPc, spiPs]) {
            assert.ok(spi >= 1_000_000_000 && spi <= 0xffff_ffff && !taken.has(spi))
            assert.ok(spi !== spiUc && spi !== spiUs)
            taken.add(spi)
          }
        }
        spis.release(...taken)
        assert.equal(spis.size, 0)
      },
    ),
    { seed: 4303, numRuns: 200 },
  )
})

test('an SPI that the UE chose is passed over', () => {
  const ofSeed = (foreign: number[]) => new SpiAllocator(seededRandom('spi')).takePair(foreign)
  const { spiPc } = ofSeed([])
  assert.notEqual(ofSeed([spiPc, 1]).spiPc, spiPc)
})
