import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FencedError, LogCorruptError, SnapshotUnderWayError, StoreFullError } from '../errors.ts'
import type { LogEvent } from '../log/log-event.ts'
import type { OwnedPartition } from '../log/owned-partition.ts'
import { type Fault, type MemoryLink, MemoryStream } from '../testing/memory-link.ts'
import { MEMORY_LOG, MEMORY_SNAPSHOTS, takeOver } from '../testing/memory-partition.ts'
import { decodeManifest } from './manifest.ts'

/** A service in small: keys with values; its state is what was set last. */
class Owner {
  readonly state = new Map<string, string>()
  readonly link: MemoryLink
  readonly events: LogEvent[] = []
  readonly #padding: string
  #owned: OwnedPartition | undefined

  constructor(link: MemoryLink, padding = '') {
    this.link = link
    this.#padding = padding
  }

  get owned(): OwnedPartition {
    return this.#owned ?? assert.fail('taken')
  }

  async take(): Promise<this> {
    const load = ({ record }: { record: Buffer }): void => this.#apply(record.toString())
    this.#owned = await takeOver(this.link, load, (event) => void this.events.push(event))
    return this
  }

  set(key: string, value: string): Promise<unknown> {
    const record = `${key}=${value}${this.#padding}`
    this.#apply(record)
    return this.owned.append(Buffer.from(record))
  }

  *records(): Generator<Buffer> {
    for (const [key, value] of [...this.state]) yield Buffer.from(`${key}=${value}`)
  }

  #apply(record: string): void {
    const [key = '', value = ''] = record.split('=')
    this.state.set(key, value)
  }
}

/** Sixty records of 10 kB make three chunks. */
const PADDING = '.'.repeat(10_000)

async function filled(stream: MemoryStream, fault?: (subject: string) => Fault | undefined): Promise<Owner> {
  const owner = await new Owner(stream.link(fault && { fault }), PADDING).take()
  for (let n = 0; n < 60; n += 1) await owner.link.settle(owner.set(`k${n}`, String(n)))
  return owner
}

async function loaded(stream: MemoryStream): Promise<Map<string, string>> {
  return (await new Owner(stream.link()).take()).state
}

function manifestOf(stream: MemoryStream) {
  const message = stream.matching(MEMORY_SNAPSHOTS.manifest).at(-1)
  return decodeManifest(message?.data ?? assert.fail('a manifest')).snapshot
}

test('a snapshot stands for all before it: the log is purged below its mark, and a load gives the same', async () => {
  const stream = new MemoryStream()
  const owner = await filled(stream)
  const tail = owner.owned.tailOctets
  assert.ok(tail > 600_000)
  const snapshot = owner.owned.snapshot(owner.records())
  const later = owner.set('k1', 'later')
  const result = await owner.link.settle(snapshot)
  await owner.link.settle(later)
  assert.deepEqual([result.records, result.chunks], [60, 3])
  assert.equal(stream.matching(MEMORY_LOG)[0]?.sequence, Number(result.mark))
  assert.equal(stream.matching(MEMORY_LOG).length, 2, 'the mark, and what came after')
  assert.equal(stream.matching(MEMORY_SNAPSHOTS.chunks).length, 3)
  assert.equal(stream.matching(MEMORY_SNAPSHOTS.manifest).length, 1)
  assert.ok(owner.owned.tailOctets > 10_000 && owner.owned.tailOctets < 11_000, String(owner.owned.tailOctets))
  assert.deepEqual(await loaded(stream), owner.state)
  assert.deepEqual(
    owner.events.filter(({ kind }) => kind === 'snapshot'),
    [{ kind: 'snapshot', partition: '0', records: 60, octets: result.octets, durationMs: result.durationMs }],
  )
})

test('records of a snapshot come first and say so; its next owner writes the next one', async () => {
  const stream = new MemoryStream()
  const owner = await filled(stream)
  const { mark } = await owner.link.settle(owner.owned.snapshot(owner.records()))
  await owner.link.settle(owner.set('after', '1'))
  const link = stream.link()
  const found: { fromSnapshot: boolean; sequence: bigint; epoch: bigint }[] = []
  const next = await takeOver(link, ({ fromSnapshot, sequence, epoch }) => {
    found.push({ fromSnapshot, sequence, epoch })
  })
  const { epoch } = owner.owned
  assert.deepEqual(
    found.slice(0, 60),
    Array.from({ length: 60 }, () => ({ fromSnapshot: true, sequence: mark, epoch })),
  )
  assert.deepEqual(found.slice(60), [{ fromSnapshot: false, sequence: mark + 5n, epoch }])
  assert.ok(next.tailOctets < 11_000)
  await link.settle(next.snapshot([Buffer.from('all=new')]))
  assert.deepEqual(await loaded(stream), new Map([['all', 'new']]))
  assert.equal(stream.matching(MEMORY_SNAPSHOTS.chunks).length, 1, 'chunks of the first are gone')
})

test('a snapshot is wanted when the tail is longer than 4 MiB and than the last snapshot, and not twice at once', async () => {
  const stream = new MemoryStream()
  const owner = await new Owner(stream.link(), '.'.repeat(400_000)).take()
  const grow = async (records: number): Promise<void> => {
    for (let n = 0; n < records; n += 1) await owner.link.settle(owner.set(`k${n}`, 'v'))
  }
  await grow(10)
  assert.equal(owner.owned.wantsSnapshot, false)
  await grow(2)
  assert.equal(owner.owned.wantsSnapshot, true)
  const large = Array.from({ length: 20 }, () => Buffer.alloc(400_000))
  const snapshot = owner.owned.snapshot(large)
  assert.equal(owner.owned.wantsSnapshot, false)
  await assert.rejects(owner.owned.snapshot([]), SnapshotUnderWayError)
  await owner.link.settle(snapshot)
  await grow(15)
  assert.equal(owner.owned.wantsSnapshot, false, 'the snapshot has 8 MB')
  await grow(10)
  assert.equal(owner.owned.wantsSnapshot, true)
})

test('at whichever request an owner dies in the middle of a snapshot, the next one loads the same', async () => {
  let isEnded = false
  let deaths = 0
  for (let fatal = 0; !isEnded; fatal += 1) {
    for (const fault of ['lose-request', 'lose-answer'] as const) {
      const stream = new MemoryStream()
      const counting = { requests: Number.NEGATIVE_INFINITY }
      const owner = await filled(stream, () => {
        counting.requests += 1
        if (counting.requests < fatal) return undefined
        return counting.requests === fatal ? fault : 'lose-request'
      })
      counting.requests = 0
      let isWhole = false
      owner.owned.snapshot(owner.records()).then(
        () => {
          isWhole = true
        },
        () => {},
      )
      const isOver = (): boolean => isWhole || counting.requests > fatal
      await owner.link.settle(until(isOver, owner.link))
      owner.owned.drop()
      isEnded = isWhole && counting.requests < fatal
      if (!isEnded) deaths += 1
      assert.deepEqual(await loaded(stream), owner.state, `${fault} at request ${fatal}`)
    }
  }
  assert.ok(deaths > 12, `${deaths} deaths`)
})

test('whichever answer is lost on the way, a snapshot ends well and nothing is left over', async () => {
  for (let lost = 1; lost <= 9; lost += 1) {
    for (const fault of ['lose-request', 'lose-answer'] as const) {
      const stream = new MemoryStream()
      const counting = { requests: Number.NEGATIVE_INFINITY }
      const owner = await filled(stream, () => {
        counting.requests += 1
        return counting.requests === lost ? fault : undefined
      })
      counting.requests = 0
      const { purged } = await owner.link.settle(owner.owned.snapshot(owner.records()))
      assert.equal(manifestOf(stream)?.records, 60)
      assert.equal(stream.matching(MEMORY_SNAPSHOTS.chunks).length, 3, `${fault} ${lost}`)
      if (purged === undefined) await owner.link.settle(owner.owned.snapshot(owner.records()))
      assert.equal(stream.matching(MEMORY_LOG).length, 1)
      assert.equal(stream.matching(MEMORY_SNAPSHOTS.manifest).length, 1)
      assert.deepEqual(await loaded(stream), owner.state)
    }
  }
})

test('a full stream ends a snapshot: the one before stays in force, nothing is left over, and none is wanted for a while', async () => {
  const stream = new MemoryStream()
  let isFull = false
  const owner = await filled(stream, (subject) => (isFull && subject.endsWith('.2') ? 'full' : undefined))
  await owner.link.settle(owner.owned.snapshot([...owner.records()].slice(0, 5)))
  const before = manifestOf(stream)
  isFull = true
  for (let n = 0; n < 450; n += 1) await owner.link.settle(owner.set('k', String(n)))
  assert.ok(owner.owned.wantsSnapshot)
  await owner.link.settle(assert.rejects(owner.owned.snapshot(owner.records()), StoreFullError))
  assert.deepEqual(manifestOf(stream), before)
  assert.equal(stream.matching(MEMORY_SNAPSHOTS.chunks).length, before?.chunks)
  assert.ok(owner.owned.isAvailable, 'the log goes on')
  assert.equal(owner.owned.wantsSnapshot, false)
  assert.ok(owner.events.some((event) => event.kind === 'snapshot-failed' && event.code === 'STORE_FULL'))
  await owner.link.pass(5_000)
  assert.equal(owner.owned.wantsSnapshot, true)
  isFull = false
  await owner.link.settle(owner.owned.snapshot(owner.records()))
  assert.deepEqual(await loaded(stream), owner.state)
})

test('an owner replaced in the middle of its snapshot cannot name it, and learns that it was replaced', async () => {
  const places = [/snap\.0\.[0-9a-f]{32}\.0$/, /snap\.0\.manifest$/]
  for (const [place, withSnapshot] of places.flatMap((each) => [[each, true] as const, [each, false] as const])) {
    const stream = new MemoryStream()
    let isHeld = false
    let held = 0
    const old = await filled(stream, (subject) => {
      if (!isHeld || !place.test(subject)) return undefined
      held += 1
      return 'lose-request'
    })
    isHeld = true
    const snapshot = assert.rejects(old.link.settle(old.owned.snapshot(old.records())), FencedError)
    await until(() => held > 0, old.link)
    const next = await new Owner(stream.link(), PADDING).take()
    assert.deepEqual(next.state, old.state)
    await next.link.settle(next.set('k0', 'of the next'))
    if (withSnapshot) await next.link.settle(next.owned.snapshot(next.records()))
    isHeld = false
    await snapshot
    assert.ok((await old.owned.lost) instanceof FencedError, 'without an append')
    assert.equal(manifestOf(stream)?.epoch, withSnapshot ? Number(next.owned.epoch) : undefined)
    assert.deepEqual(await loaded(stream), next.state)
  }
})

test('the purge of a replaced owner, however late, spoils no load of its successor', async () => {
  const stream = new MemoryStream()
  let isHeld = true
  const old = await filled(stream, (subject) => (isHeld && subject.includes('.PURGE.') ? 'lose-request' : undefined))
  await old.link.settle(old.owned.snapshot(old.records()))
  const mark = manifestOf(stream)?.mark ?? 0
  const next = await new Owner(stream.link(), PADDING).take()
  await next.link.settle(next.set('k2', 'of the next'))
  isHeld = false
  for (const filter of [MEMORY_LOG, MEMORY_SNAPSHOTS.chunks]) stream.purge({ filter, seq: mark })
  assert.deepEqual(await loaded(stream), next.state)
})

test('who loads while a later owner writes a snapshot and purges is fenced, and calls nothing broken', async () => {
  const stream = new MemoryStream()
  await filled(stream)
  let isHeld = true
  // Its load stands still before it reads the log.
  const slow = stream.link({ fault: (subject) => (isHeld && subject.includes('DIRECT') ? 'lose-request' : undefined) })
  const taking = assert.rejects(
    takeOver(slow, () => {}),
    FencedError,
  )
  await slow.settle(until(() => stream.matching(MEMORY_SNAPSHOTS.manifest).length === 2, slow))
  const later = await new Owner(stream.link(), PADDING).take()
  await later.link.settle(later.owned.snapshot(later.records()))
  isHeld = false
  await taking
})

test('a snapshot of which something is missing or another is refused with its place', async () => {
  const damages: [string, RegExp, (stream: MemoryStream) => void][] = [
    ['a chunk is gone', /snap\.0\.[0-9a-f]{32}\.1$/, (stream) => stream.purge({ filter: chunkAt(stream, 1) })],
    ['a chunk is damaged', /snap\.0\.[0-9a-f]{32}\.1$/, (stream) => damage(stream, chunkAt(stream, 1))],
    ['the mark is gone', /log\.0$/, (stream) => stream.purge({ filter: MEMORY_LOG, seq: 1e9 })],
    ['the manifest is damaged', /snap\.0\.manifest$/, (stream) => damage(stream, MEMORY_SNAPSHOTS.manifest)],
    ['the manifest counts wrong', /snap\.0\.manifest$/, (stream) => recount(stream)],
  ]
  for (const [what, place, act] of damages) {
    const stream = new MemoryStream()
    const owner = await filled(stream)
    await owner.link.settle(owner.owned.snapshot(owner.records()))
    owner.owned.drop()
    act(stream)
    await assert.rejects(loaded(stream), (error) => {
      assert.ok(error instanceof LogCorruptError, what)
      assert.match(error.subject, place, what)
      return true
    })
  }
})

test('release ends a snapshot under way, and the log is loaded as it was', async () => {
  const stream = new MemoryStream()
  const owner = await filled(stream)
  const snapshot = assert.rejects(owner.owned.snapshot(owner.records()), { name: 'PartitionReleasedError' })
  await owner.link.settle(owner.owned.release())
  await owner.link.settle(snapshot)
  assert.equal(manifestOf(stream), undefined)
  assert.deepEqual(await loaded(stream), owner.state)
})

function chunkAt(stream: MemoryStream, index: number): string {
  return MEMORY_SNAPSHOTS.chunks.replace(/\*\.\*$/, `${manifestOf(stream)?.id}.${index}`)
}

function damage(stream: MemoryStream, subject: string): void {
  const last = stream.matching(subject).at(-1)?.data ?? assert.fail(subject)
  last[last.length - 5] = (last[last.length - 5] ?? 0) ^ 0x20
}

function recount(stream: MemoryStream): void {
  const last = stream.matching(MEMORY_SNAPSHOTS.manifest).at(-1)?.data ?? assert.fail()
  last.write(last.toString().replace('"records":60', '"records":61'))
}

async function until(isSo: () => boolean, link: MemoryLink): Promise<void> {
  for (let turns = 0; !isSo(); turns += 1) {
    assert.ok(turns < 100_000, 'it becomes so')
    await new Promise(setImmediate)
    link.clock.advance(0)
  }
}
