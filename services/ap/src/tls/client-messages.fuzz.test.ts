import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import fc from 'fast-check'
import { type ClientMessage, PSK_IDENTITIES_MAX } from './client-messages.ts'
import { HandshakeReader } from './handshake-reader.ts'

const address = '127.44.2.9'

/** The first octets that Node's own TLS client sends. */
async function clientHello(t: TestContext, servername: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const server = createServer((socket) => socket.once('data', resolve))
  t.after(() => server.close())
  await new Promise<void>((listening) => server.listen(0, address, listening))
  const { port } = server.address() as { port: number }
  const socket = connect({ host: address, port, servername, minVersion: 'TLSv1.3' })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  return promise
}

/** A ClientHello with this name and these identities, by RFC 8446 section 4.1.2. */
function helloOf(name: string, identities: readonly string[]): Buffer {
  const vector = (length: number, data: Buffer): Buffer => {
    const head = Buffer.alloc(length)
    head.writeUIntBE(data.length, 0, length)
    return Buffer.concat([head, data])
  }
  const extension = (type: number, data: Buffer): Buffer => Buffer.concat([Buffer.of(0, type), vector(2, data)])
  const names = vector(2, Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name))]))
  const list = vector(
    2,
    Buffer.concat(identities.map((id) => Buffer.concat([vector(2, Buffer.from(id)), Buffer.alloc(4)]))),
  )
  const body = Buffer.concat([
    Buffer.alloc(34),
    vector(1, Buffer.alloc(0)),
    vector(2, Buffer.of(0x13, 0x01)),
    vector(1, Buffer.of(0)),
    vector(2, Buffer.concat([extension(0, names), extension(41, Buffer.concat([list, Buffer.alloc(4)]))])),
  ])
  return Buffer.concat([Buffer.of(1), vector(3, body)])
}

function records(message: Buffer, recordOctets: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += recordOctets) {
    const piece = message.subarray(at, at + recordOctets)
    parts.push(Buffer.of(22, 3, 1, piece.length >> 8, piece.length & 0xff), piece)
  }
  return Buffer.concat(parts)
}

function readIn(octets: Buffer, pieceOctets: number): ClientMessage[] {
  const reader = new HandshakeReader()
  const found: ClientMessage[] = []
  for (let at = 0; at < octets.length; at += pieceOctets)
    found.push(...reader.push(octets.subarray(at, at + pieceOctets)))
  return found
}

test('reads the server name of a real client, however its octets come', async (t) => {
  const octets = await clientHello(t, 'XCAP.home1.net')
  for (const piece of [1, 7, octets.length]) {
    assert.deepEqual(readIn(octets, piece), [{ kind: 'client-hello', serverName: 'xcap.home1.net', pskIdentities: [] }])
  }
})

test('reads name and identities however records and pieces are cut (RFC 8446 sections 4.2.11 and 5.1)', () => {
  const host = fc.stringMatching(/^[a-z]{1,20}$/)
  const identity = fc.stringMatching(/^[A-Za-z0-9=;@.-]{1,60}$/)
  fc.assert(
    fc.property(
      host,
      fc.array(identity, { maxLength: 6 }),
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 1, max: 600 }),
      (name, identities, recordOctets, piece) => {
        const [message] = readIn(records(helloOf(name, identities), recordOctets), piece)
        const pskIdentities = identities.slice(0, PSK_IDENTITIES_MAX)
        assert.deepEqual(message, { kind: 'client-hello', serverName: name, pskIdentities })
      },
    ),
    { seed: 33222, numRuns: 300 },
  )
})

test('throws nothing, whatever comes, and keeps no more than a message', () => {
  const cut = fc.tuple(fc.nat(400), fc.uint8Array({ maxLength: 40 })).map(([at, noise]) => {
    const octets = records(helloOf('xcap', ['a', 'b']), 1_000)
    return Buffer.concat([octets.subarray(0, at), noise, octets.subarray(at)])
  })
  const noise = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.concat([Buffer.of(22, 3, 1), octets]))
  fc.assert(
    fc.property(fc.oneof(cut, noise), (octets) => {
      readIn(octets, 50)
    }),
    { seed: 5246, numRuns: 2_000 },
  )
})

test('ends at what is no handshake, and at a message that is too long', () => {
  const reader = new HandshakeReader()
  reader.push(Buffer.of(23, 3, 3, 0, 1, 0))
  assert.deepEqual(reader.push(records(helloOf('xcap', []), 1_000)), [])
  assert.deepEqual(readIn(records(Buffer.concat([Buffer.of(1, 0xff, 0, 0), Buffer.alloc(70_000)]), 16_000), 4_096), [])
})
