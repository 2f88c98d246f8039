import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impi, Impu } from '@rollcall/core'
import {
  ALICE,
  ALICE_TEL,
  BOB,
  contact,
  contacts,
  PCSCF_HOST,
  PHONE,
  PRESENCE_HOST,
  profile,
  REALM,
  SCSCF_HOST,
  TABLET,
} from '../testing/fixtures.ts'
import {
  contactsOf,
  dialogUris,
  numberOf,
  PCSCF,
  phone,
  RegWorld,
  SERVER,
  type SubscribeOptions,
  settle,
  subscribe,
  tablet,
  user,
} from './testing/reg-world.ts'

const BARRED = `sip:barred@example.org` as Impu

async function registered(): Promise<RegWorld> {
  const world = await RegWorld.start()
  await world.bind()
  return world
}

test('who subscribes is told the whole state at once (RFC 3680 section 4.7, TS 24.229 clause 5.4.2.1.2)', async () => {
  const world = await RegWorld.start()
  await world.bind(phone(), profile(ALICE, ALICE_TEL, `!${BARRED}`))
  const id = await world.accepted({ expires: 600_000 })
  const { info, state, request, host } = world.last
  assert.deepEqual(
    info.registrations.map(({ aor, state: now, contacts: [first] }) => `${aor} ${now} ${first?.event}`),
    [`${ALICE} active registered`, `${ALICE_TEL} active created`],
    'barred identities are left out',
  )
  const [told] = info.registrations[0]?.contacts ?? []
  assert.equal(told?.uri, 'sip:alice@127.0.1.1:15066')
  assert.equal(told?.instance, 'phone')
  assert.equal(told?.expiresSeconds, 3_600)
  assert.equal(info.version, 0)
  assert.deepEqual(state, { state: 'active', expiresSeconds: 600_000 })
  assert.equal(host, PCSCF_HOST)
  assert.equal(request.uri, 'sip:alice@127.0.1.1:15066')
  assert.deepEqual(request.headers.list('Route'), [`<sip:token-phone@${PCSCF_HOST};lr>`])
  assert.equal(request.headers.get('Contact'), `<sip:reg-0@${SCSCF_HOST}>`)
  assert.equal(request.headers.get('From'), `<${ALICE}>;tag=${id}`)
  assert.equal(request.headers.get('To'), `<${ALICE}>;tag=ue`)
})

test('a known mistake of others: From and To of a NOTIFY are the dialog’s, no Contact, and no server is a contact', async () => {
  const world = await registered()
  await world.accepted()
  await world.accepted(SERVER)
  assert.deepEqual(world.sent.map(dialogUris), [`${ALICE} ${ALICE}`, `${ALICE} ${ALICE}`])
  for (const notify of world.sent) assert.deepEqual(contactsOf(notify), ['phone active registered'])
})

test('a known mistake of others: the UE can tell how its registration ended, and ids stay what they were', async () => {
  for (const [reason, event] of [
    ['deactivated', 'deactivated'],
    ['probation', 'probation'],
    ['rejected', 'rejected'],
  ] as const) {
    const world = await registered()
    await world.accepted()
    const before = world.last.info.registrations[0]
    const end = { isMeant: () => true, reason, retryAfterSeconds: reason === 'probation' ? 30 : 0, isOfHss: false }
    assert.deepEqual(await world.registrations.end(ALICE, end), { kind: 'done', contacts: 1 })
    await settle()
    const after = world.last.info.registrations[0]
    assert.equal(after?.state, 'terminated')
    assert.deepEqual(world.told, [`phone terminated ${event}`])
    assert.equal(after?.id, before?.id)
    assert.equal(after?.contacts[0]?.id, before?.contacts[0]?.id)
    assert.equal(after?.contacts[0]?.retryAfterSeconds, reason === 'probation' ? 30 : undefined)
    assert.deepEqual(world.last.state, { state: 'terminated', reason: 'noresource' })
    assert.deepEqual(world.ended, [{ impi: PHONE, impu: ALICE, reason }])
    assert.equal(world.registrations.subscriptions.size, 0)
  }
})

test('who may hear: the user on a contact that is bound, its P-CSCF, servers that the criteria name (TS 24.229 clause 5.4.2.1.1)', async () => {
  const world = await RegWorld.start()
  await world.bind(phone(), profile(ALICE, ALICE_TEL, `!${BARRED}`))
  const rows: [string, SubscribeOptions, 'ok' | string][] = [
    ['the user', {}, 'ok'],
    [
      'by another identity',
      { asker: { assertedIdentities: [ALICE_TEL] }, callId: 'b', contact: '<sip:a@127.0.1.9>' },
      'ok',
    ],
    ['the P-CSCF', PCSCF, 'ok'],
    ['a server of the criteria', SERVER, 'ok'],
    ['a barred identity', { asker: { assertedIdentities: [BARRED] } }, 'reg-event-denied'],
    ['somebody else', { asker: { assertedIdentities: [BOB] } }, 'reg-event-denied'],
    ['nobody', { asker: { assertedIdentities: [] } }, 'reg-event-denied'],
    ['an IMPI that has no contact', { asker: user(TABLET) }, 'reg-event-denied'],
    [
      'another P-CSCF',
      { ...PCSCF, asker: { ...PCSCF.asker, assertedIdentities: ['sip:x@pcscf-9'] } },
      'reg-event-denied',
    ],
    [
      'a P-CSCF in the user’s name',
      { ...PCSCF, asker: { ...PCSCF.asker, assertedIdentities: [ALICE] } },
      'reg-event-denied',
    ],
    ['another server', { ...SERVER, asker: { ...SERVER.asker, contactHost: 'as.example.org' } }, 'reg-event-denied'],
    ['another S-CSCF', { asker: { role: 'scscf' } }, 'reg-event-denied'],
    ['of who is not registered', { impu: BOB }, 'reg-event-unregistered'],
    ['by a package that is none of ours', { event: 'presence' }, 'reg-event-package'],
    ['without the body', { accept: 'application/pidf+xml' }, 'reg-event-accept'],
    ['with the body', { accept: 'application/pidf+xml, application/reginfo+xml;q=0.5', callId: 'c' }, 'ok'],
    ['too briefly', { expires: 5 }, 'reg-event-brief'],
  ]
  for (const [who, options, expected] of rows) {
    const before = world.sent.length
    const outcome = await world.subscribe(options)
    assert.equal(outcome.ok ? 'ok' : outcome.refusal.reason, expected, who)
    assert.equal(world.sent.length > before, outcome.ok, who)
  }
})

test('of who is moved to another S-CSCF nobody is told here, neither UE nor HSS (TS 29.229 clause 6.3.17)', async () => {
  const world = await registered()
  await world.accepted()
  await world.accepted(PCSCF)
  const end = { isMeant: () => true, reason: 'moved', retryAfterSeconds: 0, isOfHss: true } as const
  assert.deepEqual(await world.registrations.end(ALICE, end), { kind: 'done', contacts: 1 })
  await settle()
  assert.equal(world.sent.length, 2)
  assert.equal(world.registrations.size, 0)
  assert.equal(world.registrations.subscriptions.size, 0)
  assert.deepEqual(world.ended, [])
  world.drop()
  assert.deepEqual((await RegWorld.start({ clock: world.clock, logs: world.logs })).ended, [])
})

test('a P-CSCF whose Path has another token now stays a subscriber, and refreshes by the new one', async () => {
  const world = await registered()
  const id = await world.accepted(PCSCF)
  const path = `sip:rotated@${PCSCF_HOST};lr`
  await world.bind(phone({ cseq: 3, path: [`<${path}>`] }))
  await world.bind(tablet())
  assert.equal(world.last.state.state, 'active')
  const refresh = { ...PCSCF, asker: { ...PCSCF.asker, assertedIdentities: [path] } }
  assert.ok((await world.resubscribe(id, refresh)).ok)
  const stale = await world.resubscribe(id, { ...PCSCF, cseq: 3 })
  assert.equal(stale.ok, false)
})

test('a server is told at its Contact and nowhere else, whatever it recorded', async () => {
  const world = await registered()
  await world.accepted(SERVER)
  assert.equal(world.last.host, PRESENCE_HOST)
  assert.deepEqual(world.last.request.headers.list('Route'), [])
})

test('a second terminal, its refresh and its end: each is told, but for the refresh (RFC 3680 section 4.7)', async () => {
  const world = await registered()
  await world.accepted()
  await world.bind(tablet())
  assert.deepEqual(world.told, ['phone active registered', 'tablet active registered'])
  const sent = world.sent.length
  await world.bind(tablet({ cseq: 3 }))
  assert.equal(world.sent.length, sent, 'a refresh is told with the next change')
  await world.unbind(tablet({ cseq: 4, expiresSeconds: 0 }))
  assert.deepEqual(world.told, ['phone active registered', 'tablet terminated unregistered'])
  assert.deepEqual(
    world.sent.map(({ info }) => info.version),
    [0, 1, 2],
  )
})

test('another contact of the same instance takes the place of the first, which is told as unregistered (RFC 3680 section 3.4.2)', async () => {
  const world = await registered()
  await world.accepted()
  await world.bind(phone({ callId: 'restarted', contact: contact('phone', 'sip:alice@127.0.1.1:16000') }))
  assert.deepEqual(world.told, ['phone active registered', 'phone terminated unregistered'])
  const uris = world.last.info.registrations[0]?.contacts.map(({ uri }) => uri)
  assert.deepEqual(uris, ['sip:alice@127.0.1.1:16000', 'sip:alice@127.0.1.1:15066'])
})

test('a contact whose time ran out is told as expired, and the subscription goes with it (RFC 3680 section 3.4.1)', async () => {
  const world = await registered()
  await world.accepted()
  await world.accepted(PCSCF)
  world.clock.advance(3_600_000)
  await settle()
  assert.equal(world.sent.length, 4)
  assert.deepEqual(world.told, ['phone terminated expired'])
  assert.deepEqual(world.last.state, { state: 'terminated', reason: 'noresource' })
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('a UE that de-registered itself gets no NOTIFY on its dead SA; its P-CSCF is told', async () => {
  const world = await registered()
  await world.accepted()
  await world.accepted(PCSCF)
  await world.unbind(phone({ cseq: 3, expiresSeconds: 0 }))
  assert.deepEqual(
    world.sent.slice(2).map(({ callId }) => callId),
    ['pcscf-1'],
  )
  assert.deepEqual(world.told, ['phone terminated unregistered'])
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('who leaves takes its own subscription along, the other terminal is told on (RFC 3680 section 4.7)', async () => {
  const world = await registered()
  await world.bind(tablet())
  await world.accepted()
  await world.accepted({ asker: user(TABLET), callId: 'tablet-1', contact: '<sip:alice@127.0.1.2:15066>' })
  await world.unbind(phone({ cseq: 3, expiresSeconds: 0 }))
  assert.deepEqual(
    world.sent.slice(2).map(({ callId }) => callId),
    ['tablet-1'],
  )
  assert.deepEqual(world.told, ['tablet active registered', 'phone terminated unregistered'])
  assert.equal(world.last.state.state, 'active')
  assert.equal(world.registrations.subscriptions.size, 1)
})

test('the network wants a new authentication: shortened, with what is left (TS 24.229 clause 5.4.1.6, RFC 3680 section 5.3.2)', async () => {
  const world = await registered()
  await world.accepted()
  const until = world.clock.now() + 60_000
  assert.deepEqual(await world.registrations.shorten(ALICE, () => true, until), { kind: 'done', contacts: 1 })
  await settle()
  assert.deepEqual(world.told, ['phone active shortened'])
  assert.equal(world.last.info.registrations[0]?.contacts[0]?.expiresSeconds, 60)
  // Whoever authenticates is as before; whoever does not is gone.
  await world.bind(phone({ cseq: 3 }))
  assert.deepEqual(world.told, ['phone active refreshed'])
  assert.deepEqual(await world.registrations.shorten(ALICE, () => true, until), { kind: 'done', contacts: 1 })
  world.clock.advance(60_000)
  await settle()
  assert.deepEqual(world.told, ['phone terminated expired'])
})

test('a pushed profile is told: identities come and go (TS 24.229 clause 5.4.2.1.2)', async () => {
  const world = await registered()
  await world.accepted()
  assert.equal(await world.registrations.replaceProfile(profile(ALICE, ALICE_TEL, BOB)), 'stored')
  await settle()
  assert.deepEqual(
    world.last.info.registrations.map(({ aor }) => aor),
    [ALICE, ALICE_TEL, BOB],
  )
  assert.equal(await world.registrations.replaceProfile(profile(ALICE, ALICE_TEL, BOB)), 'stored')
  await settle()
  assert.equal(world.sent.length, 2, 'the same again is no news')
})

test('Expires 0 outside of a dialog is a fetch: one NOTIFY, and nothing is left (RFC 6665 section 4.4.3)', async () => {
  const world = await registered()
  await world.accepted({ expires: 0 })
  assert.equal(world.sent.length, 1)
  assert.deepEqual(world.last.state, { state: 'terminated', reason: 'timeout' })
  assert.deepEqual(world.told, ['phone active registered'])
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('a subscription is refreshed and ended in its dialog, by its subscriber alone (RFC 6665 section 4.2.1)', async () => {
  const world = await registered()
  const id = await world.accepted({ expires: 600 })
  world.clock.advance(500_000)
  assert.ok((await world.resubscribe(id, { expires: 600 })).ok)
  assert.deepEqual(world.last.state, { state: 'active', expiresSeconds: 600 })
  world.clock.advance(500_000)
  const rows: [string, Promise<{ ok: boolean; refusal?: { reason: string } }>, string][] = [
    ['somebody else', world.resubscribe(id, { asker: { assertedIdentities: [BOB] }, cseq: 3 }), 'reg-event-denied'],
    ['the P-CSCF', world.resubscribe(id, { ...PCSCF, callId: 'reg-1', cseq: 3 }), 'reg-event-denied'],
    ['another Call-ID', world.resubscribe(id, { callId: 'x', cseq: 3 }), 'reg-event-dialog'],
    ['another tag', world.resubscribe('x', { cseq: 3 }), 'reg-event-dialog'],
    ['what is older', world.resubscribe(id, { cseq: 1 }), 'out-of-order'],
  ]
  for (const [who, outcome, expected] of rows) {
    const refused = await outcome
    assert.equal(refused.refusal?.reason, expected, who)
  }
  assert.ok((await world.resubscribe(id, { expires: 0, cseq: 3 })).ok)
  assert.deepEqual(world.last.state, { state: 'terminated', reason: 'timeout' })
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('a subscription that is not refreshed ends with its time, and is told so', async () => {
  const world = await registered()
  await world.accepted({ expires: 600 })
  world.clock.advance(600_000)
  await settle()
  assert.deepEqual(world.last.state, { state: 'terminated', reason: 'timeout' })
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('a new Call-ID takes the place of the old subscription; the same SUBSCRIBE again makes no second one', async () => {
  const world = await registered()
  const first = await world.accepted()
  assert.equal(await world.accepted(), first)
  const second = await world.accepted({ callId: 'reg-2' })
  assert.notEqual(second, first)
  assert.equal(world.registrations.subscriptions.size, 1)
  await world.bind(tablet())
  assert.equal(world.last.callId, 'reg-2')
})

test('a user has a bounded number of subscribers', async () => {
  const world = await registered()
  for (let n = 0; n < 48; n++) await world.accepted({ callId: `c${n}`, contact: `<sip:a@127.0.1.1:${n + 1}>` })
  const outcome = await world.subscribe({ callId: 'one-more', contact: '<sip:a@127.0.1.1:99>' })
  assert.equal(outcome.ok ? 'ok' : outcome.refusal.reason, 'reg-event-full')
  assert.equal(world.registrations.subscriptions.size, 48)
})

test('what happens while a NOTIFY is under way joins the next, and no end is lost (RFC 6665 section 4.2.2)', async () => {
  const world = await registered()
  world.outcome = undefined
  await world.accepted()
  await world.bind(tablet())
  await world.unbind(tablet({ cseq: 3, expiresSeconds: 0 }))
  assert.equal(world.sent.length, 1)
  world.last.done('delivered')
  await settle()
  assert.equal(world.sent.length, 2)
  assert.deepEqual(world.told, ['phone active registered', 'tablet terminated unregistered'])
})

test('a subscriber who is unreachable is tried again later and later, and given up in the end (readings, Presence 1)', async () => {
  const world = await registered()
  await world.bind(tablet())
  world.outcome = 'unreachable'
  await world.accepted()
  await world.unbind(tablet({ cseq: 3, expiresSeconds: 0 }))
  for (const seconds of [1, 2, 4]) {
    world.clock.advance(seconds * 1_000)
    await settle()
  }
  assert.equal(world.sent.length, 4)
  assert.deepEqual(world.told, ['phone active registered', 'tablet terminated unregistered'])
  assert.deepEqual(
    world.sent.map(({ info }) => info.version),
    [0, 1, 2, 3],
  )
  for (let minute = 0; minute < 6; minute++) {
    world.clock.advance(60_000)
    await settle()
  }
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('a dialog that is gone ends its subscription at once (RFC 6665 section 4.2.2)', async () => {
  const world = await registered()
  world.outcome = 'gone'
  await world.accepted()
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('a replica without a lease tells nobody anything', async () => {
  const world = await registered()
  world.isLive = false
  await world.accepted()
  assert.equal(world.sent.length, 0)
  world.isLive = true
  world.clock.advance(1_000)
  await settle()
  assert.equal(world.sent.length, 1)
})

test('a partition that arrives with many subscribers is told in turns, each once', async () => {
  const first = await registered()
  const profiles = Array.from({ length: 1_200 }, (_, n) => `sip:many-${n}@${REALM}` as Impu)
  for (const [n, impu] of profiles.entries()) {
    const impi = `many-${n}@${REALM}` as Impi
    const request = phone({
      impi,
      impu,
      callId: `c${n}`,
      contact: contact(`i${n}`, `sip:a@127.0.${n >> 8}.${n & 255}`),
    })
    const outcome = await first.registrations.bind(request, profile(impu))
    assert.equal(outcome.kind, 'accepted')
    const asker = { ...user(impi), assertedIdentities: [impu] }
    const asked = subscribe({ callId: `s${n}`, contact: `<sip:a@127.0.${n >> 8}.${n & 255}>` })
    assert.ok((await first.regEvents.subscribe(asked, impu, asker, '')).ok)
  }
  first.drop()
  const second = await RegWorld.start({ clock: first.clock, logs: first.logs })
  for (let turn = 0; turn < 40; turn++) await settle()
  assert.equal(second.sent.length, profiles.length)
  assert.equal(new Set(second.sent.map(({ callId }) => callId)).size, profiles.length)
})

test('the next owner goes on: same dialogs, higher versions, and everybody is told once (ARCHITECTURE, decision 4)', async () => {
  const first = await registered()
  const id = await first.accepted()
  await first.bind(tablet())
  first.drop()
  const second = await RegWorld.start({ clock: first.clock, logs: first.logs })
  assert.equal(second.sent.length, 1)
  assert.deepEqual(second.told, ['phone active registered', 'tablet active registered'])
  assert.equal(numberOf(second.last), 0x1_0000 + 1)
  assert.equal(second.last.info.version, 0x1_0000)
  assert.ok((await second.resubscribe(id)).ok)
  assert.equal(numberOf(second.last), 0x1_0000 + 2)
  second.drop()
  const third = await RegWorld.start({ clock: first.clock, logs: first.logs })
  assert.equal(numberOf(third.last), 0x1_0000 + 1 + 0x1_0000 + 1)
})

test('an end that its owner did not live to tell is told by the next, from the log and from a snapshot', async () => {
  for (const wantsSnapshot of [false, true]) {
    const first = await registered()
    await first.accepted()
    first.outcome = undefined
    first.logs.wantsSnapshot = wantsSnapshot
    const end = { isMeant: () => true, reason: 'rejected', retryAfterSeconds: 0, isOfHss: true } as const
    await first.registrations.end(ALICE, end)
    await settle()
    assert.equal(first.registrations.subscriptions.size, 1, 'it is kept until it was told')
    first.drop()
    const second = await RegWorld.start({ clock: first.clock, logs: first.logs })
    assert.deepEqual(second.told, ['phone terminated rejected'])
    assert.deepEqual(second.last.state, { state: 'terminated', reason: 'noresource' })
    assert.equal(second.registrations.subscriptions.size, 0)
    second.drop()
    assert.equal((await RegWorld.start({ clock: first.clock, logs: first.logs })).sent.length, 0)
  }
})

test('a subscription whose end could not be written is ended later', async () => {
  const world = await registered()
  world.outcome = undefined
  await world.accepted()
  world.logs.isAvailable = false
  world.last.done('gone')
  await settle()
  assert.equal(world.registrations.subscriptions.size, 1)
  world.logs.isAvailable = true
  world.outcome = 'gone'
  world.clock.advance(1_000)
  await settle()
  world.clock.advance(3_761_000)
  await settle()
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('a log that cannot be written refuses a SUBSCRIBE: no 200 that a crash would take back', async () => {
  const world = await registered()
  world.logs.isAvailable = false
  const outcome = await world.subscribe()
  assert.equal(outcome.ok ? 'ok' : outcome.refusal.reason, 'store-unavailable')
  assert.equal(world.sent.length, 0)
  assert.equal(world.registrations.subscriptions.size, 0)
})

test('everything that a registration made is gone when its time is up: sets, contacts, subscriptions, timers', async () => {
  const world = await registered()
  await world.bind(tablet())
  await world.bind(
    phone({ impi: TABLET, callId: 'more', contact: contacts('tablet', ['sip:a@[::1]', 'sip:a@127.0.1.2']) }),
  )
  await world.accepted()
  await world.accepted(PCSCF)
  await world.accepted(SERVER)
  await world.accepted({ asker: user(TABLET), callId: 't', contact: '<sip:a@127.0.1.2>' })
  assert.equal(world.registrations.sets[0]?.contacts.size, 3)
  world.clock.advance(3_600_000)
  await settle()
  assert.equal(world.registrations.size, 0)
  assert.equal(world.registrations.boundInstance(PHONE), undefined)
  assert.equal(world.registrations.subscriptions.size, 0)
  for (const impu of [ALICE, ALICE_TEL]) assert.equal(world.registrations.findByImpu(impu), undefined)
  assert.equal(world.clock.pending, 0)
  assert.deepEqual(new Set(world.ended.map(({ impi }) => impi)), new Set([PHONE, TABLET]))
})
