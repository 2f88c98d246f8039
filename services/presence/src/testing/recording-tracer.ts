import {
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api'

/** A span that was started, and what was said of it. */
export interface RecordedSpan {
  readonly name: string
  readonly spanId: string
  readonly traceId: string
  readonly parentId: string | undefined
  readonly links: readonly Link[]
  readonly attributes: Record<string, unknown>
  isEnded: boolean
}

/** A tracer that keeps everything, for tests that ask which span stands where. */
export function recordingTracer(): { readonly tracer: Tracer; readonly spans: RecordedSpan[] } {
  const spans: RecordedSpan[] = []
  const id = (octets: number): string => (spans.length + 1).toString(16).padStart(octets * 2, '0')
  const tracer = {
    startSpan(name: string, options: SpanOptions = {}, context?: Context): Span {
      const parent = options.root || !context ? undefined : trace.getSpanContext(context)
      const record: RecordedSpan = {
        name,
        spanId: id(8),
        traceId: parent?.traceId ?? id(16),
        parentId: parent?.spanId,
        links: options.links ?? [],
        attributes: { ...options.attributes },
        isEnded: false,
      }
      spans.push(record)
      const spanContext: SpanContext = { traceId: record.traceId, spanId: record.spanId, traceFlags: 1 }
      return Object.assign(trace.wrapSpanContext(spanContext), {
        setAttribute(this: Span, key: string, value: unknown) {
          record.attributes[key] = value
          return this
        },
        setAttributes(this: Span, attributes: Record<string, unknown>) {
          Object.assign(record.attributes, attributes)
          return this
        },
        end: () => {
          record.isEnded = true
        },
      })
    },
  } as Tracer
  return { tracer, spans }
}
