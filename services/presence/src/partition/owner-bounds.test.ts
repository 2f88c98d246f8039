import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, type Impu, VirtualClock } from '@rollcall/core'
import { readPidfSummary } from '@rollcall/pidf'
import { steadyClock } from '../steady-clock.ts'
import { ALICE, BOB, CAROL, NO_BODY, pidf, publish, subscribe } from '../testing/inputs.ts'
import { type Heard, Stage, settled } from '../testing/stage.ts'
import { AppendLoad } from './append-load.ts'
import { Deferred } from './deferred.ts'

const said = ({ answer, unavailable }: Heard): number | string | undefined => answer?.status ?? unavailable

test('a partition that is full refuses what is new, serves what it has, and takes more when something has gone', async () => {
  const stage = new Stage({ limits: { presentities: 2 } })
  const owner = await stage.own()
  stage.ask(owner, publish({ newEntityTag: 'e1' }))
  stage.ask(owner, subscribe({ resource: BOB, watcher: [CAROL] }), { presentity: BOB })
  assert.equal(said(stage.ask(owner, publish(), { presentity: CAROL })), 'partition-full')
  assert.equal(said(stage.ask(owner, subscribe({ resource: CAROL }), { presentity: CAROL })), 'partition-full')
  const more = [publish(), publish({ entityTag: 'e1', newEntityTag: 'e2', body: NO_BODY })]
  const heard = more.map((input) => stage.ask(owner, input))
  await settled()
  assert.deepEqual(heard.map(said), [200, 200])
  await stage.pass(3_700_000)
  const later = stage.ask(owner, publish(), { presentity: CAROL })
  await settled()
  assert.equal(said(later), 200)
})

test('a partition takes so many subscriptions and so many octets of documents', async () => {
  const stage = new Stage({ limits: { subscriptions: 2, bodyOctets: 2 * pidf('here').length } })
  const owner = await stage.own()
  const first = subscribe()
  for (const input of [first, subscribe(), publish({ newEntityTag: 'e1' }), publish()]) stage.ask(owner, input)
  await settled()
  assert.equal(said(stage.ask(owner, subscribe())), 'partition-full')
  assert.equal(said(stage.ask(owner, publish())), 'partition-full')
  assert.deepEqual(owner.size, { presentities: 1, publications: 2, subscriptions: 2 })
  const removed = stage.ask(owner, publish({ entityTag: 'e1', expiresSeconds: 0, body: NO_BODY }))
  const added = stage.ask(owner, publish())
  await settled()
  assert.deepEqual([removed, added].map(said), [200, 200])
})

test('what is counted is what is there, however it came and went', async () => {
  const stage = new Stage()
  let owner = await stage.own()
  stage.ask(owner, publish({ newEntityTag: 'e1', expiresSeconds: 60 }))
  stage.ask(owner, publish({ entityTag: 'e1', newEntityTag: 'e2', expiresSeconds: 60 }))
  stage.ask(owner, publish({ entityTag: 'e2', newEntityTag: 'e3', expiresSeconds: 60, body: NO_BODY }))
  stage.ask(owner, subscribe({ expiresSeconds: 120 }))
  stage.ask(owner, subscribe({ expiresSeconds: 0 }))
  await settled()
  assert.deepEqual(owner.size, { presentities: 1, publications: 1, subscriptions: 1 })
  owner.stop()
  owner = await stage.own()
  assert.deepEqual(owner.size, { presentities: 1, publications: 1, subscriptions: 1 })
  await stage.pass(61_000)
  assert.deepEqual(owner.size, { presentities: 1, publications: 0, subscriptions: 1 })
  await stage.pass(61_000)
  assert.deepEqual(owner.size, { presentities: 0, publications: 0, subscriptions: 0 })
})

test('so many records of a partition wait for the log; more requests are refused at once', async () => {
  const stage = new Stage({ limits: { presentities: 5_000 } })
  const owner = await stage.own()
  stage.log.mode = 'hold'
  const heard = Array.from({ length: 3_000 }, (_, n) =>
    stage.ask(owner, publish(), { presentity: `sip:user-${n}@ims.example.com` as Impu }),
  )
  const refused = heard.filter(({ unavailable }) => unavailable === 'overload')
  assert.equal(heard.length - refused.length, 2_048)
  stage.log.acknowledge()
  await settled()
  assert.equal(said(stage.ask(owner, publish(), { presentity: CAROL })), undefined, 'there is room again')
})

test('so many records of the process wait for the log, in whatever partition', async () => {
  const load = new AppendLoad(10)
  const [one, other] = [new Stage({ load }), new Stage({ load })]
  const owners = [await one.own(), await other.own()] as const
  one.log.mode = 'hold'
  for (let n = 0; n < 20; n++) one.ask(owners[0], publish(), { presentity: `sip:user-${n}@ims.example.com` as Impu })
  assert.equal(said(other.ask(owners[1], publish())), 'overload')
  one.log.acknowledge()
  await settled()
  const heard = other.ask(owners[1], publish())
  await settled()
  assert.equal(said(heard), 200)
})

test('while the oldest record waits for a second, requests are refused: their answers would come too late', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.log.mode = 'hold'
  stage.ask(owner, publish())
  stage.clock.advance(999)
  assert.equal(said(stage.ask(owner, publish())), undefined)
  stage.clock.advance(1)
  assert.equal(said(stage.ask(owner, publish())), 'overload')
})

test('so many arrivals of one request wait for its answer', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.log.mode = 'hold'
  const heard = Array.from({ length: 40 }, () => stage.ask(owner, publish(), { key: 'same' }))
  assert.equal(heard.filter(({ unavailable }) => unavailable === 'overload').length, 24)
  stage.log.acknowledge()
  await settled()
  assert.equal(heard.filter(({ answer }) => answer?.status === 200).length, 16)
})

test('what waits for the store is one act a subscription and kind', () => {
  const deferred = new Deferred()
  const done: string[] = []
  for (const name of ['a', 'b', 'a', 'a']) deferred.put(name, () => void done.push(name))
  assert.equal(deferred.size, 2)
  for (const act of deferred.take()) act()
  assert.deepEqual(done, ['a', 'b'])
  assert.equal(deferred.size, 0)
})

test('a clock that jumps by an hour, forward or back, ends nothing early and keeps nothing long', async () => {
  for (const jumpMs of [3_600_000, -3_600_000]) {
    const virtual = new VirtualClock()
    let offsetMs = 0
    const machine: Clock = {
      now: () => virtual.now() + offsetMs,
      monotonic: () => virtual.monotonic(),
      setTimer: (delayMs, callback) => virtual.setTimer(delayMs, callback),
    }
    const stage = new Stage({ clock: steadyClock(machine), virtual })
    const owner = await stage.own()
    stage.ask(owner, subscribe({ expiresSeconds: 3_600 }))
    const published = stage.ask(owner, publish({ newEntityTag: 'e1', expiresSeconds: 600 }), { key: 'p' })
    await stage.pass(5_000)
    stage.take()
    offsetMs = jumpMs
    await stage.pass(500_000)
    assert.deepEqual(stage.take(), [], 'nothing has run out')
    assert.equal(owner.size.publications, 1)
    await stage.pass(130_000)
    assert.deepEqual(
      stage.take().map(({ body }) => readPidfSummary(Buffer.from(body)).tuples[0]?.basic),
      ['closed'],
      'it has run out at its time, and a twentieth',
    )
    assert.equal(owner.presentity(ALICE)?.subscriptions.size, 1)
    assert.equal(published.answer?.status, 200)
  }
})
