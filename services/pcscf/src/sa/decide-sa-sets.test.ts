import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decideSaSets, type SaInput, setInForce } from './decide-sa-sets.ts'
import { type SaLifetimes, type SaSet, SETS_PER_CONTACT_MAX } from './sa-set.ts'

const LIFETIMES: SaLifetimes = { temporaryMs: 240_000, graceMs: 128_000, beyondRegistrationMs: 30_000 }
const HOUR_MS = 3_600_000
const ALICE = 'alice phone'

/** Feeds inputs one after the other, each at its time. */
function run(...inputs: readonly (readonly [atMs: number, input: SaInput])[]): {
  sets: readonly SaSet[]
  removed: string[]
} {
  let sets: readonly SaSet[] = []
  const removed: string[] = []
  for (const [atMs, input] of inputs) {
    const decision = decideSaSets(sets, input, atMs, LIFETIMES)
    sets = decision.sets
    for (const effect of decision.effects) if (effect.kind === 'remove') removed.push(effect.set.id)
  }
  return { sets, removed }
}

function challenged(id: string, o: { attempt?: string; origin?: string } = {}): SaInput {
  return { kind: 'challenged', id, attempt: o.attempt ?? 'a1', origin: o.origin }
}

function authenticated(id: string, grantedMs = HOUR_MS, contact = ALICE): SaInput {
  return { kind: 'authenticated', id, contact, grantedMs }
}

function states(sets: readonly SaSet[]): Record<string, string> {
  return Object.fromEntries(sets.map((set) => [set.id, `${set.state}${set.isInUse ? ' in use' : ''}`]))
}

const REGISTERED = [
  [0, challenged('one')],
  [100, authenticated('one')],
] as const

const REREGISTERED = [
  ...REGISTERED,
  [1000, { kind: 'used', id: 'one' }],
  [1000, challenged('two', { origin: 'one', attempt: 'a2' })],
  [2000, authenticated('two')],
] as const

test('the first 200 makes the temporary set established and takes it into use at once (TS 24.229 clause 5.2.2.2)', () => {
  const { sets } = run(...REGISTERED)
  assert.deepEqual(states(sets), { one: 'established in use' })
  assert.equal(sets[0]?.expiresAtMs, 100 + HOUR_MS + 30_000)
})

test('a temporary set lives for reg-await-auth and no longer (TS 24.229 table 7.8.1; mistake 12)', () => {
  const { sets } = run([0, challenged('one')])
  assert.equal(sets[0]?.expiresAtMs, 240_000)
  assert.deepEqual(run([0, challenged('one')], [240_000, { kind: 'elapsed' }]), { sets: [], removed: ['one'] })
})

test('a new 401 of the same attempt replaces its temporary set', () => {
  const { sets, removed } = run([0, challenged('one')], [10, challenged('two')])
  assert.deepEqual(states(sets), { two: 'temporary' })
  assert.deepEqual(removed, ['one'])
})

test('attempts of one identity do not touch each other (readings, Access 2)', () => {
  const { sets } = run([0, challenged('one')], [10, challenged('two', { attempt: 'elsewhere' })])
  assert.deepEqual(states(sets), { one: 'temporary', two: 'temporary' })
})

test('after a re-registration requests go out in the old set until the UE uses the new one (TS 33.203 clause 7.4)', () => {
  const before = run(...REREGISTERED)
  assert.deepEqual(states(before.sets), { one: 'old in use', two: 'established' })
  assert.equal(setInForce(before.sets, ALICE, 2000)?.id, 'one')

  const after = run(...REREGISTERED, [3000, { kind: 'used', id: 'two' }])
  assert.equal(setInForce(after.sets, ALICE, 3000)?.id, 'two')
  assert.equal(after.sets.find((set) => set.id === 'one')?.expiresAtMs, 3000 + 128_000)
})

test('traffic on the old set does not take the new one into use', () => {
  const { sets } = run(...REREGISTERED, [3000, { kind: 'used', id: 'one' }])
  assert.equal(setInForce(sets, ALICE, 3000)?.id, 'one')
})

test('the old set is gone 64*T1 after the first use of the new one, however long it would have lived', () => {
  const { sets, removed } = run(
    ...REREGISTERED,
    [3000, { kind: 'used', id: 'two' }],
    [4000, { kind: 'used', id: 'two' }],
    [131_000, { kind: 'elapsed' }],
  )
  assert.deepEqual(states(sets), { two: 'established in use' })
  assert.deepEqual(removed, ['one'])
})

test('a new set that the UE never used serves when the old one has ended', () => {
  const { sets } = run(...REREGISTERED, [100 + HOUR_MS + 30_000, { kind: 'elapsed' }])
  assert.equal(setInForce(sets, ALICE, 100 + HOUR_MS + 30_000)?.id, 'two')
})

test('the new set lives as long as the old one would have, or the registration and 30 s (TS 24.229 clause 5.2.2.2)', () => {
  const { sets } = run(
    ...REGISTERED,
    [1000, challenged('two', { origin: 'one', attempt: 'a2' })],
    [2000, authenticated('two', 60_000)],
  )
  assert.equal(sets.find((set) => set.id === 'two')?.expiresAtMs, 100 + HOUR_MS + 30_000)
})

test('a second re-registration removes the oldest set: never more than three (TS 33.203 clause 7.1; mistake 12)', () => {
  const third = [3000, challenged('three', { origin: 'two', attempt: 'a3' })] as const
  const before = run(...REREGISTERED, [3000, { kind: 'used', id: 'two' }], third)
  assert.deepEqual(states(before.sets), { one: 'old in use', two: 'established in use', three: 'temporary' })
  const after = run(...REREGISTERED, [3000, { kind: 'used', id: 'two' }], third, [4000, authenticated('three')])
  assert.deepEqual(states(after.sets), { two: 'old in use', three: 'established' })
  assert.deepEqual(after.removed, ['one'])
})

test('a UE that lost the 200 registers again on the old set, and the set it never saw goes', () => {
  const { sets, removed } = run(
    ...REREGISTERED,
    [200_000, { kind: 'used', id: 'one' }],
    [200_000, challenged('three', { origin: 'one', attempt: 'a3' })],
    [201_000, authenticated('three')],
  )
  assert.deepEqual(states(sets), { one: 'old in use', three: 'established' })
  assert.deepEqual(removed, ['two'])
})

test('an initial registration of the same contact leaves only the new set (TS 24.229 clause 5.2.2.2)', () => {
  const { sets, removed } = run(
    ...REREGISTERED,
    [5000, challenged('new', { attempt: 'b' })],
    [6000, authenticated('new')],
  )
  assert.deepEqual(states(sets), { new: 'established in use' })
  assert.deepEqual(removed.sort(), ['one', 'two'])
})

test('SM1 alone never touches the sets there are (TS 33.203 clause 7.4.2)', () => {
  const { sets } = run(...REGISTERED, [5000, challenged('new', { attempt: 'b' })], [245_000, { kind: 'elapsed' }])
  assert.deepEqual(states(sets), { one: 'established in use' })
})

test('a failed registration leaves the old set in force; the temporary one only carries retransmissions', () => {
  const { sets } = run(
    ...REGISTERED,
    [1000, challenged('two', { origin: 'one', attempt: 'a2' })],
    [2000, { kind: 'failed', id: 'two' }],
  )
  assert.deepEqual(states(sets), { one: 'established in use', two: 'closing' })
  assert.equal(setInForce(sets, ALICE, 2000)?.id, 'one')
  assert.equal(sets.find((set) => set.id === 'two')?.expiresAtMs, 2000 + 128_000)
})

test('a 200 without a challenge prolongs the set that the REGISTER came on (TS 24.229 clause 5.2.2.2)', () => {
  const { sets } = run(...REGISTERED, [50_000, { kind: 'refreshed', id: 'one', grantedMs: HOUR_MS }])
  assert.equal(sets[0]?.expiresAtMs, 50_000 + HOUR_MS + 30_000)
})

test('an old set that was cut is not prolonged again', () => {
  const { sets } = run(
    ...REREGISTERED,
    [3000, { kind: 'used', id: 'two' }],
    [4000, { kind: 'refreshed', id: 'one', grantedMs: HOUR_MS }],
  )
  assert.equal(sets.find((set) => set.id === 'one')?.expiresAtMs, 3000 + 128_000)
})

test('a de-registration leaves all sets 64*T1 to carry the 200, and none to carry requests (TS 24.229 clause 5.2.5.1)', () => {
  const { sets, removed } = run(
    ...REREGISTERED,
    [5000, { kind: 'deregistered', contact: ALICE, id: undefined }],
    [133_000, { kind: 'elapsed' }],
  )
  assert.deepEqual(sets, [])
  assert.deepEqual(removed.sort(), ['one', 'two'])
  const before = run(...REREGISTERED, [5000, { kind: 'deregistered', contact: ALICE, id: undefined }])
  assert.equal(setInForce(before.sets, ALICE, 5000), undefined)
})

test('a restarted attempt takes its temporary set along and nothing else', () => {
  const { sets } = run(
    ...REGISTERED,
    [1000, challenged('two', { origin: 'one', attempt: 'a2' })],
    [2000, { kind: 'restarted', attempt: 'a2' }],
    [2000, { kind: 'restarted', attempt: 'a1' }],
  )
  assert.deepEqual(states(sets), { one: 'established in use' })
})

// What a run of any length may hold, whoever sends what when.

const CONTACTS = ['phone', 'tablet']

interface Model {
  sets: readonly SaSet[]
  nowMs: number
  made: number
}

const STEP = fc.record({
  afterMs: fc.integer({ min: 0, max: 200_000 }),
  pick: fc.nat(20),
  attempt: fc.constantFrom('a', 'b', 'c', 'd'),
  contact: fc.constantFrom(...CONTACTS),
  grantedMs: fc.integer({ min: 0, max: 2 * HOUR_MS }),
  kind: fc.constantFrom<SaInput['kind'] | 'challenged initially'>(
    'challenged',
    'challenged initially',
    'authenticated',
    'refreshed',
    'used',
    'failed',
    'restarted',
    'deregistered',
    'elapsed',
  ),
})

function inputOf(
  step: { pick: number; attempt: string; contact: string; grantedMs: number; kind: string },
  model: Model,
): SaInput {
  const { attempt, contact, grantedMs } = step
  const proven = model.sets.filter((set) => set.state === 'established' || set.state === 'old')
  const temporary = model.sets.filter((set) => set.state === 'temporary')
  const any = model.sets[step.pick % Math.max(1, model.sets.length)]?.id ?? 'none'
  const answered = temporary[step.pick % Math.max(1, temporary.length)]
  switch (step.kind) {
    case 'challenged':
      return {
        kind: 'challenged',
        id: `s${model.made++}`,
        attempt,
        origin: proven[step.pick % Math.max(1, proven.length)]?.id,
      }
    case 'challenged initially':
      return { kind: 'challenged', id: `s${model.made++}`, attempt, origin: undefined }
    case 'authenticated':
      return { kind: 'authenticated', id: answered?.id ?? any, contact: answered?.contact ?? contact, grantedMs }
    case 'refreshed':
      return { kind: 'refreshed', id: any, grantedMs }
    case 'used':
      return { kind: 'used', id: any }
    case 'failed':
      return { kind: 'failed', id: any }
    case 'restarted':
      return { kind: 'restarted', attempt }
    case 'deregistered':
      return { kind: 'deregistered', contact, id: answered?.id }
    default:
      return { kind: 'elapsed' }
  }
}

test('whatever comes: at most three sets a contact, one established, nothing past its time, each removal told once', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 60 }), (steps) => {
      const model: Model = { sets: [], nowMs: 0, made: 0 }
      const installed = new Set<string>()
      for (const step of steps) {
        model.nowMs += step.afterMs
        const input = inputOf(step, model)
        const { sets, effects } = decideSaSets(model.sets, input, model.nowMs, LIFETIMES)
        for (const effect of effects) {
          if (effect.kind === 'install') installed.add(effect.id)
          else assert.ok(installed.delete(effect.set.id), 'removed what was installed')
        }
        assert.deepEqual([...installed].sort(), sets.map((set) => set.id).sort(), 'the back end has what the table has')
        for (const set of sets) {
          assert.ok(set.expiresAtMs > model.nowMs || set.expiresAtMs === model.nowMs, 'nothing outlives its time')
          assert.ok(set.expiresAtMs <= model.nowMs + 2 * HOUR_MS + 240_000, 'everything has an end')
          if (set.state === 'temporary') assert.ok(!set.isInUse, 'a temporary set carries no requests')
        }
        for (const contact of CONTACTS) {
          const own = sets.filter((set) => set.contact === contact)
          assert.ok(own.length <= SETS_PER_CONTACT_MAX, `${own.length} sets`)
          assert.ok(own.filter((set) => set.state === 'established').length <= 1)
          assert.ok(own.filter((set) => set.state === 'old').length <= 1)
          const inForce = setInForce(sets, contact, model.nowMs)
          assert.ok(inForce === undefined || inForce.state === 'established' || inForce.state === 'old')
        }
        model.sets = sets
      }
    }),
    { seed: 33203, numRuns: 2000 },
  )
})
