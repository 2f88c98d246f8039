import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { issueLeaf } from '@rollcall/pki'
import { HttpsError } from './errors.ts'
import { HttpsClient, type HttpsClientLimits } from './https-client.ts'
import type { HttpAnswer } from './https-exchange.ts'
import { type HttpsServer, type PeerHttpRequest, startHttpsServer } from './https-server.ts'
import type { Role } from './roles.ts'
import { createTestDomain, type TestDomain, type TestRuntime, until } from './testing/test-domain.ts'

const address = '127.44.1.2'

type Handler = (request: PeerHttpRequest) => Promise<HttpAnswer> | HttpAnswer

class Stand {
  readonly #t: TestContext
  readonly domain: TestDomain
  readonly ap: TestRuntime
  /** Requests that came, in order. */
  readonly seen: PeerHttpRequest[] = []

  private constructor(t: TestContext, domain: TestDomain, ap: TestRuntime) {
    this.#t = t
    this.domain = domain
    this.ap = ap
  }

  static async create(t: TestContext): Promise<Stand> {
    const domain = await createTestDomain(t, ['presence', 'ap'])
    return new Stand(t, domain, await domain.runtime('ap'))
  }

  async server(handler: Handler): Promise<HttpsServer> {
    const server = await startHttpsServer({
      listen: `${address}:0`,
      listener: 'zb',
      roles: ['ap'],
      runtime: await this.domain.runtime('presence'),
      handler: (request) => {
        this.seen.push(request)
        return handler(request)
      },
    })
    this.#t.after(() => server.stop(0))
    return server
  }

  client(ports: readonly number[], limits: Partial<HttpsClientLimits> = {}, role: Role = 'presence'): HttpsClient {
    const targets = ports.map((port) => `${address}:${port}`)
    const { identity, metrics } = this.ap
    const client = new HttpsClient({ targets, role, identity, metrics, limits })
    this.#t.after(() => client[Symbol.dispose]())
    return client
  }
}

const GET = { method: 'GET', path: '/x', headers: {} }
const PUT = { method: 'PUT', path: '/x', headers: {}, body: Buffer.from('abc') }

async function failure(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
    return 'answered'
  } catch (error) {
    assert.ok(error instanceof HttpsError, String(error))
    return error.code
  }
}

const cut: Handler = ({ socket }) => {
  socket.destroy()
  return { status: 200 }
}

test('gives the answer as it came, and keeps its connection', async (t) => {
  const stand = await Stand.create(t)
  const server = await stand.server(({ body }) => ({ status: 409, headers: { ETag: '"a"' }, body }))
  const client = stand.client([server.port])
  for (let i = 0; i < 3; i++) {
    const { status, headers, body } = await client.send(PUT)
    assert.deepEqual({ status, etag: headers.etag, body: body.toString() }, { status: 409, etag: '"a"', body: 'abc' })
  }
  assert.equal(new Set(stand.seen.map(({ socket }) => socket)).size, 1)
})

test('speaks to nobody but a server of the role that it expects', async (t) => {
  const stand = await Stand.create(t)
  const server = await stand.server(() => ({ status: 200 }))
  assert.equal(await failure(stand.client([server.port], {}, 'hss').send(PUT)), 'HTTPS_UNREACHABLE')
  assert.equal(stand.seen.length, 0)
})

test('what could not be sent goes to the next replica, whatever its method', async (t) => {
  const stand = await Stand.create(t)
  const gone = await stand.server(() => ({ status: 200 }))
  await gone.stop(0)
  const server = await stand.server(() => ({ status: 201 }))
  const client = stand.client([gone.port, server.port])
  for (let i = 0; i < 3; i++) assert.equal((await client.send(PUT)).status, 201)
  assert.equal(await failure(stand.client([gone.port]).send(PUT)), 'HTTPS_UNREACHABLE')
})

test('a replica that is stopped holds nobody up for long: what it did not take goes to the next, and the next asks elsewhere', async (t) => {
  const stand = await Stand.create(t)
  const server = await stand.server(() => ({ status: 201 }))
  // It takes connections, as a stopped process does, and says nothing.
  const held: Socket[] = []
  const stopped = createServer((socket) => void held.push(socket))
  await new Promise<void>((resolve) => stopped.listen(0, address, resolve))
  t.after(() => {
    for (const socket of held) socket.destroy()
    stopped.close()
  })
  const client = stand.client([(stopped.address() as AddressInfo).port, server.port], { connectMs: 100 })
  for (let i = 0; i < 4; i++) assert.equal((await client.send(PUT)).status, 201)
  assert.equal(held.length, 1)
  const silent = await stand.server(() => new Promise(() => {}))
  const other = stand.client([silent.port, server.port], { timeoutMs: 100 })
  assert.equal(await failure(other.send(PUT)), 'HTTPS_TIMEOUT')
  for (let i = 0; i < 4; i++) assert.equal((await other.send(PUT)).status, 201)
})

test('what broke on its way is sent again when its method is safe, and only then (RFC 9110 section 9.2.1)', async (t) => {
  const stand = await Stand.create(t)
  let broken = 0
  const once: Handler = (request) => (broken++ === 0 ? cut(request) : { status: 200 })
  const server = await stand.server(once)
  assert.equal((await stand.client([server.port]).send(GET)).status, 200)
  assert.equal(stand.seen.length, 2)
  assert.equal(await stand.ap.metric('rollcall_http_client_retries_total{peer="presence"}'), 1)
  for (const method of ['PUT', 'DELETE', 'POST']) {
    broken = 0
    stand.seen.length = 0
    assert.equal(await failure(stand.client([server.port, server.port]).send({ ...PUT, method })), 'HTTPS_BROKEN')
    assert.equal(stand.seen.length, 1, method)
  }
})

test('waits no longer than its time', async (t) => {
  const stand = await Stand.create(t)
  const never: Handler = ({ signal }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve({ status: 500 })))
  const server = await stand.server(never)
  assert.equal(await failure(stand.client([server.port], { timeoutMs: 50 }).send(GET)), 'HTTPS_TIMEOUT')
  const leaving = new AbortController()
  const answer = failure(stand.client([server.port]).send({ ...PUT, signal: leaving.signal }))
  await until(() => stand.seen.length === 2)
  leaving.abort()
  assert.equal(await answer, 'HTTPS_CANCELLED')
})

test('refuses at once what is over its bounds: requests under way, and an answer that is too long', async (t) => {
  const stand = await Stand.create(t)
  const waiting: (() => void)[] = []
  const server = await stand.server(
    () => new Promise((resolve) => void waiting.push(() => resolve({ status: 200, body: 'x'.repeat(1_000) }))),
  )
  const client = stand.client([server.port], { requestsMax: 2, connectionsMax: 1, answerBytesMax: 999 })
  const first = [failure(client.send(GET)), failure(client.send(GET))]
  assert.equal(await failure(client.send(GET)), 'HTTPS_BUSY')
  for (let i = 0; i < 2; i++) {
    await until(() => waiting.length > 0)
    waiting.shift()?.()
  }
  assert.deepEqual(await Promise.all(first), ['HTTPS_ANSWER_TOO_LARGE', 'HTTPS_ANSWER_TOO_LARGE'])
  assert.equal(client.pending, 0)
})

test('connects anew with a renewed certificate, and lets what is under way end', async (t) => {
  const stand = await Stand.create(t)
  const waiting: (() => void)[] = []
  const server = await stand.server(
    ({ method }) =>
      new Promise((resolve) =>
        method === 'PUT' ? void waiting.push(() => resolve({ status: 200 })) : resolve({ status: 200 }),
      ),
  )
  const client = stand.client([server.port])
  const slow = client.send(PUT)
  await until(() => waiting.length === 1)
  await client.send(GET)
  const leaf = { name: 'ap', role: 'ap', dnsNames: [] }
  await issueLeaf({ folder: stand.domain.folder, trustDomain: stand.domain.trustDomain, leaf })
  await stand.ap.identity.reload()
  await client.send(GET)
  waiting[0]?.()
  assert.equal((await slow).status, 200)
  assert.equal(new Set(stand.seen.map(({ socket }) => socket)).size, 3)
})

test('bodies of any octets and of any length go there and back as they are', async (t) => {
  const stand = await Stand.create(t)
  const { port } = await stand.server(({ body }) => ({ status: 200, body }))
  const client = stand.client([port])
  const octets = Buffer.from(Array.from({ length: 65_536 }, (_, n) => (n * 7 + (n >> 8)) & 0xff))
  for (const length of [0, 1, 255, 256, 8_192, 8_193, 16_384, 65_536]) {
    const body = octets.subarray(0, length)
    const answer = await client.send({ ...PUT, body })
    assert.equal(answer.headers['content-length'], String(length))
    assert.ok(answer.body.equals(body), String(length))
    assert.ok(stand.seen.at(-1)?.body.equals(body), String(length))
  }
  const { port: text } = await stand.server(() => ({ status: 200, body: 'Grüße €' }))
  assert.equal((await stand.client([text]).send(GET)).body.toString(), 'Grüße €')
})
