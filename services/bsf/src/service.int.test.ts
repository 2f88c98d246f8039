import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { HTTP_DIGEST_UA_PROTOCOL, ksNaf, nafId, readBootstrappingInfo } from '@rollcall/gba'
import { callUnary, RpcError } from '@rollcall/runtime'
import { BsfStack } from './testing/bsf-stack.ts'
import { BSF, IMPI, KEYS, XCAP } from './testing/fixtures.ts'
import { rspauthIn, UbTerminal } from './testing/ub-terminal.ts'

const run = promisify(execFile)

const stack = await BsfStack.start('127.43.2.1')
after(() => stack[Symbol.asyncDispose]())
await stack.startBsf(0)
await stack.startBsf(1)
const [first, second] = [stack.placeOf(0), stack.placeOf(1)]
const ue = new UbTerminal(IMPI, KEYS)

/** What curl, a client of others, makes of a request. */
async function curl(url: string, authorization: string | undefined, ...more: string[]) {
  const header = authorization === undefined ? [] : ['-H', `Authorization: ${authorization}`]
  const args = ['-sS', '-i', '--max-time', '10', '-A', 'curl 3gpp-gba-tmpi', ...header, ...more, url]
  const { stdout } = await run('curl', args)
  const [head = '', body = ''] = stdout.split('\r\n\r\n', 2)
  const headerOf = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? ''
  return { status: Number(head.split(' ')[1]), headerOf, body: Buffer.from(body) }
}

/** Bootstraps at one BSF, the second half at another. */
async function bootstrapped(urls: readonly [string, string], ...more: string[]) {
  const challenge = await curl(urls[0], ue.first(BSF), ...more)
  assert.equal(challenge.status, 401)
  const answer = ue.answer(challenge.headerOf('WWW-Authenticate'))
  const said = await curl(urls[1], answer.authorization, ...more)
  assert.equal(said.status, 200)
  assert.equal(rspauthIn(said.headerOf('Authentication-Info')), answer.rspauthOf(said.body))
  const { btid, lifetimeMs } = readBootstrappingInfo(said.body)
  return { btid, lifetimeMs, answer }
}

async function askForKey(n: number, btid: string, o: { leaf?: string; naf?: string } = {}) {
  const zn = await stack.zn(n, o.leaf)
  const request = { btid, nafFqdn: o.naf ?? XCAP, uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [2] }
  return await callUnary(zn.bootstrappingInfo.bind(zn), request)
}

async function refusalOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => assert.fail('it was told'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof RpcError)
  return error.code
}

test('curl bootstraps over HTTP at one replica and another, and a NAF gets the key (TS 33.220 clause 4.5, TS 33.220 clause 4.3.1, TS 33.220 clause 4.4.4)', async () => {
  const { btid, lifetimeMs, answer } = await bootstrapped([`http://${first.http}/`, `http://${second.http}/`])
  const said = await askForKey(0, btid)
  const expected = ksNaf({ ks: answer.ks, rand: answer.rand, impi: IMPI, nafId: nafId(XCAP, HTTP_DIGEST_UA_PROTOCOL) })
  assert.deepEqual(said.ksNaf, expected.reveal())
  assert.ok(Math.abs(Number(said.keyExpiryMs) - lifetimeMs) < 1_000)
  assert.equal(said.uss[0]?.uids.length, 1)
})

test('curl bootstraps over HTTPS, by the public certificate (TS 24.109 clause 4.1)', async () => {
  const [address = '', port = ''] = first.https.split(':')
  const url = `https://${BSF}:${port}/`
  const { btid } = await bootstrapped([url, url], '--cacert', stack.caFile, '--resolve', `${BSF}:${port}:${address}`)
  await askForKey(1, btid)
})

test('a NAF gets no key of another NAF, and only a NAF gets keys at all (TS 33.220 clause 4.5.3, TS 33.220 clause 4.4.6)', async () => {
  const { btid } = await bootstrapped([`http://${first.http}/`, `http://${first.http}/`])
  assert.equal(await refusalOf(askForKey(0, btid, { leaf: 'ap-other' })), 'RPC_DENIED')
  assert.equal(await refusalOf(askForKey(0, btid, { naf: 'conference.example.org' })), 'RPC_DENIED')
  assert.equal(await refusalOf(askForKey(0, btid, { leaf: 'presence' })), 'RPC_DENIED')
  assert.equal(await refusalOf(askForKey(0, `x${btid}`)), 'RPC_NOT_FOUND')
})

test('a key is gone when its life, by the user’s own settings, is over (TS 33.220 clause 4.4.6, TS 33.220 clause 4.5.3)', async () => {
  const admin = await stack.admin()
  const setGuss = (lifetimeSeconds: number) =>
    callUnary(admin.setGuss.bind(admin), { impi: IMPI, guss: { lifetimeSeconds, uss: [] } })
  await setGuss(2)
  const { btid, lifetimeMs } = await bootstrapped([`http://${first.http}/`, `http://${first.http}/`])
  await callUnary(admin.setGuss.bind(admin), { impi: IMPI, guss: undefined })
  await askForKey(0, btid)
  for (;;) {
    const asked = await askForKey(1, btid).catch((error: unknown) => error)
    if (asked instanceof RpcError) {
      assert.equal(asked.code, 'RPC_NOT_FOUND')
      break
    }
    // The document says whole seconds.
    assert.ok(Date.now() < lifetimeMs + 5_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(Date.now() >= lifetimeMs - 1_000)
})

test('a request that is too long, too slow or no request is cut (RFC 9110 section 15.5)', async () => {
  const url = `http://${first.http}/`
  assert.equal((await curl(url, ue.first(BSF), '--data', 'x'.repeat(2_000), '-X', 'GET')).status, 413)
  assert.equal((await curl(url, ue.first(BSF), '-H', `X-Long: ${'x'.repeat(9_000)}`)).status, 431)
  assert.equal((await curl(url, undefined)).status, 400)
  const [host = '', port = ''] = first.http.split(':')
  const socket = connect({ host, port: Number(port) })
  const said: Buffer[] = []
  socket.on('data', (piece: Buffer) => said.push(piece))
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: ')
  await new Promise((resolve) => socket.once('close', resolve))
  assert.match(Buffer.concat(said).toString(), /^HTTP\/1\.1 408 /)
})

test('a source opens so many connections to each listener, and others bootstrap beside it', async () => {
  await stack.startBsf(2, { ROLLCALL_BSF_SOURCE_CONNECTIONS_MAX: '2' })
  const place = stack.placeOf(2)
  const localAddress = '127.43.2.99'
  for (const listener of [place.http, place.https]) {
    const [host = '', port = ''] = listener.split(':')
    const open = async () => {
      const socket = connect({ host, port: Number(port), localAddress })
      socket.on('error', () => {})
      await new Promise((resolve) => socket.once('connect', resolve))
      return socket
    }
    const kept = [await open(), await open()]
    const third = await open()
    third.resume()
    await new Promise((resolve) => third.once('close', resolve))
    for (const socket of kept) {
      assert.ok(!socket.destroyed)
      socket.destroy()
    }
  }
  await bootstrapped([`http://${place.http}/`, `http://${place.http}/`])
})

test('no key, no vector and no name stands in a log or a metric', async () => {
  const { btid, answer } = await bootstrapped([`http://${first.http}/`, `http://${second.http}/`])
  const { ksNaf: key } = await askForKey(0, btid)
  const ks = answer.ks.reveal()
  assert.ok(stack.log.includes('key.told'))
  for (const octets of [ks, ks.subarray(0, 16), ks.subarray(16), key]) {
    for (const encoding of ['hex', 'base64', 'latin1'] as const) {
      assert.ok(!stack.log.includes(octets.toString(encoding)))
    }
  }
  assert.ok(!stack.log.includes(IMPI) && !stack.log.includes(btid))
})
