import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '@rollcall/core'
import { assign } from './assignment.ts'
import { encodeLease } from './lease-record.ts'
import { LEASES, leaseSubject, type Process, ReplicaWorld } from './testing/replica-world.ts'

const PARTITIONS = 16
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

function partitionsOf({ held }: Process): number[] {
  return [...held.keys()].sort((a, b) => a - b)
}

function shareOf(name: string, names: readonly string[]): number[] {
  return assign(PARTITIONS, names).flatMap((replica, partition) => (replica === name ? [partition] : []))
}

async function startTwo(o: { hasHints?: boolean } = {}) {
  const world = new ReplicaWorld()
  const a = await world.start('a', o)
  const b = await world.start('b', o)
  await world.until(() => world.isWhole && partitionsOf(b).length === shareOf('b', ['a', 'b']).length)
  await world.run(3_000)
  return { world, a, b }
}

test('one replica takes all, is sole at once, and says where all is', async () => {
  const world = new ReplicaWorld()
  const a = await world.start('a')
  const tookMs = await world.until(() => a.held.size === PARTITIONS)
  assert.ok(tookMs < 200, String(tookMs))
  await world.until(() => [...a.held.values()].every(({ sole }) => sole), 50)
  await world.run(100)
  assert.deepEqual(a.replicas?.problems, [])
  assert.equal(a.replicas?.lease.isLive, true)
  for (const partition of ALL) assert.equal(a.replicas?.whereIs(partition).kind, 'here')
  assert.deepEqual(
    a.replicas?.members.map(({ replica, state, held }) => [replica, state, held.size]),
    [['a', 'serving', PARTITIONS]],
  )
})

test('a second one gets its share in peace: each partition is held exactly once, and sole at once', async () => {
  const world = new ReplicaWorld()
  const a = await world.start('a')
  await world.until(() => a.held.size === PARTITIONS)
  const b = await world.start('b')
  const movedMs = await world.until(() => world.isWhole && b.held.size === shareOf('b', ['a', 'b']).length)
  assert.ok(movedMs < 500, String(movedMs))
  assert.deepEqual(partitionsOf(a), shareOf('a', ['a', 'b']))
  await world.until(() => [...b.held.values()].every(({ sole }) => sole), 100)
  await world.run(1_000)
  const [partition = 0] = partitionsOf(b)
  const where = a.replicas?.whereIs(partition)
  assert.ok(where?.kind === 'at' && where.member.target === 'b:7443')
  assert.deepEqual([a.replicas?.problems, b.replicas?.problems, world.faults], [[], [], []])
})

test('a partition is served until the other has a hand free for it: no more than four lie with nobody', async () => {
  const world = new ReplicaWorld()
  const a = await world.start('a')
  await world.until(() => a.held.size === PARTITIONS)
  const b = await world.start('b')
  b.loadMs = 700
  const wanted = shareOf('b', ['a', 'b']).length
  let fewest = PARTITIONS
  await world.until(() => {
    fewest = Math.min(fewest, a.held.size + b.held.size)
    return b.held.size === wanted
  })
  assert.ok(fewest >= PARTITIONS - 4, String(fewest))
})

test('without hints all goes the same way, at the pace of the heartbeats', async () => {
  const { world } = await startTwo({ hasHints: false })
  assert.ok(world.isWhole)
  assert.deepEqual(world.faults, [])
})

test('one that leaves hands over everything, says so, and the other is sole at once', async () => {
  const { world, a, b } = await startTwo()
  const leaving = b.replicas?.leave()
  const tookMs = await world.until(() => a.held.size === PARTITIONS)
  assert.ok(tookMs < 500, String(tookMs))
  await leaving
  await world.until(() => [...a.held.values()].every(({ sole }) => sole), 100)
  assert.equal(b.held.size, 0)
  assert.ok(b.kinds.includes('left'))
  assert.ok(!a.kinds.includes('revoked'))
  await b.replicas?.leave()
})

test('the last one leaves without anybody to hand over to', async () => {
  const world = new ReplicaWorld()
  const a = await world.start('a')
  await world.until(() => a.held.size === PARTITIONS)
  const leaving = a.replicas?.leave()
  const leftMs = await world.until(() => a.kinds.includes('left'))
  await leaving
  assert.ok(leftMs < 200, String(leftMs))
  assert.equal(a.held.size, 0)
})

test('one that leaves while the store is away ends all the same', async () => {
  const { world, a } = await startTwo()
  a.link.disconnect()
  await world.run(2_500)
  const leaving = a.replicas?.leave()
  const leftMs = await world.until(() => a.kinds.includes('left'))
  await leaving
  assert.ok(leftMs < 6_000, String(leftMs))
  assert.equal(a.held.size, 0)
})

test('a dead one is revoked and its partitions are taken within 3.5 s; they are sole when its lease is over', async () => {
  for (const hasHints of [true, false]) {
    const { world, a, b } = await startTwo({ hasHints })
    b.kill()
    const tookMs = await world.until(() => a.held.size === PARTITIONS)
    assert.ok(tookMs > 1_500 && tookMs < 3_500, String(tookMs))
    const taken = shareOf('b', ['a', 'b'])
    const soleMs = await world.until(() => taken.every((partition) => a.held.get(partition)?.sole))
    assert.ok(soleMs < 1_000, String(soleMs))
    assert.deepEqual(world.faults, [])
  }
})

test('one that is cut off ends its lease by itself before anybody is sole, and drops all when it is heard again', async () => {
  const { world, a, b } = await startTwo()
  b.link.disconnect()
  const endedMs = await world.until(() => b.replicas?.lease.isLive === false)
  assert.ok(endedMs <= 2_001, String(endedMs))
  await world.until(() => a.held.size === PARTITIONS)
  await world.run(2_000)
  assert.ok(b.held.size > 0, 'it does not know yet')
  b.link.connect()
  await world.until(() => b.kinds.includes('deposed'), 50)
  await world.until(() => b.replicas?.lease.isLive === true, 50)
  const incarnations = b.events.flatMap((event) => (event.kind === 'joined' ? [event.incarnation] : []))
  assert.equal(new Set(incarnations).size, 2)
  await world.until(() => world.isWhole && b.held.size > 0)
  assert.deepEqual(world.faults, [])
})

test('one whose requests hang for longer than its lease does not judge by what it did not see', async () => {
  const { world, a, b } = await startTwo()
  b.isHung = true
  await world.run(6_000)
  b.isHung = false
  await world.run(3_000)
  assert.ok(!b.kinds.includes('revoked'))
  assert.ok(a.kinds.includes('revoked'))
  await world.until(() => world.isWhole && b.held.size > 0)
  assert.deepEqual(world.faults, [])
})

test('a restarted process takes at once what it had, and is sole when its forerunner cannot tell any more', async () => {
  const { world, b } = await startTwo()
  const had = partitionsOf(b)
  b.kill()
  await world.run(20)
  const again = await world.start('b')
  const tookMs = await world.until(() => again.held.size === had.length)
  assert.ok(tookMs < 200, String(tookMs))
  assert.deepEqual(partitionsOf(again), had)
  await world.run(1_000)
  assert.ok([...again.held.values()].every(({ sole }) => !sole))
  await world.run(1_300)
  assert.ok([...again.held.values()].every(({ sole }) => sole))
})

test('what a restarted process inherits is known to others, who take it from there', async () => {
  const { world, a, b } = await startTwo()
  b.kill()
  const again = await world.start('b')
  await world.until(() => again.held.size > 0)
  const leaving = again.replicas?.leave()
  await world.until(() => a.held.size === PARTITIONS)
  await leaving
  const [partition = 0] = shareOf('b', ['a', 'b'])
  await world.run(500)
  assert.equal(a.held.get(partition)?.sole, false, 'the first process of that name may still tell')
  await world.run(2_500)
  assert.equal(a.held.get(partition)?.sole, true)
})

test('a process whose name another one has taken drops everything and waits until that one is gone', async () => {
  const { world, b } = await startTwo()
  const rival = await world.start('b')
  await world.until(() => b.kinds.includes('deposed'))
  assert.equal(b.held.size, 0)
  await world.until(() => world.isWhole)
  await world.run(10_000)
  assert.deepEqual(b.events.at(-1)?.kind === 'lease' || b.kinds.at(-1) === 'deposed', true)
  assert.ok(b.replicas?.problems.includes('another process is replica b'))
  assert.deepEqual(rival.replicas?.problems, [])
  rival.kill()
  await world.until(() => b.held.size > 0)
  assert.deepEqual(world.faults, [])
})

test('nobody is judged while the store elects a leader, however long that takes', async () => {
  const { world, a, b } = await startTwo()
  const shares = world.shares
  for (const [electionMs, isAnswered] of [
    [5_000, true],
    [12_000, false],
  ] as const) {
    const isHit = (subject: string): boolean => subject.includes('lease') && !subject.includes('DIRECT')
    world.isServed = (subject) => !isHit(subject) && (isAnswered || !subject.includes('lease'))
    await world.run(electionMs)
    assert.deepEqual([a.replicas?.lease.isLive, b.replicas?.lease.isLive], [false, false])
    world.isServed = () => true
    await world.until(() => a.replicas?.lease.isLive === true && b.replicas?.lease.isLive === true, 1_000)
    await world.run(5_000)
    assert.deepEqual(world.shares, shares)
  }
  assert.ok(![...a.kinds, ...b.kinds].some((kind) => kind === 'revoked' || kind === 'deposed'))
})

test('lost answers of heartbeats do not end a lease that was kept', async () => {
  const { world, a, b } = await startTwo()
  const chance = seededRandom('lost')
  world.fate = (subject) => {
    const isLost = subject.includes('.lease.') && (chance.bytes(1)[0] ?? 0) < 100
    return isLost ? { answeredAfterMs: undefined } : {}
  }
  await world.run(20_000)
  assert.ok(![...a.kinds, ...b.kinds].includes('deposed'))
  assert.ok(world.isWhole)
})

test('heartbeats that come late or twice do not depose anybody', async () => {
  const { world, a, b } = await startTwo()
  let count = 0
  world.fate = () => {
    count += 1
    return count % 2 === 0 ? { arrivesAfterMs: [0.25, 700] } : { arrivesAfterMs: [(count * 37) % 400] }
  }
  await world.run(20_000)
  assert.ok(![...a.kinds, ...b.kinds].includes('deposed'))
})

test('a replica of the store that lags is asked again, and never believed', async () => {
  const world = new ReplicaWorld()
  let count = 0
  world.fate = () => {
    count += 1
    return { lag: count % 3 === 0 ? 4 : 0 }
  }
  await world.start('a')
  await world.start('b')
  await world.start('c')
  await world.until(() => world.isWhole)
  await world.run(5_000)
  assert.deepEqual(world.faults, [])
})

test('a partition that cannot be taken is tried again later, and /readyz says why', async () => {
  const world = new ReplicaWorld()
  const a = await world.start('a')
  a.takeError = Object.assign(new Error('no'), { code: 'STORE_LOG_CORRUPT' })
  await world.run(2_000)
  assert.ok(a.kinds.filter((kind) => kind === 'take-failed').length < 16 * 6)
  assert.ok(a.replicas?.problems.includes('STORE_LOG_CORRUPT'))
  a.takeError = undefined
  await world.until(() => a.held.size === PARTITIONS)
  assert.deepEqual(a.replicas?.problems, [])
})

test('a partition that is lost is dropped, and taken again when nobody has it', async () => {
  const { world, a } = await startTwo()
  const [partition = 0] = partitionsOf(a)
  const epoch = a.held.get(partition)?.epoch
  a.lose(partition)
  await world.until(() => (a.held.get(partition)?.epoch ?? 0n) > (epoch ?? 0n), 1_000)
  assert.ok(a.events.some((event) => event.kind === 'dropped' && event.partition === partition && event.why === 'lost'))
  assert.deepEqual(world.faults, [])
})

test('a take that was begun before the lease was lost is waited for, and what it brings is dropped', async () => {
  const { world, a, b } = await startTwo()
  a.loadMs = 9_000
  b.kill()
  await world.until(() => a.kinds.includes('revoked'))
  await world.run(200)
  a.link.disconnect()
  const other = await world.start('c')
  await world.until(() => other.held.size > 0)
  await world.run(2_500)
  a.link.connect()
  await world.until(() => a.kinds.includes('deposed'))
  await world.run(1_000)
  assert.equal(a.replicas?.lease.isLive, false, 'a take of the old incarnation is under way')
  await world.until(() => a.replicas?.lease.isLive === true)
  await world.until(() => world.isWhole, 60_000)
  assert.deepEqual(world.faults, [])
})

test('one whose lease cannot be read counts as alive and as holding anything, until it is silent', async () => {
  const world = new ReplicaWorld()
  world.model.serve(leaseSubject('z'), Buffer.from('{"version":2}'), undefined)
  const a = await world.start('a')
  await world.until(() => a.held.size === PARTITIONS)
  await world.run(500)
  assert.ok(a.replicas?.problems.includes('the lease of z cannot be read'))
  assert.ok([...a.held.values()].every(({ sole }) => !sole))
  await world.until(() => [...a.held.values()].every(({ sole }) => sole), 5_000)
})

test('leases of replicas that never came back are removed after some minutes; a live one never is', async () => {
  const { world, a, b } = await startTwo()
  const c = await world.start('c')
  await world.until(() => c.held.size > 0)
  const leaving = c.replicas?.leave()
  await world.until(() => c.kinds.includes('left'))
  await leaving
  b.kill()
  await world.run(5 * 60_000 + 5_000)
  assert.deepEqual(
    [...world.model.stream(LEASES).messages].map(({ subject }) => subject),
    [leaseSubject('a')],
  )
  assert.equal(a.replicas?.lease.isLive, true)
})

test('somebody else’s record in one’s own lease deposes at once', async () => {
  const { world, a, b } = await startTwo()
  const lease = {
    incarnation: 'ff',
    beat: 1,
    target: '',
    state: 'serving',
    held: new Map(),
    lingering: new Set<number>(),
    floors: new Map(),
  }
  world.model.serve(leaseSubject('a'), encodeLease({ ...lease, state: 'serving' }), undefined)
  await world.until(() => a.kinds.includes('deposed'), 20)
  assert.equal(a.held.size, 0)
  assert.equal(a.replicas?.lease.isLive, false)
  assert.ok(b.held.size > 0)
})

test('who takes a partition knows how far its log was acknowledged, whoever wrote it, however long ago', async () => {
  const { world, a, b } = await startTwo()
  await world.finish(b.append())
  const [partition = 0] = partitionsOf(b)
  const written = b.held.get(partition)?.acknowledged ?? 0n
  assert.ok(written > 0n)
  // b dies, a does as well after b’s lease was removed, and c has never seen b.
  await world.run(600)
  b.kill()
  await world.until(() => a.held.size === PARTITIONS)
  assert.equal(a.floors.get(partition), written)
  await world.run(5 * 60_000 + 5_000)
  assert.deepEqual(
    [...world.model.stream(LEASES).messages].map(({ subject }) => subject),
    [leaseSubject('a')],
  )
  a.kill()
  const c = await world.start('c')
  await world.until(() => c.held.size === PARTITIONS)
  assert.equal(c.floors.get(partition), written)
  assert.deepEqual(world.faults, [])
})

test('what is appended while a partition is handed over is known to its next owner', async () => {
  const world = new ReplicaWorld()
  const a = await world.start('a')
  await world.until(() => a.held.size === PARTITIONS)
  a.appendsLast = true
  const b = await world.start('b')
  await world.until(() => b.held.size === shareOf('b', ['a', 'b']).length)
  for (const partition of partitionsOf(b)) assert.equal(b.floors.get(partition), world.recorded.get(partition)?.at(-1))
  assert.deepEqual(world.faults, [])
})

test('a partition whose log ends before what leases know is not taken, and /readyz says where; the others are', async () => {
  const world = new ReplicaWorld()
  const a = await world.start('a')
  await world.until(() => a.held.size === PARTITIONS)
  await world.finish(a.append())
  await world.finish(a.append())
  await world.run(600)
  a.kill()
  const [first = 0n, last = 0n] = world.recorded.get(5) ?? []
  world.lose(5, Number(last))
  const b = await world.start('b')
  await world.until(() => b.held.size === PARTITIONS - 1)
  // Each try leaves an epoch message behind, far beyond what is missing.
  await world.run(60_000)
  assert.equal(b.held.size, PARTITIONS - 1)
  const problem = b.replicas?.problems.at(-1)
  const where = `presence.ims_example_org.log.5 is broken at sequence ${first}`
  assert.equal(
    problem,
    `STORE_LOG_TRUNCATED: ${where}: it is the last record in stream presence_log_1, but sequence ${last} was acknowledged`,
  )
})

test('a name that is no token of a subject is refused', async () => {
  const world = new ReplicaWorld()
  await assert.rejects(world.start('a.b'), RangeError)
  await assert.rejects(world.start('*'), RangeError)
})
