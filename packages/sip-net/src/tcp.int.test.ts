import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import {
  BindFailedError,
  ConnectionsFullError,
  PeerAwayError,
  SendQueueFullError,
  TransportClosedError,
} from './errors.ts'
import { createBed, dialPlain, message, until } from './testing/bed.ts'

const ADDRESS = '127.32.1.1'

test('a request and its response take one connection, and the next request takes it again (RFC 3261 sections 18.1.1 and 18.2.2)', async (t) => {
  const server = createBed(t, { onMessage: (_text, connection) => connection.send(message('response')) })
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const client = createBed(t)
  const target = { host: at.address, port: at.port, identity: '' }
  client.transport.connect(target).send(message('one'))
  await until(() => client.messages.length === 1)
  client.transport.connect(target).send(message('two'))
  await until(() => client.messages.length === 2)
  assert.equal(server.connections.length, 1)
  assert.equal(client.connections.length, 1)
  assert.equal(server.connections[0]?.isInbound, true)
  assert.deepEqual([server.transport.size, client.transport.size], [1, 1])
  client.connections[0]?.close('idle')
  await until(() => server.transport.size === 0)
  assert.deepEqual(server.closed, ['peer'])
  // It is gone: the next one is opened.
  client.transport.connect(target).send(message('three'))
  await until(() => client.messages.length === 3)
  assert.equal(server.connections.length, 2)
})

test('a double CRLF is answered with one, single ones are ignored (RFC 5626 sections 3.5.1 and 4.4.1)', async (t) => {
  const server = createBed(t)
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const { socket, received } = await dialPlain(t, at)
  socket.write('\r\n\r\n')
  await until(() => received() === '\r\n')
  socket.write(`\r\n${message('one')}\r\n\r\n`)
  await until(() => received() === '\r\n\r\n')
  assert.equal(server.messages.length, 1)
  assert.equal(server.connections[0]?.isOpen, true)
})

test('who opened a connection pings it; one that answered once and is silent now is dead (RFC 5626 section 4.4.1)', async (t) => {
  const clock = new VirtualClock()
  let pings = 0
  let isAnswering = false
  const server = createServer((socket) => {
    socket.on('data', () => {
      pings += 1
      if (isAnswering) socket.write('\r\n')
    })
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve))
  const { port } = server.address() as AddressInfo
  const client = createBed(t, { clock, limits: { keepAliveMs: 1_000, pongMs: 100, idleMs: 1_000_000 } })
  const connection = client.transport.connect({ host: ADDRESS, port, identity: '' })
  const ping = async (): Promise<void> => {
    const before = pings
    clock.advance(1_000)
    await until(() => pings > before)
  }
  await until(() => connection.isOpen)
  await ping()
  clock.advance(150)
  assert.equal(connection.isOpen, true, 'a peer that knows no pings keeps its connection')
  isAnswering = true
  await ping()
  await until(() => connection.isPonging)
  isAnswering = false
  await ping()
  clock.advance(101)
  assert.deepEqual(client.closed, ['no-pong'])
})

test('a message that has begun must be whole in its time, octets that trickle do not lengthen it', async (t) => {
  const clock = new VirtualClock()
  const server = createBed(t, { clock, limits: { messageMs: 1_000 } })
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const { socket } = await dialPlain(t, at)
  socket.write(`${message('whole')}MESS`)
  await until(() => server.messages.length === 1)
  clock.advance(900)
  socket.write('AGE')
  await new Promise((resolve) => setTimeout(resolve, 50))
  clock.advance(99)
  assert.deepEqual(server.closed, [])
  clock.advance(1)
  assert.deepEqual(server.closed, ['unfinished-message'])
})

test('a connection that nobody uses is closed', async (t) => {
  const clock = new VirtualClock()
  const server = createBed(t, { clock, limits: { idleMs: 1_000 } })
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const { socket } = await dialPlain(t, at)
  await until(() => server.connections.length === 1)
  clock.advance(900)
  socket.write(message('used'))
  await until(() => server.messages.length === 1)
  clock.advance(900)
  assert.deepEqual(server.closed, [])
  clock.advance(100)
  assert.deepEqual(server.closed, ['idle'])
})

test('what cannot be framed is told and ends the connection (RFC 3261 section 18.3)', async (t) => {
  const server = createBed(t)
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  for (const octets of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\x16\x03\x01\x02\x00', 'x'.repeat(20_000)]) {
    const { socket } = await dialPlain(t, at)
    socket.write(octets)
    await once(socket, 'close')
  }
  assert.deepEqual(server.closed, ['no-content-length', 'not-sip', 'head-too-large'])
})

test('connections are bounded, all of them and those of one address', async (t) => {
  const server = createBed(t, { limits: { connectionsMax: 3, connectionsPerAddressMax: 2 } })
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const sockets = [await dialPlain(t, at), await dialPlain(t, at)]
  await until(() => server.connections.length === 2)
  const third = await dialPlain(t, at)
  if (!third.socket.destroyed) await once(third.socket, 'close')
  assert.deepEqual(server.refused, ['address-full '])
  const outbound = server.transport.connect({ host: at.address, port: at.port, identity: '' })
  assert.throws(() => server.transport.connect({ host: '127.32.1.9', port: 1, identity: '' }), ConnectionsFullError)
  await until(() => server.refused.length === 2)
  assert.deepEqual(server.refused[1], 'connections-full ')
  outbound.close('idle')
  sockets[0]?.socket.destroy()
  await until(() => server.transport.size === 1)
  await dialPlain(t, at)
  await until(() => server.connections.length === 4)
})

test('what waits for a connection is bounded, and what may not leave any more does not', async (t) => {
  const client = createBed(t, { limits: { queueBytesMax: 130 }, lookup: () => new Promise(() => {}) })
  const waiting = client.transport.connect({ host: 'never.test', port: 5060, identity: '' })
  waiting.send(message('one'))
  waiting.send(message('two'))
  assert.throws(() => waiting.send(message('three')), SendQueueFullError)

  const server = createBed(t)
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const { promise: address, resolve } = Promise.withResolvers<readonly string[]>()
  const other = createBed(t, { lookup: () => address })
  const connection = other.transport.connect({ host: 'soon.test', port: at.port, identity: '' })
  let withdrawn = 0
  let may = true
  connection.send(message('stays'), { mayLeave: () => may, onWithdrawn: () => (withdrawn += 1) })
  connection.send(message('leaves'))
  may = false
  resolve([at.address])
  await until(() => server.messages.length === 1)
  assert.match(server.messages[0] ?? '', /leaves/)
  assert.equal(withdrawn, 1)
})

test('a peer that takes no responses holds a bounded queue, and messages leave in order when it reads again', async (t) => {
  const server = createBed(t, { limits: { queueBytesMax: 1_000_000 } })
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const { socket, received } = await dialPlain(t, at)
  socket.pause()
  await until(() => server.connections.length === 1)
  const [connection] = server.connections
  const large = Buffer.from(`MESSAGE sip:a SIP/2.0\r\nContent-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`)
  let sent = 0
  assert.throws(() => {
    for (; sent < 10_000; sent++) connection?.send(large)
  }, SendQueueFullError)
  socket.resume()
  await until(() => received().length === sent * large.length, 'all that was taken arrives', 20_000)
})

test('a peer that is not there is tried again behind a back-off that grows', async (t) => {
  const clock = new VirtualClock()
  const client = createBed(t, { clock, limits: { backoffMsMin: 100, backoffMsMax: 400 } })
  const target = { host: ADDRESS, port: 1, identity: '' }
  const tryIt = async (): Promise<void> => {
    const before = client.closed.length
    client.transport.connect(target).send(message('lost'))
    await until(() => client.closed.length > before)
  }
  for (const longestMs of [100, 200, 400, 400]) {
    await tryIt()
    assert.equal(client.transport.isAway(target), true)
    assert.throws(
      () => client.transport.connect(target),
      (error) => error instanceof PeerAwayError && error.retryInMs >= longestMs / 2 && error.retryInMs <= longestMs,
    )
    clock.advance(longestMs)
    assert.equal(client.transport.isAway(target), false)
  }
  assert.deepEqual([...new Set(client.closed)], ['unreachable'])
})

test('a name is tried address by address; one that has none is unresolved (RFC 3263 section 4.2)', async (t) => {
  const server = createBed(t)
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const client = createBed(t, { lookup: async (host) => (host === 'as.test' ? ['127.32.1.9', at.address] : []) })
  client.transport.connect({ host: 'as.test', port: at.port, identity: '' }).send(message('one'))
  await until(() => server.messages.length === 1)
  client.transport.connect({ host: 'nobody.test', port: at.port, identity: '' })
  await until(() => client.closed.length === 1)
  assert.deepEqual(client.closed, ['unresolved'])
})

test('an address that cannot be listened on is a typed error, and a closed transport takes nothing', async (t) => {
  const server = createBed(t)
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const other = createBed(t)
  await assert.rejects(
    other.transport.listen(at),
    (error) => error instanceof BindFailedError && error.port === at.port,
  )
  await assert.rejects(other.transport.listen({ address: 'localhost', port: 0 }), BindFailedError)
  const connection = other.transport.connect({ host: at.address, port: at.port, identity: '' })
  await until(() => connection.isOpen)
  await other.transport.close()
  assert.deepEqual(other.closed, ['closing'])
  assert.throws(() => connection.send(message('late')), TransportClosedError)
  assert.throws(() => other.transport.connect({ host: at.address, port: 1, identity: '' }), TransportClosedError)
})
