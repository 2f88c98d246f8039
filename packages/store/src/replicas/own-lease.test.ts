import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@rollcall/core'
import { VirtualClock } from '@rollcall/core'
import { leaseStreamOf } from '../layout.ts'
import { JetStreamModel } from '../testing/jetstream-model.ts'
import { type Fate, ModelLink } from '../testing/model-link.ts'
import { settled } from '../testing/scripted-link.ts'
import { decodeLease, encodeLease } from './lease-record.ts'
import { type LeaseContent, OwnLease } from './own-lease.ts'

const SUBJECT = 'presence.r.lease.a'
const LEASE_MS = 2_000
const SERVING: LeaseContent = {
  target: 't:1',
  state: 'serving',
  held: new Map(),
  lingering: new Set(),
  floors: new Map(),
}

async function setUp() {
  const clock = new VirtualClock()
  const wall = { skewMs: 0 }
  const skewed: Clock = {
    now: () => clock.now() + wall.skewMs,
    monotonic: () => clock.monotonic(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  }
  const model = new JetStreamModel([leaseStreamOf('presence')])
  const fates: Partial<Fate>[] = []
  const fateOf = (): Fate => ({ arrivesAfterMs: [1], answeredAfterMs: 1, ...fates.shift() })
  const connection = new ModelLink({ model, clock: skewed, network: clock, fateOf })
  const stream = 'presence_lease'
  const lease = new OwnLease({ connection, stream, subject: SUBJECT, clock: skewed, leaseMs: LEASE_MS, attemptMs: 500 })
  const heard: boolean[] = []
  lease.onChange((isLive) => void heard.push(isLive))
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1) {
      clock.advance(1)
      await settled()
    }
  }
  const finish = async <T>(act: Promise<T>): Promise<T> => {
    let isOver = false
    const noted = act.finally(() => {
      isOver = true
    })
    noted.catch(() => {})
    while (!isOver) await pass(1)
    return await noted
  }
  const stored = () => {
    const last = model.stream(stream).last(SUBJECT)
    return last && decodeLease(last.data)
  }
  await finish(lease.acquire('01', () => SERVING))
  return { clock, wall, model, fates, connection, lease, heard, pass, finish, stored }
}

test('is live for a lease length from sending the last acknowledged heartbeat, not from its acknowledgement', async () => {
  const { lease, fates, heard, pass, finish, clock } = await setUp()
  assert.equal(lease.isLive, true)
  const sentMs = clock.monotonic()
  fates.push({ answeredAfterMs: 400 })
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'acknowledged' })
  await pass(sentMs + LEASE_MS - 1 - clock.monotonic())
  assert.equal(lease.isLive, true)
  await pass(1)
  assert.equal(lease.isLive, false)
  await pass(1)
  assert.deepEqual(heard, [true, false])
})

test('a machine that slept is noticed by its wall clock, and one set back changes nothing', async () => {
  const { lease, wall, pass } = await setUp()
  wall.skewMs = 60 * 60_000
  assert.equal(lease.isLive, false)
  wall.skewMs = -60 * 60_000
  assert.equal(lease.isLive, true)
  await pass(LEASE_MS)
  assert.equal(lease.isLive, false)
})

test('whoever found the lease ended hears that it is live again, though no timer told of the end', async () => {
  const { lease, wall, heard, finish } = await setUp()
  wall.skewMs = 60 * 60_000
  assert.equal(lease.isLive, false)
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'acknowledged' })
  assert.equal(lease.isLive, true)
  assert.deepEqual(heard, [true, false, true])
})

test('a heartbeat whose answer was lost is settled by the last message: it counts from when it was sent', async () => {
  const { lease, fates, clock, pass, finish } = await setUp()
  await pass(1_500)
  const sentMs = clock.monotonic()
  fates.push({ answeredAfterMs: undefined })
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'open' })
  fates.push({}, { arrivesAfterMs: [] })
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'open' })
  assert.equal(lease.isLive, true)
  await pass(sentMs + LEASE_MS - clock.monotonic())
  assert.equal(lease.isLive, false)
})

test('one that never arrived is sent again, and its straggler then changes nothing', async () => {
  const { lease, fates, finish, pass, stored } = await setUp()
  fates.push({ arrivesAfterMs: [600] })
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'open' })
  assert.deepEqual(await finish(lease.beat({ ...SERVING, target: 't:2' })), { kind: 'acknowledged' })
  await pass(1_000)
  assert.equal(stored()?.target, 't:2')
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'acknowledged' })
})

test('revoked, overtaken or removed: the lease ends at once', async () => {
  for (const [record, why] of [
    [{ incarnation: '01', state: 'revoked' }, 'revoked'],
    [{ incarnation: '02', state: 'serving' }, 'overtaken'],
    [undefined, 'revoked'],
  ] as const) {
    const { lease, model, finish } = await setUp()
    if (record) model.serve(SUBJECT, encodeLease({ ...SERVING, beat: 1, ...record }), undefined)
    else model.stream('presence_lease').purge(() => true, Number.POSITIVE_INFINITY)
    assert.equal(lease.isLive, true, 'it does not know yet')
    assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'deposed', why })
    assert.equal(lease.isLive, false)
  }
})

test('a lease that cannot be read was written by somebody else', async () => {
  const { lease, model, finish } = await setUp()
  model.serve(SUBJECT, Buffer.from('?'), undefined)
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'deposed', why: 'overtaken' })
})

test('nothing is sent while the store is away', async () => {
  const { lease, connection, finish, stored } = await setUp()
  connection.disconnect()
  const { beat } = stored() ?? {}
  assert.deepEqual(await finish(lease.beat(SERVING)), { kind: 'open' })
  assert.equal(stored()?.beat, beat)
})
