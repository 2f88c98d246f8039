import { quantile, round } from '../report/statistics.ts'
import type { LoadReport, Until } from './work.ts'

/** Who was refused waits for this before the next try: a closed loop of 503s is no load. */
const REFUSED_PAUSE_MS = 100

/** How an operation ended. */
export type EndOperation = (outcome: { readonly latencyMs: number } | { readonly failure: string }) => void

/**
 * Keeps `outstanding` operations under way until enough went well, and waits for those that are left. `start` begins
 * one; it must not end it before it returns.
 */
export async function closedLoop(
  o: { readonly outstanding: number; readonly until: Until },
  start: (end: EndOperation) => void,
): Promise<Pick<LoadReport, 'operations' | 'seconds' | 'p50Ms' | 'p99Ms' | 'failures'>> {
  const latenciesMs: number[] = []
  const failures: Record<string, number> = {}
  const all = Promise.withResolvers<void>()
  const beginMs = performance.now()
  const endMs = 'seconds' in o.until ? beginMs + o.until.seconds * 1_000 : Number.POSITIVE_INFINITY
  const startedMax = 'operations' in o.until ? o.until.operations : Number.POSITIVE_INFINITY
  let started = 0
  let failed = 0
  let underWay = 0
  const next = (): void => {
    if (started < startedMax && performance.now() < endMs) {
      started += 1
      underWay += 1
      start(end)
    } else if (underWay === 0) all.resolve()
  }
  const goOn = (): void => {
    underWay -= 1
    next()
  }
  const end: EndOperation = (outcome) => {
    if ('latencyMs' in outcome) {
      latenciesMs.push(outcome.latencyMs)
      goOn()
      return
    }
    failures[outcome.failure] = (failures[outcome.failure] ?? 0) + 1
    failed += 1
    // Another takes its place, within reason.
    if (failed <= startedMax) started -= 1
    setTimeout(goOn, REFUSED_PAUSE_MS)
  }
  for (let i = 0; i < o.outstanding; i++) next()
  await all.promise
  return {
    operations: latenciesMs.length,
    seconds: (performance.now() - beginMs) / 1_000,
    ...quantilesMs(latenciesMs),
    failures,
  }
}

export function quantilesMs(latenciesMs: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = Float64Array.from(latenciesMs).sort()
  return { p50Ms: round(quantile(sorted, 0.5), 3), p99Ms: round(quantile(sorted, 0.99), 3) }
}
