import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { systemClock } from '@rollcall/core'
import { startTestStore } from '@rollcall/dev-env'
import { issueLeaf, leafFiles } from '@rollcall/pki'
import { connectStore, type StoreTls } from './connection.ts'
import { StoreDeniedError, StoreRefusedError, StoreServerIdentityError, StoreUnavailableError } from './errors.ts'

const store = await startTestStore({ address: '127.1.3.15', services: ['presence', 'hss'] })
after(() => store.stop())
const foreign = await mkdtemp(join(tmpdir(), 'rollcall-foreign-'))
after(() => rm(foreign, { recursive: true }))

async function connectWith(tls: StoreTls, url = store.url) {
  return await connectStore({ url, tls, service: 'presence', clock: systemClock, signal: AbortSignal.timeout(10_000) })
}

test('a client without a certificate is refused in the handshake', async () => {
  const { caFile } = store.tlsFor('presence')
  const { readFile } = await import('node:fs/promises')
  const ca = await readFile(caFile)
  const error = await new Promise<Error & { code?: string }>((resolve, reject) => {
    const socket = connect({ host: '127.1.3.15', port: 14222, ca })
    socket.on('error', resolve)
    socket.on('data', () => reject(new Error('the server talked to nobody in particular')))
  })
  assert.match(String(error.code), /CERTIFICATE_REQUIRED|ECONNRESET/)
})

test('a certificate of another trust domain’s authority is refused in the handshake', async () => {
  const leaf = { name: 'presence', role: 'presence', dnsNames: [] }
  await issueLeaf({ folder: foreign, trustDomain: 'rollcall.test', leaf })
  const { certFile, keyFile } = leafFiles(foreign, 'presence')
  await assert.rejects(connectWith({ certFile, keyFile, caFile: store.tlsFor('presence').caFile }), StoreRefusedError)
})

test('a certificate of ours that is no user of NATS is refused', async () => {
  const leaf = { name: 'operator', role: 'operator', dnsNames: [] }
  await issueLeaf({ folder: store.pkiFolder, trustDomain: store.trustDomain, leaf })
  await assert.rejects(connectWith(store.tlsFor('operator')), StoreRefusedError)
})

test('a certificate that has ended is refused', async () => {
  const leaf = { name: 'old', role: 'presence', dnsNames: [] }
  await issueLeaf({ folder: store.pkiFolder, trustDomain: store.trustDomain, leaf, lifetimeMs: -1_000 })
  await assert.rejects(connectWith(store.tlsFor('old')), StoreRefusedError)
})

test('a client takes no server whose authority it does not know', async () => {
  const { certFile, keyFile } = store.tlsFor('presence')
  await assert.rejects(connectWith({ certFile, keyFile, caFile: leafFiles(foreign, 'x').caFile }), StoreRefusedError)
})

test('a client takes no server of another role, even with the right address (ARCHITECTURE decision 8)', async () => {
  const leaf = { name: 'impostor', role: 'hss', dnsNames: ['nats'], ipAddresses: ['127.1.3.16'] }
  await issueLeaf({ folder: store.pkiFolder, trustDomain: store.trustDomain, leaf })
  const { createServer } = await import('node:tls')
  const { readFile } = await import('node:fs/promises')
  const files = store.tlsFor('impostor')
  const server = createServer(
    { cert: await readFile(files.certFile), key: await readFile(files.keyFile), ca: await readFile(files.caFile) },
    (socket) => void socket.on('error', () => {}),
  )
  await new Promise<void>((resolve) => server.listen(14222, '127.1.3.16', resolve))
  try {
    await assert.rejects(connectWith(store.tlsFor('presence'), 'tls://127.1.3.16:14222'), StoreServerIdentityError)
  } finally {
    server.close()
  }
})

test('a request to what the account does not permit fails at once and by name', async () => {
  await using connection = await connectWith(store.tlsFor('presence'))
  const subject = '$JS.API.STREAM.DELETE.presence_log_0'
  await assert.rejects(connection.requests.request(subject, Buffer.alloc(0), { timeoutMs: 5_000 }), (error) => {
    assert.ok(error instanceof StoreDeniedError)
    assert.equal(error.subject, subject)
    return true
  })
})

test('waits for a server that is not there yet, and connects when it comes', async () => {
  await store.server.stop()
  const statuses: string[] = []
  const connecting = connectStore({
    url: store.url,
    tls: store.tlsFor('presence'),
    service: 'presence',
    clock: systemClock,
    onStatus: (status) => statuses.push(status),
  })
  await new Promise((resolve) => setTimeout(resolve, 200))
  await store.server.start()
  await using connection = await connecting
  assert.ok((await connection.rtt()) < 1_000)
  assert.deepEqual(statuses, ['connected'])
})

test('a wait for a server is ended by its signal', async () => {
  const signal = AbortSignal.timeout(100)
  const nobody = 'tls://127.1.3.15:14999'
  const o = { url: nobody, tls: store.tlsFor('presence'), service: 'presence', clock: systemClock, signal }
  await assert.rejects(connectStore(o), StoreUnavailableError)
})

test('a rotated certificate is used at the next connection, without a restart (ARCHITECTURE decision 8)', async () => {
  const leaf = { name: 'rotating', role: 'presence', dnsNames: [] }
  const o = { folder: store.pkiFolder, trustDomain: store.trustDomain, leaf }
  await issueLeaf({ ...o, lifetimeMs: 3_000 })
  const statuses: string[] = []
  await using connection = await connectStore({
    url: store.url,
    tls: store.tlsFor('rotating'),
    service: 'presence',
    clock: systemClock,
    onStatus: (status) => statuses.push(status),
  })
  await issueLeaf(o)
  await new Promise((resolve) => setTimeout(resolve, 3_100))
  await store.server.restart()
  await connection.rtt().catch(() => {})
  for (let tries = 0; tries < 200 && statuses.at(-1) !== 'connected'; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.ok((await connection.rtt()) < 1_000)
})
