/**
 * Loaded before anything else, by `--import @rollcall/runtime/telemetry`: sets up the tracer provider from OpenTelemetry's
 * own variables, and nothing more. No loader hooks, no patched modules: spans are started by our own code.
 *
 * Without `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) no span is made at all.
 */
import { context, DiagLogLevel, diag, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { createSampler } from './sampler.ts'
import { enableTracing } from './tracing.ts'

const { env } = process

if (env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) start()

function start(): void {
  // A lost exporter is silent otherwise: one line a fault, in the shape of our log lines.
  const say = (level: number) => (message: string) =>
    process.stderr.write(`${JSON.stringify({ level, time: Date.now(), name: 'telemetry', msg: message })}\n`)
  diag.setLogger(
    { error: say(50), warn: say(40), info: say(30), debug: say(20), verbose: say(10) },
    { logLevel: DiagLogLevel.WARN },
  )
  const name = env.OTEL_SERVICE_NAME ?? env.ROLLCALL_SERVICE_NAME ?? serviceOfEntry()
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ 'service.name': name, 'service.namespace': 'rollcall' })),
    sampler: createSampler(env),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: numberOf('OTEL_BSP_SCHEDULE_DELAY', 1_000),
        exportTimeoutMillis: numberOf('OTEL_BSP_EXPORT_TIMEOUT', 10_000),
        maxQueueSize: numberOf('OTEL_BSP_MAX_QUEUE_SIZE', 8_192),
        maxExportBatchSize: numberOf('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
      }),
    ],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
  enableTracing({ tracer: provider.getTracer('@rollcall/runtime'), shutdown: () => provider.shutdown() })
}

/** `services/hss/src/main.ts` is hss. */
function serviceOfEntry(): string {
  return /services\/([a-z-]+)\/src\/main\.ts$/.exec(process.argv[1] ?? '')?.[1] ?? 'rollcall'
}

function numberOf(variable: string, otherwise: number): number {
  const value = Number(env[variable])
  return Number.isInteger(value) && value > 0 ? value : otherwise
}
