import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '@rollcall/core'
import { readPidfSummary, readWatcherinfo } from '@rollcall/pidf'
import { cseq, type SipRequest } from '@rollcall/sip'
import { connectStore, PartitionLogs, partitionOf } from '@rollcall/store'
import { ALICE, ALICE_TEL, BOB, CAROL, freshTag, MALLORY, NO_BODY, pidf } from './testing/inputs.ts'
import { again, publishRequest, resubscribeRequest, subscribeRequest } from './testing/requests.ts'
import { PRESENCE_HOST, REALM, SCSCF_HOST, Stack, until } from './testing/stack.ts'

let stack: Stack

before(async () => {
  stack = await Stack.start('127.1.5.1')
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

const notesOf = (notify: SipRequest): readonly string[] =>
  readPidfSummary(notify.body).tuples.flatMap(({ notes }) => notes)

/** Ends all of bob's subscriptions that a test made. */
async function leave(subscribe: SipRequest, response: Awaited<ReturnType<Stack['send']>>): Promise<void> {
  const notify = stack.nextNotify()
  assert.equal((await stack.send(resubscribeRequest(subscribe, response, '0'), [BOB])).status, 200)
  assert.match((await notify).headers.get('Subscription-State') ?? '', /^terminated;reason=timeout/)
}

test('PUBLISH, SUBSCRIBE, NOTIFY: along the recorded route, with all that RFC 6665 asks for', async () => {
  const published = await stack.send(publishRequest({ body: pidf('at lunch') }), [ALICE])
  assert.equal(published.status, 200)
  const first = stack.nextNotify()
  const subscribe = subscribeRequest({ to: ALICE_TEL })
  const response = await stack.send(subscribe, [BOB])
  assert.equal(response.status, 200)
  assert.match(response.headers.get('Contact') ?? '', new RegExp(`^<sip:presence-\\d+@${PRESENCE_HOST}>$`))
  assert.equal(response.headers.get('Record-Route'), `<sip:term@${SCSCF_HOST};lr>`)
  const notify = await first
  assert.equal(notify.uri, 'sip:bob@127.0.1.3:15064')
  assert.equal(notify.headers.get('Route'), `<sip:term@${SCSCF_HOST};lr>`)
  assert.equal(notify.headers.get('Event'), 'presence')
  assert.match(notify.headers.get('Subscription-State') ?? '', /^active;expires=3600$/)
  assert.equal(notify.headers.get('Contact'), response.headers.get('Contact'))
  assert.equal(notify.headers.get('Content-Type'), 'application/pidf+xml')
  assert.equal(cseq(notify).sequence, 1)
  assert.equal(readPidfSummary(notify.body).entity, ALICE_TEL, 'a watcher of an alias learns of no other name')
  assert.deepEqual(notesOf(notify), ['at lunch'])

  const second = stack.nextNotify()
  const etag = published.headers.get('SIP-ETag') ?? ''
  const modified = await stack.send(publishRequest({ etag, body: pidf('back') }), [ALICE_TEL])
  assert.equal(modified.status, 200)
  assert.deepEqual(notesOf(await second), ['back'])

  const composed = stack.nextNotify()
  const tablet = await stack.send(publishRequest({ for: ALICE_TEL, body: pidf('on the tablet') }), [ALICE])
  assert.deepEqual(notesOf(await composed), ['back', 'on the tablet'])
  for (const tag of [modified.headers.get('SIP-ETag'), tablet.headers.get('SIP-ETag')]) {
    const told = stack.nextNotify()
    await stack.send(publishRequest({ etag: tag ?? '', expires: '0', body: NO_BODY }), [ALICE])
    await told
  }
  await leave(subscribe, response)
})

test('each refusal has its answer, its headers and its counter', async () => {
  const cases: [SipRequest, readonly string[], number, string, [string, RegExp]?][] = [
    [publishRequest({ headers: [['Require', 'foo']] }), [ALICE], 420, 'extension-unknown', ['Unsupported', /^foo$/]],
    [withEvent(publishRequest(), 'dialog'), [ALICE], 489, 'event-package', ['Allow-Events', /presence\.winfo/]],
    [publishRequest({ for: ALICE, from: MALLORY }), [MALLORY], 403, 'foreign-presentity'],
    [publishRequest(), [], 403, 'foreign-presentity'],
    [publishRequest({ for: 'sip:nobody@ims.example.com' as typeof ALICE }), [ALICE], 404, 'presentity-unknown'],
    [publishRequest({ etag: 'unknown' }), [ALICE], 412, 'entity-tag'],
    [publishRequest({ body: Buffer.from('<presence') }), [ALICE], 400, 'body-malformed'],
    [publishRequest({ expires: 'soon' }), [ALICE], 400, 'malformed'],
    [publishRequest({ body: Buffer.alloc(40_000, 0x20) }), [ALICE], 413, 'body-too-large'],
    [subscribeRequest({ from: MALLORY }), [MALLORY], 403, 'policy-block'],
    [
      subscribeRequest({ from: BOB }),
      [],
      401,
      'watcher-unproved',
      ['WWW-Authenticate', /^Digest realm="ims\.example\.com"/],
    ],
    [subscribeRequest({ event: 'presence.winfo' }), [BOB], 403, 'foreign-winfo'],
    [subscribeRequest({ event: 'reg' }), [BOB], 489, 'event-package', ['Allow-Events', /presence/]],
    [subscribeRequest({ headers: [['Accept', 'text/plain']] }), [BOB], 406, 'not-acceptable'],
    [withoutContact(subscribeRequest()), [BOB], 400, 'malformed'],
  ]
  for (const [request, identities, status, reason, header] of cases) {
    const before = await stack.metric(`rollcall_presence_refused_total{reason="${reason}"}`)
    const response = await stack.send(request, identities)
    assert.equal(response.status, status, reason)
    if (header) assert.match(response.headers.get(header[0]) ?? '', header[1])
    assert.equal(await stack.metric(`rollcall_presence_refused_total{reason="${reason}"}`), before + 1, reason)
  }
  const method = await stack.send(renamed(publishRequest(), 'MESSAGE'), [ALICE])
  assert.deepEqual([method.status, method.headers.get('Allow')], [405, 'PUBLISH, SUBSCRIBE, REGISTER'])
})

test('who asks is believed from the envelope alone: headers change nothing (ARCHITECTURE, decision 7)', async () => {
  const headers = [['P-Asserted-Identity', `<${ALICE}>`] as const]
  assert.equal((await stack.send(publishRequest({ headers }), [MALLORY])).status, 403)
  assert.equal((await stack.send(subscribeRequest({ headers, from: ALICE }), [MALLORY])).status, 403)
  assert.ok((await stack.metric('rollcall_audit_events_total{event="publication.refused"')) >= 1)
  assert.ok((await stack.metric('rollcall_audit_events_total{event="policy.decision",outcome="refused"')) >= 1)
})

test('a node that is no S-CSCF may not send SIP here', async () => {
  const { kind } = await stack.trySend(publishRequest(), [ALICE], { role: 'pcscf' })
  assert.notEqual(kind, 'response')
  assert.ok((await stack.metric('rollcall_audit_events_total{event="hop.denied"')) >= 1)
})

test('a refused watcher gets nothing, whatever happens; the presentity is told of it, and once (readings, Presence 3)', async () => {
  const seen: SipRequest[] = []
  const listen = (notify: SipRequest): void => void seen.push(notify)
  const winfo = subscribeRequest({ event: 'presence.winfo', from: ALICE })
  const first = stack.nextNotify()
  const response = await stack.send(winfo, [ALICE])
  await first
  stack.notifies.on('notify', listen)
  for (let i = 0; i < 3; i++) {
    assert.equal((await stack.send(subscribeRequest({ from: MALLORY }), [MALLORY])).status, 403)
  }
  const publication = await stack.send(publishRequest(), [ALICE])
  await new Promise((resolve) => setTimeout(resolve, 300))
  stack.notifies.off('notify', listen)
  const [told, ...more] = seen
  assert.deepEqual([told?.headers.get('Event'), more], ['presence.winfo', []])
  const { state, watchers } = readWatcherinfo(told?.body ?? NO_BODY)
  assert.deepEqual(
    [state, watchers.map(({ uri, status, event }) => [uri, status, event])],
    ['partial', [[MALLORY, 'terminated', 'rejected']]],
  )
  const end = stack.nextNotify()
  await stack.send(resubscribeRequest(winfo, response, '0'), [ALICE])
  await end
  await stack.send(publishRequest({ etag: publication.headers.get('SIP-ETag') ?? '', expires: '0', body: NO_BODY }), [
    ALICE,
  ])
})

test('the presentity sees who watches (RFC 3857 section 4)', async () => {
  const first = stack.nextNotify()
  const winfo = subscribeRequest({ event: 'presence.winfo', from: ALICE })
  const response = await stack.send(winfo, [ALICE])
  const empty = await first
  assert.equal(empty.headers.get('Content-Type'), 'application/watcherinfo+xml')
  assert.deepEqual(readWatcherinfo(empty.body).watchers, [])
  const told: SipRequest[] = []
  const listen = (notify: SipRequest): void => void told.push(notify)
  stack.notifies.on('notify', listen)
  const subscribe = subscribeRequest({ from: CAROL })
  const subscribed = await stack.send(subscribe, [CAROL])
  await until(() => told.length === 2, 'carol and alice are told')
  stack.notifies.off('notify', listen)
  const document = told.find(({ headers }) => headers.get('Event') === 'presence.winfo')
  assert.deepEqual(
    readWatcherinfo(document?.body ?? NO_BODY).watchers.map(({ uri, status }) => [uri, status]),
    [[CAROL, 'active']],
  )
  await stack.send(resubscribeRequest(subscribe, subscribed, '0'), [CAROL])
  await stack.send(resubscribeRequest(winfo, response, '0'), [ALICE])
  await until(async () => (await stack.metric('rollcall_presence_subscriptions')) === 0, 'both have left')
  await new Promise((resolve) => setTimeout(resolve, 200))
})

test('a fetch brings one NOTIFY that is the last (RFC 6665 section 4.4.3)', async () => {
  const notify = stack.nextNotify()
  const response = await stack.send(subscribeRequest({ expires: '0' }), [BOB])
  assert.deepEqual([response.status, response.headers.get('Expires')], [200, '0'])
  assert.equal((await notify).headers.get('Subscription-State'), 'terminated;reason=timeout')
  assert.equal(await stack.metric('rollcall_presence_subscriptions'), 0)
})

test('after a restart everything is there, and a retransmission makes nothing twice (decision 1)', async () => {
  const publish = publishRequest({ body: pidf('before the restart') })
  const published = await stack.send(publish, [ALICE])
  const first = stack.nextNotify()
  const subscribe = subscribeRequest()
  const subscribed = await stack.send(subscribe, [BOB])
  await first
  await new Promise((resolve) => setTimeout(resolve, 1_300))
  const told: SipRequest[] = []
  const listen = (notify: SipRequest): void => void told.push(notify)
  stack.notifies.on('notify', listen)
  await stack.stopPresence()
  await stack.startPresence()
  const retransmitted = await stack.send(again(publish), [ALICE])
  assert.equal(retransmitted.headers.get('SIP-ETag'), published.headers.get('SIP-ETag'))
  assert.equal(retransmitted.headers.get('To'), published.headers.get('To'))
  const resubscribed = await stack.send(again(subscribe), [BOB])
  assert.equal(resubscribed.headers.get('To'), subscribed.headers.get('To'))
  assert.equal(await stack.metric('rollcall_presence_publications'), 1)
  assert.equal(await stack.metric('rollcall_presence_subscriptions'), 1)
  assert.deepEqual(told, [], 'nothing had changed')
  stack.notifies.off('notify', listen)
  const next = stack.nextNotify()
  const etag = published.headers.get('SIP-ETag') ?? ''
  const modified = await stack.send(publishRequest({ etag, body: pidf('after it') }), [ALICE])
  const notify = await next
  assert.deepEqual(notesOf(notify), ['after it'])
  assert.equal(cseq(notify).sequence % 65_536, 1, 'CSeqs leap with each owner')
  assert.ok(cseq(notify).sequence > 65_536)
  await leave(subscribe, subscribed)
  await stack.send(publishRequest({ etag: modified.headers.get('SIP-ETag') ?? '', expires: '0', body: NO_BODY }), [
    ALICE,
  ])
})

test('a publication that runs out while the service is down is told closed when it is back', async () => {
  const first = stack.nextNotify()
  const subscribe = subscribeRequest()
  const subscribed = await stack.send(subscribe, [BOB])
  await first
  const second = stack.nextNotify()
  await stack.send(publishRequest({ expires: '1' }), [ALICE])
  await second
  await stack.stopPresence()
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const third = stack.nextNotify()
  await stack.startPresence()
  assert.equal(readPidfSummary((await third).body).tuples[0]?.basic, 'closed')
  await leave(subscribe, subscribed)
})

test('NATS away: 503 with a spread Retry-After before anything is decided; it recovers by itself', async () => {
  const published = await stack.send(publishRequest({ body: pidf(freshTag()) }), [ALICE])
  const etag = published.headers.get('SIP-ETag') ?? ''
  await stack.store.server.kill('SIGKILL')
  await until(() => stack.presence?.ready().ready === false, 'the Presence Server says it is not ready')
  const waits = new Set<string | undefined>()
  for (let i = 0; i < 8; i++) {
    const response = await stack.send(publishRequest({ etag, body: pidf('lost') }), [ALICE])
    assert.equal(response.status, 503)
    waits.add(response.headers.get('Retry-After'))
  }
  assert.ok(waits.size > 1 && !waits.has(undefined), [...waits].join())
  await stack.store.server.restart()
  await until(() => stack.presence?.ready().ready === true, 'the Presence Server is ready again')
  const modified = await stack.send(publishRequest({ etag, body: pidf('back') }), [ALICE])
  assert.equal(modified.status, 200)
  await stack.send(publishRequest({ etag: modified.headers.get('SIP-ETag') ?? '', expires: '0', body: NO_BODY }), [
    ALICE,
  ])
})

test('a partition that somebody else took is given up and taken again; what found that out is answered then (decision 2)', async () => {
  const published = await stack.send(publishRequest({ body: pidf('kept') }), [ALICE])
  await using connection = await connectStore({
    url: stack.store.url,
    tls: stack.store.tlsFor('presence'),
    service: 'presence',
    clock: systemClock,
  })
  const logs = await PartitionLogs.open({ connection, service: 'presence', realm: REALM, clock: systemClock })
  const other = await logs.take(partitionOf(ALICE, logs.partitions ?? 0), () => {})
  const etag = published.headers.get('SIP-ETag') ?? ''
  const fenced = await stack.send(publishRequest({ etag, body: pidf('fenced') }), [ALICE])
  assert.equal(fenced.status, 200)
  await until(() => stack.presence?.ready().ready === true, 'the partition is served again')
  assert.ok((await stack.metric('rollcall_presence_partitions_total{event="lost"')) >= 1)
  await other.append(Buffer.from('stale')).then(
    () => assert.fail('an owner from before wrote'),
    (error: { code?: string }) => assert.equal(error.code, 'STORE_FENCED'),
  )
  const served = publishRequest({ etag: fenced.headers.get('SIP-ETag') ?? '', body: pidf('served') })
  const modified = await stack.send(served, [ALICE])
  assert.equal(modified.status, 200)
  await stack.send(publishRequest({ etag: modified.headers.get('SIP-ETag') ?? '', expires: '0', body: NO_BODY }), [
    ALICE,
  ])
})

test('the HSS away: what it said counts a while, then 503; it recovers by itself', async () => {
  assert.equal((await stack.send(subscribeRequest({ expires: '0' }), [BOB])).status, 200)
  stack.isHssAway = true
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal((await stack.send(subscribeRequest({ expires: '0' }), [BOB])).status, 200)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const refused = await stack.send(subscribeRequest({ expires: '0' }), [BOB])
  assert.deepEqual([refused.status, refused.headers.has('Retry-After')], [503, true])
  stack.isHssAway = false
  assert.equal((await stack.send(subscribeRequest({ expires: '0' }), [BOB])).status, 200)
})

test('a policy changed at the HSS counts at the next PUBLISH, before its content leaves', async () => {
  const first = stack.nextNotify()
  await stack.send(subscribeRequest(), [BOB])
  await first
  const alice = stack.users.get(ALICE)
  assert.ok(alice)
  alice.presencePolicy = { defaultAllow: true, allow: [], block: [BOB] }
  await new Promise((resolve) => setTimeout(resolve, 150))
  const last = stack.nextNotify()
  const published = await stack.send(publishRequest({ body: pidf('secret') }), [ALICE])
  const notify = await last
  assert.equal(notify.headers.get('Subscription-State'), 'terminated;reason=rejected')
  assert.equal(notify.body.length, 0)
  alice.presencePolicy = { defaultAllow: true, allow: [], block: [MALLORY] }
  await new Promise((resolve) => setTimeout(resolve, 150))
  await stack.send(publishRequest({ etag: published.headers.get('SIP-ETag') ?? '', expires: '0', body: NO_BODY }), [
    ALICE,
  ])
})

test('a NOTIFY answered 481 ends the subscription (readings, Presence 1)', async () => {
  stack.notifyStatus = 481
  const first = stack.nextNotify()
  await stack.send(subscribeRequest(), [BOB])
  await first
  await until(async () => (await stack.metric('rollcall_presence_subscriptions')) === 0, 'it has ended')
  stack.notifyStatus = 200
})

function withEvent(request: SipRequest, eventPackage: string): SipRequest {
  request.headers.set('Event', eventPackage)
  return request
}

function withoutContact(request: SipRequest): SipRequest {
  request.headers.remove('Contact')
  return request
}

function renamed(request: SipRequest, method: string): SipRequest {
  request.headers.set('CSeq', `1 ${method}`)
  return { ...request, method }
}
