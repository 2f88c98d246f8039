import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ApStack, XCAP } from './testing/ap-stack.ts'
import type { Session } from './testing/played-bsf.ts'
import { DOCUMENT, PlayedUe } from './testing/played-ue.ts'

const address = '127.44.2.3'

async function setUp(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<{ stack: ApStack; session: Session; ue: PlayedUe }> {
  const stack = await ApStack.start(t, address, { env })
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  return { stack, ue, session: stack.bsf.bootstrap('alice', { flags: [1, 12] }) }
}

test('the server behind is told all identities of the user, or the one that he wants to be (TS 24.109 clause 7.2, TS 24.109 annex G)', async (t) => {
  const { stack, ue, session } = await setUp(t)
  for (const [intended, asserted] of [
    [undefined, '"sip:alice@home1.net", "tel:+15550100"'],
    ['"sip:alice@home1.net"', '"sip:alice@home1.net"'],
    ['sip:Alice@HOME1.net', undefined],
    ['sip:alice@HOME1.net;user=phone', '"sip:alice@home1.net"'],
    ['tel:+1-555-0100', '"tel:+15550100"'],
    ['"<sip:alice@home1.net>"', '"sip:alice@home1.net"'],
  ] as const) {
    const headers: Record<string, string> = intended === undefined ? {} : { 'X-3GPP-Intended-Identity': intended }
    stack.as.seen.length = 0
    const { status } = await ue.ask(session, { headers })
    assert.equal(status, asserted === undefined ? 403 : 200, String(intended))
    assert.equal(stack.as.seen[0]?.headers['x-3gpp-asserted-identity'], asserted)
    if (asserted !== undefined) assert.equal(stack.as.seen[0]?.headers['x-3gpp-authorization-flags'], '"1", "12"')
  }
})

test('who wants to be somebody else is refused, and audited (TS 33.222 clause 6.5)', async (t) => {
  const { stack, ue, session } = await setUp(t)
  const ask = (value: string | string[]) => ue.ask(session, { headers: { 'X-3GPP-Intended-Identity': value } })
  assert.equal((await ask('"sip:bob@home1.net"')).status, 403)
  for (const malformed of ['"sip:alice@home1.net", "tel:+15550100"', 'alice', '', '"sip:alice@home1.net'] as const) {
    assert.equal((await ask(malformed)).status, 400, malformed)
  }
  assert.equal((await ask(['"sip:alice@home1.net"', '"sip:bob@home1.net"'])).status, 400, 'twice')
  assert.equal(stack.as.seen.length, 0)
  assert.equal(await stack.refusals('intended-foreign'), 1)
  assert.ok(stack.runtime.lines.some((line) => line.includes('"event":"identity.refused"')))
})

test('what a UE asserts by itself goes no further, under any spelling (TS 33.222 clause 6.5)', async (t) => {
  const { stack, ue, session } = await setUp(t)
  const forged = {
    'X-3GPP-Asserted-Identity': '"sip:bob@home1.net"',
    'x-3gpp-ASSERTED-identity': '"sip:carol@home1.net"',
    X_3GPP_Asserted_Identity: '"sip:bob@home1.net"',
    'X-3GPP-Authorization-Flags': '"99"',
    'X-XCAP-Asserted-Identity': '"sip:bob@home1.net"',
    'P-Asserted-Identity': '<sip:bob@home1.net>',
    'X-Forwarded-For': '10.0.0.1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    Cookie: 'a=b',
  }
  assert.equal((await ue.ask(session, { headers: forged })).status, 200)
  const text = JSON.stringify(stack.as.seen[0]?.rawHeaders)
  for (const word of ['bob', 'carol', '99', '10.0.0.1', 'b7ad6b7169203331', 'Cookie', 'Digest']) {
    assert.ok(!text.includes(word), word)
  }
})

test('conditions, types and tags go through as they are, and answers come back so (TS 33.141 clause 4.2, TS 24.141 clause 6, RFC 9110 section 7.6.1)', async (t) => {
  const { stack, ue, session } = await setUp(t)
  const conflict = '<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"/>'
  stack.as.answer = () => ({
    status: 409,
    headers: {
      'Content-Type': 'application/xcap-error+xml',
      ETag: '"2"',
      'Set-Cookie': 'a=b',
      'X-3GPP-Asserted-Identity': '"sip:alice@home1.net"',
      'X-Own': ['1', '2'],
    },
    body: conflict,
  })
  const headers = { 'If-Match': '"1"', 'Content-Type': 'application/auth-policy+xml', 'Accept-Language': 'de' }
  const answer = await ue.ask(session, { method: 'PUT', body: '<x/>', headers })
  assert.equal(answer.status, 409)
  assert.equal(answer.body, conflict)
  assert.equal(answer.headers.etag, '"2"')
  assert.equal(answer.headers['x-own'], '1, 2')
  assert.equal(answer.headers['set-cookie'], undefined)
  assert.equal(answer.headers['x-3gpp-asserted-identity'], undefined)
  const [seen] = stack.as.seen
  assert.equal(seen?.headers['if-match'], '"1"')
  assert.equal(seen?.headers['content-type'], 'application/auth-policy+xml')
  assert.equal(seen?.headers['accept-language'], 'de')
  assert.equal(seen?.headers.host, XCAP)
})

for (const [path, status] of [
  ['/pres-rules/users/sip:alice@home1.net/../sip:bob@home1.net/index', 400],
  ['/pres-rules/users/%2e%2e/users/sip:bob@home1.net/index', 400],
  ['/pres-rules/users/.%2E/x', 400],
  ['/pres-rules//users/sip:alice@home1.net/index', 400],
  ['/pres-rules/users/sip:alice%00@home1.net/index', 400],
  ['/pres-rules/users/sip:alice@home1.net\\index', 400],
  ['/pres-rules/users/a%5cb/index', 400],
  ['/pres-rules/users/%zz/index', 400],
  ['/', 404],
  ['/pres%2Drules/users/sip:alice@home1.net/index', 404],
  [`http://elsewhere.net${DOCUMENT}`, 400],
  [`https://${XCAP}${DOCUMENT}`, 200],
  [`${DOCUMENT}/~~/cr:ruleset/cr:rule%5b@id=%22a%22%5d?xmlns(cr=urn:ietf:params:xml:ns:common-policy)`, 200],
  [`${DOCUMENT}/~~/list/entry%5b@uri=%22http://x//y/../z%22%5d`, 200],
] as const) {
  test(`a target ${path} gets ${status}: nothing is put right on its way (RFC 4825 section 6, RFC 9112 section 3.2.2)`, async (t) => {
    const { stack, ue, session } = await setUp(t)
    assert.equal((await ue.ask(session, { path })).status, status)
    const expected = path.replace(`https://${XCAP}`, '')
    assert.deepEqual(
      stack.as.seen.map(({ target }) => target),
      status === 200 ? [expected] : [],
    )
  })
}

test('a method that XCAP does not have gets 405 (RFC 4825 section 8)', async (t) => {
  const { stack, ue, session } = await setUp(t)
  for (const method of ['POST', 'OPTIONS', 'PATCH']) {
    const answer = await ue.ask(session, { method })
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, HEAD, PUT, DELETE'])
  }
  assert.equal((await ue.ask(session, { method: 'HEAD' })).status, 200)
  assert.equal(stack.as.seen.length, 1)
})

test('a body over the limit gets 413 before anybody is asked who it is from (RFC 9110 section 15.5.14)', async (t) => {
  const { stack, ue } = await setUp(t, { ROLLCALL_AP_BODY_BYTES_MAX: '1024' })
  const answer = await ue.send({ method: 'PUT', body: 'x'.repeat(1_025) })
  assert.deepEqual([answer.status, answer.headers.connection], [413, 'close'])
  assert.equal(stack.as.seen.length, 0)
})

test('two lengths for one body, which is how requests are smuggled, get 400 (RFC 9112 section 11.2)', async (t) => {
  const { stack, ue } = await setUp(t)
  const { socket } = ue
  socket.write(
    `PUT ${DOCUMENT} HTTP/1.1\r\nHost: ${XCAP}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: ${XCAP}\r\n\r\n`,
  )
  const text = await new Promise<string>((resolve) => {
    let got = ''
    socket.on('data', (piece: Buffer) => (got += piece.toString('latin1')))
    socket.once('close', () => resolve(got))
  })
  assert.match(text, /^HTTP\/1\.1 400 /)
  assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1)
  assert.equal(stack.as.seen.length, 0)
})

test('a body in chunks is framed anew for the server behind', async (t) => {
  const { stack, ue, session } = await setUp(t)
  const request = { method: 'PUT', body: '<chunked/>' }
  const Authorization = ue.prove(session, await ue.challenged(), request)
  const answer = await ue.send({
    ...request,
    headers: { Authorization, 'Transfer-Encoding': 'chunked', 'Content-Length': [] },
  })
  assert.equal(answer.status, 201)
  assert.equal(stack.as.seen[0]?.headers['content-length'], '10')
  assert.equal(stack.as.seen[0]?.headers['transfer-encoding'], undefined)
})

test('a server behind that is down is 503 with Retry-After, a slow one 504, one that wants a proof 502 (TS 33.222 clause 6, TS 33.222 clause 6.2)', async (t) => {
  const { stack, ue, session } = await setUp(t, { ROLLCALL_AP_ZB_TIMEOUT_MS: '150' })
  stack.as.answer = ({ signal }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve({ status: 500 })))
  assert.equal((await ue.ask(session)).status, 504)
  stack.as.answer = () => ({ status: 401, headers: { 'WWW-Authenticate': 'Digest realm="inside", nonce="n"' } })
  const inside = await ue.ask(session)
  assert.deepEqual([inside.status, inside.headers['www-authenticate']], [502, undefined])
  await stack.as.stop()
  const down = await ue.ask(session, { method: 'PUT', body: '<x/>' })
  assert.deepEqual([down.status, down.headers['retry-after']], [503, '2'])
})

test('a connection behind that breaks is tried again for a GET, and never for a PUT or DELETE', async (t) => {
  const { stack, ue, session } = await setUp(t)
  let broken = 0
  stack.as.answer = ({ socket }) => {
    if (broken++ === 0) socket.destroy()
    return { status: 200 }
  }
  assert.equal((await ue.ask(session)).status, 200)
  for (const method of ['PUT', 'DELETE']) {
    broken = 0
    stack.as.seen.length = 0
    assert.equal((await ue.ask(session, { method, body: method === 'PUT' ? '<x/>' : '' })).status, 503)
    assert.equal(stack.as.seen.length, 1)
  }
})

test('routes go by application usage, and what none names is not found (TS 24.109 clause 7, TS 24.109 clause 7.1, TS 33.222 clause 6.2)', async (t) => {
  const elsewhere = { auids: ['resource-lists'], targets: ['127.44.2.3:1'] }
  const probe = await ApStack.start(t, address)
  const nafs = [
    { fqdn: XCAP, xcapRoot: '/xcap/', routes: [elsewhere, { auids: ['pres-rules'], targets: [probe.as.target] }] },
  ]
  const stack = await ApStack.start(t, address, { nafs })
  const session = stack.bsf.bootstrap('alice')
  const ue = await PlayedUe.open(stack)
  t.after(() => ue.close())
  const status = async (path: string): Promise<number> => (await ue.ask(session, { path })).status
  assert.equal(await status('/xcap/resource-lists/users/sip:alice@home1.net/index'), 503)
  assert.equal(await status('/xcap/rls-services/users/sip:alice@home1.net/index'), 404)
  assert.equal(await status(DOCUMENT), 404)
  // That server trusts another domain's authorities, and the proxy does not trust its: nothing is sent.
  assert.equal(await status(`/xcap${DOCUMENT}`), 503)
  assert.equal(probe.as.seen.length, 0)
})
