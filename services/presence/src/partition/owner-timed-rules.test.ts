import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readWatcherinfo } from '@rollcall/pidf'
import { ALICE, BOB, CAROL, pidf, publish, resubscribe, subscribe } from '../testing/inputs.ts'
import { putRules, rule, validity, WITHOUT_NOTES } from '../testing/rules.ts'
import { Stage, settled } from '../testing/stage.ts'

/** What was told to whom since the last look. */
function told(stage: Stage): string[] {
  return stage.take().map(({ notice, body }) => {
    const { watcher, handling } = notice.subscription
    const shows = body === '' ? 'nothing' : body.includes('secret') ? 'all' : 'part'
    return `${watcher[0] === BOB ? 'bob' : 'carol'} ${notice.ended ?? handling} ${shows}`
  })
}

/** Everything from ten to twenty seconds from now, and always a part of it. */
function moreForAWhile(nowMs: number): readonly string[] {
  return [
    rule({ id: 'a', who: BOB, handling: 'allow', transformations: WITHOUT_NOTES }),
    rule({ id: 'b', who: BOB, handling: 'allow', conditions: validity(nowMs + 10_000, nowMs + 20_000) }),
    rule({ id: 'c', who: CAROL, handling: 'allow', transformations: WITHOUT_NOTES }),
  ]
}

async function staged() {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret'), newEntityTag: 'e1' }))
  await putRules(owner, ...moreForAWhile(stage.clock.now()))
  const bob = subscribe()
  stage.ask(owner, bob)
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  assert.deepEqual(told(stage).sort(), ['bob allow part', 'carol allow part'])
  return { stage, owner, bob }
}

test('who may see more from a time on is told then, and that it is less again, by itself (RFC 4745 section 7.4, RFC 5025 section 4)', async () => {
  const { stage } = await staged()
  await stage.pass(9_000)
  assert.deepEqual(told(stage), [])
  await stage.pass(3_000)
  assert.deepEqual(told(stage), ['bob allow all'], 'and nobody else, for whom it is the same')
  await stage.pass(7_000)
  assert.deepEqual(told(stage), [])
  await stage.pass(3_000)
  assert.deepEqual(told(stage), ['bob allow part'])
  await stage.pass(60_000)
  assert.deepEqual(told(stage), [])
})

test('between the times at which rules change nothing is decided (RFC 4745 section 7.4)', async () => {
  const { stage, owner } = await staged()
  const { documents } = owner.presentity(ALICE) ?? assert.fail()
  const rules = documents?.rules ?? assert.fail()
  let decided = 0
  const { decide } = rules
  rules.decide = (...args) => {
    decided += 1
    return decide.apply(rules, args)
  }
  await stage.pass(9_000)
  assert.equal(decided, 0)
  await stage.pass(2_000)
  assert.ok(decided > 0 && decided < 20, `${decided} decisions at the time itself`)
  decided = 0
  await stage.pass(8_000)
  assert.equal(decided, 0)
  await stage.pass(3_000)
  assert.ok(decided > 0)
  decided = 0
  await stage.pass(3_000_000)
  assert.ok(decided < 20, 'after the last one nothing changes any more')
})

test('a watcher who comes later is decided at the times of the rules about him', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  await putRules(owner, ...moreForAWhile(stage.clock.now()))
  await stage.pass(5_000)
  stage.ask(owner, subscribe())
  await settled()
  assert.deepEqual(told(stage), ['bob allow part'])
  await stage.pass(7_000)
  assert.deepEqual(told(stage), ['bob allow all'])
})

test('a new owner tells what changed while there was none, and nobody else (RFC 5025 section 4)', async () => {
  for (const isSnapshot of [false, true]) {
    const { stage, owner } = await staged()
    await stage.pass(12_000)
    assert.deepEqual(told(stage), ['bob allow all'])
    if (isSnapshot) {
      stage.log.wantsSnapshot = true
      await stage.pass(1_000)
      stage.log.wantsSnapshot = false
    }
    owner.stop()
    stage.clock.advance(600_000)
    await stage.own()
    await stage.pass(1_000)
    assert.deepEqual(told(stage), ['bob allow part'])
    await stage.pass(100_000)
    assert.deepEqual(told(stage), [])
  }
})

test('who waits for a word is decided when the rules change by themselves (RFC 3857 section 4.7.1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const nowMs = stage.clock.now()
  await putRules(
    owner,
    rule({ id: 'a', handling: 'confirm' }),
    rule({ id: 'b', handling: 'allow', conditions: validity(nowMs + 10_000, nowMs + 20_000) }),
  )
  stage.ask(owner, subscribe({ expiresSeconds: 0 }))
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE] }))
  await settled()
  stage.take()
  await stage.pass(12_000)
  const [sent] = stage.take()
  const { watchers } = readWatcherinfo(Buffer.from(sent?.body ?? ''))
  assert.deepEqual(
    watchers.map(({ uri, status, event }) => [uri, status, event]),
    [[BOB, 'terminated', 'approved']],
  )
})

test('what waits in the hop when time shows its watcher less does not leave any more (RFC 5025 section 3.3)', async () => {
  const { stage, owner } = await staged()
  await stage.pass(12_000)
  stage.take()
  stage.watchers = undefined
  stage.ask(owner, publish({ body: pidf('secret two'), newEntityTag: 'e2', entityTag: 'e1' }))
  await settled()
  const wider = stage.take().find(({ body }) => body.includes('secret two')) ?? assert.fail('nothing is under way')
  assert.equal(wider.mayLeave(), true)
  await stage.pass(9_000)
  assert.equal(wider.mayLeave(), false)
  stage.watchers = 'delivered'
  wider.done('withdrawn')
  await settled()
  assert.deepEqual(told(stage), ['bob allow part'])
})

for (const by of ['a new rule', 'time'] as const) {
  test(`the last NOTIFY of who may see less by ${by} goes without a document (RFC 5025 section 3.3)`, async () => {
    for (const isDurable of [true, false]) {
      const { stage, owner, bob } = await staged()
      await stage.pass(12_000)
      stage.take()
      stage.watchers = undefined
      if (!isDurable) stage.log.mode = 'hold'
      stage.ask(owner, resubscribe(bob, { expiresSeconds: 0 }))
      await settled()
      const underWay = stage.take()
      assert.deepEqual(
        underWay.map(({ body }) => body.includes('secret')),
        isDurable ? [true] : [],
      )
      const narrow = rule({ id: 'a', who: BOB, handling: 'allow', transformations: WITHOUT_NOTES })
      const passed = by === 'time' ? stage.pass(9_000) : putRules(owner, narrow)
      if (by === 'time') await passed
      await settled()
      stage.watchers = 'delivered'
      for (const { mayLeave, done } of underWay) {
        assert.equal(mayLeave(), false)
        done('withdrawn')
      }
      stage.log.mode = 'acknowledge'
      stage.log.acknowledge()
      await passed
      await settled()
      const last = told(stage).filter((line) => line.startsWith('bob'))
      assert.deepEqual(last, ['bob timeout nothing'], String(isDurable))
    }
  })
}

test('the last NOTIFY of who has left shows no more than the time allows, whatever was decided in between (RFC 4745 section 7.4)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret'), newEntityTag: 'e1' }))
  const nowMs = stage.clock.now()
  const rules = [
    rule({ id: 'a', who: BOB, handling: 'allow', transformations: WITHOUT_NOTES }),
    rule({ id: 'b', who: BOB, handling: 'allow', conditions: validity(nowMs, nowMs + 20_000) }),
    rule({ id: 'c', who: CAROL, handling: 'allow', transformations: WITHOUT_NOTES }),
  ]
  await putRules(owner, ...rules)
  const bob = subscribe()
  stage.ask(owner, bob)
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  stage.watchers = 'unreachable'
  stage.ask(owner, resubscribe(bob, { expiresSeconds: 0 }))
  await stage.pass(1_000)
  // A rule about somebody else: those who watch now have no time to wait for.
  await putRules(owner, ...rules, rule({ id: 'd', who: 'sip:dave@ims.example.com', handling: 'allow' }))
  await stage.pass(20_000)
  stage.take()
  stage.watchers = 'delivered'
  await stage.pass(40_000)
  assert.deepEqual(
    told(stage).filter((one) => one.startsWith('bob')),
    ['bob timeout nothing'],
  )
})
