import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls'
import { issueLeaf, leafFiles } from '@rollcall/pki'
import { ShServiceClient, ShServiceService, type UserDataResponse } from '@rollcall/proto-gen/sh'
import { RpcError, type RpcErrorCode } from './errors.ts'
import { callUnary, createGrpcClient } from './grpc-client.ts'
import { type GrpcServer, startGrpcServer } from './grpc-server.ts'
import { createGrpcService } from './grpc-service.ts'
import type { Role } from './roles.ts'
import type { Runtime } from './runtime.ts'
import { createTestDomain, type TestDomain, type TestRuntime, until } from './testing/test-domain.ts'
import { TlsIdentity } from './tls-identity.ts'

const address = '127.1.4.21'
const answer: UserDataResponse = {
  found: false,
  canonicalImpu: '',
  impus: [],
  presencePolicy: undefined,
  revision: 0n,
}
const sh = createGrpcService(ShServiceService, { userData: () => answer })

async function startHss(t: TestContext, runtime: Runtime): Promise<GrpcServer> {
  const server = await startGrpcServer({ listen: `${address}:0`, services: [sh], runtime })
  t.after(() => server.stop(0))
  return server
}

function clientOf(t: TestContext, runtime: Runtime, port: number, role: Role = 'hss'): ShServiceClient {
  const client = createGrpcClient(ShServiceClient, { target: `${address}:${port}`, role, identity: runtime.identity })
  t.after(() => client.close())
  return client
}

async function ask(client: ShServiceClient): Promise<RpcErrorCode | 'answered'> {
  try {
    await callUnary(client.userData.bind(client), { impu: 'sip:alice@ims.example.org' })
    return 'answered'
  } catch (error) {
    assert.ok(error instanceof RpcError)
    return error.code
  }
}

/** Opens a TLS connection by hand: what the server says of it, `accepted` or the alert. */
async function handshake(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({
    host: address,
    port,
    ALPNProtocols: ['h2'],
    servername: 'hss.rollcall.test',
    checkServerIdentity: () => undefined,
    ...options,
  })
  try {
    return await new Promise<string>((resolve) => {
      socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
      // In TLS 1.3 the client is done before the server has looked at its certificate: what counts is what comes then.
      socket.once('data', () => resolve('accepted'))
      socket.once('close', () => resolve('closed'))
    })
  } finally {
    socket.destroy()
  }
}

async function pem(domain: TestDomain, name: string): Promise<{ cert: Buffer; key: Buffer; ca: Buffer }> {
  const files = leafFiles(domain.folder, name)
  const [cert, key, ca] = await Promise.all([files.certFile, files.keyFile, files.caFile].map((file) => readFile(file)))
  assert.ok(cert && key && ca)
  return { cert, key, ca }
}

async function serialAt(domain: TestDomain, port: number, name: string): Promise<string> {
  const socket = connect({
    host: address,
    port,
    ALPNProtocols: ['h2'],
    servername: 'hss.rollcall.test',
    checkServerIdentity: () => undefined,
    ...(await pem(domain, name)),
  })
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

async function setUp(t: TestContext): Promise<{ domain: TestDomain; hss: TestRuntime; server: GrpcServer }> {
  const domain = await createTestDomain(t, ['hss', 'presence', 'scscf'])
  const hss = await domain.runtime('hss')
  return { domain, hss, server: await startHss(t, hss) }
}

test('a peer of the trust domain with the right role is answered (decision 8)', async (t) => {
  const { domain, server } = await setUp(t)
  assert.equal(await ask(clientOf(t, await domain.runtime('presence'), server.port)), 'answered')
})

test('a peer of the trust domain with the wrong role is refused, counted and audited (decision 8)', async (t) => {
  const { domain, hss, server } = await setUp(t)
  assert.equal(await ask(clientOf(t, await domain.runtime('scscf'), server.port)), 'RPC_DENIED')
  const rpc = 'rollcall.sh.v1.ShService/UserData'
  assert.equal(await hss.metric(`rollcall_rpc_denied_total{rpc="${rpc}",role="scscf",reason="role"}`), 1)
  const audited = hss.lines.filter((line) => line.audit === true)
  assert.equal(audited.length, 1)
  assert.deepEqual(
    { event: audited[0]?.event, outcome: audited[0]?.outcome, peer: audited[0]?.peer, rpc: audited[0]?.rpc },
    { event: 'rpc.denied', outcome: 'refused', peer: 'spiffe://rollcall.test/ns/ims/sa/scscf', rpc },
  )
})

test('a peer without a certificate is refused in the handshake (decision 8)', async (t) => {
  const { domain, server } = await setUp(t)
  const { ca, cert, key } = await pem(domain, 'presence')
  assert.equal(await handshake(server.port, { ca, cert, key }), 'accepted')
  assert.match(await handshake(server.port, { ca }), /CERTIFICATE_REQUIRED|ECONNRESET|closed/)
  assert.match(await handshake(server.port, { ca, maxVersion: 'TLSv1.2' }), /HANDSHAKE_FAILURE|ECONNRESET|closed/)
})

test('a peer with another authority’s certificate is refused in the handshake, even of the same name (decision 8)', async (t) => {
  const { domain, server } = await setUp(t)
  const stranger = await createTestDomain(t, ['presence'])
  const foreign = await pem(stranger, 'presence')
  const { ca } = await pem(domain, 'presence')
  assert.match(await handshake(server.port, { ...foreign, ca }), /UNKNOWN_CA|SIGNATURE|CERTIFICATE|ECONNRESET|closed/)
  assert.equal(await ask(clientOf(t, await stranger.runtime('presence'), server.port)), 'RPC_UNAVAILABLE')
})

test('a certificate that has ended is refused in the handshake, and does not even load', async (t) => {
  const { domain, server } = await setUp(t)
  const { folder, trustDomain } = domain
  await issueLeaf({ folder, trustDomain, leaf: { name: 'old', role: 'presence', dnsNames: [] }, lifetimeMs: -1 })
  const old = await pem(domain, 'old')
  assert.match(await handshake(server.port, old), /EXPIRED|ECONNRESET|closed/)
  await assert.rejects(TlsIdentity.load({ ...leafFiles(folder, 'old'), trustDomain }), {
    code: 'TLS_IDENTITY_UNUSABLE',
    problem: /^ended at /,
  })
})

test('a plain connection gets nothing (decision 8)', async (t) => {
  const { server } = await setUp(t)
  const session = connectHttp2(`http://${address}:${server.port}`)
  const outcome = await new Promise<string>((resolve) => {
    session.once('error', () => resolve('refused'))
    session.once('close', () => resolve('refused'))
    session
      .request({ ':path': '/' })
      .once('error', () => resolve('refused'))
      .once('response', () => resolve('answered'))
  })
  session.destroy()
  assert.equal(outcome, 'refused')
})

test('a certificate of our authority that names no role of the trust domain is refused', async (t) => {
  const { domain, hss, server } = await setUp(t)
  const { folder } = domain
  await issueLeaf({ folder, trustDomain: domain.trustDomain, leaf: { name: 'x', role: 'janitor', dnsNames: [] } })
  await assert.rejects(TlsIdentity.load({ ...leafFiles(folder, 'x'), trustDomain: domain.trustDomain }), {
    problem: 'names no role of trust domain rollcall.test (unknown-role)',
  })
  const { cert, key, ca } = await pem(domain, 'x')
  const session = connectHttp2(`https://${address}:${server.port}`, {
    cert,
    key,
    ca,
    servername: 'hss.rollcall.test',
    checkServerIdentity: () => undefined,
  })
  const path = '/rollcall.sh.v1.ShService/UserData'
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.end(Buffer.alloc(5))
  const status = await new Promise((resolve) => {
    stream.once('response', (headers) => resolve(headers['grpc-status']))
    stream.once('trailers', (trailers) => resolve(trailers['grpc-status']))
  })
  session.destroy()
  assert.equal(status, '7')
  assert.equal(
    await hss.metric(
      'rollcall_rpc_denied_total{rpc="rollcall.sh.v1.ShService/UserData",role="none",reason="unknown-role"}',
    ),
    1,
  )
})

test('a client refuses a server that is not of the role it expects (decision 8)', async (t) => {
  const { domain, server } = await setUp(t)
  const presence = await domain.runtime('presence')
  assert.equal(await ask(clientOf(t, presence, server.port, 'scscf')), 'RPC_UNAVAILABLE')
})

test('a client refuses a server of another authority', async (t) => {
  const { domain } = await setUp(t)
  const stranger = await createTestDomain(t, ['hss'])
  const server = await startHss(t, await stranger.runtime('hss'))
  assert.equal(await ask(clientOf(t, await domain.runtime('presence'), server.port)), 'RPC_UNAVAILABLE')
})

test('a rotated server certificate is used for new connections, and running ones go on (decision 8)', async (t) => {
  const { domain, hss, server } = await setUp(t)
  const running = clientOf(t, await domain.runtime('presence'), server.port)
  assert.equal(await ask(running), 'answered')
  const before = await serialAt(domain, server.port, 'presence')
  assert.equal(await serialAt(domain, server.port, 'presence'), before)

  const { folder, trustDomain } = domain
  await issueLeaf({ folder, trustDomain, leaf: { name: 'hss', role: 'hss', dnsNames: [] } })
  assert.deepEqual(await hss.identity.reload(), { kind: 'reloaded' })
  assert.notEqual(await serialAt(domain, server.port, 'presence'), before)
  assert.equal(await ask(running), 'answered')
  assert.equal(await ask(clientOf(t, await domain.runtime('presence'), server.port)), 'answered')
  assert.deepEqual(await hss.identity.reload(), { kind: 'unchanged' })
  assert.equal(await hss.metric('rollcall_tls_reloads_total{outcome="reloaded"}'), 1)
})

test('a rotated client certificate is used for new connections (decision 8)', async (t) => {
  const domain = await createTestDomain(t, ['hss', 'presence'])
  const seen: PeerCertificate[] = []
  const sockets = new Set<TLSSocket>()
  const server = createServer({ ...(await pem(domain, 'hss')), requestCert: true, ALPNProtocols: ['h2'] }, (socket) => {
    seen.push(socket.getPeerCertificate())
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const presence = await domain.runtime('presence')

  await ask(clientOf(t, presence, port))
  const { folder, trustDomain } = domain
  await issueLeaf({ folder, trustDomain, leaf: { name: 'presence', role: 'presence', dnsNames: [] } })
  assert.deepEqual(await presence.identity.reload(), { kind: 'reloaded' })
  const rotated = seen.length
  await ask(clientOf(t, presence, port))
  assert.ok(seen.length > rotated)
  assert.notEqual(seen[0]?.serialNumber, seen.at(-1)?.serialNumber)
})

test('files that change under it are noticed by themselves', async (t) => {
  const domain = await createTestDomain(t, ['hss'])
  const { folder, trustDomain } = domain
  using identity = await TlsIdentity.load({ ...leafFiles(folder, 'hss'), trustDomain, reloadMs: 20 })
  const before = identity.notAfterMs
  await issueLeaf({ folder, trustDomain, leaf: { name: 'hss', role: 'hss', dnsNames: [] }, lifetimeMs: 3_600_000 })
  await until(() => identity.notAfterMs < before)
})

test('files that cannot be used are refused and told once; the last good ones stay', async (t) => {
  const { domain, hss, server } = await setUp(t)
  const { folder, trustDomain } = domain
  const { certFile, keyFile } = leafFiles(folder, 'hss')
  const problem = async (): Promise<string> => {
    const outcome = await hss.identity.reload()
    return outcome.kind === 'refused' ? outcome.error.problem : outcome.kind
  }
  const good = await readFile(certFile)
  await writeFile(certFile, 'nonsense')
  assert.equal(await problem(), 'holds no certificate')
  assert.equal(await problem(), 'holds no certificate')
  await issueLeaf({ folder, trustDomain, leaf: { name: 'hss', role: 'scscf', dnsNames: [] } })
  assert.equal(await problem(), 'is of role scscf, this process is hss')
  const key = await readFile(keyFile)
  await writeFile(certFile, good)
  assert.equal(await problem(), `is not the key of ${certFile}`)
  await writeFile(keyFile, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
  assert.equal(await problem(), 'holds no private key in PEM without passphrase')
  assert.doesNotMatch(JSON.stringify(hss.lines), new RegExp(key.toString().split('\n')[1] ?? ''))
  assert.equal(await hss.metric('rollcall_tls_reloads_total{outcome="refused"}'), 4)
  assert.equal(await ask(clientOf(t, await domain.runtime('presence'), server.port)), 'answered')
})
