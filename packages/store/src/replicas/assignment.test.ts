import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assign, MOVES_MAX, planMoves, type Scene } from './assignment.ts'

const NAMES = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 8 })
const PARTITIONS = 64

function scene(o: Partial<Scene>): Scene {
  return { self: 'a', assigned: [], others: new Map(), own: new Map(), deferred: new Set(), ...o }
}

test('all agree, whatever order they see the replicas in', () => {
  fc.assert(
    fc.property(NAMES, (names) => {
      assert.deepEqual(assign(PARTITIONS, names), assign(PARTITIONS, [...names].reverse()))
    }),
  )
})

test('a replica that comes takes only its own share, and one that goes leaves only its own', () => {
  fc.assert(
    fc.property(NAMES, (names) => {
      const [newcomer = '', ...before] = names
      if (before.length === 0) return
      const old = assign(PARTITIONS, before)
      const after = assign(PARTITIONS, names)
      after.forEach((replica, partition) => {
        assert.ok(replica === old[partition] || replica === newcomer)
      })
    }),
  )
})

test('shares are even over many partitions', () => {
  const names = ['presence-0', 'presence-1', 'presence-2']
  const shares = new Map(names.map((name) => [name, 0]))
  for (const name of assign(3_000, names)) shares.set(name, (shares.get(name) ?? 0) + 1)
  for (const share of shares.values()) assert.ok(share > 900 && share < 1_100, String([...shares]))
})

test('the shares of two and three replicas never change: partitions would move at an upgrade', () => {
  const two = assign(16, ['presence-0', 'presence-1']).map((name) => name.at(-1))
  const three = assign(16, ['presence-0', 'presence-1', 'presence-2']).map((name) => name.at(-1))
  assert.equal(two.join(''), '0110011100011101')
  assert.equal(three.join(''), '2210021100011201')
})

test('nobody to serve: nothing is assigned', () => {
  assert.deepEqual(assign(16, []), [])
})

test('takes what is assigned to it and listed by nobody, a few at a time', () => {
  const assigned = Array.from({ length: 16 }, () => 'a')
  const others = new Map([[0, { replica: 'b', loaded: true }]])
  assert.deepEqual(planMoves(scene({ assigned, others, deferred: new Set([1]) })).claim, [2, 3, 4, 5])
  const own = new Map([
    [2, 'taking'],
    [3, 'claimed'],
    [4, 'held'],
  ] as const)
  assert.deepEqual(planMoves(scene({ assigned, others, own })).claim, [1, 5])
})

test('releases what is assigned to another, a few at a time, and no more than that one can take at once', () => {
  const assigned = Array.from({ length: 16 }, (_, partition) => (partition < 8 ? 'b' : 'a'))
  const held = new Map(assigned.map((_, partition) => [partition, 'held'] as const))
  assert.deepEqual(planMoves(scene({ assigned, own: held })), { claim: [], release: [0, 1, 2, 3] })
  const busy = new Map([...held, [0, 'releasing'] as const, [1, 'releasing'] as const])
  assert.deepEqual(planMoves(scene({ assigned, own: busy })).release, [2, 3])
  const taking = new Map([...held].filter(([partition]) => partition > 2))
  const others = new Map([0, 1, 2].map((partition) => [partition, { replica: 'b', loaded: false }]))
  assert.deepEqual(planMoves(scene({ assigned, own: taking, others })).release, [3])
  const loaded = new Map([0, 1, 2].map((partition) => [partition, { replica: 'b', loaded: true }]))
  assert.deepEqual(planMoves(scene({ assigned, own: taking, others: loaded })).release, [3, 4, 5, 6])
})

test('nothing is released while there is nobody to take it', () => {
  const own = new Map([[0, 'held'] as const])
  assert.deepEqual(planMoves(scene({ own })), { claim: [], release: [] })
})

test('whatever the scene: bounded, only what is assigned is taken, only what is held is released', () => {
  const partition = fc.record({
    assigned: fc.constantFrom('a', 'b', 'c'),
    own: fc.constantFrom(undefined, 'claimed', 'taking', 'held', 'releasing'),
    other: fc.constantFrom(undefined, { replica: 'b', loaded: true }, { replica: 'c', loaded: false }),
    isDeferred: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(partition, { maxLength: 40 }), (all) => {
      const own: Scene['own'] = new Map(all.flatMap(({ own }, p) => (own ? [[p, own] as const] : [])))
      const others = new Map(all.flatMap(({ other }, p) => (other ? [[p, other] as const] : [])))
      const deferred = new Set(all.flatMap(({ isDeferred }, p) => (isDeferred ? [p] : [])))
      const assigned = all.map((one) => one.assigned)
      const { claim, release } = planMoves(scene({ assigned, own, others, deferred }))
      assert.ok(claim.length <= MOVES_MAX && release.length <= MOVES_MAX)
      for (const p of claim) assert.ok(assigned[p] === 'a' && !own.has(p) && !others.has(p) && !deferred.has(p))
      for (const p of release) assert.ok(assigned[p] !== 'a' && own.get(p) === 'held')
    }),
  )
})
