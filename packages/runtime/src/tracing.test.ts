import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, SamplingDecision, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { isSpanName, SPAN_NAMES } from './names.ts'
import { createSampler } from './sampler.ts'
import {
  activeTraceparent,
  enableTracing,
  failSpan,
  parseTraceparent,
  runInSpan,
  shutdownTracing,
  startSpan,
  traceparentOf,
} from './tracing.ts'

function trace(env: NodeJS.ProcessEnv = {}): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    sampler: createSampler(env),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  enableTracing({ tracer: provider.getTracer('test'), shutdown: async () => undefined })
  return exporter
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
afterEach(shutdownTracing)

test('without a provider a span is nothing and costs nothing', () => {
  const span = startSpan('SIP SUBSCRIBE')
  assert.equal(span, startSpan('store append'))
  assert.equal(traceparentOf(span), '')
  assert.equal(runInSpan(span, activeTraceparent), '')
})

test('a span stands below its parent by traceparent, else below the active one, else begins a trace', () => {
  const exporter = trace()
  const top = startSpan('SIP PUBLISH', { kind: 'server' })
  const below = startSpan('store append', { parent: traceparentOf(top) })
  const active = runInSpan(top, () => startSpan('presence compose'))
  const own = runInSpan(top, () => startSpan('presence load', { root: true }))
  const wrong = startSpan('store load', { parent: 'nonsense' })
  for (const span of [top, below, active, own, wrong]) span.end()
  const parents = Object.fromEntries(
    exporter.getFinishedSpans().map((span) => [span.name, span.parentSpanContext?.spanId]),
  )
  const { spanId } = top.spanContext()
  assert.deepEqual(parents, {
    'SIP PUBLISH': undefined,
    'store append': spanId,
    'presence compose': spanId,
    'presence load': undefined,
    'store load': undefined,
  })
})

test('links name what caused a span; wrong ones are left out', () => {
  const exporter = trace()
  const cause = startSpan('SIP PUBLISH')
  startSpan('presence fan-out', { links: [traceparentOf(cause), '', '00-0-0-00'] }).end()
  const [span] = exporter.getFinishedSpans()
  assert.deepEqual(
    span?.links.map((link) => link.context.spanId),
    [cause.spanContext().spanId],
  )
})

test('what is not sampled records nothing and passes its trace on', () => {
  const exporter = trace({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' })
  const span = startSpan('SIP NOTIFY')
  span.end()
  assert.deepEqual(exporter.getFinishedSpans(), [])
  assert.match(traceparentOf(span), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
})

test('a failed span carries a stable code', () => {
  const exporter = trace()
  const span = startSpan('SIP NOTIFY')
  failSpan(span, 'SIP_503')
  span.end()
  const [finished] = exporter.getFinishedSpans()
  assert.equal(finished?.attributes['error.type'], 'SIP_503')
  assert.equal(finished?.status.message, 'SIP_503')
})

test('a traceparent is read as W3C Trace Context section 3.2 has it', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const spanId = 'b7ad6b7169203331'
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-01`), { traceId, spanId, traceFlags: 1, isRemote: true })
  assert.equal(parseTraceparent(`00-${traceId}-${spanId}-02`)?.traceFlags, 0)
  assert.ok(parseTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-holds`))
  for (const text of [
    '',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
  ]) {
    assert.equal(parseTraceparent(text), undefined, text)
  }
})

test('the sampler is the one that OTEL_TRACES_SAMPLER names', () => {
  const decide = (env: NodeJS.ProcessEnv): SamplingDecision =>
    createSampler(env).shouldSample(context.active(), '0af7651916cd43dd8448eb211c80319c', 'x', 0, {}, []).decision
  const { RECORD_AND_SAMPLED, NOT_RECORD } = SamplingDecision
  assert.equal(decide({}), RECORD_AND_SAMPLED)
  assert.equal(decide({ OTEL_TRACES_SAMPLER: 'always_on' }), RECORD_AND_SAMPLED)
  assert.equal(decide({ OTEL_TRACES_SAMPLER: 'always_off' }), NOT_RECORD)
  assert.equal(decide({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }), NOT_RECORD)
  assert.equal(decide({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }), NOT_RECORD)
  assert.equal(decide({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }), NOT_RECORD)
  assert.equal(decide({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'x' }), RECORD_AND_SAMPLED)
  assert.equal(decide({ OTEL_TRACES_SAMPLER: 'unheard-of' }), RECORD_AND_SAMPLED)
})

test('span names are few', () => {
  for (const name of SPAN_NAMES) assert.ok(isSpanName(name))
  assert.ok(isSpanName('SIP SUBSCRIBE') && isSpanName('rpc rollcall.cx.v1.CxService/LocationInfo'))
  assert.ok(!isSpanName('SIP sip:alice@example.org') && !isSpanName('store append alice'))
})
