import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { leafFiles } from '@rollcall/pki'
import type { SocketAddress } from './socket-address.ts'
import type { StreamTarget } from './stream-target.ts'
import { createBed, createPki, message, type Pki, until } from './testing/bed.ts'

const ADDRESS = '127.32.1.2'

/** Opens a TLS connection by hand: the code of the alert, or what was said to a ping. */
async function handshake(at: SocketAddress, options: ConnectionOptions): Promise<string> {
  const socket = connect({ host: at.address, port: at.port, checkServerIdentity: () => undefined, ...options })
  try {
    return await new Promise<string>((resolve) => {
      socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
      socket.once('data', (data) => resolve(data.toString('latin1')))
      socket.once('close', () => resolve('closed'))
      socket.once('secureConnect', () => socket.write('\r\n\r\n'))
    })
  } finally {
    socket.destroy()
  }
}

async function serverOf(t: TestContext, pki: Pki) {
  const bed = createBed(t, {
    tls: { material: await pki.leaf('server', { dnsNames: ['as.example.org'] }) },
    onMessage: (_text, connection) => connection.send(message('response')),
  })
  return { ...bed, at: await bed.transport.listen({ address: ADDRESS, port: 0 }) }
}

function target(at: SocketAddress, expected: string): StreamTarget {
  return {
    host: at.address,
    port: at.port,
    identity: expected,
    accepts: ({ subjectAltName }) => subjectAltName.includes(`DNS:${expected}`),
  }
}

test('both sides show certificates, and what they say is given (RFC 3261 section 26.3.1, RFC 5922 section 7.1)', async (t) => {
  const pki = await createPki(t)
  const server = await serverOf(t, pki)
  const client = createBed(t, { tls: { material: await pki.leaf('client', { dnsNames: ['pcscf.example.org'] }) } })
  client.transport.connect(target(server.at, 'as.example.org')).send(message('one'))
  await until(() => client.messages.length === 1)
  assert.equal(
    server.connections[0]?.certificate?.subjectAltName,
    'URI:spiffe://rollcall.test/ns/ims/sa/as, DNS:pcscf.example.org',
  )
  assert.match(client.connections[0]?.certificate?.subjectAltName ?? '', /DNS:as\.example\.org/)
  assert.equal(client.connections[0]?.transport, 'TLS')
  client.connections[0]?.close('idle')
  await until(() => server.transport.size === 0, 'the connection is not counted any more')
})

test('a client without a certificate, or with one of another authority, is refused in the handshake (RFC 3261 section 26.3.1)', async (t) => {
  const pki = await createPki(t)
  const server = await serverOf(t, pki)
  const good = await pki.leaf('client')
  const { ca } = good
  assert.equal(await handshake(server.at, good), '\r\n')
  assert.match(await handshake(server.at, { ca }), /CERTIFICATE_REQUIRED|ECONNRESET|closed/)
  assert.match(await handshake(server.at, { ca, maxVersion: 'TLSv1.2' }), /HANDSHAKE_FAILURE|ECONNRESET|closed/)
  const stranger = await (await createPki(t)).leaf('client')
  assert.match(await handshake(server.at, { ...stranger, ca }), /UNKNOWN_CA|CERTIFICATE|ECONNRESET|closed/)
  const old = await pki.leaf('old', { lifetimeMs: -1_000 })
  assert.match(await handshake(server.at, old), /EXPIRED|ECONNRESET|closed/)
  assert.equal(server.connections.length, 1)
  assert.equal(server.refused.filter((told) => told.startsWith('handshake')).length, 4)
})

test('TLS 1.1 is not spoken', async (t) => {
  const pki = await createPki(t)
  const server = await serverOf(t, pki)
  const options = { ...(await pki.leaf('client')), minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' } as const
  assert.match(
    await handshake(server.at, { ...options, ciphers: 'DEFAULT@SECLEVEL=0' }),
    /VERSION|PROTOCOL|closed|ECONNRESET/,
  )
})

test('a server that is somebody else, or of another authority, gets nothing (RFC 5922 section 7.3)', async (t) => {
  const pki = await createPki(t)
  const server = await serverOf(t, pki)
  const client = createBed(t, { tls: { material: await pki.leaf('client') } })
  client.transport.connect(target(server.at, 'other.example.org')).send(message('lost'))
  await until(() => client.closed.length === 1)
  assert.deepEqual(client.closed, ['wrong-peer'])
  const stranger = createBed(t, { tls: { material: await (await createPki(t)).leaf('client') } })
  stranger.transport.connect(target(server.at, 'as.example.org')).send(message('lost'))
  await until(() => stranger.closed.length === 1)
  assert.deepEqual(stranger.closed, ['unreachable'])
  assert.deepEqual(server.messages, [])
})

test('a renewed certificate is used for the next connection, and running ones go on', async (t) => {
  const pki = await createPki(t)
  const source = { material: await pki.leaf('server', { dnsNames: ['one.example.org'] }) }
  const server = createBed(t, { tls: source })
  const at = await server.transport.listen({ address: ADDRESS, port: 0 })
  const client = createBed(t, { tls: { material: await pki.leaf('client') } })
  const first = client.transport.connect(target(at, 'one.example.org'))
  await until(() => first.isOpen)
  source.material = await pki.leaf('server', { dnsNames: ['two.example.org'] })
  const second = client.transport.connect(target(at, 'two.example.org'))
  await until(() => second.isOpen)
  first.send(message('goes on'))
  await until(() => server.messages.length === 1)
})

test('a connection ends with the certificate of its peer', async (t) => {
  const pki = await createPki(t)
  const server = await serverOf(t, pki)
  // Certificates count in whole seconds.
  const client = createBed(t, { tls: { material: await pki.leaf('client', { lifetimeMs: 1_500 }) } })
  client.transport.connect(target(server.at, 'as.example.org'))
  await until(() => server.connections.length === 1)
  await until(() => server.closed.length === 1)
  assert.deepEqual(server.closed, ['certificate-ended'])
})

test('a connection that the peer opened serves requests to it when it is its alias (RFC 5923 section 5)', async (t) => {
  const pki = await createPki(t)
  const server = await serverOf(t, pki)
  const client = createBed(t, { tls: { material: await pki.leaf('client') } })
  client.transport.connect(target(server.at, 'as.example.org'))
  await until(() => server.connections.length === 1)
  const [inbound] = server.connections
  assert.ok(inbound)
  const back: StreamTarget = { host: 'pcscf.example.org', port: 5061, identity: 'pcscf' }
  server.transport.alias(back, inbound)
  assert.equal(server.transport.connect(back), inbound)
  server.transport.connect(back).send(message('request'))
  await until(() => client.messages.length === 1)
})

test('openssl speaks SIP over TLS with a certificate, and is refused without one (judge: openssl s_client)', async (t) => {
  try {
    execFileSync('openssl', ['version'])
  } catch {
    t.skip('openssl is not installed')
    return
  }
  const pki = await createPki(t)
  const server = await serverOf(t, pki)
  await pki.leaf('client')
  const { certFile, keyFile, caFile } = leafFiles(pki.folder, 'client')
  const ask = async (...credentials: string[]): Promise<string> => {
    const to = ['s_client', '-connect', `${server.at.address}:${server.at.port}`, '-CAfile', caFile]
    const child = spawn('openssl', [...to, '-verify_return_error', '-quiet', ...credentials])
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1')
      child.stdin.end()
      child.kill()
    })
    child.stdin.on('error', () => {})
    child.stdin.write(message('from openssl'))
    await once(child, 'close')
    return said
  }
  assert.match(await ask('-cert', certFile, '-key', keyFile), /Subject: response/)
  assert.match(await ask('-cert', certFile, '-key', keyFile, '-tls1_2'), /Subject: response/)
  assert.equal(await ask(), '')
  assert.equal(server.messages.length, 2)
})
