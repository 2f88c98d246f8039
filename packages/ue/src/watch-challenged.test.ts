import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { Secret } from '@rollcall/core'
import { parseCredentials } from '@rollcall/digest'
import type { SipRequest } from '@rollcall/sip'
import { SubscriptionRefusedError } from './errors.ts'
import { notifierOf } from './testing/notifier.ts'
import { ALICE, BOB, openBench, placeOf } from './testing/world.ts'

const PLACE = placeOf(6)
const REALM = 'presence.example'
const USER = { username: 'alice', realm: REALM, password: new Secret(Buffer.from('correct horse')) }

function challenge(nonce: string, o: { isStale?: boolean } = {}): { status: number; headers: [string, string][] } {
  const of = (algorithm: string): string =>
    `Digest realm="${REALM}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${o.isStale ? ', stale=true' : ''}`
  return {
    status: 401,
    headers: [
      ['WWW-Authenticate', of('SHA-256')],
      ['WWW-Authenticate', of('MD5')],
    ],
  }
}

/** The response written out once more (RFC 7616 section 3.4.1). */
function expected(subscribe: SipRequest): string {
  const { nonce, nc, cnonce, qop, uri } = credentialsOf(subscribe)
  const h = (text: string): string => createHash('sha256').update(text).digest('hex')
  const ha1 = h(`alice:${REALM}:correct horse`)
  return h(`${ha1}:${nonce}:${nc}:${cnonce}:${qop}:${h(`SUBSCRIBE:${uri}`)}`)
}

function credentialsOf(subscribe: SipRequest): NonNullable<ReturnType<typeof parseCredentials>> {
  const credentials = parseCredentials(subscribe.headers.get('Authorization') ?? 'Digest username="",realm=""')
  assert.ok(credentials)
  return credentials
}

test('an anonymous watcher asks for privacy and names nobody in From (RFC 3323 section 4.1)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  await bench.ue.subscribe({ uri: BOB, isAnonymous: true })
  const { headers } = bench.pcscf.requestsOf('SUBSCRIBE')[0] as SipRequest
  assert.equal(headers.get('Privacy'), 'id')
  assert.match(headers.get('From') ?? '', /^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/)
  assert.equal(headers.get('P-Preferred-Identity'), `<${ALICE}>`)
  assert.equal(await notifier.notify(), 200)
})

test('a challenge of the notifier is answered in the same call, by its first algorithm (RFC 3261 section 22.2, RFC 8760 section 2.4)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => (request.headers.has('Authorization') ? notifier.accept(request) : challenge('one'))
  const subscription = await bench.ue.subscribe({ uri: BOB, isAnonymous: true, user: USER })
  const [first, second] = bench.pcscf.requestsOf('SUBSCRIBE')
  assert.ok(first && second)
  const { username, algorithm, response, uri, nc } = credentialsOf(second)
  assert.deepEqual([username, algorithm, uri, nc, response], ['alice', 'SHA-256', BOB, '00000001', expected(second)])
  assert.equal(second.headers.get('Call-ID'), first.headers.get('Call-ID'))
  assert.equal(second.headers.get('CSeq'), '2 SUBSCRIBE')
  await subscription.refresh()
  const refresh = bench.pcscf.requestsOf('SUBSCRIBE')[2] as SipRequest
  assert.deepEqual([credentialsOf(refresh).nc, credentialsOf(refresh).response], ['00000002', expected(refresh)])
})

test('a nonce that is too old costs one more request; a wrong password, and no password, end it', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => {
    const { nonce } = credentialsOf(request)
    if (nonce === '') return challenge('one')
    return nonce === 'one' ? challenge('two', { isStale: true }) : notifier.accept(request)
  }
  await bench.ue.subscribe({ uri: BOB, user: USER })
  assert.equal(bench.pcscf.requestsOf('SUBSCRIBE').length, 3)
  bench.pcscf.script = () => challenge('three')
  await assert.rejects(bench.ue.subscribe({ uri: BOB, user: USER }), SubscriptionRefusedError)
  assert.equal(bench.pcscf.requestsOf('SUBSCRIBE').length, 5)
  await assert.rejects(bench.ue.subscribe({ uri: BOB }), SubscriptionRefusedError)
  assert.equal(bench.pcscf.requestsOf('SUBSCRIBE').length, 6)
})

test('a challenge of another realm is not answered (RFC 3261 section 22.1)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  bench.pcscf.script = () => challenge('one')
  await assert.rejects(
    bench.ue.subscribe({ uri: BOB, user: { ...USER, realm: 'home.example' } }),
    SubscriptionRefusedError,
  )
  const asked = bench.pcscf.requestsOf('SUBSCRIBE')
  assert.deepEqual(
    asked.map(({ headers }) => headers.has('Authorization')),
    [false],
  )
})

test('a subscription to documents names them in its body, in a refresh too (RFC 5875 section 4.4)', async () => {
  await using bench = await openBench(PLACE)
  await bench.ue.register()
  const notifier = notifierOf(bench.pcscf)
  bench.pcscf.script = (request) => notifier.accept(request)
  const octets = Buffer.from('<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>')
  const subscription = await bench.ue.subscribe({
    uri: ALICE,
    eventPackage: 'xcap-diff',
    eventParameter: 'diff-processing=aggregate',
    body: { contentType: 'application/resource-lists+xml', octets },
  })
  await subscription.refresh()
  for (const { headers, body } of bench.pcscf.requestsOf('SUBSCRIBE')) {
    assert.equal(headers.get('Event'), 'xcap-diff;diff-processing=aggregate')
    assert.equal(headers.get('Content-Type'), 'application/resource-lists+xml')
    assert.equal(headers.get('Accept'), 'application/xcap-diff+xml')
    assert.deepEqual(body, octets)
  }
  assert.equal(await notifier.notify({ headers: [['Content-Type', 'application/xcap-diff+xml']] }), 200)
})
