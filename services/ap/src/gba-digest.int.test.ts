import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAuthenticationInfo } from '@rollcall/digest'
import { HTTP_DIGEST_UA_PROTOCOL, uaProtocolOfSuiteName } from '@rollcall/gba'
import { RpcError } from '@rollcall/runtime'
import { ApStack, OTHER, XCAP } from './testing/ap-stack.ts'
import { DOCUMENT, PlayedUe, type ProofChanges } from './testing/played-ue.ts'

const address = '127.44.2.1'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a UE with a bootstrapped key gets its document in ${version} (TS 33.222 clause 5.3, TS 33.222 clause 5.3.1, TS 24.109 clause 5.2.2, TS 24.109 clause 5.3.2, TS 24.109 clause 5.3.2.1)`, async (t) => {
    const stack = await ApStack.start(t, address)
    const session = stack.bsf.bootstrap('alice')
    const ue = await PlayedUe.open(stack, { minVersion: version, maxVersion: version })
    t.after(() => ue.close())
    const required = await ue.send({ headers: { 'User-Agent': 'test 3gpp-gba' } })
    assert.equal(required.status, 401)
    const [challenge] = required.challenges
    assert.ok(challenge)
    assert.deepEqual(
      { realm: challenge.realm, algorithm: challenge.algorithm, isStale: challenge.isStale },
      { realm: `3GPP-bootstrapping@${XCAP}`, algorithm: 'MD5', isStale: false },
      'bootstrapping required (TS 24.109 clause 5.2.4)',
    )
    const answer = await ue.send({ headers: { Authorization: ue.prove(session, challenge) } })
    assert.deepEqual({ status: answer.status, body: answer.body }, { status: 200, body: 'document' })
    assert.ok(parseAuthenticationInfo(String(answer.headers['authentication-info'])).rspauth)
    const again = await ue.send({ headers: { Authorization: ue.prove(session, challenge, {}, { qop: 'auth' }) } })
    assert.equal(again.status, 200, 'with the next count, and the other qop')
    assert.equal(stack.as.seen[0]?.target, DOCUMENT)
    assert.equal(stack.as.seen[0]?.headers.authorization, undefined, 'the proof goes no further (TS 24.109 clause 7.2)')
    assert.deepEqual(
      stack.bsf.asked.map(({ btid, nafFqdn, uaProtocol, gsids }) => ({ btid, nafFqdn, uaProtocol, gsids })),
      [{ btid: session.btid, nafFqdn: XCAP, uaProtocol: uaProtocolOfSuiteName(ue.suiteName), gsids: [3, 2] }],
      'the BSF is asked once for a B-TID and NAF_Id',
    )
  })
}

test('two UEs, one with each identifier, get in where the operator has set both, and one where he has not (TS 33.220 annex H.3)', async (t) => {
  const both = await ApStack.start(t, address, { env: { ROLLCALL_AP_UA_PROTOCOLS: 'cipher-suite,http-digest' } })
  const strict = await ApStack.start(t, address)
  for (const [stack, olderStatus] of [
    [both, 200],
    [strict, 401],
  ] as const) {
    const ues = [stack.bsf.bootstrap('alice'), stack.bsf.bootstrap('bob')] as const
    const [suite, older] = [await PlayedUe.open(stack), await PlayedUe.open(stack)]
    t.after(() => suite.close())
    t.after(() => older.close())
    const newer = await suite.ask(ues[0])
    assert.equal(newer.status, 200)
    const Authorization = older.prove(ues[1], await older.challenged(), {}, { isOlder: true })
    assert.equal((await older.send({ headers: { Authorization } })).status, olderStatus)
  }
  assert.ok(both.bsf.asked.some(({ uaProtocol }) => Buffer.from(uaProtocol).equals(HTTP_DIGEST_UA_PROTOCOL)))
  assert.ok(!strict.bsf.asked.some(({ uaProtocol }) => Buffer.from(uaProtocol).equals(HTTP_DIGEST_UA_PROTOCOL)))
})

test('a key that was derived for another suite than that of the connection is wrong (TS 33.220 annex H.3)', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  const [tls12, tls13] = [await PlayedUe.open(stack, { maxVersion: 'TLSv1.2' }), await PlayedUe.open(stack)]
  t.after(() => tls12.close())
  t.after(() => tls13.close())
  assert.notEqual(tls12.suiteName, tls13.suiteName)
  const Authorization = tls12.prove(session, await tls12.challenged())
  assert.equal((await tls13.send({ headers: { Authorization } })).status, 401)
  assert.equal(await stack.refusals('wrong-response'), 1)
})

test('a B-TID that the BSF does not know makes the UE bootstrap anew: no stale (TS 24.109 clause 5.2.5, TS 24.109 clause 5.3.2.4)', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  stack.bsf.forget(session)
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  for (let i = 0; i < 2; i++) {
    const answer = await ue.ask(session)
    assert.deepEqual({ status: answer.status, isStale: answer.challenges[0]?.isStale }, { status: 401, isStale: false })
  }
  assert.equal(stack.bsf.asked.length, 1, 'who asks again at once does not load the BSF')
  assert.equal(await stack.refusals('key-unknown'), 2)
})

test('a key whose time is over makes the UE bootstrap anew, also when it was cached (TS 24.109 clause 5.2.5)', async (t) => {
  const stack = await ApStack.start(t, address, { isClockMoved: true })
  const session = stack.bsf.bootstrap('alice', { expiresMs: stack.now() + 60_000 })
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  assert.equal((await ue.ask(session)).status, 200)
  stack.advance(59_999)
  assert.equal((await ue.ask(session)).status, 200)
  stack.advance(1)
  const late = await ue.ask(session)
  assert.deepEqual({ status: late.status, isStale: late.challenges[0]?.isStale }, { status: 401, isStale: false })
})

test('an old nonce is stale, and the same key answers the next one (RFC 7616 section 3.3)', async (t) => {
  const stack = await ApStack.start(t, address, { isClockMoved: true })
  const session = stack.bsf.bootstrap('alice')
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const challenge = await ue.challenged()
  stack.advance(200_000)
  const aging = await ue.send({ headers: { Authorization: ue.prove(session, challenge) } })
  const { nextnonce } = parseAuthenticationInfo(String(aging.headers['authentication-info']))
  assert.ok(nextnonce, 'an aging nonce is followed by the next one')
  stack.advance(200_000)
  const old = await ue.send({ headers: { Authorization: ue.prove(session, challenge) } })
  assert.deepEqual({ status: old.status, isStale: old.challenges[0]?.isStale }, { status: 401, isStale: true })
  const next = await ue.send({ headers: { Authorization: ue.prove(session, challenge, {}, { nonce: nextnonce }) } })
  assert.equal(next.status, 200)
  assert.equal(await stack.refusals('stale-nonce'), 1)
})

test('a proof that was seen before is refused (RFC 7616 section 3.4.5)', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const Authorization = ue.prove(session, await ue.challenged())
  assert.equal((await ue.send({ headers: { Authorization } })).status, 200)
  assert.equal((await ue.send({ headers: { Authorization } })).status, 401)
  assert.equal(stack.as.seen.length, 1)
  assert.equal(await stack.refusals('replayed'), 1)
})

for (const [what, changes, status, reason] of [
  ['another count', { nc: '0000000a' }, 200, undefined],
  ['the realm of another NAF', { realm: `3GPP-bootstrapping@${OTHER}` }, 401, 'wrong-realm'],
  ['the realm of GBA_Digest', { realm: `3GPP-bootstrapping-digest@${XCAP}` }, 401, 'wrong-realm'],
  ['the realm of a key of the UICC', { realm: `3GPP-bootstrapping-uicc@${XCAP}` }, 401, 'wrong-realm'],
  ['the target of another document', { uri: '/pres-rules/users/sip:bob@home1.net/index' }, 400, 'wrong-uri'],
  ['an absolute target', { uri: `https://${XCAP}:443${DOCUMENT}` }, 200, undefined],
  ['an absolute target elsewhere', { uri: `https://${OTHER}${DOCUMENT}` }, 400, 'wrong-uri'],
  ['a nonce of nobody', { nonce: 'bm9ib2R5' }, 401, 'stale-nonce'],
] as const satisfies readonly (readonly [string, ProofChanges, number, string | undefined])[]) {
  test(`a proof with ${what} gets ${status} (TS 24.109 clause 5.2.3, RFC 7616 section 3.4.6)`, async (t) => {
    const stack = await ApStack.start(t, address)
    const session = stack.bsf.bootstrap('alice')
    const ue = await PlayedUe.open(stack)
    t.after(() => ue.close())
    const Authorization = ue.prove(session, await ue.challenged(), {}, changes)
    assert.equal((await ue.send({ headers: { Authorization } })).status, status)
    if (reason) assert.equal(await stack.refusals(reason), 1)
  })
}

test('a proof for one body is none for another (TS 24.109 clause 5.2.6, RFC 7616 section 3.4.3)', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const request = { method: 'PUT', body: '<mine/>' }
  const Authorization = ue.prove(session, await ue.challenged(), request)
  assert.equal((await ue.send({ ...request, body: '<evil/>', headers: { Authorization } })).status, 401)
  assert.equal((await ue.send({ ...request, headers: { Authorization } })).status, 201)
  assert.equal(stack.as.seen[0]?.body.toString(), '<mine/>')
})

test('who guesses is refused after some tries, and another address is not (TS 24.109 clause 5.2.3, TS 24.109 clause 5.3.2.2)', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  const guesser = { ...stack.bsf.bootstrap('mallory'), btid: session.btid }
  const ue = await PlayedUe.open(stack, { localAddress: '127.44.2.101' })
  const elsewhere = await PlayedUe.open(stack, { localAddress: '127.44.2.102' })
  t.after(() => ue.close())
  t.after(() => elsewhere.close())
  for (let i = 0; i < 10; i++) assert.equal((await ue.ask(guesser)).status, 401)
  assert.equal((await ue.ask(guesser)).status, 403)
  assert.equal((await ue.ask(session)).status, 403, 'from there not even with the right key')
  assert.equal((await elsewhere.ask(session)).status, 200)
  assert.equal(await stack.refusals('too-many-tries'), 2)
})

test('a NAF that the BSF does not serve says so with 403; a BSF that is away is 503 with Retry-After', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  stack.bsf.failure = new RpcError('RPC_UNAVAILABLE', 'store')
  const away = await ue.ask(session)
  assert.deepEqual([away.status, away.headers['retry-after']], [503, '2'])
  stack.bsf.failure = new RpcError('RPC_DENIED', 'naf')
  assert.equal((await ue.ask(session)).status, 403)
  assert.equal(await stack.refusals('naf-denied'), 1)
})

test('a user whose settings name nobody here is refused (TS 24.109 clause 7.3)', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice', { uids: [] })
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  assert.equal((await ue.ask(session)).status, 403)
  assert.equal(await stack.refusals('no-identity'), 1)
})

test('credentials that cannot be read, twice, or of another scheme are refused', async (t) => {
  const stack = await ApStack.start(t, address)
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  for (const [Authorization, status] of [
    ['Digest username="x', 400],
    [['Digest username="x", realm="r"', 'Digest username="y", realm="r"'], 400],
    ['Bearer abc', 401],
    ['Basic YTpi', 401],
  ] as const) {
    const headers = { Authorization: typeof Authorization === 'string' ? Authorization : [...Authorization] }
    assert.equal((await ue.send({ headers })).status, status)
  }
})

test('each NAF of a proxy has a key of its own, and a name that is none is misdirected (TS 24.109 annex D.2, TS 24.109 clause 5.3.1, TS 33.222 clause 6.1)', async (t) => {
  const stack = await ApStack.start(t, address, { nafs: [{ fqdn: XCAP }, { fqdn: OTHER }] })
  const session = stack.bsf.bootstrap('alice')
  const [first, second] = [await PlayedUe.open(stack), await PlayedUe.open(stack, { fqdn: OTHER })]
  t.after(() => first.close())
  t.after(() => second.close())
  assert.equal((await first.ask(session)).status, 200)
  assert.equal((await second.ask(session)).status, 200)
  const Authorization = first.prove(session, await first.challenged())
  assert.equal((await second.send({ headers: { Authorization } })).status, 401)
  assert.equal((await first.send({ headers: { Host: OTHER } })).status, 421, 'TLS was asked for another name')
  const unnamed = await PlayedUe.open(stack, { servername: '', checkServerIdentity: () => undefined })
  t.after(() => unnamed.close())
  assert.equal((await unnamed.send({ headers: { Host: 'elsewhere.net' } })).status, 421)
  assert.equal((await unnamed.ask(session)).status, 200)
})

test('after the proxy was started anew a UE goes on with its key: its nonce alone is stale', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  const before = await PlayedUe.open(stack)
  const challenge = await before.challenged()
  assert.equal((await before.send({ headers: { Authorization: before.prove(session, challenge) } })).status, 200)
  before.close()
  await stack.restart()
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const stale = await ue.send({ headers: { Authorization: ue.prove(session, challenge) } })
  assert.deepEqual([stale.status, stale.challenges[0]?.isStale], [401, true])
  assert.equal((await ue.ask(session)).status, 200)
})

test('identities, B-TIDs and keys stand in no log line, metric or audit record', async (t) => {
  const stack = await ApStack.start(t, address)
  const session = stack.bsf.bootstrap('alice')
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  await ue.ask(session)
  await ue.ask(session, { headers: { 'X-3GPP-Intended-Identity': '"sip:bob@home1.net"' } })
  const told = stack.runtime.lines.join('') + (await stack.runtime.metrics.expose())
  assert.match(told, /"access":true/)
  const asked = stack.bsf.asked[0]
  assert.ok(asked)
  const ks = session.ks.reveal()
  for (const secret of [ks.toString('hex'), ks.toString('base64'), session.btid, 'alice', 'bob', session.impi]) {
    assert.ok(!told.includes(secret), secret)
  }
  const answered = stack.bsf.answer(asked).ksNaf
  for (const encoding of ['hex', 'base64'] as const) assert.ok(!told.includes(Buffer.from(answered).toString(encoding)))
})
