import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, ALICE_TEL, BOB, CAROL, pidf, publish, resubscribe, subscribe } from '../testing/inputs.ts'
import { putRules as put, rule, WITHOUT_NOTES } from '../testing/rules.ts'
import { Stage, settled } from '../testing/stage.ts'

/** She is reachable, and in this sphere. */
function at(sphere: string): Buffer {
  return Buffer.from(
    `<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" ` +
      `xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="${ALICE}"><tuple id="t"><status><basic>open</basic></status>` +
      `<note>secret</note></tuple><dm:person id="p"><rpid:sphere><rpid:${sphere}/></rpid:sphere></dm:person></presence>`,
  )
}

/** What was told to whom since the last look. */
function told(stage: Stage): string[] {
  return stage.take().map(({ notice, body }) => {
    const { watcher, handling } = notice.subscription
    const shows = body === '' ? 'nothing' : body.includes('secret') ? 'all' : body.includes('open') ? 'part' : 'closed'
    return `${watcher[0] === BOB ? 'bob' : 'carol'} ${notice.ended ?? handling} ${shows}`
  })
}

test('who needs the presentity’s word waits for it, is let in, is blocked politely, is let in again, is shut out (RFC 3857 section 4.7.1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  await put(owner, rule({ id: 'a', handling: 'confirm' }))
  stage.ask(owner, subscribe())
  await settled()
  assert.deepEqual(told(stage), ['bob confirm nothing'])
  await put(owner, rule({ id: 'a', who: BOB, handling: 'allow' }))
  await settled()
  assert.deepEqual(told(stage), ['bob allow all'])
  await put(owner, rule({ id: 'a', who: BOB, handling: 'polite-block' }))
  await settled()
  assert.deepEqual(told(stage), ['bob polite-block closed'])
  stage.ask(owner, publish({ body: pidf('secret two'), newEntityTag: 'e2' }))
  await settled()
  assert.deepEqual(told(stage), [], 'nothing on her changes (readings, Presence 6)')
  await put(owner, rule({ id: 'a', who: BOB, handling: 'allow' }))
  await settled()
  assert.deepEqual(told(stage), ['bob allow all'])
  await put(owner, rule({ id: 'a', who: CAROL, handling: 'allow' }))
  await settled()
  assert.deepEqual(told(stage), ['bob rejected nothing'])
})

test('each watcher sees what the rules give, and is told when they give more or less (RFC 5025 section 3.3)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  await put(
    owner,
    rule({ id: 'a', who: BOB, handling: 'allow' }),
    rule({ id: 'b', who: CAROL, handling: 'allow', transformations: WITHOUT_NOTES }),
  )
  stage.ask(owner, subscribe())
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  assert.deepEqual(told(stage).toSorted(), ['bob allow all', 'carol allow part'])
  stage.ask(owner, publish({ body: pidf('secret two'), newEntityTag: 'e2' }))
  await settled()
  assert.deepEqual(told(stage).toSorted(), ['bob allow all', 'carol allow part'])
  await put(
    owner,
    rule({ id: 'a', who: BOB, handling: 'allow', transformations: WITHOUT_NOTES }),
    rule({ id: 'b', who: CAROL, handling: 'allow' }),
  )
  await settled()
  assert.deepEqual(told(stage).toSorted(), ['bob allow part', 'carol allow all'])
})

test('a rule holds from its time on, and no longer than that (RFC 4745 section 7.4)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  const at = (ms: number): string => new Date(stage.clock.now() + ms).toISOString()
  const validity = `<cp:validity><cp:from>${at(10_000)}</cp:from><cp:until>${at(20_000)}</cp:until></cp:validity>`
  await put(owner, rule({ id: 'a', handling: 'confirm' }), rule({ id: 'b', handling: 'allow', conditions: validity }))
  stage.ask(owner, subscribe())
  await settled()
  assert.deepEqual(told(stage), ['bob confirm nothing'])
  await stage.pass(12_000)
  assert.deepEqual(told(stage), ['bob allow all'])
  await stage.pass(10_000)
  assert.deepEqual(told(stage), ['bob confirm nothing'])
})

test('a rule about the sphere holds as soon as the presentity says that she is there (RFC 5025 section 3.1.2)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: at('home'), newEntityTag: 'e1' }))
  await put(
    owner,
    rule({ id: 'a', handling: 'confirm' }),
    rule({ id: 'b', handling: 'allow', conditions: '<cp:sphere value="work"/>' }),
  )
  stage.ask(owner, subscribe())
  await settled()
  assert.deepEqual(told(stage), ['bob confirm nothing'])
  stage.ask(owner, publish({ body: at('work'), newEntityTag: 'e2', entityTag: 'e1' }))
  await settled()
  assert.deepEqual(told(stage).at(-1), 'bob allow all')
})

test('who asks for privacy has no name, to rules and to the presentity (RFC 3323, RFC 5025 section 3.1.1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  const winfo = subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE], isOwn: true })
  stage.ask(owner, winfo)
  await put(owner, rule({ id: 'a', who: BOB, handling: 'allow' }))
  await settled()
  stage.take()
  assert.equal(
    stage.ask(owner, subscribe({ isHidden: true })).answer?.status,
    401,
    'a rule about his name is not about him',
  )
  await put(owner, rule({ id: 'a', handling: 'allow' }))
  const hidden = stage.ask(owner, subscribe({ isHidden: true }))
  await settled()
  assert.equal(hidden.answer?.status, 200)
  const bodies = stage.take().map(({ body }) => body)
  assert.ok(bodies.some((body) => body.includes('sip:anonymous@anonymous.invalid')))
  assert.ok(
    bodies.every((body) => !body.includes(BOB)),
    'alice is told that somebody watches, and not who',
  )
})

test('who asks for privacy in the dialog is named no more from then on, and for good (RFC 3323 section 4.2)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE], isOwn: true }))
  await put(owner, rule({ id: 'a', handling: 'allow' }))
  const bob = subscribe()
  stage.ask(owner, bob)
  await settled()
  assert.ok(stage.take().some(({ body }) => body.includes(`>${BOB}<`)))
  const refreshed = stage.ask(owner, resubscribe(bob, { isHidden: true, cseq: 2 }))
  await settled()
  assert.equal(refreshed.answer?.status, 200)
  const bodies = stage.take().map(({ body }) => body)
  assert.ok(bodies.some((body) => body.includes('>sip:anonymous@anonymous.invalid<')))
  assert.ok(bodies.every((body) => !body.includes(`>${BOB}<`)))
  stage.ask(owner, resubscribe(bob, { cseq: 3 }))
  assert.equal(owner.presentity(ALICE)?.subscriptions.get(bob.newTag)?.isHidden, true)
  // Without a name a rule about it lets him in no more.
  await put(owner, rule({ id: 'a', who: BOB, handling: 'allow' }))
  assert.equal(owner.presentity(ALICE)?.subscriptions.has(bob.newTag), false)
  const named = subscribe()
  stage.ask(owner, named)
  await settled()
  stage.take()
  const hides = stage.ask(owner, resubscribe(named, { isHidden: true, cseq: 2 }))
  await settled()
  assert.equal(hides.answer?.status, 403)
  const sent = stage.take()
  assert.deepEqual(
    sent
      .filter(({ notice }) => notice.subscription.id === named.newTag)
      .map(({ notice, body }) => [notice.ended, body]),
    [['rejected', '']],
  )
  const ofWinfo = sent.filter(({ notice }) => notice.subscription.eventPackage === 'presence.winfo')
  assert.ok(
    ofWinfo.length > 0 && ofWinfo.every(({ body }) => !body.includes(`>${BOB}<`)),
    'his end is told without a name',
  )
})

test('a rule about the sphere holds no longer than she says that she is there, be it that her word ran out', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: at('work'), newEntityTag: 'e1', expiresSeconds: 60 }))
  await put(
    owner,
    rule({ id: 'a', handling: 'confirm' }),
    rule({ id: 'b', handling: 'allow', conditions: '<cp:sphere value="work"/>' }),
  )
  stage.ask(owner, subscribe())
  await settled()
  assert.deepEqual(told(stage), ['bob allow all'])
  await stage.pass(62_000)
  assert.equal(told(stage).at(-1), 'bob confirm nothing')
  assert.equal([...(owner.presentity(ALICE)?.subscriptions.values() ?? [])][0]?.handling, 'confirm')
})

test('what waits in the hop of another sphere, which showed its watcher more, does not leave any more (RFC 5025 section 3.1.2)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: at('work'), newEntityTag: 'e1' }))
  await put(
    owner,
    rule({ id: 'a', who: BOB, handling: 'allow', transformations: WITHOUT_NOTES }),
    rule({ id: 'b', who: BOB, handling: 'allow', conditions: '<cp:sphere value="work"/>' }),
  )
  stage.watchers = undefined
  stage.ask(owner, subscribe())
  await settled()
  const wider = stage.take()[0] ?? assert.fail('nothing is under way')
  assert.equal(wider.mayLeave(), true)
  stage.ask(owner, publish({ body: at('home'), newEntityTag: 'e2', entityTag: 'e1' }))
  await settled()
  assert.equal(wider.mayLeave(), false)
})

test('the presentity sees all of herself by any of her identities, whatever her rules say, and goes on doing so', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  const validity =
    '<cp:validity><cp:from>1970-01-01T00:00:00Z</cp:from><cp:until>2100-01-01T00:00:00Z</cp:until></cp:validity>'
  await put(owner, rule({ id: 'a', who: BOB, handling: 'allow', conditions: validity }))
  stage.ask(owner, subscribe({ watcher: [ALICE_TEL], isOwn: true }))
  await settled()
  assert.deepEqual(
    stage.take().map(({ notice, body }) => [notice.ended, body.includes('secret')]),
    [[undefined, true]],
  )
  await stage.pass(3_000)
  assert.deepEqual(told(stage), [], 'her subscription is not ended')
})

test('what waits in the hop when rules show its watcher less does not leave any more (RFC 5025 section 3.3)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret'), newEntityTag: 'e1' }))
  await put(owner, rule({ id: 'a', who: BOB, handling: 'allow' }))
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  stage.watchers = undefined
  stage.ask(owner, publish({ body: pidf('secret too'), newEntityTag: 'e2', entityTag: 'e1' }))
  await settled()
  const wider = stage.take()[0] ?? assert.fail('nothing is under way')
  assert.ok(wider.body.includes('secret too'))
  stage.ask(owner, publish({ body: pidf('secret three'), newEntityTag: 'e3', entityTag: 'e2' }))
  await settled()
  assert.equal(wider.mayLeave(), true, 'a newer state follows it')
  await put(owner, rule({ id: 'a', who: BOB, handling: 'allow', transformations: WITHOUT_NOTES }))
  assert.equal(wider.mayLeave(), false)
  stage.watchers = 'delivered'
  wider.done('withdrawn')
  await settled()
  assert.deepEqual(told(stage), ['bob allow part'])
})

const LAST_WORDS = {
  block: 'bob rejected nothing',
  'polite-block': 'bob timeout closed',
  confirm: 'bob timeout nothing',
}

for (const [handling, lastWords] of Object.entries(LAST_WORDS)) {
  test(`who has left gets no content once the rule is ${handling}, be his last NOTIFY in the hop or its record not durable`, async () => {
    for (const isDurable of [true, false]) {
      const stage = new Stage()
      const owner = await stage.own()
      stage.ask(owner, publish({ body: pidf('secret') }))
      await put(owner, rule({ id: 'a', who: BOB, handling: 'allow' }))
      const input = subscribe()
      stage.ask(owner, input)
      await settled()
      stage.take()
      stage.watchers = undefined
      if (!isDurable) stage.log.mode = 'hold'
      stage.ask(owner, resubscribe(input, { expiresSeconds: 0 }))
      await settled()
      const underWay = stage.take()
      assert.equal(underWay.length, isDurable ? 1 : 0)
      const inForce = put(owner, rule({ id: 'a', who: BOB, handling }))
      await settled()
      stage.watchers = 'delivered'
      for (const { mayLeave, done } of underWay) {
        assert.equal(mayLeave(), false)
        done('withdrawn')
      }
      if (!isDurable) stage.log.acknowledge()
      await inForce
      await settled()
      assert.deepEqual(told(stage), [lastWords])
    }
  })
}
