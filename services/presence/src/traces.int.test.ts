import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { trace } from '@opentelemetry/api'
import { enableTracing, shutdownTracing } from '@rollcall/runtime'
import { ALICE, BOB, MALLORY } from './testing/inputs.ts'
import { type RecordedSpan, recordingTracer } from './testing/recording-tracer.ts'
import { publishRequest, subscribeRequest } from './testing/requests.ts'
import { Stack, until } from './testing/stack.ts'

const UPSTREAM = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const { tracer, spans } = recordingTracer()
let stack: Stack

before(async () => {
  stack = await Stack.start('127.1.5.3')
  enableTracing({ tracer, shutdown: async () => {} })
  // The store knows the OpenTelemetry API alone.
  trace.setGlobalTracerProvider({ getTracer: () => tracer })
})

after(async () => {
  await shutdownTracing()
  await stack?.[Symbol.asyncDispose]()
})

const named = (name: string): RecordedSpan[] => spans.filter((span) => span.name === name)
const server = (method: string): RecordedSpan | undefined =>
  named(`SIP ${method}`).findLast(({ attributes }) => attributes['rollcall.peer.role'] !== undefined)

test('a SUBSCRIBE, its record and its first NOTIFY are one trace; a PUBLISH links to its NOTIFYs (decision 12)', async () => {
  const first = stack.nextNotify()
  await stack.send(subscribeRequest(), [BOB], UPSTREAM)
  await first
  const subscribe = server('SUBSCRIBE')
  assert.equal(subscribe?.traceId, '0af7651916cd43dd8448eb211c80319c')
  assert.equal(subscribe?.parentId, 'b7ad6b7169203331')
  assert.equal(subscribe?.attributes['rollcall.policy.decision'], 'allow')
  const append = named('store append').find(({ parentId }) => parentId === subscribe?.spanId)
  assert.ok(append, 'the append stands below the request')
  const [own] = named('SIP NOTIFY').filter(({ parentId }) => parentId === subscribe?.spanId)
  assert.ok(own, "the NOTIFY of a SUBSCRIBE stands in the SUBSCRIBE's trace")
  await until(() => own.isEnded, 'the NOTIFY is answered')
  assert.equal(own.attributes['rollcall.sip.status'], 200)

  const second = stack.nextNotify()
  await stack.send(publishRequest(), [ALICE])
  await second
  const publish = server('PUBLISH')
  assert.equal(publish?.attributes['rollcall.sip.event'], 'presence')
  assert.ok(named('presence fan-out').some(({ parentId }) => parentId === publish?.spanId))
  const told = named('SIP NOTIFY').findLast(({ links }) => links.length > 0)
  assert.equal(told?.parentId, undefined)
  assert.deepEqual(
    told?.links.map(({ context }) => context.spanId),
    [publish?.spanId, subscribe?.spanId],
  )
})

test('spans tell no identity (ARCHITECTURE, decision 12)', async () => {
  await stack.send(subscribeRequest({ from: MALLORY }), [MALLORY])
  assert.doesNotMatch(JSON.stringify(spans), /alice|bob|mallory|5550100/)
})
