import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Impu, systemRandom } from '@rollcall/core'
import { VendorNode, type VendorTls } from '@rollcall/dev-env'
import { issueLeaf, leafFiles } from '@rollcall/pki'
import { createRequest, parseAuth, type SipRequest, type SipResponse } from '@rollcall/sip'
import { FakeUe, type RegisterOptions } from './testing/fake-ue.ts'
import { ALICE, ALICE_TEL, BOB, BOB_IMPI, PHONE, PRESENCE_HOST, REALM, SCSCF_HOST } from './testing/fixtures.ts'
import { ScscfStack } from './testing/scscf-stack.ts'

const ADDRESS = '127.32.4.1'
const TLS = { address: ADDRESS, port: 15_061 }
const TCP = { address: ADDRESS, port: 15_060 }
const PCSCF = { address: '127.32.4.2', port: 15_062 }
const AS = { address: '127.32.4.3', port: 15_063 }
const PLAIN = { address: '127.32.4.4', port: 15_064 }
const PCSCF_HOST = 'pcscf.vendor.org'

let stack: ScscfStack
let pcscf: VendorNode
let as: VendorNode
let plain: VendorNode
const phone = createUe(PHONE, ALICE)
const bob = createUe(BOB_IMPI, BOB)

function createUe(impi: string, impu: string): FakeUe {
  return new FakeUe({ impi, impu, address: '127.0.1.1', k: systemRandom.bytes(16), opc: systemRandom.bytes(16) })
}

before(async () => {
  stack = await ScscfStack.start(ADDRESS, {
    settings: {
      // The application server of the filter criteria is another vendor's.
      ROLLCALL_HOP_ROUTES: `${REALM}=scscf@${ADDRESS}:17002`,
      ROLLCALL_SCSCF_SIP_TLS_LISTEN: `${TLS.address}:${TLS.port}`,
      ROLLCALL_SCSCF_SIP_PEERS: [
        `${PCSCF_HOST}=pcscf@tls:${PCSCF.address}:${PCSCF.port}`,
        `${PRESENCE_HOST}=as@tls:${AS.address}:${AS.port}`,
      ].join(),
      ROLLCALL_SCSCF_SIP_UNPROTECTED_LISTEN: `tcp:${TCP.address}:${TCP.port}`,
      ROLLCALL_SCSCF_SIP_UNPROTECTED_PEERS: `plain.vendor.org=pcscf@tcp:${PLAIN.address}:${PLAIN.port}`,
    },
  })
  for (const [id, ue, impus] of [
    ['alice', phone, [ALICE, ALICE_TEL]],
    ['bob', bob, [BOB]],
  ] as const) {
    await stack.provision(id, [...impus], [{ impi: ue.impi, k: ue.keys.k.reveal(), opc: ue.keys.opc.reveal() }])
  }
  pcscf = await VendorNode.start(PCSCF, await certificate('vendor-pcscf', PCSCF_HOST))
  as = await VendorNode.start(AS, await certificate('vendor-as', PRESENCE_HOST))
  plain = await VendorNode.start(PLAIN)
})

after(async () => {
  for (const node of [pcscf, as, plain]) await node?.[Symbol.asyncDispose]()
  await stack?.[Symbol.asyncDispose]()
})

/** A certificate of a name alone, as a node of another vendor has it. */
async function certificate(name: string, host: string): Promise<VendorTls> {
  const { pkiFolder, trustDomain } = stack.store
  await issueLeaf({ folder: pkiFolder, trustDomain, leaf: { name, dnsNames: [host] } })
  return leafFiles(pkiFolder, name)
}

/** A REGISTER as another vendor's P-CSCF sends it on: what our own says in the envelope is in its headers. */
function register(ue: FakeUe, o: RegisterOptions = {}): SipRequest {
  const { request } = ue.register(o)
  request.headers.removeFirst('Via')
  request.headers.prepend('Via', `SIP/2.0/TLS ${PCSCF_HOST}:${PCSCF.port};branch=z9hG4bKr${++serial}`)
  request.headers.set('Path', `<sip:token@${PCSCF_HOST};lr>`)
  return request
}

async function registerFully(ue: FakeUe): Promise<SipResponse | undefined> {
  const challenge = await pcscf.ask(TLS, register(ue))
  assert.equal(challenge?.status, 401)
  return await pcscf.ask(TLS, register(ue, { isProtected: true, authorization: ue.answer(challenge) }))
}

let serial = 0

function request(
  method: string,
  from: Impu | undefined,
  o: { readonly routes?: readonly string[]; readonly uri?: string; readonly via?: string } = {},
): SipRequest {
  const n = ++serial
  const uri = o.uri ?? ALICE
  return createRequest(method, uri, [
    ['Via', `SIP/2.0/TLS ${o.via ?? `${PCSCF_HOST}:${PCSCF.port}`};branch=z9hG4bKv${n}`],
    ['Via', `SIP/2.0/UDP 127.0.1.1:15066;branch=z9hG4bKu${n}`],
    ...(o.routes ?? [`<sip:orig@${SCSCF_HOST};lr>`]).map((value) => ['Route', value] as const),
    ['Max-Forwards', '69'],
    ['From', `<${from ?? ALICE}>;tag=f${n}`],
    ['To', `<${uri}>`],
    ['Call-ID', `vendor-${n}`],
    ['CSeq', `1 ${method}`],
    ...(from === undefined ? [] : [['P-Asserted-Identity', `<${from}>`] as const]),
    ['Event', 'presence'],
    ['Contact', '<sip:alice@127.0.1.1:15066>'],
  ])
}

test('a UE registers by way of another vendor’s P-CSCF, over Mw in TLS (TS 24.229 clause 5.2.2.2, TS 24.229 clause 5.4.1)', async () => {
  const challenge = await pcscf.ask(TLS, register(phone))
  assert.equal(challenge?.status, 401)
  const { params } = parseAuth(challenge.headers.get('WWW-Authenticate') ?? '')
  assert.match(
    params.get('ck')?.value ?? '',
    /^[0-9a-f]{32}$/,
    'the P-CSCF needs the keys for its security associations',
  )
  // Without the P-CSCF's mark it did not come over them: it is challenged again.
  const unmarked = await pcscf.ask(TLS, register(phone, { authorization: phone.answer(challenge) }))
  assert.equal(unmarked?.status, 401)
  const response = await pcscf.ask(TLS, register(phone, { isProtected: true, authorization: phone.answer(unmarked) }))
  assert.equal(response?.status, 200)
  assert.deepEqual(response?.headers.getAll('Service-Route'), [`<sip:orig@${SCSCF_HOST};lr>`])
  assert.deepEqual(await stack.registrations(), [PHONE])
})

test('its requests go to another vendor’s application server and back, and on to the contact by its Path (TS 24.229 clauses 5.4.3.2 to 5.4.3.4)', async () => {
  const atServer = as.nextRequest()
  const asked = pcscf.ask(TLS, request('PUBLISH', ALICE))
  const sent = await atServer
  assert.equal((await asked)?.status, 200)
  const [toServer, back] = sent.headers.list('Route')
  assert.equal(toServer, `<sip:${PRESENCE_HOST};lr>`)
  assert.match(back ?? '', new RegExp(`^<sip:odi-.*@${SCSCF_HOST};lr>$`))
  assert.equal(sent.headers.get('P-Served-User'), `<${ALICE}>;sescase=orig;regstate=reg`)
  assert.deepEqual(sent.headers.list('P-Asserted-Identity'), [`<${ALICE}>`, `<${ALICE_TEL}>`])
  assert.match(sent.headers.get('Via') ?? '', new RegExp(`^SIP/2.0/TLS ${SCSCF_HOST}:${TLS.port};branch=`))

  // The server keeps the next one open and gives it back: its user's own contact gets it.
  as.status = undefined
  const again = as.nextRequest()
  const open = pcscf.ask(TLS, request('PUBLISH', ALICE))
  const kept = await again
  const atPcscf = pcscf.nextRequest()
  const returned = request('PUBLISH', BOB, {
    routes: kept.headers.list('Route').slice(1),
    via: `${PRESENCE_HOST}:${AS.port}`,
  })
  const answered = as.ask(TLS, returned)
  const delivered = await atPcscf
  assert.equal(delivered.uri, 'sip:127.0.1.1:15066')
  assert.deepEqual(delivered.headers.list('Route'), [`<sip:token@${PCSCF_HOST};lr>`])
  assert.deepEqual(
    delivered.headers.list('P-Asserted-Identity'),
    [`<${ALICE}>`, `<${ALICE_TEL}>`],
    'not whom the server names',
  )
  assert.equal((await answered)?.status, 200)
  as.status = 200
  void open.catch(() => undefined)
})

test('what another vendor’s P-CSCF does not assert, or of whom nobody is registered, is refused (TS 24.229 clause 5.4.3.2); INVITE is 405 (RFC 3261 section 8.2.1)', async () => {
  assert.equal((await pcscf.ask(TLS, request('PUBLISH', undefined)))?.status, 403)
  assert.equal((await pcscf.ask(TLS, request('PUBLISH', BOB)))?.status, 403)
  assert.equal((await pcscf.ask(TLS, request('PUBLISH', ALICE, { routes: [] })))?.status, 403)
  assert.equal((await pcscf.ask(TLS, request('INVITE', ALICE)))?.status, 405)
})

test('an application server begins nothing, and registers nobody (TS 24.229 clause 5.7)', async () => {
  const via = `${PRESENCE_HOST}:${AS.port}`
  assert.equal((await as.ask(TLS, request('PUBLISH', ALICE, { via })))?.status, 403)
  assert.equal((await as.ask(TLS, register(phone)))?.status, 403)
})

test('over a link that nobody protects no REGISTER is taken, for its answer has CK and IK, and nobody is believed', async () => {
  const response = await plain.ask(TCP, register(bob))
  assert.equal(response?.status, 403)
  assert.equal(response?.headers.has('WWW-Authenticate'), false)
  assert.equal((await plain.ask(TCP, request('PUBLISH', ALICE)))?.status, 403)
})

test('that plain SIP is taken stands in /readyz', () => {
  const { ready, reasons } = stack.scscf?.ready() ?? { ready: false, reasons: [] }
  assert.ok(ready)
  assert.deepEqual(reasons, [
    `insecure: SIP is taken unprotected at tcp:${TCP.address}:${TCP.port}, and its identities are not believed`,
  ])
})

test('a second user registers there, too, and a request to him goes by his P-CSCF', async () => {
  assert.equal((await registerFully(bob))?.status, 200)
  const atPcscf = pcscf.nextRequest()
  const asked = pcscf.ask(TLS, request('MESSAGE', ALICE, { uri: BOB }))
  const delivered = await atPcscf
  assert.equal(delivered.headers.get('P-Called-Party-ID'), `<${BOB}>`)
  assert.equal((await asked)?.status, 200)
})
