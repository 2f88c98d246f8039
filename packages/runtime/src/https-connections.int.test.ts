import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { leafFiles } from '@rollcall/pki'
import { Connections } from './https-connections.ts'
import { type HttpAnswer, type HttpRequest, serveHttp } from './https-exchange.ts'
import { HANDSHAKE_MS, HTTP_LIMITS, type HttpLimits, httpServerOptions } from './https-limits.ts'
import { type HttpsServer, listen, startHttpsServer, stopHttp } from './https-server.ts'
import { createTestDomain, type TestRuntime, until } from './testing/test-domain.ts'

const address = '127.54.2.1'
/** Where clients come from. */
const [SLOW, OTHER, THIRD] = ['127.54.2.2', '127.54.2.3', '127.54.2.4'] as const
const LONG_OCTETS = 32 * 1024 * 1024
const REQUEST = 'GET /x HTTP/1.1\r\nHost: zb\r\n'

interface Bench {
  readonly server: HttpsServer
  readonly pair: Pick<ConnectionOptions, 'cert' | 'key' | 'ca'>
  refused(reason: string): Promise<number>
  readonly runtime: TestRuntime
}

function answer({ target }: Pick<HttpRequest, 'target'>): HttpAnswer {
  return { status: 200, body: target === '/long' ? Buffer.alloc(LONG_OCTETS) : 'served' }
}

async function setUp(t: TestContext, limits: Partial<HttpLimits>): Promise<Bench> {
  const domain = await createTestDomain(t, ['presence', 'ap'])
  const runtime = await domain.runtime('presence')
  const server = await startHttpsServer({
    listen: `${address}:0`,
    listener: 'zb',
    roles: ['ap'],
    limits,
    runtime,
    handler: answer,
  })
  t.after(() => server.stop(0))
  const files = leafFiles(domain.folder, 'ap')
  const pair = {
    cert: await readFile(files.certFile),
    key: await readFile(files.keyFile),
    ca: await readFile(files.caFile),
  }
  return {
    server,
    pair,
    runtime,
    refused: (reason) => runtime.metric(`rollcall_http_refused_total{listener="zb",reason="${reason}"}`),
  }
}

function open(t: TestContext, at: Bench, localAddress: string): TLSSocket {
  const port = at.server.port
  const socket = connect({
    ...at.pair,
    host: address,
    port,
    localAddress,
    checkServerIdentity: () => undefined,
  } as ConnectionOptions)
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return socket
}

function ended(socket: TLSSocket | ReturnType<typeof connectTcp>): Promise<void> {
  socket.resume()
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Whether a request on this connection is answered. */
function isServed(socket: TLSSocket): Promise<boolean> {
  socket.write(`${REQUEST}\r\n`)
  return new Promise((resolve) => {
    socket.on('data', (piece: Buffer) => piece.includes('served') && resolve(true))
    socket.once('close', () => resolve(false))
  })
}

test('one source has so many connections, and another is served beside it', async (t) => {
  const at = await setUp(t, { connectionsPerSourceMax: 2 })
  const first = open(t, at, SLOW)
  assert.ok(await isServed(first))
  assert.ok(await isServed(open(t, at, SLOW)))
  assert.ok(!(await isServed(open(t, at, SLOW))), 'the third is closed at once')
  assert.equal(await at.refused('source-connections'), 1)
  assert.ok(await isServed(open(t, at, OTHER)))
  assert.equal(await at.runtime.metric('rollcall_http_connections{listener="zb"}'), 3)
  first.destroy()
  await until(async () => (await at.runtime.metric('rollcall_http_connections{listener="zb"}')) === 2)
  assert.ok(await isServed(open(t, at, SLOW)), 'one that has ended makes room')
})

test('a listener has so many connections, wherever they come from', async (t) => {
  const at = await setUp(t, { connectionsMax: 2 })
  assert.ok(await isServed(open(t, at, SLOW)))
  assert.ok(await isServed(open(t, at, OTHER)))
  assert.ok(!(await isServed(open(t, at, THIRD))))
  assert.equal(await at.refused('connections'), 1)
})

test('what is counted is given back: connections without end leave nothing behind', () => {
  const connections = new Connections({ connectionsMax: 3, connectionsPerSourceMax: 2 })
  for (let n = 0; n < 1_000; n += 1) {
    assert.equal(connections.take('a'), undefined)
    assert.equal(connections.take('a'), undefined)
    assert.equal(connections.take('a'), 'source-connections')
    assert.equal(connections.take('b'), undefined)
    assert.equal(connections.take('c'), 'connections')
    connections.give('a')
    connections.give('a')
    connections.give('b')
  }
  assert.equal(connections.size, 0)
})

test('who owns a /48 has half of all connections, and others are served beside him', () => {
  const connections = new Connections({ connectionsMax: 8, connectionsPerSourceMax: 2 })
  const networks = ['2001:db8:1::1', '2001:db8:1:1::1', '2001:db8:1:2::1', '2001:db8:1:3::1', '2001:db8:1:4::1']
  for (const address of networks.slice(0, 4)) assert.equal(connections.take(address), undefined)
  assert.equal(connections.take(networks[4]), 'site-connections')
  for (const address of ['2001:db8:2::1', '192.0.2.1', '64:ff9b::c000:202', '64:ff9b::c000:203']) {
    assert.equal(connections.take(address), undefined)
  }
  assert.equal(connections.take('192.0.2.9'), 'connections')
  connections.give(networks[0])
  assert.equal(connections.take(networks[4]), undefined, 'one that has ended makes room')
})

test('where one source may have all connections, so may a /48', () => {
  const connections = new Connections({ connectionsMax: 4, connectionsPerSourceMax: 4 })
  for (let n = 0; n < 4; n += 1) assert.equal(connections.take('2001:db8:1::1'), undefined)
})

const BOUND_MS = 300
const DROP_MS = 20

/** Slow clients, and what each is ended by. */
const SLOW_CLIENTS = [
  ['dribbles its header', `${REQUEST}X-Slow: `, 'slow'],
  ['dribbles its body', 'PUT /x HTTP/1.1\r\nHost: zb\r\nContent-Length: 9999\r\n\r\n', 'slow'],
  ['sends nothing after TLS', '', 'slow'],
  ['stays idle after its answer', `${REQUEST}\r\n`, undefined],
] as const

for (const [what, begin, reason] of SLOW_CLIENTS) {
  test(`a client that ${what} is ended in its time, and others are served meanwhile (slow-loris)`, async (t) => {
    const at = await setUp(t, {
      headerMs: BOUND_MS,
      requestMs: BOUND_MS,
      idleMs: BOUND_MS,
      connectionsPerSourceMax: 4,
    })
    const dribbles = what.startsWith('dribbles')
    const clients = Array.from({ length: 4 }, () => open(t, at, SLOW))
    const startMs = performance.now()
    for (const client of clients) {
      client.write(begin)
      if (!dribbles) continue
      const drops = setInterval(() => client.write('x'), DROP_MS)
      client.once('close', () => clearInterval(drops))
    }
    await until(async () => (await at.runtime.metric('rollcall_http_connections{listener="zb"}')) === 4)
    assert.ok(await isServed(open(t, at, OTHER)), 'others are served')
    await Promise.all(clients.map(ended))
    // Node looks for slow requests at intervals, and bears an idle connection for a second more than it says.
    assert.ok(performance.now() - startMs < BOUND_MS + 3_000)
    if (reason !== undefined) assert.equal(await at.refused(reason), 4)
    await until(async () => (await at.runtime.metric('rollcall_http_connections{listener="zb"}')) <= 1)
    assert.ok(await isServed(open(t, at, SLOW)), 'and so is its source, when it is not slow')
  })
}

/** The same over plain HTTP, as Ub has it; gives the port. */
async function setUpPlain(t: TestContext, at: Bench, o: Partial<HttpLimits>): Promise<number> {
  const limits = { ...HTTP_LIMITS, ...o }
  const { clock, log, metrics } = at.runtime
  const server = createServer(httpServerOptions(limits))
  serveHttp(server, { limits, listener: 'zb', believesTrace: false, handler: answer, clock, log, metrics })
  await listen(server, `${address}:0`)
  t.after(() => stopHttp(server, 0))
  return (server.address() as AddressInfo).port
}

test('a client that goes on behind its refusal is cut (slow-loris)', async (t) => {
  const at = await setUp(t, {})
  const port = await setUpPlain(t, at, { headerMs: BOUND_MS, requestMs: BOUND_MS })
  const client = connectTcp({ host: address, port, localAddress: SLOW, allowHalfOpen: true })
  client.on('error', () => {})
  t.after(() => client.destroy())
  client.write(`${REQUEST}X-Slow: `)
  const drops = setInterval(() => client.write('x'), DROP_MS)
  t.after(() => clearInterval(drops))
  assert.equal(await Promise.race([ended(client), delay(4_000, 'still there', { ref: false })]), undefined)
  assert.equal(await at.refused('slow'), 1)
})

test('a client that begins no TLS is ended in its time, and others are served meanwhile (slow-loris)', async (t) => {
  const at = await setUp(t, {})
  const client = connectTcp({ host: address, port: at.server.port, localAddress: SLOW })
  t.after(() => client.destroy())
  const startMs = performance.now()
  client.write(Buffer.from([0x16, 0x03]))
  assert.ok(await isServed(open(t, at, OTHER)))
  await ended(client)
  assert.ok(performance.now() - startMs < HANDSHAKE_MS + 2_000)
  assert.equal(await at.refused('handshake'), 1)
})

test('a client that takes its answer drop by drop does not hold it for ever (slow-loris)', async (t) => {
  const at = await setUp(t, {})
  const port = await setUpPlain(t, at, { headerMs: BOUND_MS, requestMs: BOUND_MS, idleMs: BOUND_MS })
  const client = connectTcp({ host: address, port, localAddress: SLOW })
  t.after(() => client.destroy())
  client.on('error', () => {})
  let octets = 0
  client.on('data', (piece: Buffer) => {
    octets += piece.length
    client.pause()
    setTimeout(() => client.resume(), DROP_MS)
  })
  client.write('GET /long HTTP/1.1\r\nHost: zb\r\n\r\n')
  assert.ok(await isServed(open(t, at, OTHER)))
  await new Promise((resolve) => client.once('close', resolve))
  assert.ok(octets < LONG_OCTETS)
  assert.equal(await at.refused('answer'), 1)
})
