import { trace } from '@opentelemetry/api'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { isTracing } from './tracing.ts'

export type { Logger } from 'pino'

/**
 * Names of fields that never reach a log line, at the top and one level down. It is the second line of defence: the
 * first is that such octets are `Secret` objects, which print nothing.
 */
const CENSORED = [
  'k',
  'op',
  'opc',
  'ck',
  'ik',
  'ks',
  'ksNaf',
  'ha1',
  'res',
  'xres',
  'key',
  'privateKey',
  'password',
  'secret',
]

const CENSOR = '[secret]'

/** Makes a service's log: JSON lines, to stdout unless a test gives another place. */
export function createLogger(o: { service: string; level: string; destination?: DestinationStream }): Logger {
  return pino(
    {
      level: o.level,
      base: { service: o.service },
      timestamp: stdTimeFunctions.isoTime,
      mixin: traceFields,
      redact: { paths: CENSORED.flatMap((name) => [name, `*.${name}`]), censor: CENSOR },
      serializers: { err: describeError },
    },
    ...(o.destination ? [o.destination] : []),
  )
}

/**
 * The log of decisions: at every level but silence, for a log level is about verbosity, an audit trail is not. Its lines
 * are flat, so that looking a level down for what is censored, most of what a line costs, is left out.
 */
export function auditLog(log: Logger): Logger {
  if (log.level === 'silent') return log
  return log.child({ audit: true }, { level: 'info', redact: { paths: CENSORED, censor: CENSOR } })
}

/**
 * A log for lines that are written for each request and are flat, as those of decisions are: it looks for what is censored at the
 * top alone, which costs a fifth.
 */
export function flatLog(log: Logger): Logger {
  return log.child({}, { redact: { paths: CENSORED, censor: CENSOR } })
}

/** The trace and span that are active where a line is written (OpenTelemetry's names for them in logs). */
function traceFields(): Record<string, string> {
  const span = isTracing() ? trace.getActiveSpan() : undefined
  if (!span) return {}
  const { traceId, spanId } = span.spanContext()
  return { trace_id: traceId, span_id: spanId }
}

/** An expected failure is told by its code; only one that nobody expected brings its stack. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = (error as { code?: unknown }).code
  const cause = error.cause instanceof Error ? { cause: describeError(error.cause) } : {}
  const isExpected = typeof code === 'string'
  return {
    type: error.name,
    message: error.message,
    ...(isExpected ? { code } : { stack: error.stack }),
    ...cause,
  }
}
