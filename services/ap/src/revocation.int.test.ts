import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { createTrustDomain, issueLeaf, leafFiles } from '@rollcall/pki'
import { TlsIdentityError } from '@rollcall/runtime'
import { ApStack, type ApStackOptions, OTHER, TRUST_DOMAIN, type UePair, XCAP } from './testing/ap-stack.ts'
import { DOCUMENT, PlayedUe, type UeAnswer } from './testing/played-ue.ts'
import { brokenBehindTime, Revocations } from './testing/revocations.ts'

const address = '127.54.3.1'
/** The proxy has it, too. */
const OTHER_ADDRESS = '127.54.3.2'
const UE_ADDRESS = '127.54.3.9'
const run = promisify(execFile)
const TIMERS_MS = 20

interface Bench {
  readonly stack: ApStack
  readonly alice: UePair
  readonly bob: UePair
}

async function setUp(t: TestContext, o: ApStackOptions = {}): Promise<Bench> {
  const env = { ROLLCALL_AP_MEANS: 'gba-digest,client-certificate' }
  const stack = await ApStack.start(t, address, { env, hasRevocations: true, timersMs: TIMERS_MS, ...o })
  const alice = await stack.ueCertificate('alice', ['sip:alice@home1.net'])
  const bob = await stack.ueCertificate('bob', ['sip:bob@home1.net'])
  return { stack, alice, bob }
}

async function open(t: TestContext, stack: ApStack, { cert, key }: UePair): Promise<PlayedUe> {
  const ue = await PlayedUe.open(stack, { cert, key })
  t.after(() => ue.close())
  return ue
}

/** What a new connection with this certificate gets. */
async function ask(t: TestContext, stack: ApStack, pair: UePair): Promise<UeAnswer> {
  const ue = await open(t, stack, pair)
  try {
    return await ue.send()
  } finally {
    ue.close()
  }
}

/** Asks by new connections until the answer is this one: the proxy reads its files from time to time. */
async function untilAnswered(t: TestContext, stack: ApStack, pair: UePair, status: number): Promise<void> {
  const endMs = performance.now() + 5_000
  while ((await ask(t, stack, pair)).status !== status) assert.ok(performance.now() < endMs, `${status} in time`)
}

/** What openssl gets with these options: the status line. */
async function sClient(stack: ApStack, ...options: readonly string[]): Promise<string> {
  const request = `GET ${DOCUMENT} HTTP/1.1\\r\\nHost: ${XCAP}\\r\\nConnection: close\\r\\n\\r\\n`
  const ca = leafFiles(stack.folder, 'public').caFile
  const command = `printf '${request}' | openssl s_client -ign_eof -connect ${address}:${stack.ports.digest} -servername ${XCAP} -CAfile ${ca} -verify_return_error ${options.join(' ')} 2>&1`
  const { stdout } = await run('sh', ['-c', command])
  return /HTTP\/1\.1 \d{3}/.exec(stdout)?.[0] ?? 'nothing'
}

const withPair = ({ certFile, keyFile }: UePair) => ['-cert', certFile, '-key', keyFile]

test('a revoked certificate lets nobody in, and openssl s_client is refused with it; others are not touched (TS 33.222 clause 5.5, RFC 5280 section 5)', async (t) => {
  const { stack, alice, bob } = await setUp(t, { env: { ROLLCALL_AP_MEANS: 'client-certificate' } })
  assert.equal(await sClient(stack, ...withPair(alice)), 'HTTP/1.1 200')
  await stack.revocations.revoke(alice.certFile)
  await untilAnswered(t, stack, alice, 403)
  for (const version of ['-tls1_2', '-tls1_3']) {
    assert.equal(await sClient(stack, version, ...withPair(alice)), 'HTTP/1.1 403')
    assert.equal(await sClient(stack, version, ...withPair(bob)), 'HTTP/1.1 200')
  }
  assert.ok((await stack.refusals('certificate-revoked')) >= 3)
  assert.ok(stack.runtime.lines.some((line) => line.includes('"reason":"certificate-revoked"')))
})

test('a revoked user may still bootstrap: the certificate is revoked, and not its owner', async (t) => {
  const { stack, alice } = await setUp(t)
  await stack.revocations.revoke(alice.certFile)
  await untilAnswered(t, stack, alice, 401)
  const ue = await open(t, stack, alice)
  assert.equal((await ue.ask(stack.bsf.bootstrap('alice'))).status, 200)
})

test('a connection from before a list was renewed shows its certificate anew (TS 33.222 clause 5.5)', async (t) => {
  const { stack, alice, bob } = await setUp(t)
  const [ofAlice, ofBob] = [await open(t, stack, alice), await open(t, stack, bob)]
  assert.deepEqual([(await ofAlice.send()).status, (await ofBob.send()).status], [200, 200])
  await stack.revocations.revoke(alice.certFile)
  await untilAnswered(t, stack, alice, 401)
  for (const ue of [ofAlice, ofBob]) {
    const answer = await ue.send()
    assert.deepEqual([answer.status, answer.headers['retry-after'], answer.headers.connection], [503, '2', 'close'])
  }
  assert.equal((await ask(t, stack, bob)).status, 200)
  assert.equal((await ask(t, stack, alice)).status, 401)
})

test('a connection from the same port to another address of the proxy makes no older one younger (TS 33.222 clause 5.5)', async (t) => {
  const env = { ROLLCALL_AP_MEANS: 'client-certificate', ROLLCALL_AP_DIGEST_LISTEN: '0.0.0.0:0' }
  const { stack, alice } = await setUp(t, { env })
  const counted = async (connections: number): Promise<void> => {
    const open = () => stack.runtime.metric('rollcall_http_connections{listener="ua-digest"}')
    const endMs = performance.now() + 3_000
    while ((await open()) !== connections) {
      assert.ok(performance.now() < endMs, `${await open()} for ${connections}`)
      await new Promise((resolve) => setTimeout(resolve, TIMERS_MS))
    }
  }
  const begin = async (host: string, localPort?: number) => {
    const socket = connect({ host, port: stack.ports.digest, localAddress: UE_ADDRESS, localPort })
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  const { cert, key } = alice
  const through = await PlayedUe.open(stack, { cert, key, localAddress: UE_ADDRESS })
  t.after(() => through.close())
  assert.equal((await through.send()).status, 200)
  const begun = await begin(address)
  await counted(2)
  await stack.revocations.revoke(alice.certFile)
  await untilAnswered(t, stack, alice, 403)
  await counted(2)
  await begin(OTHER_ADDRESS, through.socket.localPort)
  await begin(OTHER_ADDRESS, begun.localPort)
  await counted(4)
  const late = await PlayedUe.open(stack, { cert, key, socket: begun })
  t.after(() => late.close())
  assert.deepEqual([(await through.send()).status, (await late.send()).status], [503, 503])
})

test('a connection does not outlive its certificate (TS 33.222 clause 5.5)', async (t) => {
  const { stack, alice } = await setUp(t, { hasRevocations: false, isClockMoved: true })
  const ue = await open(t, stack, alice)
  assert.equal((await ue.send()).status, 200)
  stack.advance(91 * 86_400_000)
  const answer = await ue.send()
  assert.deepEqual([answer.status, answer.headers.connection], [503, 'close'])
})

test('a list that has ended lets nobody in by certificate, and says so; keys of GBA are not touched (TS 33.222 clause 5.5)', async (t) => {
  const { stack, alice } = await setUp(t)
  assert.equal((await ask(t, stack, alice)).status, 200)
  const endSeconds = await stack.runtime.metric('rollcall_ap_crl_end_seconds')
  assert.ok(endSeconds * 1000 > stack.now())
  await stack.revocations.write({ isEnded: true })
  await untilAnswered(t, stack, alice, 401)
  assert.ok((await stack.refusals('certificate-crl-ended')) >= 1)
  assert.equal(stack.runtime.lines.filter((line) => line.includes('revocation list has ended')).length, 1, 'told once')
  assert.equal((await (await open(t, stack, alice)).ask(stack.bsf.bootstrap('alice'))).status, 200)
  await stack.revocations.write()
  await untilAnswered(t, stack, alice, 200)
})

test('a session that is resumed shows no certificate, also after a list was renewed', async (t) => {
  const { stack, alice } = await setUp(t, { env: { ROLLCALL_AP_MEANS: 'client-certificate' } })
  const bob = await stack.ueCertificate('other', ['sip:other@home1.net'])
  await stack.revocations.revoke(bob.certFile)
  await untilAnswered(t, stack, bob, 403)
  const session = join(stack.folder, 'session')
  for (const version of ['-tls1_2', '-tls1_3']) {
    assert.equal(await sClient(stack, version, ...withPair(alice), '-sess_out', session), 'HTTP/1.1 200')
    assert.notEqual(await sClient(stack, version, '-sess_in', session), 'HTTP/1.1 200')
  }
})

test('an authority that is added while the proxy runs counts, and needs a list of its own (RFC 5280 section 6.3)', async (t) => {
  const { stack, bob } = await setUp(t)
  const [ues, others] = [join(stack.folder, 'ues'), join(stack.folder, 'others')]
  await createTrustDomain({ folder: others, trustDomain: 'others.test', leaves: [] })
  const leaf = { name: 'carol', dnsNames: [], uris: ['sip:carol@home1.net'] }
  const files = await issueLeaf({ folder: others, trustDomain: 'others.test', leaf })
  const foreign = { ...files, cert: await readFile(files.certFile), key: await readFile(files.keyFile) }
  assert.equal((await ask(t, stack, foreign)).status, 401)
  assert.equal(await stack.refusals('certificate-foreign'), 1)
  const authorities = await Promise.all([ues, others].map((folder) => readFile(join(folder, 'ca.crt'), 'utf8')))
  await writeFile(join(ues, 'ca.crt'), authorities.join('\n'))
  const endMs = performance.now() + 5_000
  while ((await stack.refusals('certificate-crl-ended')) === 0) {
    assert.ok(performance.now() < endMs)
    assert.equal((await ask(t, stack, foreign)).status, 401)
  }
  const second = await Revocations.create(others)
  const lists = await Promise.all([stack.revocations.file, second.file].map((file) => readFile(file, 'utf8')))
  await writeFile(stack.revocations.file, lists.join('\n'))
  await untilAnswered(t, stack, foreign, 200)
  assert.equal((await ask(t, stack, bob)).status, 200)
})

test('the certificate of the NAFs is renewed while the proxy runs; one for other names is refused, and the last good one stays', async (t) => {
  const { stack, alice } = await setUp(t)
  const serial = async (): Promise<string> => {
    const ue = await open(t, stack, alice)
    assert.equal((await ue.send()).status, 200)
    return ue.socket.getPeerCertificate().serialNumber
  }
  const renew = (dnsNames: readonly string[]) =>
    issueLeaf({ folder: stack.folder, trustDomain: TRUST_DOMAIN, leaf: { name: 'public', dnsNames } })
  const logged = (words: string): boolean => stack.runtime.lines.some((line) => line.includes(words))
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    const endMs = performance.now() + 5_000
    while (!(await holds())) {
      assert.ok(performance.now() < endMs, 'in time')
      await new Promise((resolve) => setTimeout(resolve, TIMERS_MS))
    }
  }
  const first = await serial()
  await renew([XCAP, OTHER])
  await until(async () => (await serial()) !== first)
  const second = await serial()
  await renew(['elsewhere.net'])
  await until(() => logged('the public certificate cannot be used'))
  assert.equal(await serial(), second)
})

test('a file that holds no list is refused at the start, and later the last good one stays', async (t) => {
  const empty = join(import.meta.dirname, '..', 'package.json')
  await assert.rejects(
    setUp(t, { env: { ROLLCALL_AP_MEANS: 'client-certificate', ROLLCALL_AP_CLIENT_CRL_FILE: empty } }),
    {
      name: TlsIdentityError.name,
    },
  )
  const { stack, alice, bob } = await setUp(t)
  await stack.revocations.revoke(alice.certFile)
  await untilAnswered(t, stack, alice, 401)
  await writeFile(stack.revocations.file, 'nothing')
  const endMs = performance.now() + 5_000
  while (!stack.runtime.lines.some((line) => line.includes('authorities of UEs cannot be used'))) {
    assert.ok(performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, TIMERS_MS))
  }
  assert.deepEqual([(await ask(t, stack, alice)).status, (await ask(t, stack, bob)).status], [401, 200])
})

test('of a list that TLS cannot read the last good one stays, and the proxy goes on (RFC 5280 section 5)', async (t) => {
  const { stack, alice, bob } = await setUp(t)
  await stack.revocations.revoke(alice.certFile)
  await untilAnswered(t, stack, alice, 401)
  await writeFile(stack.revocations.file, brokenBehindTime(await readFile(stack.revocations.file, 'latin1')))
  const endMs = performance.now() + 5_000
  while (!stack.runtime.lines.some((line) => line.includes('authorities of UEs cannot be used'))) {
    assert.ok(performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, TIMERS_MS))
  }
  for (let n = 0; n < 2; n += 1) {
    assert.deepEqual([(await ask(t, stack, alice)).status, (await ask(t, stack, bob)).status], [401, 200])
  }
})
