import assert from 'node:assert/strict'
import test from 'node:test'
import { type SipRequest, sameSipUri } from '@rollcall/sip'
import { NoNotificationError, SubscriptionEndedError, SubscriptionRefusedError } from './errors.ts'
import type { Subscription } from './presence/subscription.ts'
import { FAKE_SERVICE_ROUTE, octetsOf } from './testing/fake-pcscf.ts'
import { notifierOf, RECORD_ROUTE } from './testing/notifier.ts'
import { ALICE, BOB, openBench, placeOf, T1_MS, until } from './testing/world.ts'

const PLACE = placeOf(2)
const PIDF = Buffer.from('<presence/>')

test('subscribes through the preloaded route, protected and with the identity of the registration (TS 24.229 clause 5.1.2A.1.1)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  await bench.ue.subscribe({ uri: BOB })
  const { headers, uri } = bench.pcscf.requestsOf('SUBSCRIBE')[0] as SipRequest
  const [set] = bench.ue.saSets
  assert.equal(uri, BOB)
  assert.deepEqual(headers.list('Route'), ['<sip:127.1.8.2:15064;lr>', FAKE_SERVICE_ROUTE])
  assert.equal(headers.get('P-Preferred-Identity'), `<${ALICE}>`)
  assert.match(headers.get('From') ?? '', new RegExp(`^<${ALICE.replaceAll('.', '\\.')}>;tag=`))
  assert.equal(headers.get('Contact'), `<sip:ue@127.1.8.12:${set?.local.portS}>`)
  assert.equal(headers.get('Require'), 'sec-agree')
  assert.match(headers.get('Security-Verify') ?? '', /^ipsec-3gpp/)
  assert.deepEqual(
    [headers.get('Event'), headers.get('Accept'), headers.get('Expires')],
    ['presence', 'application/pidf+xml', '3600'],
  )
})

test('a NOTIFY is answered 200 and read, with the SA set that it came in (RFC 6665 section 4.1.3)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const subscription = await bench.ue.subscribe({ uri: BOB })
  assert.equal(await notifier.notify(), 200)
  const notification = await subscription.next(1000)
  assert.equal(notification.state, 'active')
  assert.deepEqual(notification.body, PIDF)
  assert.equal(notification.setId, bench.ue.saSets.at(-1)?.id)
})

test('a NOTIFY that comes before the 200 makes the dialog (RFC 6665 section 4.4.1)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = async (request) => {
    notifier.learn(request)
    assert.equal(await notifier.notify({ headers: [['Content-Type', 'application/pidf+xml'], [...RECORD_ROUTE]] }), 200)
    return notifier.accept(request)
  }
  const subscription = await bench.ue.subscribe({ uri: BOB })
  assert.equal((await subscription.next(1000)).state, 'active')
})

test('a repeated NOTIFY is answered and not shown again; an older one is out of order (RFC 3261 section 12.2.2)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const subscription = await bench.ue.subscribe({ uri: BOB })
  assert.equal(await notifier.notify({ cseq: 65_536 }), 200)
  assert.equal(await notifier.notify({ cseq: 65_536 }), 200)
  assert.equal(await notifier.notify({ cseq: 65_535 }), 500)
  await subscription.next(1000)
  await assert.rejects(subscription.next(20), NoNotificationError)
})

test('a NOTIFY of another dialog, another event or nobody is answered 481', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const subscription = await bench.ue.subscribe({ uri: BOB })
  assert.equal(await notifier.notify({ tag: 'stranger' }), 481)
  assert.equal(bench.ue.receivedNotifies, 1)
  await assert.rejects(subscription.next(20), NoNotificationError)
  subscription.end('test')
  assert.equal(await notifier.notify(), 481)
})

test('a NOTIFY without Subscription-State is 400, one with another body 415 (RFC 6665 section 4.1.3)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  await bench.ue.subscribe({ uri: BOB })
  assert.equal(await notifier.notify({ state: ';;' }), 400)
  assert.equal(await notifier.notify({ headers: [['Content-Type', 'text/plain']] }), 415)
})

test('a request outside of the SAs is thrown away (TS 33.203 clause 7.1, TS 24.229 clause 5.1.1.1)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const subscription = await bench.ue.subscribe({ uri: BOB })
  const forged = bench.pcscf.requestsOf('SUBSCRIBE')[0] as SipRequest
  forged.method = 'NOTIFY'
  forged.headers.set('CSeq', '9 NOTIFY')
  bench.pcscf.sendUnprotected(octetsOf(forged), { address: PLACE.ue, port: 15_060 })
  await until(() => bench.ue.drops.get('unprotected-request') === 1)
  await assert.rejects(subscription.next(20), NoNotificationError)
})

test('OPTIONS is answered 200, other methods 405 with Allow (RFC 3261 section 8.2.1)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const headers: [string, string][] = [
    ['From', '<sip:x@example>;tag=1'],
    ['To', `<${ALICE}>`],
    ['Call-ID', 'abc'],
  ]
  const options = await bench.pcscf.request({ method: 'OPTIONS', headers: [...headers, ['CSeq', '1 OPTIONS']] })
  const message = await bench.pcscf.request({ method: 'MESSAGE', headers: [...headers, ['CSeq', '2 MESSAGE']] })
  assert.equal(options.status, 200)
  assert.deepEqual([message.status, message.headers.get('Allow')], [405, 'NOTIFY, OPTIONS'])
})

test('refreshes in the dialog at half time: target, recorded route, CSeq + 1 (RFC 6665 section 4.1.2.2)', async () => {
  await using bench = await openBench(PLACE, { settings: { refreshes: true, registrationSeconds: 7200 } })
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request, 1)
  await using subscription = await ending(bench.ue.subscribe({ uri: BOB, expiresSeconds: 600 }))
  await notifier.notify({ state: 'active;expires=1' })
  await until(() => bench.pcscf.requestsOf('SUBSCRIBE').length > 1)
  const { uri, headers } = bench.pcscf.requestsOf('SUBSCRIBE')[1] as SipRequest
  assert.ok(sameSipUri(uri, 'sip:presence-1@presence.example'))
  assert.deepEqual(headers.list('Route'), ['<sip:127.1.8.2:15064;lr>', '<sip:token@pcscf.example;lr>'])
  assert.equal(headers.get('CSeq'), '2 SUBSCRIBE')
  assert.match(headers.get('To') ?? '', /;tag=fake$/)
  assert.equal(subscription.it.endReason, undefined)
})

test('unsubscribes and reads the last NOTIFY (RFC 6665 section 4.1.2.3)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const subscription = await bench.ue.subscribe({ uri: BOB })
  bench.pcscf.script = (request) => {
    setImmediate(() => void notifier.notify({ state: 'terminated;reason=timeout' }))
    return notifier.accept(request)
  }
  await subscription.unsubscribe()
  const seen: string[] = []
  for await (const { state, reason } of subscription) seen.push(`${state} ${reason}`)
  assert.deepEqual(seen, ['terminated timeout'])
})

test('fetches: Expires 0, one NOTIFY (RFC 6665 section 4.4.3)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => {
    setImmediate(() => void notifier.notify({ state: 'terminated;reason=timeout' }))
    return notifier.accept(request)
  }
  const notification = await bench.ue.fetch({ uri: BOB })
  assert.deepEqual([notification.state, notification.body], ['terminated', PIDF])
  assert.equal(bench.pcscf.requestsOf('SUBSCRIBE')[0]?.headers.get('Expires'), '0')
})

test('a refusal is told with its status and leaves no subscription', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => {
    notifier.learn(request)
    return { status: 403 }
  }
  await assert.rejects(bench.ue.subscribe({ uri: BOB, eventPackage: 'presence.winfo' }), (error: unknown) => {
    assert.ok(error instanceof SubscriptionRefusedError)
    return error.status === 403
  })
  assert.equal(await notifier.notify(), 481)
})

test('a notifier that ends it says why, and the reader comes to the end', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const subscription = await bench.ue.subscribe({ uri: BOB })
  await notifier.notify({ state: 'terminated;reason=giveup;retry-after=9', headers: [], body: Buffer.alloc(0) })
  const last = await subscription.next(1000)
  assert.deepEqual([last.reason, last.retryAfterSeconds], ['giveup', 9])
  await assert.rejects(subscription.next(1000), SubscriptionEndedError)
  assert.equal(subscription.endReason, 'giveup')
})

test('a dialog goes on in the new SAs after a re-registration', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => (request.method === 'SUBSCRIBE' ? notifier.accept(request) : { status: 200 })
  const subscription = await bench.ue.subscribe({ uri: BOB })
  await bench.ue.reregister()
  await bench.ue.reregister()
  assert.equal(await notifier.notify(), 200)
  const newest = bench.ue.saSets.at(-1)
  assert.equal((await subscription.next(1000)).setId, newest?.id)
  assert.equal(newest?.state, 'established')
})

test('a UE whose P-CSCF lost it registers from scratch by itself and subscribes again in its dialog (TS 24.229 clause 5.1.1.2.1)', async () => {
  const settings = { refreshes: true, aliveCheckMs: 50, timers: { t1Ms: T1_MS / 20, t2Ms: T1_MS, t4Ms: T1_MS } }
  await using bench = await openBench(PLACE, { settings })
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => (request.method === 'SUBSCRIBE' ? notifier.accept(request) : { status: 200 })
  await using subscription = await ending(bench.ue.subscribe({ uri: BOB }))
  await notifier.notify()
  bench.pcscf.isSilent = true
  await until(() => bench.events.some(({ kind }) => kind === 'registration-lost'))
  bench.pcscf.isSilent = false
  await until(() => bench.pcscf.unprotectedRequests.length > 1)
  await until(() => bench.pcscf.requestsOf('SUBSCRIBE').length > 1)
  assert.equal(subscription.it.endReason, undefined)
  assert.equal(await notifier.notify(), 200)
})

/** A subscription that is over when its test is. */
async function ending(subscribed: Promise<Subscription>): Promise<{ it: Subscription } & AsyncDisposable> {
  const it = await subscribed
  return { it, [Symbol.asyncDispose]: async () => it.end('test over') }
}
