import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { SpanAttributes, SpanName } from './names.ts'

/** What a span needs at its start. */
export interface SpanOptions {
  /** W3C traceparent of the span above, from an envelope, a record or metadata. Wrong or empty: the active span's. */
  readonly parent?: string | undefined
  /** Begins a trace of its own, whatever is active. */
  readonly root?: boolean
  readonly kind?: 'server' | 'client' | 'producer' | 'consumer' | 'internal'
  /** Traceparents of spans that caused this one without being above it. Wrong ones are left out. */
  readonly links?: readonly string[]
  readonly attributes?: SpanAttributes
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const

const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)

/** Set by telemetry.ts: without a provider no span is even looked for. */
let tracer: Tracer | undefined
let flush: (() => Promise<void>) | undefined

/** Makes spans real. Called once, by telemetry.ts or by a test. */
export function enableTracing(o: { tracer: Tracer; shutdown: () => Promise<void> }): void {
  tracer = o.tracer
  flush = o.shutdown
}

/** Sends what is still kept back, and ends tracing. Does nothing when there is none. */
export async function shutdownTracing(): Promise<void> {
  const shutdown = flush
  tracer = undefined
  flush = undefined
  await shutdown?.()
}

export function isTracing(): boolean {
  return tracer !== undefined
}

/**
 * Starts a span. Without a provider this is one comparison, and the span that comes back does nothing.
 *
 * With a parent that was not sampled the span records nothing and still passes its trace on.
 */
export function startSpan(name: SpanName, options: SpanOptions = {}): Span {
  if (!tracer) return NO_SPAN
  const above = options.root ? ROOT_CONTEXT : contextOf(options.parent)
  return tracer.startSpan(
    name,
    {
      kind: KINDS[options.kind ?? 'internal'],
      ...(options.attributes ? { attributes: options.attributes } : {}),
      ...(options.links ? { links: linksOf(options.links) } : {}),
    },
    above,
  )
}

/** The W3C traceparent of a span; empty when there is no trace to speak of. */
export function traceparentOf(span: Span): string {
  if (span === NO_SPAN) return ''
  const { traceId, spanId, traceFlags } = span.spanContext()
  return traceId === INVALID_SPAN_CONTEXT.traceId
    ? ''
    : `00-${traceId}-${spanId}-0${(traceFlags & TraceFlags.SAMPLED).toString(16)}`
}

/** The traceparent of the span that is active here; empty when none is. */
export function activeTraceparent(): string {
  const span = tracer && trace.getActiveSpan()
  return span ? traceparentOf(span) : ''
}

/** Reads a traceparent (W3C Trace Context, section 3.2); undefined when it is none. */
export function parseTraceparent(text: string): SpanContext | undefined {
  // version 00 and later ones, which may add fields behind the flags
  const match = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text)
  if (!match) return undefined
  const [, version, traceId = '', spanId = '', flags = '', rest] = match
  if ((version === '00' && rest !== undefined) || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
}

/** Runs `act` with `span` active: its log lines carry the trace, and spans started inside without a parent stand below. */
export function runInSpan<T>(span: Span, act: () => T): T {
  return span === NO_SPAN ? act() : context.with(trace.setSpan(context.active(), span), act)
}

/** Marks a span as failed, with a stable code and never a message of the error's. */
export function failSpan(span: Span, code: string): void {
  if (span === NO_SPAN) return
  const status: SpanStatus = { code: SpanStatusCode.ERROR, message: code }
  span.setAttribute('error.type', code).setStatus(status)
}

function contextOf(parent: string | undefined): Context {
  const above = parent ? parseTraceparent(parent) : undefined
  return above ? trace.setSpanContext(ROOT_CONTEXT, above) : context.active()
}

function linksOf(traceparents: readonly string[]): Link[] {
  const links: Link[] = []
  for (const text of traceparents) {
    const linked = parseTraceparent(text)
    if (linked) links.push({ context: linked })
  }
  return links
}
