import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { parseImpi, Secret, systemRandom } from '@rollcall/core'
import { fetchMetrics, sumOf, waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { type ServiceName, SIP_PORT } from '@rollcall/deploy/local/stack.ts'
import { writePidf } from '@rollcall/pidf'
import { leafFiles } from '@rollcall/pki'
import { CxServiceClient } from '@rollcall/proto-gen/cx'
import { callUnary, createGrpcClient, RpcError } from '@rollcall/runtime'
import { parseMessage } from '@rollcall/sip'
import {
  gmTimers,
  memoryIsimStore,
  PublicationRefusedError,
  RegistrationRefusedError,
  SubscriptionRefusedError,
  Ue,
} from '@rollcall/ue'
import { REALM, T1_MS, TestNetwork } from './support/network.ts'

const ANSWER_MS_MAX = 5_000

let network: TestNetwork
let phone: Ue
let stranger: Socket

before(async () => {
  network = await TestNetwork.start({ block: 19 })
  phone = await network.ue('alice-phone')
  await phone.register()
  stranger = createSocket('udp4')
  await new Promise<void>((resolve) => stranger.bind({ address: '127.19.1.77', port: 0 }, resolve))
})

after(async () => {
  stranger?.close()
  await network?.[Symbol.asyncDispose]()
})

/** Sends octets to the unprotected port and gives the status of the answer. */
async function answerTo(octets: string | Buffer): Promise<number> {
  const answered = once(stranger, 'message', { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  stranger.send(octets, SIP_PORT, network.stack.options.address)
  const [bytes] = (await answered) as [Buffer]
  const message = parseMessage(bytes)
  assert.ok(message.kind === 'response')
  return message.status
}

/** Does `act` and waits until the counter has grown by it. */
async function counted(service: ServiceName, name: string, reason: string, act: () => Promise<void>): Promise<void> {
  const read = async () => sumOf(await fetchMetrics(network.stack.probe(service)), name, { reason })
  const before = await read()
  await act()
  await waitUntil(`${name}{reason="${reason}"} grows`, async () => (await read()) > before)
}

function register(o: { cseq?: string; extra?: string } = {}): string {
  const { port } = stranger.address()
  return [
    `REGISTER sip:${REALM} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.19.1.77:${port};branch=z9hG4bK${systemRandom.bytes(8).toString('hex')}`,
    'Max-Forwards: 70',
    `From: <sip:alice@${REALM}>;tag=${systemRandom.bytes(4).toString('hex')}`,
    `To: <sip:alice@${REALM}>`,
    `Call-ID: ${systemRandom.bytes(8).toString('hex')}`,
    `CSeq: ${o.cseq ?? '1 REGISTER'}`,
    `Contact: <sip:alice@127.19.1.77:${port}>;expires=600`,
    ...(o.extra ? [o.extra] : []),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

test('a malformed request is answered 400 and counted (RFC 3261 section 8.2)', async () => {
  await counted('pcscf', 'rollcall_pcscf_refused_total', 'malformed', async () => {
    assert.equal(await answerTo(register({ cseq: '1 SUBSCRIBE' })), 400)
  })
})

test('octets that are no SIP are dropped and counted', async () => {
  await counted('pcscf', 'rollcall_pcscf_dropped_total', 'malformed', async () => {
    stranger.send(Buffer.from([0, 1, 2, 3, 250, 251]), SIP_PORT, network.stack.options.address)
  })
})

test('a datagram that is longer than any REGISTER is dropped and counted', async () => {
  await counted('pcscf', 'rollcall_pcscf_dropped_total', 'too-large', async () => {
    stranger.send(register({ extra: `Subject: ${'x'.repeat(20_000)}` }), SIP_PORT, network.stack.options.address)
  })
})

test('a REGISTER without security agreement is refused (RFC 3329 section 2.3.1)', async () => {
  assert.equal(await answerTo(register()), 421)
})

test('an unknown subscriber is refused 403, counted and audited (TS 29.228 clause 6.1.1)', async () => {
  const known = network.world.credentials['carol-cli']
  const unknown = await Ue.open({
    credentials: {
      ...known,
      impi: parseImpi(`001019999999999@${REALM}`),
      keys: { k: new Secret(systemRandom.bytes(16)), opc: new Secret(systemRandom.bytes(16)) },
      localAddress: '127.19.1.88',
    },
    isimStore: memoryIsimStore(),
    settings: { timers: gmTimers(T1_MS), refreshes: false },
  })
  const audited = async () =>
    sumOf(await fetchMetrics(network.stack.probe('scscf')), 'rollcall_audit_events_total', { outcome: 'refused' })
  const auditedBefore = await audited()
  try {
    await assert.rejects(
      unknown.register(),
      (error) => error instanceof RegistrationRefusedError && error.status === 403,
    )
  } finally {
    await unknown.close()
  }
  assert.ok((await audited()) > auditedBefore)
})

test('an SQN out of range is answered by AUTS and a second challenge (TS 33.102 clause 6.3.5)', async () => {
  // An ISIM that has seen more than the network: as after a restored back-up of the HSS.
  const store = memoryIsimStore()
  await store.save({ sqnArray: Array.from({ length: 32 }, () => 1_000_000n) })
  const carol = await Ue.open({
    credentials: network.world.credentials.carol,
    isimStore: store,
    settings: { timers: gmTimers(T1_MS), refreshes: false },
  })
  try {
    await carol.register()
    const metrics = await fetchMetrics(network.stack.probe('scscf'))
    assert.ok(
      sumOf(metrics, 'rollcall_audit_events_total', { event: 'auth.challenge', reason: 'resynchronisation' }) >= 1,
    )
    await carol.deregister()
  } finally {
    await carol.close()
  }
})

test('an entity-tag that is not known is answered 412 and counted (RFC 3903 section 6)', async () => {
  await counted('presence', 'rollcall_presence_refused_total', 'entity-tag', async () => {
    await assert.rejects(
      phone.unpublish({ entityTag: 'nobody-knows-this' }),
      (error) => error instanceof PublicationRefusedError && error.status === 412,
    )
  })
})

test('a body that is no PIDF is answered 400, another type 415 (RFC 3903 section 6)', async () => {
  await assert.rejects(
    phone.publish({ body: Buffer.from('<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"><tuple>') }),
    (error) => error instanceof PublicationRefusedError && error.status === 400,
  )
  await assert.rejects(
    phone.publish({ body: Buffer.from('{}'), contentType: 'application/json' }),
    (error) => error instanceof PublicationRefusedError && error.status === 415,
  )
})

test('a presentity that nobody knows is answered 404, a package that is none 489 (RFC 6665 section 7.2)', async () => {
  const network404 = phone.subscribe({ uri: `sip:nobody@${REALM}` as never })
  await assert.rejects(network404, (error) => error instanceof SubscriptionRefusedError && error.status === 404)
  const body = writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open' })
  await assert.rejects(
    phone.publish({ body, eventPackage: 'presence-nobody-knows' }),
    (error) => error instanceof PublicationRefusedError && error.status >= 400,
  )
})

test('a peer with the wrong role is refused, counted and audited; without a certificate there is no handshake', async () => {
  using identity = await network.stack.identity('presence')
  const client = createGrpcClient(CxServiceClient, { target: network.stack.grpcTarget('hss'), role: 'hss', identity })
  try {
    await assert.rejects(
      callUnary(client.multimediaAuth.bind(client), {
        impi: phone.impi,
        impu: phone.identity,
        serverName: '',
        resync: Buffer.alloc(0),
      }),
      (error) => error instanceof RpcError && error.code === 'RPC_DENIED',
    )
  } finally {
    client.close()
  }
  const metrics = await fetchMetrics(network.stack.probe('hss'))
  assert.ok(sumOf(metrics, 'rollcall_rpc_denied_total', { role: 'presence' }) >= 1)
  assert.ok(sumOf(metrics, 'rollcall_audit_events_total', { outcome: 'refused' }) >= 1)

  const [host, port] = network.stack.grpcTarget('hss').split(':')
  const ca = await readFile(leafFiles(network.data.pki, 'hss').caFile)
  const socket = connect({
    host,
    port: Number(port),
    ca,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  })
  // In TLS 1.3 the refusal comes as an alert behind the client's handshake.
  const [error] = (await once(socket, 'error', { signal: AbortSignal.timeout(ANSWER_MS_MAX) })) as [Error]
  assert.match(error.message, /certificate required|alert|ECONNRESET|hang up/i)
})

test('what was refused harmed nobody: the phone goes on', async () => {
  const publication = await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open' }) })
  await publication.remove()
  assert.deepEqual(network.unexpectedEnds, [])
})
