import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import { readPidfSummary } from '@rollcall/pidf'
import { PresenceAdminServiceClient } from '@rollcall/proto-gen/admin'
import { callUnary, createGrpcClient, type RpcError } from '@rollcall/runtime'
import type { SipRequest, SipResponse } from '@rollcall/sip'
import { partitionOf } from '@rollcall/store'
import { ALICE, BOB, CAROL, NO_BODY, pidf } from './testing/inputs.ts'
import { authorization, readChallenge } from './testing/played-passwords.ts'
import { again, publishRequest, resubscribeRequest, subscribeRequest } from './testing/requests.ts'
import { Stack, until } from './testing/stack.ts'

const ADDRESS = '127.1.5.4'
const PARTITIONS = 16

/** One presentity for each partition, so that each replica owns some of them. */
const PRESENTITIES: readonly Impu[] = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let n = 0; ; n++) {
    const impu = parseImpu(`sip:user-${n}@ims.example.com`)
    if (partitionOf(impu, PARTITIONS) === partition) return impu
  }
})

let stack: Stack

before(async () => {
  stack = await Stack.start(ADDRESS, { isEmpty: true })
  for (const impu of PRESENTITIES) {
    const presencePolicy = { defaultAllow: true, allow: [], block: [] }
    stack.users.set(impu, { canonicalImpu: impu, impus: [impu], presencePolicy })
  }
  await Promise.all([0, 1].map((index) => stack.replica(index).start()))
  await shared()
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

const owned = async (index: number): Promise<number> =>
  await stack.replica(index).metric('rollcall_presence_partitions_owned')

/** Waits until both replicas have their share. */
async function shared(): Promise<void> {
  await until(async () => {
    const counts = await Promise.all([owned(0), owned(1)])
    return counts[0] + counts[1] === PARTITIONS && counts.every((count) => count > 0)
  }, 'both replicas have their share')
}

function notesOf(notify: SipRequest): readonly string[] {
  return readPidfSummary(notify.body).tuples.flatMap(({ notes }) => notes)
}

/** Notes that watchers of each presentity were told last. */
function listen(): { readonly lastNotes: Map<string, string>; readonly count: () => number; stop(): void } {
  const lastNotes = new Map<string, string>()
  let count = 0
  const hear = (notify: SipRequest): void => {
    count += 1
    if (notify.body.length > 0) {
      const { entity } = readPidfSummary(notify.body)
      lastNotes.set(entity ?? '', notesOf(notify).join())
    }
  }
  stack.notifies.on('notify', hear)
  return { lastNotes, count: () => count, stop: () => void stack.notifies.off('notify', hear) }
}

test('a request finds the owner from any replica, and so does one in a dialog (ARCHITECTURE, decision 11)', async () => {
  for (const [index, presentity] of PRESENTITIES.entries()) {
    const [one, other] = index % 2 === 0 ? [0, 1] : [1, 0]
    const published = await stack.send(publishRequest({ for: presentity, body: pidf('there') }), [presentity], {
      to: one,
    })
    assert.equal(published.status, 200)
    const notify = stack.nextNotify()
    const subscribe = subscribeRequest({ to: presentity })
    const response = await stack.send(subscribe, [BOB], { to: other })
    assert.equal(response.status, 200)
    assert.deepEqual(notesOf(await notify), ['there'])
    const last = stack.nextNotify()
    const left = await stack.send(resubscribeRequest(subscribe, response, '0'), [BOB], { to: one })
    assert.equal(left.status, 200)
    assert.match((await last).headers.get('Subscription-State') ?? '', /^terminated/)
    const etag = published.headers.get('SIP-ETag') ?? ''
    const removed = publishRequest({ for: presentity, etag, expires: '0', body: NO_BODY })
    assert.equal((await stack.send(removed, [presentity], { to: other })).status, 200)
  }
  assert.ok((await stack.replica(0).metric('rollcall_hop_forwarded_total{outcome="response"')) > 0)
  assert.ok((await stack.replica(1).metric('rollcall_hop_forwarded_total{outcome="response"')) > 0)
})

test('a challenge that came by one replica is answered by way of another: the owner checks it (RFC 3261 section 22.2)', async () => {
  const username = 'carol@ims.example.com'
  const password = 'correct horse'
  stack.passwords.set(username, { password, impu: CAROL })
  const from = parseImpu('sip:anonymous@anonymous.invalid')
  for (const [index, to] of PRESENTITIES.slice(0, 4).entries()) {
    const [one, other] = index % 2 === 0 ? [0, 1] : [1, 0]
    const asked = await stack.send(subscribeRequest({ to, from }), [], { to: one })
    assert.equal(asked.status, 401)
    const challenge = readChallenge(asked.headers.get('WWW-Authenticate') ?? '')
    const proof = authorization(challenge, { username, password, uri: to })
    const headers = [['Authorization', proof] as const]
    const told = stack.nextNotify()
    const answered = await stack.send(subscribeRequest({ to, from, expires: '0', headers }), [], { to: other })
    assert.equal(answered.status, 200)
    await told
  }
})

test('a retransmission that comes to the other replica gets the answer that was given', async () => {
  const publish = publishRequest({ body: pidf('once') })
  const first = await stack.send(publish, [ALICE], { to: 0 })
  const second = await stack.send(again(publish), [ALICE], { to: 1 })
  assert.equal(second.headers.get('SIP-ETag'), first.headers.get('SIP-ETag'))
  const etag = first.headers.get('SIP-ETag') ?? ''
  await stack.send(publishRequest({ etag, expires: '0', body: NO_BODY }), [ALICE])
})

test('a replica vouches for nobody: what it did not get from an S-CSCF is refused', async () => {
  const cases = [{}, { forwardedRole: 'scscf' }, { forwarded: true }, { forwarded: true, forwardedRole: 'pcscf' }]
  for (const envelope of cases) {
    for (const to of [0, 1]) {
      const result = await stack.trySend(publishRequest(), [ALICE], { role: 'presence', to, envelope })
      assert.ok(result.kind === 'response' && result.status === 403, JSON.stringify(envelope))
    }
  }
  assert.ok((await stack.replica(0).metric('rollcall_audit_events_total{event="hop.denied"')) >= cases.length)
})

test('what is forwarded to who does not own it is answered 503 and said to be misdirected, and goes no further', async () => {
  const answers = await Promise.all(
    [0, 1].map(async (to) => {
      const envelope = { forwarded: true, forwardedRole: 'scscf' }
      return await stack.trySend(subscribeRequest({ expires: '0' }), [BOB], { role: 'presence', to, envelope })
    }),
  )
  const told = answers.map((result) =>
    result.kind === 'response' ? [result.status, result.envelope?.misdirected] : [],
  )
  assert.deepEqual(told.sort(), [
    [200, undefined],
    [503, true],
  ])
})

test('an S-CSCF cannot say that it was forwarded: it is brought to the owner all the same', async () => {
  for (const to of [0, 1]) {
    const envelope = { forwarded: true, forwardedRole: 'presence' }
    const result = await stack.trySend(subscribeRequest({ expires: '0' }), [BOB], { to, envelope })
    assert.ok(result.kind === 'response' && result.status === 200, String(to))
  }
})

test('an operator is answered by any replica', async () => {
  const published = await stack.send(publishRequest(), [ALICE])
  const { identity, metrics } = await stack.runtimeOf('operator')
  for (const index of [0, 1]) {
    const o = { target: stack.target(index), role: 'presence', identity, metrics } as const
    const client = createGrpcClient(PresenceAdminServiceClient, o)
    const found = await callUnary(client.getPresentity.bind(client), { impu: ALICE }, { deadlineMs: 3_000 })
    client.close()
    assert.equal(found.canonicalImpu, ALICE)
    assert.deepEqual(
      found.publications.map(({ entityTag }) => entityTag),
      [published.headers.get('SIP-ETag')],
    )
  }
  await stack.send(publishRequest({ etag: published.headers.get('SIP-ETag') ?? '', expires: '0', body: NO_BODY }), [
    ALICE,
  ])
})

test("a replica's question of an operator goes no further than one step", async () => {
  const { identity, metrics } = await stack.runtimeOf('presence')
  const answers = await Promise.all(
    [0, 1].map(async (index) => {
      const o = { target: stack.target(index), role: 'presence', identity, metrics } as const
      const client = createGrpcClient(PresenceAdminServiceClient, o)
      const asked = callUnary(client.getPresentity.bind(client), { impu: ALICE }, { deadlineMs: 3_000 })
      return await asked
        .then(
          () => 'answered',
          (error: RpcError) => error.message,
        )
        .finally(() => client.close())
    }),
  )
  assert.deepEqual(answers.filter((answer) => answer === 'answered').length, 1)
  assert.match(answers.find((answer) => answer !== 'answered') ?? '', /replica presence-\d serves the partition/)
})

/** Modifies publications until told to stop; each change must be answered 200, wherever it is sent. */
function load(over: { readonly to?: () => number } = {}) {
  let isOver = false
  let changes = 0
  const failures: string[] = []
  const newest = new Map<Impu, string>()
  const chain = async (presentity: Impu): Promise<void> => {
    let etag: string | undefined
    for (let n = 0; !isOver; n++) {
      const note = `change ${n}`
      const request = publishRequest({ for: presentity, body: pidf(note), ...(etag ? { etag } : {}) })
      const to = over.to?.()
      const response = await stack
        .send(request, [presentity], to === undefined ? {} : { to })
        .catch((error: Error) => ({ status: error.message }) as unknown as SipResponse)
      if (response.status !== 200) {
        failures.push(`${presentity} ${n}: ${response.status}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
        continue
      }
      etag = response.headers.get('SIP-ETag')
      newest.set(presentity, note)
      changes += 1
    }
    if (etag) await stack.send(publishRequest({ for: presentity, etag, expires: '0', body: NO_BODY }), [presentity])
  }
  const work = Promise.all(PRESENTITIES.map(chain))
  return {
    failures,
    newest,
    changes: () => changes,
    end: async () => {
      isOver = true
      await work
    },
  }
}

test('partitions move under load, to a new replica and back, and no request fails', async () => {
  const heard = listen()
  const watches: [SipRequest, SipResponse][] = []
  for (const presentity of PRESENTITIES) {
    const subscribe = subscribeRequest({ to: presentity })
    watches.push([subscribe, await stack.send(subscribe, [BOB])])
  }
  const work = load({ to: () => (Math.random() < 0.5 ? 0 : 1) })
  await until(() => work.changes() > 100, 'it has begun')
  await stack.replica(2).start()
  await until(async () => (await owned(2)) > 0, 'the third has some')
  await new Promise((resolve) => setTimeout(resolve, 500))
  await stack.replica(2).stop()
  await shared()
  await new Promise((resolve) => setTimeout(resolve, 300))
  const newest = new Map(work.newest)
  heard.stop()
  const last = listen()
  await work.end()
  assert.deepEqual(work.failures, [])
  await until(
    () => PRESENTITIES.every((presentity) => last.lastNotes.get(presentity) === ''),
    'each watcher is told the newest: nothing is published any more',
  )
  assert.ok(newest.size === PARTITIONS)
  last.stop()
  for (const [subscribe, response] of watches) {
    assert.equal((await stack.send(resubscribeRequest(subscribe, response, '0'), [BOB])).status, 200)
  }
})

test('a replica that dies is replaced within 5 s; its watchers are told the newest (decisions 1 and 3)', async () => {
  await stack.replica(1).stop()
  await stack.replica(1).startProcess()
  await until(async () => {
    const counts = await Promise.all([owned(0), owned(1)])
    return counts[0] + counts[1] === PARTITIONS && counts.every((count) => count > 0)
  }, 'both have their share')
  const watches: [SipRequest, SipResponse][] = []
  for (const presentity of PRESENTITIES) {
    const subscribe = subscribeRequest({ to: presentity })
    watches.push([subscribe, await stack.send(subscribe, [BOB])])
  }
  const etags = new Map<Impu, string>()
  for (const presentity of PRESENTITIES) {
    const response = await stack.send(publishRequest({ for: presentity, body: pidf('before') }), [presentity])
    etags.set(presentity, response.headers.get('SIP-ETag') ?? '')
  }
  const heard = listen()
  await stack.replica(1).kill('SIGKILL')
  const startMs = performance.now()
  await Promise.all(
    PRESENTITIES.map(async (presentity) => {
      const etag = etags.get(presentity) ?? ''
      for (let request = publishRequest({ for: presentity, etag, body: pidf('after') }); ; request = again(request)) {
        const response = await stack.send(request, [presentity], { to: 0 })
        if (response.status === 200) return void etags.set(presentity, response.headers.get('SIP-ETag') ?? '')
        assert.equal(response.status, 503)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }),
  )
  const servedMs = performance.now() - startMs
  assert.ok(servedMs < 5_000, `${servedMs} ms`)
  await until(() => PRESENTITIES.every((one) => heard.lastNotes.get(one) === 'after'), 'all are told the newest', 5_000)
  heard.stop()
  for (const [subscribe, response] of watches) {
    assert.equal((await stack.send(resubscribeRequest(subscribe, response, '0'), [BOB])).status, 200)
  }
  for (const [presentity, etag] of etags) {
    await stack.send(publishRequest({ for: presentity, etag, expires: '0', body: NO_BODY }), [presentity])
  }
})
