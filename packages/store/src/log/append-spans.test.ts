import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  trace,
} from '@opentelemetry/api'
import { ownedOver } from '../testing/memory-partition.ts'
import { ScriptedLink } from '../testing/scripted-link.ts'

/** A span that only remembers. */
class RememberedSpan implements Span {
  readonly name: string
  readonly parent: SpanContext | undefined
  readonly attributes: Attributes
  readonly links: Link[] = []
  readonly #context: SpanContext
  status: SpanStatus | undefined
  isEnded = false

  constructor(name: string, options: SpanOptions, context: Context, number: number) {
    this.name = name
    this.parent = trace.getSpanContext(context)
    this.attributes = { ...options.attributes }
    const traceId = this.parent?.traceId ?? 'f'.repeat(32)
    this.#context = { traceId, spanId: number.toString(16).padStart(16, '0'), traceFlags: 1 }
  }

  spanContext(): SpanContext {
    return this.#context
  }
  setAttribute(key: string, value: NonNullable<Attributes[string]>): this {
    this.attributes[key] = value
    return this
  }
  setAttributes(attributes: Attributes): this {
    Object.assign(this.attributes, attributes)
    return this
  }
  addEvent(): this {
    return this
  }
  addLink(link: Link): this {
    this.links.push(link)
    return this
  }
  addLinks(links: Link[]): this {
    this.links.push(...links)
    return this
  }
  setStatus(status: SpanStatus): this {
    this.status = status
    return this
  }
  updateName(): this {
    return this
  }
  end(): void {
    this.isEnded = true
  }
  isRecording(): boolean {
    return true
  }
  recordException(): void {}
}

const spans: RememberedSpan[] = []
trace.setGlobalTracerProvider({
  getTracer: () => ({
    startSpan: (name: string, options: SpanOptions = {}, context: Context) => {
      const span = new RememberedSpan(name, options, context, spans.length + 1)
      spans.push(span)
      return span
    },
    startActiveSpan: () => assert.fail('no span is made active'),
  }),
})
after(() => trace.disable())

const traceparent = (digit: string, flags = '01') => `00-${digit.repeat(32)}-${digit.repeat(16)}-${flags}`

test('each sampled record has an append span below its request’s, linked to the one span of its message (decision 12)', async () => {
  const link = new ScriptedLink()
  const owned = ownedOver({ connection: link, epochSequence: 5, partition: '3' })
  const appends = [
    owned.append(Buffer.from('untraced')),
    owned.append(Buffer.from('a'), { traceparent: traceparent('a') }),
    owned.append(Buffer.from('unsampled'), { traceparent: traceparent('c', '00') }),
    owned.append(Buffer.from('b'), { traceparent: traceparent('b') }),
  ]
  ;(await link.next()).answer({ seq: 9 })
  await Promise.all(appends)

  const [a, b, batch] = spans
  assert.ok(a && b && batch && spans.length === 3)
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['store append', 'store append', 'store append batch'],
  )
  assert.equal(a.parent?.spanId, 'a'.repeat(16))
  assert.equal(b.parent?.traceId, 'b'.repeat(32))
  assert.equal(batch.parent?.spanId, a.spanContext().spanId)
  for (const span of [a, b]) assert.deepEqual(span.links, [{ context: batch.spanContext() }])
  assert.equal(batch.attributes['rollcall.store.records'], 4)
  for (const span of spans) {
    assert.equal(span.attributes['rollcall.partition'], '3')
    assert.equal(span.attributes['rollcall.store.sequence'], 9)
    assert.ok(span.isEnded)
  }
})
