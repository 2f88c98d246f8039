import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { VendorNode, type VendorTls } from '@rollcall/dev-env'
import { issueLeaf, leafFiles } from '@rollcall/pki'
import { createRequest, type SipRequest, serializeMessage } from '@rollcall/sip'
import { ALICE, BOB, CAROL, MALLORY, pidf } from './testing/inputs.ts'
import { authorization, readChallenge } from './testing/played-passwords.ts'
import { PRESENCE_HOST, Stack } from './testing/stack.ts'
import { until } from './testing/until.ts'

const ADDRESS = '127.32.3.1'
/** Where the other vendor's S-CSCF is, and where its unprotected one. */
const VENDOR = { address: '127.32.3.2', port: 15_282 }
const PLAIN = { address: '127.32.3.3', port: 15_283 }
const TUNNELLED = { address: '127.32.3.4', port: 15_284 }
const SIPP = '127.32.3.5'
const TLS = { address: ADDRESS, port: 15_281 }
const TCP = { address: ADDRESS, port: 15_280 }
const VENDOR_HOST = 'scscf.vendor.org'

const SETTINGS = {
  ROLLCALL_PRESENCE_SIP_TLS_LISTEN: `${TLS.address}:${TLS.port}`,
  ROLLCALL_PRESENCE_SIP_PEERS: `${VENDOR_HOST}=scscf@tls:${VENDOR.address}:${VENDOR.port},as.vendor.org=as`,
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN: `tcp:${TCP.address}:${TCP.port},udp:${TCP.address}:${TCP.port}`,
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_PEERS: [
    `plain.vendor.org=scscf@tcp:${PLAIN.address}:${PLAIN.port}`,
    `tunnelled.vendor.org=scscf@tcp:${TUNNELLED.address}:${TUNNELLED.port}`,
    `sipp.vendor.org=scscf@tcp:${SIPP}:5060|udp:${SIPP}:5060`,
  ].join(),
  ROLLCALL_PRESENCE_SIP_PROTECTED_ELSEWHERE: `${TUNNELLED.address},${SIPP}`,
}

let stack: Stack
let vendor: VendorNode
let plain: VendorNode
let tunnelled: VendorNode

before(async () => {
  stack = await Stack.start(ADDRESS, { isEmpty: true })
  await stack.replica(0, SETTINGS).start()
  vendor = await VendorNode.start(VENDOR, await certificate('vendor', [VENDOR_HOST]))
  plain = await VendorNode.start(PLAIN)
  tunnelled = await VendorNode.start(TUNNELLED)
})

after(async () => {
  for (const node of [vendor, plain, tunnelled]) await node?.[Symbol.asyncDispose]()
  await stack?.[Symbol.asyncDispose]()
})

/** A certificate of names alone, as a node of another vendor has it. */
async function certificate(name: string, dnsNames: readonly string[]): Promise<VendorTls> {
  const folder = stack.store.pkiFolder
  await issueLeaf({ folder, trustDomain: stack.store.trustDomain, leaf: { name, dnsNames } })
  return leafFiles(folder, name)
}

let serial = 0

/** A request as another vendor's S-CSCF sends it over ISC, asserting `from`. */
function request(
  method: string,
  from: Impu | undefined,
  uri: string,
  headers: readonly (readonly [string, string])[] = [],
  body?: Buffer,
): SipRequest {
  const n = ++serial
  return createRequest(
    method,
    uri,
    [
      ['Via', `SIP/2.0/TLS ${VENDOR_HOST}:${VENDOR.port};branch=z9hG4bKvendor${n}`],
      ['Via', `SIP/2.0/UDP 127.0.1.1:15060;branch=z9hG4bKue${n}`],
      ['Route', `<sip:${PRESENCE_HOST};lr>`],
      ['Max-Forwards', '68'],
      ['From', `<${from ?? BOB}>;tag=f${n}`],
      ['To', `<${uri}>`],
      ['Call-ID', `vendor-${n}`],
      ['CSeq', `${n} ${method}`],
      ...(from === undefined ? [] : [['P-Asserted-Identity', `<${from}>`] as const]),
      ['Event', 'presence'],
      ['Expires', '3600'],
      ...headers,
    ],
    body,
  )
}

const publish = (from: Impu | undefined): SipRequest =>
  request('PUBLISH', from, ALICE, [['Content-Type', 'application/pidf+xml']], pidf('here'))
const subscribe = (from: Impu | undefined, host = VENDOR_HOST): SipRequest =>
  request('SUBSCRIBE', from, ALICE, [
    ['Contact', '<sip:bob@127.0.1.3:15064>'],
    ['Record-Route', `<sip:term@${host};lr>`],
  ])

test('another vendor’s S-CSCF speaks ISC over TLS, and NOTIFYs take the recorded route back to it (TS 24.229 clause 5.7.1, RFC 3261 section 26.3.1)', async () => {
  assert.equal((await vendor.ask(TLS, publish(ALICE)))?.status, 200)
  const first = vendor.nextRequest()
  const asked = subscribe(BOB)
  const response = await vendor.ask(TLS, asked)
  assert.equal(response?.status, 200)
  assert.match(response?.headers.get('Contact') ?? '', new RegExp(`^<sip:presence-\\d+@${PRESENCE_HOST}>$`))
  const notify = await first
  assert.equal(notify.method, 'NOTIFY')
  assert.equal(notify.uri, 'sip:bob@127.0.1.3:15064')
  assert.deepEqual(notify.headers.getAll('Route'), [`<sip:term@${VENDOR_HOST};lr>`])
  assert.match(
    notify.headers.get('Via') ?? '',
    new RegExp(`^SIP/2.0/TLS ${PRESENCE_HOST}:${TLS.port};branch=.*;alias$`),
  )
  assert.ok(notify.body.includes('here'))
  // In the dialog: it ends by a SUBSCRIBE to our Contact.
  const target = /<([^>]*)>/.exec(response?.headers.get('Contact') ?? '')?.[1] ?? ''
  const leave = request('SUBSCRIBE', BOB, target, [['Contact', '<sip:bob@127.0.1.3:15064>']])
  for (const name of ['From', 'Call-ID']) leave.headers.set(name, asked.headers.get(name) ?? '')
  leave.headers.set('To', response?.headers.get('To') ?? '')
  leave.headers.set('Expires', '0')
  const last = vendor.nextRequest()
  assert.equal((await vendor.ask(TLS, leave))?.status, 200)
  assert.match((await last).headers.get('Subscription-State') ?? '', /^terminated/)
})

test('what it asserts decides: a blocked watcher, and who publishes for another or is nobody, are 403', async () => {
  assert.equal((await vendor.ask(TLS, subscribe(MALLORY)))?.status, 403)
  assert.equal((await vendor.ask(TLS, publish(BOB)))?.status, 403)
  assert.equal((await vendor.ask(TLS, publish(undefined)))?.status, 403)
  assert.equal((await vendor.ask(TLS, request('INVITE', BOB, ALICE)))?.status, 405)
})

test('whom it does not assert proves himself to us, past it (RFC 3261 section 22.2, RFC 3856 section 6.6.1)', async () => {
  const user = { username: 'carol@ims.example.com', password: 'correct horse', uri: ALICE }
  stack.passwords.set(user.username, { ...user, impu: CAROL })
  const proved = async (password: string): Promise<number | undefined> => {
    const asked = await vendor.ask(TLS, subscribe(undefined))
    assert.equal(asked?.status, 401)
    const challenge = readChallenge(asked.headers.get('WWW-Authenticate') ?? '')
    const answer = subscribe(undefined)
    answer.headers.set('Authorization', authorization(challenge, { ...user, password }))
    answer.headers.set('Expires', '0')
    return (await vendor.ask(TLS, answer))?.status
  }
  assert.equal(await proved('wrong horse'), 401)
  const told = vendor.nextRequest()
  assert.equal(await proved(user.password), 200)
  await told
})

test('a node that is no S-CSCF is not let in, with a certificate or without a name that is known', async () => {
  for (const [name, host] of [
    ['as', 'as.vendor.org'],
    ['stranger', 'stranger.org'],
  ] as const) {
    await using node = await VendorNode.start({ address: '127.32.3.9', port: 0 }, await certificate(name, [host]))
    assert.equal(await node.ask(TLS, publish(ALICE)), undefined, name)
  }
  await until(
    async () => (await stack.metric('rollcall_sip_peers_refused_total{transport="TLS"')) >= 2,
    'both are counted',
  )
})

test('identities that came unprotected are unverified: watching and publishing are 403 (TS 24.229 clause 4.4)', async () => {
  const before = await stack.metric('rollcall_presence_refused_total{reason="unverified"')
  assert.equal((await plain.ask(TCP, publish(ALICE)))?.status, 403)
  assert.equal((await plain.ask(TCP, subscribe(BOB)))?.status, 403)
  assert.equal(await stack.metric('rollcall_presence_refused_total{reason="unverified"'), before + 2)
  assert.deepEqual(plain.requests, [])
})

test('over a link that something else protects they are believed (TS 33.210)', async () => {
  assert.equal((await tunnelled.ask(TCP, publish(ALICE)))?.status, 200)
  const first = tunnelled.nextRequest()
  assert.equal((await tunnelled.ask(TCP, subscribe(BOB, 'tunnelled.vendor.org')))?.status, 200)
  assert.equal((await first).method, 'NOTIFY')
})

test('that plain SIP is taken stands in /readyz', () => {
  const { ready, reasons } = stack.presence?.ready() ?? { ready: false, reasons: [] }
  assert.ok(ready)
  assert.equal(reasons.filter((reason) => reason.startsWith('insecure')).length, 1)
})

test('openssl publishes over TLS with a certificate, and is refused without one (judge: openssl s_client)', async (t) => {
  if (!isThere('openssl', 'version')) return t.skip('openssl is not installed')
  const { certFile, keyFile, caFile } = await certificate('openssl', [VENDOR_HOST])
  const ask = async (...credentials: string[]): Promise<string> => {
    const to = [
      's_client',
      '-connect',
      `${TLS.address}:${TLS.port}`,
      '-CAfile',
      caFile,
      '-verify_return_error',
      '-quiet',
    ]
    const child = spawn('openssl', [...to, ...credentials])
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1')
      child.kill()
    })
    child.stdin.on('error', () => {})
    child.stdin.write(serializeMessage(publish(ALICE)))
    await once(child, 'close')
    return said
  }
  assert.match(await ask('-cert', certFile, '-key', keyFile), /^SIP\/2\.0 200 OK\r\n[\s\S]*SIP-ETag: /)
  assert.equal(await ask(), '')
})

/** A scenario of one SUBSCRIBE, its 200 and the NOTIFY that fetches the state. */
const SCENARIO = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="fetch">
  <send retrans="500"><![CDATA[
SUBSCRIBE ${ALICE} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Route: <sip:${PRESENCE_HOST};lr>
Max-Forwards: 68
From: <${BOB}>;tag=[call_number]
To: <${ALICE}>
Call-ID: [call_id]
CSeq: 1 SUBSCRIBE
P-Asserted-Identity: <${BOB}>
Contact: <sip:bob@127.0.1.3:15064>
Record-Route: <sip:sipp.vendor.org;lr>
Event: presence
Expires: 0
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
`

/** How sipp takes each transport, its port, and what it must be built with. */
const SIPP_MODES = [
  ['udp', 'u1', '5070'],
  ['tcp', 't1', '5071'],
  ['tls', 'l1', '5072'],
] as const

for (const [transport, mode, port] of SIPP_MODES) {
  test(`sipp is answered over ${transport} (judge: sipp)`, async (t) => {
    if (!isThere('sipp', '-v')) return t.skip('sipp is not installed')
    const version = spawnSync('sipp', ['-v'], { encoding: 'utf8' }).stdout
    if (transport === 'tls' && !/-TLS/.test(version))
      return t.skip('this sipp is built without TLS: openssl judges that')
    const { certFile, keyFile } = await certificate('sipp', [VENDOR_HOST])
    const file = join(stack.store.pkiFolder, `fetch-${transport}.xml`)
    await writeFile(file, SCENARIO)
    const to = transport === 'tls' ? TLS : TCP
    const tls = transport === 'tls' ? ['-tls_cert', certFile, '-tls_key', keyFile] : []
    const where = [`${to.address}:${to.port}`, '-i', SIPP, '-p', port, '-t', mode, ...tls]
    const child = spawn('sipp', [...where, '-sf', file, '-m', '20', '-r', '100', '-timeout', '15', '-nostdin'], {
      cwd: stack.store.pkiFolder,
    })
    const output: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(String(chunk)))
    const [code] = await once(child, 'close')
    assert.equal(code, 0, output.join('').slice(-2_000))
  })
}

function isThere(tool: string, option: string): boolean {
  try {
    execFileSync(tool, [option], { stdio: 'ignore' })
    return true
  } catch (error) {
    // sipp -v ends with a status of its own.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}
