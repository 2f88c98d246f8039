import assert from 'node:assert/strict'
import { once } from 'node:events'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { answerChallenge, newIsimState } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { issueLeaf } from '@rollcall/pki'
import { SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { CxResult, CxServiceClient, ServerAssignmentType } from '@rollcall/proto-gen/cx'
import { ShServiceClient } from '@rollcall/proto-gen/sh'
import { callUnary, RpcError, type RpcErrorCode } from '@rollcall/runtime'
import { ALICE, adminAlice, IMPI, K, OPC, REALM, SERVER_NAME } from './subscribers/testing/fixtures.ts'
import { HssStack, until } from './testing/hss-stack.ts'

let stack: HssStack

before(async () => {
  stack = await HssStack.start('127.1.6.1')
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

const MAR = { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, resync: Buffer.alloc(0) }
let isim = newIsimState()

/** Takes a vector through the ISIM, which accepts none twice. */
async function authenticate(cx: CxServiceClient): Promise<void> {
  const { result, vector } = await callUnary(cx.multimediaAuth.bind(cx), MAR)
  assert.equal(result, CxResult.CX_RESULT_SUCCESS)
  assert.ok(vector)
  const keys = { k: new Secret(K), opc: new Secret(OPC) }
  const answer = answerChallenge(keys, { rand: vector.rand, autn: vector.autn, state: isim })
  assert.equal(answer.kind, 'success')
  if (answer.kind === 'success') isim = answer.state
}

async function codeOf(call: Promise<unknown>): Promise<RpcErrorCode | 'answered'> {
  try {
    await call
    return 'answered'
  } catch (error) {
    assert.ok(error instanceof RpcError)
    return error.code
  }
}

test('a subscriber is provisioned, served and shown over mutual TLS', async () => {
  const admin = await stack.admin()
  const cx = await stack.cx()
  const sh = await stack.sh()
  const added = await callUnary(admin.addSubscriber.bind(admin), { subscriber: adminAlice() })
  assert.deepEqual(added, { created: true })
  assert.deepEqual(await callUnary(admin.addSubscriber.bind(admin), { subscriber: adminAlice() }), { created: false })
  await authenticate(cx)
  const assignment = await callUnary(cx.serverAssignment.bind(cx), {
    impi: IMPI,
    impu: ALICE,
    serverName: SERVER_NAME,
    type: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION,
    userDataAlreadyAvailable: false,
  })
  assert.equal(assignment.profile?.canonicalImpu, ALICE)
  const location = await callUnary(cx.locationInfo.bind(cx), { impu: 'tel:+15550100' })
  assert.deepEqual(location, { result: CxResult.CX_RESULT_SUCCESS, serverName: SERVER_NAME, canonicalImpu: ALICE })
  const data = await callUnary(sh.userData.bind(sh), { impu: ALICE })
  assert.deepEqual(data.impus, [ALICE, 'tel:+15550100'])
  const shown = await callUnary(admin.getSubscriber.bind(admin), { key: IMPI })
  assert.equal(shown.serverName, SERVER_NAME)
  assert.equal(shown.subscriber?.privateIdentities[0]?.k.length, 0)
  const { subscribers } = await callUnary(admin.listSubscribers.bind(admin), { pageSize: 10, pageToken: '' })
  assert.deepEqual(
    subscribers.map(({ subscriptionId }) => subscriptionId),
    ['alice'],
  )
})

test('each refusal of the operator’s interface has its code and its words', async () => {
  const admin = await stack.admin()
  const add = admin.addSubscriber.bind(admin)
  assert.equal(await codeOf(callUnary(add, { subscriber: { ...adminAlice(), subscriptionId: '' } })), 'RPC_INVALID')
  const other = callUnary(add, { subscriber: { ...adminAlice(), subscriptionId: 'other' } })
  await assert.rejects(other, (error) => {
    assert.ok(error instanceof RpcError)
    assert.equal(error.code, 'RPC_ALREADY_EXISTS')
    assert.match(error.detail, /sip:alice@/)
    return true
  })
  assert.equal(await codeOf(callUnary(admin.getSubscriber.bind(admin), { key: 'nobody' })), 'RPC_NOT_FOUND')
  assert.equal(await codeOf(callUnary(admin.getSubscriber.bind(admin), { key: 'not@an@identity' })), 'RPC_INVALID')
  const remove = admin.removeSubscriber.bind(admin)
  assert.equal(await codeOf(callUnary(remove, { subscriptionId: 'nobody' })), 'RPC_NOT_FOUND')
})

test('who may not ask gets nothing: each interface has its role (ARCHITECTURE, decision 8)', async () => {
  for (const role of ['pcscf', 'presence', 'operator', 'hss']) {
    const cx = await stack.client(CxServiceClient, role)
    assert.equal(await codeOf(callUnary(cx.multimediaAuth.bind(cx), MAR)), 'RPC_DENIED', role)
  }
  for (const role of ['pcscf', 'presence', 'scscf', 'hss']) {
    const admin = await stack.client(SubscriberAdminServiceClient, role)
    assert.equal(await codeOf(callUnary(admin.getSubscriber.bind(admin), { key: 'alice' })), 'RPC_DENIED', role)
  }
  for (const role of ['pcscf', 'operator', 'scscf', 'hss']) {
    const sh = await stack.client(ShServiceClient, role)
    assert.equal(await codeOf(callUnary(sh.userData.bind(sh), { impu: ALICE })), 'RPC_DENIED', role)
  }
})

test('vectors for bootstrapping are for the BSF, hashes of passwords for who checks them (TS 29.109 clause 4.3)', async () => {
  const admin = await stack.admin()
  const password = Buffer.from('correct horse battery')
  await callUnary(admin.setDigestPassword.bind(admin), { impi: IMPI, realm: REALM, password })
  for (const role of ['ap', 'presence']) {
    const digest = await stack.digest(role)
    const found = await callUnary(digest.lookup.bind(digest), { username: IMPI, realm: REALM })
    assert.equal(found.ha1.length, 3)
    assert.ok(!stack.log.includes(found.ha1[0]?.value.toString('hex') ?? ''))
    const unknown = callUnary(digest.lookup.bind(digest), { username: IMPI, realm: 'other' })
    assert.equal(await codeOf(unknown), 'RPC_NOT_FOUND')
  }
  assert.ok(!stack.log.includes('correct horse'))
  const zh = await stack.zh()
  const request = { impi: IMPI, auts: Buffer.alloc(0), rand: Buffer.alloc(0) }
  const { vector, guss } = await callUnary(zh.multimediaAuth.bind(zh), request)
  assert.deepEqual([vector?.rand.length, guss?.uss.length], [16, 2])
  for (const role of ['ap', 'presence', 'scscf', 'operator', 'pcscf']) {
    const other = await stack.zh(role)
    assert.equal(await codeOf(callUnary(other.multimediaAuth.bind(other), request)), 'RPC_DENIED', role)
  }
  for (const role of ['bsf', 'scscf', 'operator', 'pcscf']) {
    const other = await stack.digest(role)
    const asked = callUnary(other.lookup.bind(other), { username: IMPI, realm: REALM })
    assert.equal(await codeOf(asked), 'RPC_DENIED', role)
  }
})

test('a certificate that a stranger signed does not get through the handshake', async () => {
  const { trustDomain, pkiFolder, folder } = stack.store
  const foreign = join(folder, 'foreign')
  const leaf = { name: 'intruder', role: 'scscf', dnsNames: [] }
  const { certFile, keyFile } = await issueLeaf({ folder: foreign, trustDomain, leaf })
  const [host, port] = stack.target.split(':')
  const socket = connect({
    host,
    port: Number(port),
    ca: await readFile(join(pkiFolder, 'ca.crt')),
    cert: await readFile(certFile),
    key: await readFile(keyFile),
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  })
  let answered = ''
  socket.on('data', (octets: Buffer) => {
    answered = octets.toString('hex')
  })
  socket.on('error', () => {})
  // With TLS 1.3 the refusal comes after the client's own handshake, and before anything of HTTP/2.
  await once(socket, 'close', { signal: AbortSignal.timeout(5_000) })
  assert.equal(answered, '')
})

test('after a restart everything is there, and sequence numbers go on (TS 33.102 annex C.1.2)', async () => {
  await authenticate(await stack.cx())
  await stack.stopService()
  await stack.startService()
  const cx = await stack.cx()
  for (let count = 0; count < 3; count++) await authenticate(cx)
  const location = await callUnary(cx.locationInfo.bind(cx), { impu: ALICE })
  assert.equal(location.serverName, SERVER_NAME)
})

test('while NATS is away every call is UNAVAILABLE; when it is back all goes on by itself', async () => {
  const cx = await stack.cx()
  const admin = await stack.admin()
  await authenticate(cx)
  await stack.store.server.kill('SIGKILL')
  await until(() => stack.service?.ready().ready === false, 'the HSS is not ready')
  const calls = [
    codeOf(callUnary(cx.multimediaAuth.bind(cx), MAR)),
    codeOf(callUnary(admin.getSubscriber.bind(admin), { key: 'alice' })),
    codeOf(callUnary(admin.listSubscribers.bind(admin), { pageSize: 0, pageToken: '' })),
  ]
  assert.deepEqual(await Promise.all(calls), ['RPC_UNAVAILABLE', 'RPC_UNAVAILABLE', 'RPC_UNAVAILABLE'])
  // Also then it can be stopped and started.
  await stack.stopService()
  await stack.startService({ isReadyAwaited: false })
  assert.deepEqual(stack.service?.ready(), { ready: false, reasons: ['store: STORE_CONNECTING'] })
  assert.equal(await codeOf(callUnary(cx.multimediaAuth.bind(cx), MAR)), 'RPC_UNAVAILABLE')
  await stack.store.server.restart()
  await until(() => stack.service?.ready().ready === true, 'the HSS is ready again')
  await authenticate(cx)
})

test('no key is in any file of the store, in the log or in the metrics', async () => {
  const texts: Buffer[] = [Buffer.from(stack.log), Buffer.from((await stack.runtime?.metrics.expose()) ?? '')]
  for await (const file of glob('**/*', { cwd: stack.store.storeDir, withFileTypes: true })) {
    if (file.isFile()) texts.push(await readFile(join(file.parentPath, file.name)))
  }
  assert.ok(texts.length > 3 && stack.log.includes('"audit":true'))
  for (const secret of [K, OPC]) {
    for (const form of [secret, Buffer.from(secret.toString('hex')), Buffer.from(secret.toString('base64'))]) {
      for (const text of texts) assert.ok(!text.includes(form))
    }
  }
  // Identities are hashed where they are told.
  assert.ok(!stack.log.includes(IMPI) && !stack.log.includes('sip:alice@'))
})
