import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Attributes, metrics as globalMetrics, type Histogram as OtelHistogram } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { CounterName, GaugeName, HistogramName, LabelsOf } from './names.ts'
import { METRICS } from './names.ts'

/** Label values are few by design; past this many the rest is added up under `overflow`, so that a mistake stays small. */
const SERIES_MAX = 1_000
const OVERFLOW = 'overflow'
const EVENT_LOOP_RESOLUTION_MS = 20

/** One series of a counter. Keep it where it is used often: adding is then one addition. */
export interface Counter {
  add(by?: number): void
}

/** One series of a histogram. */
export interface Histogram {
  record(value: number): void
}

/** Lets go of a gauge's reader: from then on it reads 0, for a series that was told once does not vanish. */
export interface GaugeHandle {
  release(): void
}

type LabelArgument<L> = keyof L extends never ? [] : [labels: L]

/** A service's metrics, by the registry in names.ts. */
export interface Metrics {
  /** The series of `name` with these labels; made when it is first asked for, and shown from then on, at 0. */
  counter<N extends CounterName>(name: N, ...labels: LabelArgument<LabelsOf<N>>): Counter
  histogram<N extends HistogramName>(name: N, ...labels: LabelArgument<LabelsOf<N>>): Histogram
  /** Reads the value when it is scraped. The same labels again replace the earlier reader. */
  gauge<N extends GaugeName>(name: N, labels: LabelsOf<N>, read: () => number): GaugeHandle
  /** The Prometheus text exposition of now. */
  expose(): Promise<string>
  shutdown(): Promise<void>
}

/**
 * Makes the metrics of one service over a meter provider of its own, and offers that provider as the process's global
 * one, so that packages which know the OpenTelemetry API alone are on the same page.
 */
export function createMetrics(service: string): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    readers: [reader],
  })
  globalMetrics.setGlobalMeterProvider(provider)
  const registered = new RegisteredMetrics(provider, reader)
  registerProcessMetrics(registered)
  return registered
}

interface Series {
  readonly labels: Attributes
  read(): number
}

class CountedSeries implements Series, Counter {
  readonly labels: Attributes
  #value = 0

  constructor(labels: Attributes) {
    this.labels = labels
  }

  add(by = 1): void {
    this.#value += by
  }

  read(): number {
    return this.#value
  }
}

class RegisteredMetrics implements Metrics {
  readonly #provider: MeterProvider
  readonly #reader: PrometheusExporter
  readonly #serializer = new PrometheusSerializer('', false, undefined, true, true)
  readonly #meter: ReturnType<MeterProvider['getMeter']>
  readonly #observed = new Map<string, Map<string, Series>>()
  readonly #histograms = new Map<string, OtelHistogram>()
  readonly #recorders = new Map<string, Histogram>()

  constructor(provider: MeterProvider, reader: PrometheusExporter) {
    this.#provider = provider
    this.#reader = reader
    this.#meter = provider.getMeter('@rollcall/runtime')
  }

  counter<N extends CounterName>(name: N, ...[labels]: LabelArgument<LabelsOf<N>>): Counter {
    const series = this.#seriesOf(name)
    const key = keyOf(name, labels)
    const known = series.get(key)
    if (known instanceof CountedSeries) return known
    if (series.size >= SERIES_MAX) return this.#overflow(name, series)
    const fresh = new CountedSeries(attributesOf(name, labels))
    series.set(key, fresh)
    return fresh
  }

  gauge<N extends GaugeName>(name: N, labels: LabelsOf<N>, read: () => number): GaugeHandle {
    return this.observe(name, labels, read)
  }

  /** A counter that somebody else counts: read at the scrape, like a gauge. */
  observe<N extends GaugeName | CounterName>(name: N, labels: LabelsOf<N>, read: () => number): GaugeHandle {
    const series = this.#seriesOf(name)
    const key = keyOf(name, labels)
    const entry: Series = { labels: attributesOf(name, labels), read }
    if (series.has(key) || series.size < SERIES_MAX) series.set(key, entry)
    return {
      release() {
        if (series.get(key) === entry) series.set(key, { labels: entry.labels, read: () => 0 })
      },
    }
  }

  histogram<N extends HistogramName>(name: N, ...[labels]: LabelArgument<LabelsOf<N>>): Histogram {
    const key = `${name}\0${keyOf(name, labels)}`
    const known = this.#recorders.get(key)
    if (known) return known
    const instrument = this.#instrument(name)
    const attributes = this.#recorders.size < SERIES_MAX ? attributesOf(name, labels) : overflowOf(name)
    const recorder: Histogram = { record: (value) => instrument.record(value, attributes) }
    if (this.#recorders.size < SERIES_MAX) this.#recorders.set(key, recorder)
    return recorder
  }

  async expose(): Promise<string> {
    const { resourceMetrics, errors } = await this.#reader.collect()
    // A reader that throws is a mistake of ours, and half an exposition would hide it.
    if (errors.length > 0) throw new AggregateError(errors, 'metrics cannot be read')
    return `${this.#serializer.serialize(resourceMetrics)}\n`
  }

  async shutdown(): Promise<void> {
    await this.#provider.shutdown()
  }

  #seriesOf(name: CounterName | GaugeName): Map<string, Series> {
    const known = this.#observed.get(name)
    if (known) return known
    const series = new Map<string, Series>()
    this.#observed.set(name, series)
    const { kind, help } = METRICS[name]
    const options = { description: help }
    const instrument =
      kind === 'counter'
        ? this.#meter.createObservableCounter(name, options)
        : this.#meter.createObservableGauge(name, options)
    instrument.addCallback((result) => {
      for (const entry of series.values()) result.observe(entry.read(), entry.labels)
    })
    return series
  }

  #overflow(name: CounterName, series: Map<string, Series>): Counter {
    const known = series.get(OVERFLOW)
    if (known instanceof CountedSeries) return known
    const fresh = new CountedSeries(overflowOf(name))
    series.set(OVERFLOW, fresh)
    return fresh
  }

  #instrument(name: HistogramName): OtelHistogram {
    const known = this.#histograms.get(name)
    if (known) return known
    const { help, buckets } = METRICS[name]
    const fresh = this.#meter.createHistogram(name, {
      description: help,
      advice: { explicitBucketBoundaries: [...buckets] },
    })
    this.#histograms.set(name, fresh)
    return fresh
  }
}

type AnyLabels = Readonly<Record<string, string>> | undefined

function keyOf(name: keyof typeof METRICS, labels: AnyLabels): string {
  let key = ''
  for (const label of METRICS[name].labels) key += `${labels?.[label] ?? ''}\0`
  return key
}

function attributesOf(name: keyof typeof METRICS, labels: AnyLabels): Attributes {
  return Object.fromEntries(METRICS[name].labels.map((label) => [label, labels?.[label] ?? '']))
}

function overflowOf(name: keyof typeof METRICS): Attributes {
  return Object.fromEntries(METRICS[name].labels.map((label) => [label, OVERFLOW]))
}

function registerProcessMetrics(metrics: RegisteredMetrics): void {
  metrics.observe('process_cpu_seconds_total', {}, () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  metrics.gauge('process_resident_memory_bytes', {}, () => process.memoryUsage.rss())
  metrics.gauge('process_heap_bytes', {}, () => process.memoryUsage().heapUsed)
  metrics.gauge('process_start_time_seconds', {}, () => performance.timeOrigin / 1000)
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS })
  delay.enable()
  metrics.gauge('process_event_loop_delay_seconds', {}, () => {
    const seconds = delay.percentile(99) / 1e9
    delay.reset()
    return Number.isFinite(seconds) ? seconds : 0
  })
}
