import assert from 'node:assert/strict'
import test from 'node:test'
import type { Impu } from '@rollcall/core'
import { type ContactEvent, type RegRegistration, writeReginfo } from '@rollcall/reginfo'
import type { SipRequest } from '@rollcall/sip'
import { NotRegisteredError } from './errors.ts'
import { DEFAULT_SETTINGS, type UeSettings } from './settings.ts'
import { FAKE_SERVICE_ROUTE } from './testing/fake-pcscf.ts'
import { type Notifier, notifierOf } from './testing/notifier.ts'
import { ALICE, type Bench, BOB, openBench, placeOf, until } from './testing/world.ts'

const PLACE = placeOf(5)
const INSTANCE = '<urn:gsma:imei:35000000-000001-0>'
const TEL = 'tel:+15550100'

/** A registered UE that watches its registration, and the S-CSCF's side of that. */
async function openWatching(
  settings: Partial<UeSettings> = {},
): Promise<{ bench: Bench; notifier: Notifier } & AsyncDisposable> {
  const bench = await openBench(PLACE, { settings: { subscribesToRegEvent: true, ...settings } })
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => (isReg(request) ? notifier.accept(request, 600_000) : { status: 200 })
  await bench.ue.register()
  await until(() => regSubscribes(bench).length === 1)
  return { bench, notifier, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
}

function isReg(request: SipRequest): boolean {
  return request.method === 'SUBSCRIBE' && request.headers.get('Event') === 'reg'
}

function regSubscribes({ pcscf }: Bench): SipRequest[] {
  return pcscf.requests.filter(isReg)
}

/** One address-of-record with the UE's own contact. */
function own(
  bench: Bench,
  event: ContactEvent,
  o: { aor?: string; uri?: string; instance?: string; expiresSeconds?: number; retryAfterSeconds?: number } = {},
): RegRegistration {
  const isActive = ['registered', 'created', 'refreshed', 'shortened'].includes(event)
  const { aor = ALICE, uri = `sip:ue@${PLACE.ue}:${bench.ue.saSets.at(-1)?.local.portS}`, ...rest } = o
  const contact = {
    id: 'c',
    state: isActive ? 'active' : 'terminated',
    event,
    uri,
    instance: INSTANCE,
    ...rest,
  } as const
  return { aor, id: `r-${aor}`, state: isActive ? 'active' : 'terminated', contacts: [contact] }
}

async function notify(notifier: Notifier, registrations: readonly RegRegistration[], version = 0, state?: string) {
  const status = await notifier.notify({
    headers: [['Content-Type', 'application/reginfo+xml']],
    body: writeReginfo({ version, state: 'full', registrations }),
    ...(state !== undefined && { state }),
  })
  assert.equal(status, 200)
}

test('subscribes to its own registration after the first 200, protected, by Service-Route (TS 24.229 clause 5.1.1.3, RFC 3680 section 4)', async () => {
  assert.ok(DEFAULT_SETTINGS.subscribesToRegEvent, 'by default')
  await using watching = await openWatching()
  const { bench } = watching
  const [subscribe] = regSubscribes(bench)
  assert.ok(subscribe)
  const { uri, headers } = subscribe
  const [set] = bench.ue.saSets
  assert.equal(uri, ALICE)
  assert.match(headers.get('From') ?? '', new RegExp(`^<${ALICE}>;tag=`))
  assert.equal(headers.get('To'), `<${ALICE}>`)
  assert.deepEqual([headers.get('Accept'), headers.get('Expires')], ['application/reginfo+xml', '600000'])
  assert.deepEqual(headers.list('Route'), [`<sip:${PLACE.pcscf}:15064;lr>`, FAKE_SERVICE_ROUTE])
  assert.equal(headers.get('Contact'), `<sip:ue@${PLACE.ue}:${set?.local.portS}>`)
  assert.match(headers.get('Security-Verify') ?? '', /^ipsec-3gpp/)
})

test('a setting turns the subscription off', async () => {
  await using bench = await openBench(PLACE, { settings: { subscribesToRegEvent: false } })
  await bench.ue.register()
  await bench.ue.checkAlive()
  assert.equal(bench.pcscf.requestsOf('SUBSCRIBE').length, 0)
})

test('a re-registration keeps the subscription, an initial registration makes a new one (TS 24.229 clause 5.1.1.3)', async () => {
  await using watching = await openWatching()
  const { bench, notifier } = watching
  await notify(notifier, [own(bench, 'registered')])
  await bench.ue.reregister()
  assert.equal(regSubscribes(bench).length, 1)
  await bench.ue.register()
  await until(() => regSubscribes(bench).length === 2)
  const [first, second] = regSubscribes(bench)
  assert.notEqual(first?.headers.get('Call-ID'), second?.headers.get('Call-ID'))
})

test('without the package, or refused, the UE goes on without it (TS 24.229 clause 5.1.1.3)', async () => {
  for (const status of [403, 404, 405, 480, 489]) {
    await using bench = await openBench(PLACE, { settings: { subscribesToRegEvent: true, refreshes: true } })
    bench.pcscf.script = (request) => ({ status: isReg(request) ? status : 200 })
    await bench.ue.register()
    await until(() => bench.events.some(({ kind }) => kind === 'reg-event-ended'))
    await bench.ue.checkAlive()
    assert.ok(bench.ue.registration)
    assert.equal(regSubscribes(bench).length, 1)
    assert.ok(!bench.events.some(({ kind }) => kind === 'registration-lost'))
  }
})

test('refreshes in time, and subscribes anew when the refresh fails (TS 24.229 clause 5.1.1.3)', async () => {
  await using bench = await openBench(PLACE, {
    settings: { subscribesToRegEvent: true, refreshes: true, registrationSeconds: 7200 },
  })
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => {
    if (!isReg(request)) return { status: 200 }
    // The second one is the refresh, at half time of one second; the third is a dialog of its own.
    return regSubscribes(bench).length === 2 ? { status: 481 } : notifier.accept(request, 1)
  }
  await bench.ue.register()
  await until(() => regSubscribes(bench).length === 3)
  const [first, refresh, anew] = regSubscribes(bench)
  const callIdOf = (request: SipRequest | undefined) => request?.headers.get('Call-ID')
  assert.equal(callIdOf(refresh), callIdOf(first))
  assert.match(refresh?.headers.get('To') ?? '', /;tag=fake$/)
  assert.notEqual(callIdOf(anew), callIdOf(first))
  assert.doesNotMatch(anew?.headers.get('To') ?? '', /;tag=/)
})

test('deactivated: dialogs end, the SAs go, and the UE registers from scratch (TS 24.229 clause 5.1.1.7)', async () => {
  await using watching = await openWatching({ refreshes: true })
  const { bench, notifier } = watching
  const presence = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) =>
    isReg(request)
      ? notifier.accept(request, 600_000)
      : request.method === 'SUBSCRIBE'
        ? presence.accept(request)
        : { status: 200 }
  const subscription = await bench.ue.subscribe({ uri: BOB })
  const before = bench.ue.saSets.map(({ id }) => id)
  await notify(notifier, [own(bench, 'deactivated')], 3, 'terminated;reason=deactivated')
  await until(() => bench.pcscf.unprotectedRequests.length === 2 && bench.ue.registration !== undefined)
  assert.equal(subscription.endReason, 'deactivated')
  assert.ok(bench.ue.saSets.every(({ id }) => !before.includes(id)))
  assert.ok(bench.events.some((event) => event.kind === 'registration-ended' && event.reason === 'deactivated'))
  await until(() => regSubscribes(bench).length === 2)
})

test('rejected: the UE is told, lets everything go, and does not register by itself (TS 24.229 clause 5.1.1.7)', async () => {
  await using watching = await openWatching({ refreshes: true })
  const { bench, notifier } = watching
  await notify(notifier, [own(bench, 'rejected')], 1, 'terminated;reason=rejected')
  await until(() => bench.events.some((event) => event.kind === 'registration-ended' && event.reason === 'rejected'))
  const told = bench.events.find((event) => event.kind === 'registration-ended')
  assert.equal(told?.kind === 'registration-ended' && told.comesBack, false)
  assert.equal(bench.ue.registration, undefined)
  assert.deepEqual(bench.ue.saSets, [])
  await assert.rejects(bench.ue.reregister(), NotRegisteredError)
  assert.equal(bench.pcscf.unprotectedRequests.length, 1)
  assert.ok(!bench.events.some(({ kind }) => kind === 'registration-lost'))
})

test('probation: the UE comes back after the time that the network gave (RFC 3680 section 5.3)', async () => {
  await using watching = await openWatching({ refreshes: true })
  const { bench, notifier } = watching
  await notify(notifier, [own(bench, 'probation', { retryAfterSeconds: 1 })], 1)
  await until(() => bench.events.some(({ kind }) => kind === 'registration-ended'))
  assert.equal(bench.ue.registration, undefined)
  await until(() => bench.ue.registration !== undefined)
})

test('without refreshes the UE tells of the end and does nothing by itself', async () => {
  for (const event of ['deactivated', 'probation', 'unregistered', 'expired'] as const) {
    await using watching = await openWatching()
    const { bench, notifier } = watching
    await notify(notifier, [own(bench, event)])
    await until(() => bench.events.some((told) => told.kind === 'registration-ended' && told.reason === event))
    assert.equal(bench.ue.registration, undefined)
    assert.equal(bench.pcscf.unprotectedRequests.length, 1)
    // It may begin anew when somebody wants it to.
    await bench.ue.register()
  }
})

test('shortened: the UE authenticates anew in time, by the rule for registrations (TS 24.229 clause 5.1.1.5.2)', async () => {
  await using watching = await openWatching({ refreshes: true })
  const { bench, notifier } = watching
  const registers = bench.pcscf.requestsOf('REGISTER').length
  await notify(notifier, [own(bench, 'shortened', { expiresSeconds: 1 })])
  await until(() => bench.events.some(({ kind }) => kind === 'registration-shortened'))
  assert.ok((bench.ue.registration?.expiresAtMs ?? Number.NaN) <= Date.now() + 1_000)
  await until(() => bench.pcscf.requestsOf('REGISTER').length === registers + 2)
  assert.equal(bench.pcscf.unprotectedRequests.length, 1, 'over the SAs')
  await until(() => (bench.ue.registration?.expiresAtMs ?? 0) > Date.now() + 1_000_000)
})

test('what became of another contact, or of an earlier one of ours, changes nothing (RFC 3680 section 3.4)', async () => {
  await using watching = await openWatching({ refreshes: true })
  const { bench, notifier } = watching
  const tablet = own(bench, 'rejected', { uri: 'sip:ue@127.0.0.9:40000', instance: '<urn:gsma:imei:1>' })
  const earlier = own(bench, 'deactivated', { uri: `sip:ue@${PLACE.ue}:39999` })
  const broken = own(bench, 'rejected', { uri: 'sip:@@' })
  const [contact] = own(bench, 'refreshed').contacts
  assert.ok(contact)
  await notify(notifier, [
    { ...tablet, contacts: [...tablet.contacts, ...earlier.contacts, ...broken.contacts, contact] },
  ])
  await notify(notifier, [], 1)
  await bench.ue.checkAlive()
  assert.ok(bench.ue.registration)
  assert.deepEqual(
    bench.events.filter(({ kind }) => kind.startsWith('registration-') || kind === 'identities-removed'),
    [],
  )
})

test('an identity that is registered no more leaves the others (TS 24.229 clause 5.1.1.7)', async () => {
  await using watching = await openWatching()
  const { bench, notifier } = watching
  await notify(notifier, [own(bench, 'registered'), own(bench, 'deactivated', { aor: TEL })])
  await until(() => bench.events.some(({ kind }) => kind === 'identities-removed'))
  const removed = bench.events.find((event) => event.kind === 'identities-removed')
  assert.deepEqual(removed?.kind === 'identities-removed' && removed.identities, [TEL as Impu])
  assert.deepEqual(bench.ue.registration?.associatedUris, [ALICE])
})

test('an old document and a broken one are passed over; another body is 415 (RFC 3680 section 5.1)', async () => {
  await using watching = await openWatching({ refreshes: true })
  const { bench, notifier } = watching
  await notify(notifier, [own(bench, 'registered')], 7)
  await notify(notifier, [own(bench, 'rejected')], 7)
  await notify(notifier, [own(bench, 'rejected')], 6)
  const broken = { headers: [['Content-Type', 'application/reginfo+xml']] as [string, string][] }
  assert.equal(await notifier.notify({ ...broken, body: Buffer.from('<!DOCTYPE x><reginfo/>') }), 200)
  await until(() => bench.ue.drops.get('malformed') === 1)
  assert.equal(await notifier.notify({ headers: [['Content-Type', 'application/pidf+xml']] }), 415)
  assert.ok(bench.ue.registration)
  assert.equal(bench.ue.receivedNotifies, 0, 'the own registration is not counted')
})
