import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { RegistrationType } from '@rollcall/proto-gen/cx'
import { contactKey } from '../registrations/registration.ts'
import { ALICE, PHONE, PRESENCE_HOST, register } from '../testing/fixtures.ts'
import { onRegister, ThirdPartyHarness } from './testing/harness.ts'

const REQUEST = register()
const ANSWER = { toTag: 't', headers: [] }

/** alice's phone registers. */
function registered(harness: ThirdPartyHarness, ...criteria: Parameters<ThirdPartyHarness['set']>[1][]) {
  const contact = harness.contact()
  const set = harness.set([contact], ...criteria)
  harness.thirdParty.registered(set, contact, 'initial', REQUEST, ANSWER)
  return contact
}

test('an application server hears of a registration, a refresh and its end (TS 24.229 clause 5.4.1.7)', () => {
  const harness = new ThirdPartyHarness()
  const contact = registered(harness)
  assert.equal(harness.last.host, PRESENCE_HOST)
  assert.equal(harness.last.request.headers.get('To'), `<${ALICE}>`)
  harness.last.answer(200)
  harness.clock.advance(1_000)
  harness.thirdParty.registered(harness.set([harness.contact()]), contact, 're-registration', REQUEST, ANSWER)
  harness.last.answer(200)
  harness.thirdParty.deregistered(harness.set([]), contact, 'unregistered')
  harness.last.answer(200)
  assert.deepEqual(harness.expires, ['3600', '3600', '0'])
  assert.deepEqual(harness.told, ['delivered', 'delivered', 'delivered'])
  assert.equal(harness.thirdParty.pending, 0)
  harness.clock.advance(3_600_000)
  assert.equal(harness.sent.length, 3)
})

test('of two terminals one leaves: the application server hears what is left, and of the end with the last one', () => {
  const harness = new ThirdPartyHarness()
  const phone = harness.contact({ seconds: 3_600 })
  const tablet = harness.contact({ isTablet: true, seconds: 600 })
  harness.thirdParty.registered(harness.set([phone, tablet]), tablet, 'initial', REQUEST, ANSWER)
  harness.last.answer(200)
  harness.thirdParty.deregistered(harness.set([tablet]), phone, 'unregistered')
  harness.last.answer(200)
  harness.thirdParty.deregistered(harness.set([]), tablet, 'expired')
  assert.deepEqual(harness.expires, ['3600', '600', '0'])
})

test('a contact that another takes the place of says nothing by itself, a user given to another S-CSCF nothing at all', () => {
  const harness = new ThirdPartyHarness()
  const contact = harness.contact()
  harness.thirdParty.deregistered(harness.set([contact]), contact, 'replaced')
  harness.thirdParty.deregistered(harness.set([]), contact, 'moved')
  assert.equal(harness.sent.length, 0)
})

test('a failure is tried again, for a while, and only what is newest (TS 24.229 clause 5.4.1.7)', () => {
  const harness = new ThirdPartyHarness()
  const contact = registered(harness)
  for (const fail of [
    () => harness.last.answer(503),
    () => harness.last.answer(408),
    () => harness.last.on({ kind: 'failed', reason: 'next-hop-away' }),
  ]) {
    fail()
    harness.clock.advance(30_000)
  }
  assert.equal(harness.sent.length, 4)
  // Overtaken while it is under way: the end goes out when the answer is there, and the beginning never again.
  harness.thirdParty.deregistered(harness.set([]), contact, 'unregistered')
  assert.equal(harness.sent.length, 4)
  harness.last.answer(503)
  // What is left of the hour by now, then the end.
  assert.deepEqual(harness.expires.slice(3), ['3536', '0'])
  harness.last.answer(503)
  // Registered again: the end is of no interest any more.
  harness.thirdParty.registered(harness.set([contact]), contact, 'initial', REQUEST, ANSWER)
  harness.last.answer(200)
  harness.clock.advance(3_600_000)
  assert.equal(harness.sent.length, 6)
  assert.notEqual(harness.last.expires, '0')
  assert.deepEqual(harness.terminated, [])
})

test('an end is told for a quarter of an hour, a registration that may continue for five minutes; then it is counted', () => {
  for (const [isEnd, ms] of [
    [true, 900_000],
    [false, 300_000],
  ] as const) {
    const harness = new ThirdPartyHarness()
    const contact = registered(harness)
    if (isEnd) {
      harness.last.answer(200)
      harness.thirdParty.deregistered(harness.set([]), contact, 'unregistered')
    }
    for (let second = 0; second < ms / 1_000 + 60; second++) {
      const before = harness.sent.length
      harness.last.answer(503)
      while (harness.sent.length === before && harness.thirdParty.pending > 0) harness.clock.advance(1_000)
      if (harness.thirdParty.pending === 0) break
    }
    assert.equal(harness.told.at(-1), 'given-up')
    assert.ok(harness.clock.monotonic() >= ms && harness.clock.monotonic() < ms + 60_000)
    assert.deepEqual(harness.terminated, [])
  }
})

test('an answer that no other try would change is none to try again', () => {
  const harness = new ThirdPartyHarness()
  registered(harness)
  harness.last.answer(404)
  harness.clock.advance(3_600_000)
  assert.equal(harness.sent.length, 1)
  assert.deepEqual(harness.told, ['refused'])
})

test('default handling “terminated” ends the registration, once the application server is known to be away (TS 24.229 clause 5.4.1.7)', () => {
  const harness = new ThirdPartyHarness()
  registered(harness, onRegister({ isTerminated: true }))
  for (let tries = 0; tries < 20 && harness.thirdParty.pending > 0; tries++) {
    harness.last.on({ kind: 'failed', reason: 'next-hop-silent' })
    harness.clock.advance(30_000)
  }
  assert.deepEqual(
    harness.terminated.map(({ reason, isOfHss }) => [reason, isOfHss]),
    [['deactivated', false]],
  )
  assert.ok(harness.told.includes('terminated'))
})

test('the kind of registration decides who hears of it, and its own filter alone (a known mistake of other stacks)', () => {
  const { REGISTRATION_TYPE_INITIAL, REGISTRATION_TYPE_DE_REGISTRATION } = RegistrationType
  const harness = new ThirdPartyHarness()
  const criteria = [
    onRegister({ host: 'as1.example.com', priority: 1, types: [REGISTRATION_TYPE_INITIAL] }),
    onRegister({ host: 'as2.example.com', priority: 2, types: [REGISTRATION_TYPE_DE_REGISTRATION] }),
  ]
  const contact = harness.contact()
  const set = harness.set([contact], ...criteria)
  harness.thirdParty.registered(set, contact, 'initial', REQUEST, ANSWER)
  harness.thirdParty.registered(set, contact, 're-registration', REQUEST, ANSWER)
  harness.thirdParty.deregistered(harness.set([], ...criteria), contact, 'unregistered')
  assert.deepEqual(
    harness.sent.map(({ host, expires }) => `${host} ${expires}`),
    ['as1.example.com 3600', 'as2.example.com 0'],
  )
})

test('each application server has a transaction of its own, and one that is away holds up no other', () => {
  const harness = new ThirdPartyHarness()
  registered(harness, onRegister({ host: 'as1.example.com', priority: 1 }), onRegister({ priority: 2 }))
  const [first, second] = harness.sent
  assert.notEqual(first?.request.headers.get('Call-ID'), second?.request.headers.get('Call-ID'))
  second?.answer(200)
  first?.answer(503)
  harness.clock.advance(1_000)
  assert.deepEqual(
    harness.sent.map(({ host }) => host),
    ['as1.example.com', PRESENCE_HOST, 'as1.example.com'],
  )
})

test('after a take-over each set is told anew, one after the other, and so is an end that may not have been heard', () => {
  const harness = new ThirdPartyHarness()
  const contact = harness.contact()
  const set = harness.set([contact])
  const bob = 'sip:bob@ims.example.com' as Impu
  const ended = { impi: PHONE, impu: bob, reason: 'unregistered' } as const
  const { profile } = set
  harness.ends = [
    {
      atMs: harness.clock.now() - 5_000,
      ended,
      canonicalImpu: bob,
      contact: { ...contact, registeredImpu: bob },
      retryAfterSeconds: 0,
      profile,
    },
  ]
  harness.thirdParty.begin()
  assert.equal(harness.sent.length, 0)
  harness.clock.advance(100)
  assert.equal(harness.last.expires, '0')
  assert.equal(harness.last.request.headers.get('To'), `<${bob}>`)
  // When it happened, not when it is told: what the user has subscribed to since then stays.
  assert.equal(harness.last.receivedAtMs, BigInt(harness.clock.now() - 5_100))
  harness.last.answer(200)
  harness.clock.advance(100)
  assert.equal(harness.last.request.headers.get('To'), `<${ALICE}>`)
  harness.last.answer(200)
  harness.clock.advance(60_000)
  assert.equal(harness.sent.length, 2)
})

test('what happens after a take-over is told at once, and not once more when its turn comes', () => {
  const harness = new ThirdPartyHarness()
  const contact = harness.contact()
  const set = harness.set([contact])
  harness.thirdParty.begin()
  harness.thirdParty.registered(set, contact, 're-registration', REQUEST, ANSWER)
  harness.last.answer(200)
  harness.clock.advance(60_000)
  assert.equal(harness.sent.length, 1)
})

test('who may not speak for the partition tells nobody, and tells when it may again', () => {
  const harness = new ThirdPartyHarness()
  harness.isLive = false
  registered(harness)
  harness.clock.advance(10_000)
  assert.equal(harness.sent.length, 0)
  harness.isLive = true
  harness.clock.advance(30_000)
  assert.equal(harness.sent.length, 1)
  // And who has handed it over tells nothing more.
  harness.thirdParty.stop()
  harness.last.answer(503)
  harness.clock.advance(60_000)
  assert.equal(harness.sent.length, 1)
})

test('application servers that are away cost a bounded memory: the oldest beginning is forgotten, an end is not', () => {
  const harness = new ThirdPartyHarness()
  const contact = harness.contact()
  const base = harness.set([contact])
  harness.isLive = false
  const tell = (at: number, isEnd = false): void => {
    const set = {
      ...base,
      canonicalImpu: `sip:u${at}@x` as Impu,
      contacts: new Map(isEnd ? [] : [[contactKey(contact), contact]]),
    }
    if (isEnd) harness.thirdParty.deregistered(set, contact, 'expired')
    else harness.thirdParty.registered(set, contact, 'initial', REQUEST, ANSWER)
  }
  tell(0, true)
  for (let at = 1; at <= 10_000; at++) tell(at)
  assert.equal(harness.thirdParty.pending, 10_000)
  assert.deepEqual(harness.told, ['dropped'])
  harness.isLive = true
  harness.clock.advance(60_000)
  assert.ok(harness.expires.includes('0'))
  // So many at once, and no more until one of them is answered.
  assert.equal(harness.sent.length, 32)
  harness.last.answer(200)
  assert.equal(harness.sent.length, 33)
})
