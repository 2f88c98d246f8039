import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { issueLeaf, leafFiles } from '@rollcall/pki'
import type { HttpLimits } from './https-limits.ts'
import { type HttpsServer, type PeerHttpRequest, startHttpsServer } from './https-server.ts'
import { createTestDomain, type TestDomain, type TestRuntime, until } from './testing/test-domain.ts'

const address = '127.44.1.1'

interface SetUp {
  readonly domain: TestDomain
  readonly presence: TestRuntime
  readonly server: HttpsServer
  /** What got to the handler, in order. */
  readonly seen: PeerHttpRequest[]
}

async function setUp(t: TestContext, limits: Partial<HttpLimits> = {}): Promise<SetUp> {
  const domain = await createTestDomain(t, ['presence', 'ap', 'scscf'])
  const presence = await domain.runtime('presence')
  const seen: PeerHttpRequest[] = []
  const server = await startHttpsServer({
    listen: `${address}:0`,
    listener: 'zb',
    roles: ['ap'],
    limits,
    runtime: presence,
    handler: async (request) => {
      seen.push(request)
      // A later one must not overtake this.
      if (request.method === 'PUT') await new Promise((resolve) => setImmediate(resolve))
      // More than what lies between here and a client that does not read.
      if (request.target === '/long') return { status: 200, body: Buffer.alloc(32 * 1024 * 1024) }
      return { status: 200, headers: { ETag: '"1"' }, body: `${request.method} ${request.body.length}` }
    },
  })
  t.after(() => server.stop(0))
  return { domain, presence, server, seen }
}

async function open(t: TestContext, { domain, server }: SetUp, name?: string): Promise<TLSSocket> {
  const files = leafFiles(domain.folder, name ?? 'ap')
  const options: ConnectionOptions = { host: address, port: server.port, checkServerIdentity: () => undefined }
  const ca = await readFile(files.caFile)
  const pair = name === undefined ? {} : { cert: await readFile(files.certFile), key: await readFile(files.keyFile) }
  const socket = connect({ ...options, ...pair, ca })
  t.after(() => socket.destroy())
  return socket
}

/** All that comes on a connection until `isEnough` or its end; `error CODE` when it breaks. */
function read(socket: TLSSocket, isEnough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1')
      if (isEnough(text)) resolve(text)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(`${text}error ${error.code}`))
    socket.once('close', () => resolve(text))
  })
}

async function exchange(t: TestContext, at: SetUp, text: string): Promise<string> {
  const socket = await open(t, at, 'ap')
  socket.write(text, 'latin1')
  return read(socket, hasHeader)
}

function hasHeader(got: string): boolean {
  return got.includes('\r\n\r\n')
}

const HOST = 'Host: presence\r\n'

test('a peer with a role of the listener is answered, and the handler knows it', async (t) => {
  const at = await setUp(t)
  const got = await exchange(t, at, `PUT /x HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`)
  assert.match(got, /^HTTP\/1\.1 200 OK\r\n[\s\S]*ETag: "1"[\s\S]*PUT 3$/)
  assert.equal(at.seen[0]?.peer.role, 'ap')
})

test('a peer with another role gets 403, is counted and audited', async (t) => {
  const at = await setUp(t)
  const socket = await open(t, at, 'scscf')
  socket.write(`GET /x HTTP/1.1\r\n${HOST}\r\n`)
  assert.match(await read(socket, hasHeader), /^HTTP\/1\.1 403 /)
  assert.equal(at.seen.length, 0)
  assert.equal(await at.presence.metric('rollcall_http_refused_total{listener="zb",reason="role"}'), 1)
  assert.ok(at.presence.lines.some((line) => line.event === 'peer.refused' && String(line.peer).endsWith('/scscf')))
})

test('who shows no certificate, or that of a stranger, does not get through the handshake', async (t) => {
  const at = await setUp(t)
  const nobody = await open(t, at)
  nobody.write(`GET /x HTTP/1.1\r\n${HOST}\r\n`)
  assert.match(await read(nobody, hasHeader), /^(?:error .*)?$/)
  const other = await createTestDomain(t, ['ap'])
  await issueLeaf({
    folder: at.domain.folder,
    authorityFolder: other.folder,
    trustDomain: at.domain.trustDomain,
    leaf: { name: 'stranger', role: 'ap', dnsNames: [] },
  })
  const stranger = await open(t, at, 'stranger')
  stranger.write(`GET /x HTTP/1.1\r\n${HOST}\r\n`)
  assert.match(await read(stranger, hasHeader), /^(?:error .*)?$/)
  await until(
    async () => (await at.presence.metric('rollcall_http_refused_total{listener="zb",reason="handshake"}')) === 2,
  )
  assert.equal(at.seen.length, 0)
})

for (const [what, text, status, reason] of [
  [
    'a length over the limit (RFC 9110 section 15.5.14)',
    `PUT /x HTTP/1.1\r\n${HOST}Content-Length: 65537\r\n\r\n`,
    413,
    'length',
  ],
  [
    'chunks over the limit',
    `PUT /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n10001\r\n${'x'.repeat(65_537)}\r\n`,
    413,
    'body',
  ],
  ['a header over the limit', `GET /x HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'header'],
  ['two hosts (RFC 9112 section 3.2)', `GET /x HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`, 400, 'host'],
  [
    'a length beside chunks (RFC 9112 section 6.3)',
    `PUT /x HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'malformed',
  ],
  ['two lengths', `PUT /x HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, 400, 'malformed'],
  ['a line that ends in LF alone inside a header', `GET /x HTTP/1.1\r\n${HOST}A: b\nC: d\r\n\r\n`, 400, 'malformed'],
  [
    'a coding that nobody asked for',
    `PUT /x HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    501,
    'transfer-encoding',
  ],
  ['what is no HTTP', 'REGISTER sip:x SIP/2.0\r\n\r\n', 400, 'malformed'],
] as const) {
  test(`refuses ${what} with ${status}, and ends the connection`, async (t) => {
    const at = await setUp(t)
    const got = await exchange(t, at, text)
    assert.match(got, new RegExp(`^HTTP/1\\.1 ${status} `))
    assert.match(got, /Connection: close/i)
    assert.equal(at.seen.length, 0)
    assert.equal(await at.presence.metric(`rollcall_http_refused_total{listener="zb",reason="${reason}"}`), 1)
  })
}

test('who sends its header or body drop by drop is ended with 408', async (t) => {
  const at = await setUp(t, { headerMs: 150, requestMs: 300 })
  for (const text of [`GET /x HTTP/1.1\r\n${HOST}X-Slow`, `PUT /x HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\na`]) {
    const socket = await open(t, at, 'ap')
    socket.write(text)
    assert.match(await read(socket), /^HTTP\/1\.1 408 /)
  }
  assert.equal(at.seen.length, 0)
  assert.equal(await at.presence.metric('rollcall_http_refused_total{listener="zb",reason="slow"}'), 2)
})

test('requests that a client sends without waiting are carried out in their order (RFC 9112 section 9.3.2)', async (t) => {
  const at = await setUp(t)
  const socket = await open(t, at, 'ap')
  socket.write(
    `PUT /1 HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\n${HOST}\r\nDELETE /3 HTTP/1.1\r\n${HOST}\r\n`,
  )
  await read(socket, (got) => got.includes('DELETE 0'))
  assert.deepEqual(
    at.seen.map(({ target }) => target),
    ['/1', '/2', '/3'],
  )
})

test('who sends more of them than may wait is cut off', async (t) => {
  const at = await setUp(t, { pipelinedMax: 2 })
  const socket = await open(t, at, 'ap')
  socket.write(`PUT /x HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`.repeat(20))
  await read(socket)
  assert.equal(await at.presence.metric('rollcall_http_refused_total{listener="zb",reason="pipelined"}'), 1)
  assert.ok(at.seen.length <= 2)
})

test('a connection ends when it is idle, and is told to end when it is old', async (t) => {
  const idle = await setUp(t, { idleMs: 50 })
  assert.match(await read(await sent(t, idle)), /GET 0$/)
  const old = await setUp(t, { connectionAgeMs: -1 })
  assert.match(await read(await sent(t, old)), /Connection: close/i)
})

async function sent(t: TestContext, at: SetUp): Promise<TLSSocket> {
  const socket = await open(t, at, 'ap')
  socket.write(`GET /x HTTP/1.1\r\n${HOST}\r\n`)
  return socket
}

test('who does not read its answer is cut off', async (t) => {
  const at = await setUp(t, { headerMs: 100, requestMs: 100, idleMs: 100 })
  const socket = await open(t, at, 'ap')
  const left = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(`POST /long HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`)
  await until(() => at.seen.length === 1)
  const answered = at.seen[0]?.socket
  await until(() => answered?.destroyed === true)
  socket.resume()
  await left
})

test('a renewed certificate is used from the next connection on', async (t) => {
  const at = await setUp(t)
  const serial = async (): Promise<string> => {
    const socket = await open(t, at, 'ap')
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    return socket.getPeerCertificate().serialNumber
  }
  const before = await serial()
  const leaf = { name: 'presence', role: 'presence', dnsNames: [] }
  await issueLeaf({ folder: at.domain.folder, trustDomain: at.domain.trustDomain, leaf })
  assert.equal(before, await serial())
  await at.presence.identity.reload()
  assert.notEqual(before, await serial())
})

test('no session is resumed, also after a certificate was renewed: each connection shows its own', async (t) => {
  const at = await setUp(t)
  const isResumed = async (maxVersion: SecureVersion): Promise<boolean> => {
    const files = leafFiles(at.domain.folder, 'ap')
    const [cert, key, ca] = await Promise.all(
      [files.certFile, files.keyFile, files.caFile].map((file) => readFile(file)),
    )
    const options = {
      host: address,
      port: at.server.port,
      checkServerIdentity: () => undefined,
      cert,
      key,
      ca,
      maxVersion,
    }
    const connected = async (session: Buffer | undefined) => {
      const socket = connect({ ...options, session } as ConnectionOptions)
      t.after(() => socket.destroy())
      let given: Buffer | undefined
      socket.on('session', (fresh: Buffer) => {
        given = fresh
      })
      socket.write(`GET /x HTTP/1.1\r\n${HOST}\r\n`)
      // A session would be there before the answer.
      await read(socket, hasHeader)
      return { session: given ?? socket.getSession(), isReused: socket.isSessionReused() }
    }
    const { session } = await connected(undefined)
    return (await connected(session)).isReused
  }
  const versions = ['TLSv1.2', 'TLSv1.3'] as const
  for (const version of versions) assert.equal(await isResumed(version), false, version)
  const leaf = { name: 'presence', role: 'presence', dnsNames: [] }
  await issueLeaf({ folder: at.domain.folder, trustDomain: at.domain.trustDomain, leaf })
  assert.equal((await at.presence.identity.reload()).kind, 'reloaded')
  for (const version of versions) assert.equal(await isResumed(version), false, version)
})
