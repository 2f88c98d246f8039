import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'

const TRACER_NAME = '@rollcall/store'
/** Ends of a `traceparent` whose flags say that it is sampled: the lowest bit of the last digit is set. */
const SAMPLED_DIGITS = '13579bdf'

/**
 * Starts the `store append` span of a record, below the span that its `traceparent` names. Nothing is started, and
 * next to nothing spent, when that one is not sampled.
 */
export function startAppendSpan(traceparent: string | undefined, partition: string): Span | undefined {
  if (traceparent === undefined || !SAMPLED_DIGITS.includes(traceparent.slice(-1))) return undefined
  const parent = {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  }
  return trace
    .getTracer(TRACER_NAME)
    .startSpan(
      'store append',
      { kind: SpanKind.INTERNAL, attributes: { 'rollcall.partition': partition } },
      trace.setSpanContext(ROOT_CONTEXT, parent),
    )
}

/**
 * Starts the span of a message that packs records, and links the span of each traced record to it. It stands below the
 * first of them, so that it is sampled with it; without a traced record there is none.
 */
export function startBatchSpan(
  pack: Iterable<{ readonly span: Span | undefined }>,
  o: { partition: string; records: number; octets: number },
): Span | undefined {
  let batch: Span | undefined
  for (const { span } of pack) {
    if (!span) continue
    batch ??= trace.getTracer(TRACER_NAME).startSpan(
      'store append batch',
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'rollcall.partition': o.partition,
          'rollcall.store.records': o.records,
          'rollcall.store.bytes': o.octets,
        },
      },
      trace.setSpan(ROOT_CONTEXT, span),
    )
    span.addLink({ context: batch.spanContext() })
  }
  return batch
}

/** Ends a span with where its message lies, or with the stable code of what went wrong. */
export function endSpan(span: Span | undefined, result: { sequence: number } | { errorCode: string }): void {
  if (!span) return
  if ('sequence' in result) span.setAttribute('rollcall.store.sequence', result.sequence)
  else
    span
      .setAttribute('error.type', result.errorCode)
      .setStatus({ code: SpanStatusCode.ERROR, message: result.errorCode })
  span.end()
}
