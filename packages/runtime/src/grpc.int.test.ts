import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SpanKind } from '@opentelemetry/api'
import { InvalidIdentityError } from '@rollcall/core'
import { ShServiceClient, ShServiceService, type UserDataRequest, type UserDataResponse } from '@rollcall/proto-gen/sh'
import { ListenError, RpcError } from './errors.ts'
import { callUnary, createGrpcClient } from './grpc-client.ts'
import { type GrpcServer, startGrpcServer } from './grpc-server.ts'
import { createGrpcService, type RpcContext } from './grpc-service.ts'
import { ATTRIBUTES, isSpanName, METRICS } from './names.ts'
import { SpanRecorder } from './testing/spans.ts'
import { createTestDomain, type TestRuntime, until } from './testing/test-domain.ts'
import { startSpan, traceparentOf } from './tracing.ts'

const address = '127.1.4.31'
const rpc = 'rollcall.sh.v1.ShService/UserData'
const impu = 'sip:alice@ims.example.org'
const found: UserDataResponse = {
  found: true,
  canonicalImpu: impu,
  impus: [impu],
  presencePolicy: undefined,
  revision: 1n,
}

type Handler = (request: UserDataRequest, context: RpcContext) => Promise<UserDataResponse> | UserDataResponse

interface Stack {
  hss: TestRuntime
  presence: TestRuntime
  server: GrpcServer
  client: ShServiceClient
}

async function setUp(t: TestContext, userData: Handler): Promise<Stack> {
  const domain = await createTestDomain(t, ['hss', 'presence'])
  const hss = await domain.runtime('hss')
  const presence = await domain.runtime('presence')
  const services = [createGrpcService(ShServiceService, { userData })]
  const server = await startGrpcServer({ listen: `${address}:0`, services, runtime: hss })
  t.after(() => server.stop(0))
  const target = `${address}:${server.port}`
  const { identity, metrics } = presence
  const client = createGrpcClient(ShServiceClient, { target, role: 'hss', identity, metrics })
  t.after(() => client.close())
  return { hss, presence, server, client }
}

const ask = (client: ShServiceClient, o: { deadlineMs?: number; parent?: string; signal?: AbortSignal } = {}) =>
  callUnary(client.userData.bind(client), { impu }, o)

test('a call is one span at each end, in the caller’s trace, and a duration in both expositions', async (t) => {
  await using recorder = new SpanRecorder()
  let context: RpcContext | undefined
  const { hss, presence, client } = await setUp(t, (request, given) => {
    context = given
    hss.log.info('inside')
    return { ...found, canonicalImpu: request.impu }
  })
  const top = startSpan('SIP SUBSCRIBE', { kind: 'server' })
  assert.deepEqual(await ask(client, { parent: traceparentOf(top) }), found)
  top.end()

  const [server, caller] = recorder.spans
  assert.deepEqual(
    recorder.spans.map((span) => [span.name, span.kind]),
    [
      [`rpc ${rpc}`, SpanKind.SERVER],
      [`rpc ${rpc}`, SpanKind.CLIENT],
      ['SIP SUBSCRIBE', SpanKind.SERVER],
    ],
  )
  assert.equal(caller?.parentSpanContext?.spanId, top.spanContext().spanId)
  assert.equal(server?.parentSpanContext?.spanId, caller?.spanContext().spanId)
  assert.equal(server?.spanContext().traceId, top.spanContext().traceId)
  assert.equal(context?.traceparent.split('-')[2], server?.spanContext().spanId)
  assert.deepEqual(context?.peer, {
    ...context?.peer,
    role: 'presence',
    spiffeId: 'spiffe://rollcall.test/ns/ims/sa/presence',
  })
  const line = hss.lines.find(({ msg }) => msg === 'inside')
  assert.deepEqual([line?.trace_id, line?.span_id], [server?.spanContext().traceId, server?.spanContext().spanId])
  for (const span of recorder.spans) {
    assert.ok(isSpanName(span.name))
    for (const attribute of Object.keys(span.attributes)) assert.ok(attribute in ATTRIBUTES, attribute)
  }
  assert.equal(await hss.metric(`rollcall_rpc_server_duration_seconds_count{rpc="${rpc}",code="OK"}`), 1)
  assert.equal(await presence.metric(`rollcall_rpc_client_duration_seconds_count{rpc="${rpc}",code="OK"}`), 1)
  for (const name of (await hss.metrics.expose()).matchAll(/^# TYPE (\S+)/gm)) assert.ok(String(name[1]) in METRICS)
})

test('without tracing a call works alike and carries no trace', async (t) => {
  let traceparent: string | undefined
  const { client } = await setUp(t, (_request, context) => {
    traceparent = context.traceparent
    return found
  })
  assert.deepEqual(await ask(client), found)
  assert.equal(traceparent, '')
})

test('a handler’s typed error crosses the wire as its status', async (t) => {
  const { client } = await setUp(t, () => {
    throw new RpcError('RPC_NOT_FOUND', 'no such user')
  })
  await assert.rejects(ask(client), { name: 'RpcError', code: 'RPC_NOT_FOUND', detail: 'no such user' })
})

test('a package’s typed error crosses as its code, never as its message', async (t) => {
  const { client } = await setUp(t, async () => {
    throw new InvalidIdentityError('IMPU', 'sip:secret person')
  })
  await assert.rejects(ask(client), { code: 'RPC_INVALID', detail: 'INVALID_IDENTITY' })
})

test('an error that nobody expected is INTERNAL with an id; what it was stands in the log alone', async (t) => {
  await using recorder = new SpanRecorder()
  const { client, hss } = await setUp(t, () => {
    throw new TypeError('opc is 0123')
  })
  const error = await ask(client).catch((cause) => cause)
  assert.ok(error instanceof RpcError)
  assert.equal(error.code, 'RPC_INTERNAL')
  assert.match(error.detail, /^error [0-9a-f]{12}$/)
  const line = hss.lines.find(({ errorId }) => `error ${errorId}` === error.detail)
  assert.match(JSON.stringify(line), /opc is 0123/)
  assert.equal(await hss.metric('rollcall_unhandled_total{where="rpc"}'), 1)
  assert.deepEqual(
    recorder.spans.map((span) => span.attributes['error.type']),
    ['INTERNAL', 'INTERNAL'],
  )
})

test('a call ends at its deadline, and the handler learns of it', async (t) => {
  let remainingMs: number | undefined
  const aborted = Promise.withResolvers<void>()
  const { client } = await setUp(t, async (_request, context) => {
    remainingMs = context.remainingMs
    context.signal.addEventListener('abort', () => aborted.resolve())
    await aborted.promise
    return found
  })
  await assert.rejects(ask(client, { deadlineMs: 150 }), { code: 'RPC_DEADLINE' })
  await aborted.promise
  assert.ok(remainingMs !== undefined && remainingMs > 0 && remainingMs <= 150)
})

test('a caller can give up', async (t) => {
  const { client } = await setUp(t, () => new Promise<UserDataResponse>(() => undefined))
  const controller = new AbortController()
  const call = ask(client, { signal: controller.signal })
  controller.abort()
  await assert.rejects(call, { code: 'RPC_CANCELLED' })
  await assert.rejects(ask(client, { signal: AbortSignal.abort() }), { code: 'RPC_CANCELLED' })
})

test('a message beyond the bound is refused', async (t) => {
  const { client } = await setUp(t, () => found)
  const huge = 'x'.repeat(1024 * 1024)
  await assert.rejects(callUnary(client.userData.bind(client), { impu: huge }), { code: 'RPC_EXHAUSTED' })
})

test('a server that is not there is unavailable', async (t) => {
  const { client, server } = await setUp(t, () => found)
  await server.stop(0)
  await assert.rejects(ask(client), { code: 'RPC_UNAVAILABLE' })
})

test('a stop lets the calls under way end, takes no new ones, and cuts after its grace', async (t) => {
  const release = Promise.withResolvers<void>()
  let calls = 0
  const { client, server } = await setUp(t, async () => {
    calls += 1
    await (calls === 1 ? release.promise : new Promise(() => undefined))
    return found
  })
  const first = ask(client)
  const second = ask(client)
  await until(() => calls === 2)
  const stopped = server.stop(300)
  await assert.rejects(ask(client, { deadlineMs: 100 }))
  release.resolve()
  assert.deepEqual(await first, found)
  await assert.rejects(second, { code: 'RPC_UNAVAILABLE' })
  await stopped
})

test('an address in use is a typed error', async (t) => {
  const { hss, server } = await setUp(t, () => found)
  await assert.rejects(
    startGrpcServer({ listen: `${address}:${server.port}`, services: [], runtime: hss }),
    ListenError,
  )
})
