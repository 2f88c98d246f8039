import { setTimeout as delay } from 'node:timers/promises'

/** One line of a Prometheus exposition. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads a Prometheus text exposition. Comments and lines that are none are skipped. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line)
    if (!match?.[1]) continue
    const labels: Record<string, string> = {}
    for (const pair of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      if (pair[1]) labels[pair[1]] = (pair[2] ?? '').replace(/\\(.)/g, '$1')
    }
    samples.push({ name: match[1], labels, value: Number(match[3]) })
  }
  return samples
}

/** Reads `/metrics` of a probe address, `host:port`. */
export async function fetchMetrics(probe: string): Promise<Sample[]> {
  const response = await fetch(`http://${probe}/metrics`, { signal: AbortSignal.timeout(5_000) })
  return parseMetrics(await response.text())
}

/** The same of several processes, one after the other: what `sumOf` adds up is that of all of them. */
export async function fetchAllMetrics(probes: readonly string[]): Promise<Sample[]> {
  return (await Promise.all(probes.map(fetchMetrics))).flat()
}

/** Sums the samples of `name` whose labels include `labels`. */
export function sumOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels)
  let sum = 0
  for (const sample of samples) {
    if (sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value)) sum += sample.value
  }
  return sum
}

/**
 * Asks `read` until it says true: the way to wait for what happens elsewhere, instead of a sleep.
 *
 * @throws Error with `what` when `timeoutMs` have passed.
 */
export async function waitUntil(
  what: string,
  read: () => Promise<boolean> | boolean,
  timeoutMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    if (await read()) return
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await delay(20)
  }
}
