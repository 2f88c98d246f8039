import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { BindFailedError, DatagramTooLargeError, TransportClosedError } from './errors.ts'
import type { SocketAddress } from './socket-address.ts'
import { UdpTransport } from './udp-transport.ts'

/** The next datagram that a transport takes. */
function next(transport: UdpTransport): Promise<{ bytes: Buffer; remote: SocketAddress }> {
  return new Promise((resolve) => {
    transport.onMessage = (bytes, remote) => resolve({ bytes, remote })
  })
}

test('a datagram goes there and its answer back, from the ports that are listened on (RFC 3261 section 18)', async () => {
  await using a = await UdpTransport.bind({ address: '127.1.1.1', port: 0 })
  await using b = await UdpTransport.bind({ address: '127.1.1.2', port: 0 })
  assert.notEqual(a.local.port, 0)
  const atB = next(b)
  a.send(Buffer.from('OPTIONS \0\xff', 'latin1'), b.local)
  const request = await atB
  assert.equal(request.bytes.toString('latin1'), 'OPTIONS \0\xff')
  assert.deepEqual([request.remote.address, request.remote.port], [a.local.address, a.local.port])
  const atA = next(a)
  b.send(Buffer.from('SIP/2.0 200 OK'), request.remote)
  const response = await atA
  assert.deepEqual([response.remote.address, response.remote.port], [b.local.address, b.local.port])
})

test('an address that cannot be listened on is a typed error, and names are no addresses', async () => {
  await using taken = await UdpTransport.bind({ address: '127.1.1.3', port: 0 })
  await assert.rejects(
    UdpTransport.bind({ address: '127.1.1.3', port: taken.local.port }),
    (error) => error instanceof BindFailedError && error.port === taken.local.port && error.code === 'SIP_BIND_FAILED',
  )
  await assert.rejects(UdpTransport.bind({ address: 'localhost', port: 0 }), BindFailedError)
  await assert.rejects(UdpTransport.bind({ address: '192.0.2.1', port: 0 }), BindFailedError)
})

test('a datagram beyond the bound is neither sent nor taken', async () => {
  const drops: string[] = []
  const { promise: dropped, resolve } = Promise.withResolvers<void>()
  await using transport = await UdpTransport.bind({
    address: '127.1.1.4',
    port: 0,
    bytesMax: 10,
    onDrop: (reason, remote) => {
      drops.push(`${reason} ${remote.address}`)
      resolve()
    },
  })
  assert.throws(() => transport.send(Buffer.alloc(11), transport.local), DatagramTooLargeError)
  const taken: string[] = []
  transport.onMessage = (bytes) => taken.push(bytes.toString())
  await using other = await UdpTransport.bind({ address: '127.1.1.5', port: 0 })
  other.send(Buffer.from('ten octets'), transport.local)
  other.send(Buffer.from('eleven here'), transport.local)
  await dropped
  assert.deepEqual(drops, ['too-large 127.1.1.5'])
  assert.deepEqual(taken, ['ten octets'])
})

test('what the system refuses to send is told, and the transport goes on', async () => {
  const { promise: failed, resolve } = Promise.withResolvers<Error>()
  await using transport = await UdpTransport.bind({ address: '127.1.1.6', port: 0, onError: resolve })
  transport.send(Buffer.from('x'), { address: '::1', port: 5060 })
  assert.ok((await failed) instanceof Error)
  const message = next(transport)
  transport.send(Buffer.from('to myself'), transport.local)
  assert.equal((await message).bytes.toString(), 'to myself')
})

test('closing frees the port, twice is once, and nothing is sent behind it', async () => {
  const transport = await UdpTransport.bind({ address: '127.1.1.7', port: 0 })
  const { port } = transport.local
  await Promise.all([transport.close(), transport.close()])
  await transport.close()
  assert.throws(() => transport.send(Buffer.from('x'), { address: '127.1.1.7', port }), TransportClosedError)
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, '127.1.1.7', resolve)
  })
  await new Promise<void>((resolve) => socket.close(() => resolve()))
})

test('IPv6 is a family like the other', async () => {
  await using a = await UdpTransport.bind({ address: '::1', port: 0 })
  const message = next(a)
  a.send(Buffer.from('six'), a.local)
  assert.equal((await message).remote.address, '::1')
})
