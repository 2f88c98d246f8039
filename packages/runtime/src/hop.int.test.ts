import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { SpanKind } from '@opentelemetry/api'
import { issueLeaf } from '@rollcall/pki'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { type GrpcServer, startGrpcServer } from './grpc-server.ts'
import { createEnvelope } from './hop/envelope.ts'
import type { HopResult } from './hop/result.ts'
import { HopRouter } from './hop/router.ts'
import { createHopService, type HopIncoming, type HopRequestHandler } from './hop/service.ts'
import { responseBranch } from './hop/sip-scan.ts'
import { ATTRIBUTES, isSpanName } from './names.ts'
import type { Runtime } from './runtime.ts'
import { SpanRecorder } from './testing/spans.ts'
import { createTestDomain, type TestDomain, type TestRuntime, until } from './testing/test-domain.ts'
import { parseTraceparent, startSpan, traceparentOf } from './tracing.ts'

const address = '127.1.4.41'
const host = 'ims.mnc001.mcc001.3gppnetwork.org'

function request(branch: string, bytes = 0): Buffer {
  return Buffer.from(
    `PUBLISH sip:alice@${host} SIP/2.0\r\nVia: SIP/2.0/UDP pcscf;branch=${branch}\r\n\r\n${'x'.repeat(bytes)}`,
  )
}

function response(sip: Buffer, status = 200): Buffer {
  return Buffer.from(`SIP/2.0 ${status} OK\r\nVia: SIP/2.0/UDP pcscf;branch=${responseBranch(sip)}\r\n\r\n`)
}

interface Node {
  readonly domain: TestDomain
  readonly scscf: TestRuntime
  readonly server: GrpcServer
  /** A node that sends to the S-CSCF. */
  sender(name: string): Promise<{ runtime: TestRuntime; router: HopRouter }>
}

async function listen(t: TestContext, runtime: Runtime, onRequest: HopRequestHandler, port = 0): Promise<GrpcServer> {
  const server = await startGrpcServer({
    listen: `${address}:${port}`,
    services: [createHopService({ onRequest })],
    runtime,
  })
  t.after(() => server.stop(0))
  return server
}

async function setUp(t: TestContext, onRequest: HopRequestHandler): Promise<Node> {
  const domain = await createTestDomain(t, ['scscf', 'pcscf', 'presence', 'hss'])
  const scscf = await domain.runtime('scscf')
  const server = await listen(t, scscf, onRequest)
  return {
    domain,
    scscf,
    server,
    async sender(name) {
      const runtime = await domain.runtime(name)
      const router = new HopRouter({ routes: `${host}=scscf@${address}:${server.port}`, runtime })
      t.after(() => router.close(0))
      return { runtime, router }
    },
  }
}

/** Sends one request and waits for what comes of it, provisional responses left out. */
function send(router: HopRouter, branch: string, o: { deadlineMs?: number; to?: string; traceparent?: string } = {}) {
  return new Promise<HopResult>((resolve) => {
    const envelope = createEnvelope({ impi: 'alice', traceparent: o.traceparent ?? '' })
    const message = { sip: request(branch), branch, envelope }
    router.send(
      o.to ?? host,
      message,
      (result) => {
        if (result.kind !== 'response' || result.status >= 200) resolve(result)
      },
      o,
    )
  })
}

test('a thousand requests arrive in order, in few batches, and each gets its own response', async (t) => {
  const seen: string[] = []
  const { scscf, sender } = await setUp(t, ({ sip }, _peer, reply) => {
    seen.push(responseBranch(sip) ?? '')
    // Answered out of order, as actors do.
    setTimeout(() => reply(response(sip, 200)), seen.length % 3)
  })
  const { router, runtime } = await sender('pcscf')
  const branches = Array.from({ length: 1_000 }, (_, i) => `z9hG4bK${i}`)
  const results = await Promise.all(branches.map((branch) => send(router, branch)))
  assert.deepEqual(seen, branches)
  for (const [i, result] of results.entries()) {
    assert.ok(result.kind === 'response')
    assert.equal(responseBranch(result.sip), branches[i])
  }
  const batches = await runtime.metric('rollcall_hop_batch_messages_count{direction="request"}')
  assert.equal(await runtime.metric('rollcall_hop_batch_messages_sum{direction="request"}'), 1_000)
  assert.ok(batches <= 20, `${batches} batches`)
  assert.equal(await runtime.metric('rollcall_hop_sent_total{peer="scscf"}'), 1_000)
  assert.equal(await runtime.metric('rollcall_hop_outcomes_total{peer="scscf",outcome="response"}'), 1_000)
  assert.equal(await scscf.metric('rollcall_hop_received_total{peer="pcscf"}'), 1_000)
})

test('the envelope arrives whole, and the receiver knows the sender by its certificate (decision 4)', async (t) => {
  const got: { envelope: Envelope; role: string; spiffeId: string }[] = []
  const { sender } = await setUp(t, ({ sip, envelope }, { role, spiffeId }, reply) => {
    got.push({ envelope, role, spiffeId })
    reply(response(sip), createEnvelope({ traceparent: 'back' }))
  })
  const { router } = await sender('pcscf')
  const envelope = createEnvelope({
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: '001010000000001@ims.example.org',
    assertedIdentities: ['sip:alice@ims.example.org', 'tel:+15550100'],
    assertion: Buffer.from([1, 2, 3]),
    receivedAtMs: 1_795_000_000_000n,
    forwarded: true,
  })
  const result = await new Promise<HopResult>((resolve) => {
    router.send(host.toUpperCase(), { sip: request('z9hG4bK1'), branch: 'z9hG4bK1', envelope }, resolve, {
      deadlineMs: 9_000,
    })
  })
  assert.ok(result.kind === 'response')
  assert.equal(result.envelope?.traceparent, 'back')
  const [arrived] = got
  const deadlineMs = arrived?.envelope.deadlineMs ?? 0
  assert.ok(deadlineMs > 8_000 && deadlineMs <= 9_000, String(deadlineMs))
  assert.deepEqual(arrived, {
    envelope: { ...envelope, deadlineMs },
    role: 'pcscf',
    spiffeId: 'spiffe://rollcall.test/ns/ims/sa/pcscf',
  })
})

test('messages of the largest size travel, alone when they must', async (t) => {
  const sizes: number[] = []
  const { sender } = await setUp(t, ({ sip }, _peer, reply) => {
    sizes.push(sip.length)
    reply(response(sip))
  })
  const { router } = await sender('pcscf')
  const envelope = createEnvelope()
  await Promise.all(
    [80_000, 80_000, 80_000, 80_000, 10].map(
      (bytes, i) =>
        new Promise((resolve) => {
          router.send(host, { sip: request(`b${i}`, bytes), branch: `b${i}`, envelope }, resolve)
        }),
    ),
  )
  assert.equal(sizes.length, 5)
  assert.ok(Math.max(...sizes) > 80_000)
})

test('a message too long for the hop is refused by itself, the others go on by the same stream', async (t) => {
  const { scscf, sender } = await setUp(t, ({ sip }, _peer, reply) => {
    if (responseBranch(sip) === 'asks-much') reply(Buffer.concat([response(sip), Buffer.alloc(1024 * 1024)]))
    else reply(response(sip))
  })
  const { router } = await sender('pcscf')
  const one = (branch: string, bytes: number, impi = '', deadlineMs = 32_000): Promise<string> =>
    new Promise((resolve) => {
      const message = { sip: request(branch, bytes), branch, envelope: createEnvelope({ impi }) }
      router.send(host, message, ({ kind }) => resolve(`${branch} ${kind}`), { deadlineMs })
    })
  const results = await Promise.all([
    one('before', 10),
    one('long', 1024 * 1024),
    one('envelope', 10, 'x'.repeat(1024 * 1024)),
    one('asks-much', 10, '', 300),
    // Together too long for one batch, by their envelopes alone.
    ...Array.from({ length: 20 }, (_, i) => one(`vouched${i}`, 10, 'x'.repeat(60_000))),
    one('behind', 10),
  ])
  const vouched = Array.from({ length: 20 }, (_, i) => `vouched${i} response`)
  assert.deepEqual(results, [
    'before response',
    'long full',
    'envelope full',
    'asks-much timeout',
    ...vouched,
    'behind response',
  ])
  assert.equal(await scscf.metric('rollcall_hop_streams_total{peer="pcscf",event="accepted"}'), 1)
  assert.equal(await scscf.metric('rollcall_hop_dropped_replies_total{reason="too-long"}'), 1)
})

test('who may not send to this node is refused, counted and audited; its requests are unreachable (decision 4)', async (t) => {
  const seen: HopIncoming[] = []
  const domain = await createTestDomain(t, ['pcscf', 'presence', 'hss'])
  const pcscf = await domain.runtime('pcscf')
  const server = await listen(t, pcscf, (message, _peer, reply) => {
    seen.push(message)
    reply(response(message.sip))
  })
  const sendAs = async (name: string): Promise<string> => {
    await using router = new HopRouter({
      routes: `p=pcscf@${address}:${server.port}`,
      runtime: await domain.runtime(name),
    })
    return (await send(router, 'z9hG4bK1', { to: 'p' })).kind
  }
  assert.equal(await sendAs('presence'), 'unreachable')
  assert.equal(await sendAs('hss'), 'unreachable')
  assert.deepEqual(seen, [])
  const rpc = 'rollcall.hop.v1.SipHopService/Exchange'
  assert.ok((await pcscf.metric(`rollcall_rpc_denied_total{rpc="${rpc}",role="presence",reason="direction"}`)) >= 1)
  assert.ok((await pcscf.metric(`rollcall_rpc_denied_total{rpc="${rpc}",role="hss",reason="role"}`)) >= 1)
  const audited = pcscf.lines.filter((line) => line.audit === true)
  assert.deepEqual(
    [...new Set(audited.map((line) => `${line.event} ${line.outcome} ${line.reason} ${line.peer}`))],
    [
      'hop.denied refused direction spiffe://rollcall.test/ns/ims/sa/presence',
      'hop.denied refused role spiffe://rollcall.test/ns/ims/sa/hss',
    ],
  )
})

test('a host without a route has none, and a peer that is away is unreachable', async (t) => {
  const { sender, server } = await setUp(t, () => undefined)
  const { router } = await sender('pcscf')
  assert.ok(router.has(host) && !router.has('elsewhere'))
  assert.deepEqual(await send(router, 'a', { to: 'elsewhere' }), { kind: 'no-route' })
  await server.stop(0)
  assert.deepEqual(await send(router, 'b'), { kind: 'unreachable' })
})

test('a receiver that is behind reads no more until it has answered half, and loses nothing', async (t) => {
  const domain = await createTestDomain(t, ['scscf', 'pcscf'])
  const runtime = await domain.runtime('scscf')
  const waiting: (() => void)[] = []
  let most = 0
  const service = createHopService({
    pendingMax: 100,
    onRequest({ sip }, _peer, reply) {
      waiting.push(() => reply(response(sip)))
      most = Math.max(most, waiting.length)
    },
  })
  const server = await startGrpcServer({ listen: `${address}:0`, services: [service], runtime })
  t.after(() => server.stop(0))
  await using router = new HopRouter({
    routes: `${host}=scscf@${address}:${server.port}`,
    runtime: await domain.runtime('pcscf'),
  })
  const results = Array.from({ length: 2_000 }, (_, i) => send(router, `b${i}`))
  await until(() => waiting.length >= 100)
  await delay(50)
  const stoppedAt = waiting.length
  const answering = setInterval(() => {
    for (const answer of waiting.splice(0, 90)) answer()
  }, 1)
  const kinds = new Set((await Promise.all(results)).map(({ kind }) => kind))
  clearInterval(answering)
  assert.deepEqual([...kinds], ['response'])
  // gRPC has read some batches ahead when it is told to stop.
  assert.ok(stoppedAt < 600 && most < 700, `${stoppedAt} ${most}`)
})

test('a request that nobody answers times out at the sender and is counted at the receiver', async (t) => {
  const { scscf, sender } = await setUp(t, () => undefined)
  const { router, runtime } = await sender('pcscf')
  assert.deepEqual(await send(router, 'a', { deadlineMs: 200 }), { kind: 'timeout' })
  assert.equal(await runtime.metric('rollcall_hop_outcomes_total{peer="scscf",outcome="timeout"}'), 1)
  await until(async () => (await scscf.metric('rollcall_hop_unanswered_total{peer="pcscf"}')) === 1)
})

test('a reply that comes too late, or twice, is dropped and counted', async (t) => {
  const replies: (() => void)[] = []
  const { scscf, sender } = await setUp(t, ({ sip }, _peer, reply) => {
    replies.push(() => reply(response(sip)))
  })
  const { router } = await sender('pcscf')
  const result = send(router, 'a')
  await until(() => replies.length === 1)
  replies[0]?.()
  replies[0]?.()
  assert.equal((await result).kind, 'response')
  assert.equal(await scscf.metric('rollcall_hop_dropped_replies_total{reason="late"}'), 1)
  const unanswered = send(router, 'b')
  await until(() => replies.length === 2)
  await router.close(0)
  assert.deepEqual(await unanswered, { kind: 'unreachable' })
  await until(async () => (await scscf.metric('rollcall_hop_streams_total{peer="pcscf",event="lost"}')) === 1)
  replies[1]?.()
  assert.equal(await scscf.metric('rollcall_hop_dropped_replies_total{reason="stream-gone"}'), 1)
})

test('a receiver that dies and comes back gets what it did not answer once more, with the same branch', async (t) => {
  const first: string[] = []
  const { scscf, server, sender } = await setUp(t, ({ sip }, _peer, reply) => {
    const branch = responseBranch(sip) ?? ''
    first.push(branch)
    if (branch === 'b') reply(response(sip))
  })
  const { router, runtime } = await sender('pcscf')
  const results = ['a', 'b', 'c'].map((branch) => send(router, branch))
  await until(() => first.length === 3)
  assert.equal((await results[1])?.kind, 'response')

  const { port } = server
  await server.stop(0)
  const second: string[] = []
  await listen(
    t,
    scscf,
    ({ sip }, _peer, reply) => {
      second.push(responseBranch(sip) ?? '')
      reply(response(sip))
    },
    port,
  )
  assert.deepEqual(
    (await Promise.all(results)).map(({ kind }) => kind),
    ['response', 'response', 'response'],
  )
  assert.deepEqual(second, ['a', 'c'])
  assert.equal(await runtime.metric('rollcall_hop_resent_total{peer="scscf"}'), 2)
  assert.equal(await runtime.metric('rollcall_hop_streams_total{peer="scscf",event="lost"}'), 1)
})

test('a receiver that stops answers what it has before its stream ends', async (t) => {
  let answer: (() => void) | undefined
  const { server, sender } = await setUp(t, ({ sip }, _peer, reply) => {
    answer = () => reply(response(sip))
  })
  const { router, runtime } = await sender('pcscf')
  const result = send(router, 'a')
  await until(() => answer !== undefined)
  const stopped = server.stop(5_000)
  await delay(50)
  answer?.()
  assert.equal((await result).kind, 'response')
  await stopped
  await until(async () => (await runtime.metric('rollcall_hop_streams_total{peer="scscf",event="ended"}')) === 1)
})

test('a sender whose certificate ends loses its stream with it', async (t) => {
  const { domain, scscf, sender } = await setUp(t, ({ sip }, _peer, reply) => reply(response(sip)))
  const { folder, trustDomain } = domain
  // Certificates count in whole seconds.
  await issueLeaf({ folder, trustDomain, leaf: { name: 'pcscf', role: 'pcscf', dnsNames: [] }, lifetimeMs: 2_500 })
  const { router, runtime } = await sender('pcscf')
  assert.equal((await send(router, 'a')).kind, 'response')
  await until(async () => (await scscf.metric('rollcall_hop_streams_total{peer="pcscf",event="cut"}')) >= 1)
  await until(async () => (await runtime.metric('rollcall_hop_streams_total{peer="scscf",event="lost"}')) >= 1)
  // It may come back within the second in which its certificate ends, and no later.
  let tries = 0
  await until(async () => (await send(router, `b${tries++}`)).kind === 'unreachable')
})

test('a message is one span at its receiver, in its sender’s trace, ended by the final response (decision 12)', async (t) => {
  await using recorder = new SpanRecorder()
  let traceparent = ''
  const { sender } = await setUp(t, ({ sip, envelope, span }, _peer, reply) => {
    traceparent = envelope.traceparent
    assert.equal(traceparent, traceparentOf(span))
    reply(response(sip, 100))
    setImmediate(() => reply(response(sip, sip.includes('branch=bad') ? 503 : 200)))
  })
  const { router } = await sender('pcscf')
  const top = startSpan('SIP REGISTER', { kind: 'server' })
  await send(router, 'good', { traceparent: traceparentOf(top) })
  await send(router, 'bad')
  const [good, bad] = recorder.spans
  assert.equal(recorder.spans.length, 2)
  assert.deepEqual([good?.name, good?.kind], ['SIP PUBLISH', SpanKind.SERVER])
  assert.equal(good?.parentSpanContext?.spanId, top.spanContext().spanId)
  assert.deepEqual(good?.attributes, { 'rollcall.peer.role': 'pcscf', 'rollcall.sip.status': 200 })
  assert.deepEqual(bad?.attributes, {
    'rollcall.peer.role': 'pcscf',
    'rollcall.sip.status': 503,
    'error.type': 'SIP_503',
  })
  assert.equal(parseTraceparent(traceparent)?.spanId, bad?.spanContext().spanId)
  for (const span of recorder.spans) {
    assert.ok(isSpanName(span.name))
    for (const attribute of Object.keys(span.attributes)) assert.ok(attribute in ATTRIBUTES, attribute)
  }
})

test('spans of requests on a lost stream are ended, too', async (t) => {
  await using recorder = new SpanRecorder()
  let arrived = 0
  const { sender } = await setUp(t, () => {
    arrived += 1
  })
  const { router } = await sender('pcscf')
  const result = send(router, 'a')
  await until(() => arrived === 1)
  await router.close(0)
  assert.deepEqual(await result, { kind: 'unreachable' })
  await until(() => recorder.spans.length === 1)
  assert.equal(recorder.spans[0]?.attributes['error.type'], 'HOP_STREAM_GONE')
})
