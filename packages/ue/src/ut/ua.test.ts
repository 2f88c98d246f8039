import assert from 'node:assert/strict'
import test from 'node:test'
import { NAF, openUtBench } from '../testing/ut-world.ts'
import {
  NafRefusedError,
  UtClosedError,
  UtPeerNotAuthenticError,
  UtUnreachableError,
  XcapNotFoundError,
} from './errors.ts'

const ADDRESS = '127.47.1.3'
const DOCUMENT = 'pres-rules/users/sip:alice@ims.mnc001.mcc001.3gppnetwork.org/index'
const XML = {
  status: 200,
  headers: { 'Content-Type': 'application/auth-policy+xml', ETag: '"1"' },
  body: Buffer.from('<a/>'),
}

test("bootstraps when the NAF wants it, and answers with Ks_NAF of the connection's suite (TS 24.109 clause 5, TS 24.109 clause 5.2.2, TS 24.109 clause 5.2.4, TS 33.220 clause 4.5.1, TS 33.222 clause 5, TS 33.222 clause 5.3)", async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  const { body, etag } = await bench.ut.xcap.get(DOCUMENT)
  assert.deepEqual([body.toString(), etag], ['<a/>', '"1"'])
  const [request] = bench.naf.requests
  assert.equal(request?.path, `/${DOCUMENT}`)
  assert.equal(request?.headers.host, NAF)
  assert.match(request?.headers['user-agent'] ?? '', /(?:^| )3gpp-gba(?: |$)/)
  assert.equal(request?.headers['x-3gpp-intended-identity'], '"sip:alice@ims.mnc001.mcc001.3gppnetwork.org"')
  assert.equal(bench.naf.challenges, 1)
})

test('a connection is kept, its nonce used again with the next count (RFC 7616 section 3.4)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  for (let i = 0; i < 3; i++) await bench.ut.xcap.get(DOCUMENT)
  assert.deepEqual(
    bench.naf.requests.map(({ nc, connection }) => [nc, connection]),
    [
      [1, 1],
      [2, 1],
      [3, 1],
    ],
  )
  assert.equal(bench.bsf.sessions.size, 1)
})

test('requests at once have connections of their own, within the bound', async () => {
  await using bench = await openUtBench(ADDRESS, { settings: { connectionsMax: 3 } })
  bench.naf.script = () => XML
  await Promise.all(Array.from({ length: 12 }, () => bench.ut.xcap.get(DOCUMENT)))
  assert.equal(bench.naf.requests.length, 12)
  assert.ok(bench.naf.connections <= 3)
  assert.equal(bench.bsf.sessions.size, 1, 'they share one bootstrapping')
})

for (const [name, settings] of [
  ['TLS 1.2, whose suite names the key', { tlsVersionMax: 'TLSv1.2' }],
  ['TLS 1.3, whose suite names the key', { tlsVersionMax: 'TLSv1.3' }],
] as const) {
  test(`digest inside of ${name} (TS 33.220 annex H.3)`, async () => {
    await using bench = await openUtBench(ADDRESS, { settings })
    bench.naf.script = () => XML
    assert.equal((await bench.ut.xcap.get(DOCUMENT)).etag, '"1"')
  })
}

test('by setting the key has the older identifier, and a NAF that takes the other refuses it', async () => {
  await using bench = await openUtBench(ADDRESS, { settings: { uaProtocol: 'http-digest' } })
  bench.naf.script = () => XML
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), NafRefusedError)
  bench.naf.twists.uaProtocol = '0100000002'
  assert.equal((await bench.ut.xcap.get(DOCUMENT)).etag, '"1"')
})

test("with qop auth as with auth-int the answer's proof is checked (RFC 7616 section 3.5)", async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  for (const qop of ['auth', 'auth-int']) {
    bench.naf.twists.qop = qop
    bench.naf.endConnections()
    assert.equal((await bench.ut.xcap.get(DOCUMENT)).etag, '"1"')
  }
  bench.naf.twists.rspauth = '0'.repeat(32)
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), UtPeerNotAuthenticError)
})

test('an old nonce only needs the new one; the next nonce is taken when it is told (RFC 7616 sections 3.3 and 3.5)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  bench.naf.twists.stales = 1
  await bench.ut.xcap.get(DOCUMENT)
  assert.deepEqual([bench.naf.challenges, bench.bsf.sessions.size], [2, 1])
  bench.naf.twists.nextnonce = 'told'
  await bench.ut.xcap.get(DOCUMENT)
  await bench.ut.xcap.get(DOCUMENT)
  assert.deepEqual([bench.naf.challenges, bench.naf.requests.at(-1)?.nc], [2, 1])
})

test('renegotiation bootstraps anew, once; a new key that is refused ends it (TS 24.109 clause 5.2.5, TS 24.109 clause 5.3.2.4)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  await bench.ut.xcap.get(DOCUMENT)
  bench.naf.twists.renegotiations = 1
  await bench.ut.xcap.get(DOCUMENT)
  assert.equal(bench.bsf.sessions.size, 2)
  bench.naf.twists.renegotiations = 99
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), NafRefusedError)
  assert.equal(bench.bsf.sessions.size, 3)
})

test('a realm that names another NAF gets no proof, and the connection is dropped (TS 33.222 clause 5.3)', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  bench.naf.twists.realm = '3GPP-bootstrapping@evil.example'
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), NafRefusedError)
  bench.naf.twists.realm = 'somebody else'
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), NafRefusedError)
  assert.deepEqual([bench.naf.requests.length, bench.naf.connections, bench.bsf.requests.length], [0, 2, 0])
  bench.naf.twists.realm = `3GPP-bootstrapping-uicc@${NAF};3GPP-bootstrapping@${NAF};`
  assert.equal((await bench.ut.xcap.get(DOCUMENT)).etag, '"1"')
})

test('a certificate of another name gets nothing (TS 33.222 clause 5.3, TS 24.109 clause 5.3.2)', async () => {
  await using bench = await openUtBench(ADDRESS, { certifiedName: 'evil.example' })
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), UtUnreachableError)
  assert.equal(bench.naf.challenges, 0)
})

test('a connection that the NAF has closed meanwhile is made anew for a GET; a PUT says that its outcome is not known', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  await bench.ut.xcap.get(DOCUMENT)
  bench.naf.endConnections()
  await bench.ut.xcap.get(DOCUMENT)
  assert.equal(bench.naf.connections, 2)
  bench.naf.script = () => {
    bench.naf.endConnections()
    return XML
  }
  const put = bench.ut.xcap.put(DOCUMENT, { body: Buffer.from('<a/>'), contentType: 'application/auth-policy+xml' })
  await assert.rejects(put, (error: unknown) => error instanceof UtUnreachableError && error.isOutcomeUnknown)
})

test('a refusal of XCAP comes with its status and its condition; conditions go out', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => ({ status: 404 })
  await assert.rejects(bench.ut.xcap.get(DOCUMENT, { ifNoneMatch: '"1"' }), XcapNotFoundError)
  assert.equal(bench.naf.requests[0]?.headers['if-none-match'], '"1"')
  bench.naf.script = () => ({
    status: 409,
    headers: { 'Content-Type': 'application/xcap-error+xml' },
    body: Buffer.from(
      '<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><cannot-insert phrase="no, &amp; not ever"/></xcap-error>',
    ),
  })
  await assert.rejects(bench.ut.xcap.delete(DOCUMENT), {
    code: 'UT_XCAP_REFUSED',
    status: 409,
    condition: 'cannot-insert',
    phrase: 'no, & not ever',
  })
})

test('closed, it asks nobody any more and has no key', async () => {
  await using bench = await openUtBench(ADDRESS)
  bench.naf.script = () => XML
  await bench.ut.xcap.get(DOCUMENT)
  await bench.ut.close()
  assert.equal(bench.ut.bootstrapped, undefined)
  await assert.rejects(bench.ut.xcap.get(DOCUMENT), UtClosedError)
})
