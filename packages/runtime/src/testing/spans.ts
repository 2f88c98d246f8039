import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { enableTracing, shutdownTracing } from '../tracing.ts'

/** Tracing into memory, for as long as it is in scope. */
export class SpanRecorder implements AsyncDisposable {
  readonly #exporter = new InMemorySpanExporter()

  constructor() {
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: this.#exporter })] })
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    enableTracing({ tracer: provider.getTracer('test'), shutdown: async () => undefined })
  }

  /** Ended spans, in the order of their ends. */
  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await shutdownTracing()
  }
}
