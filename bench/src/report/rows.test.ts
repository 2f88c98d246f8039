import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ratioOf } from '../peer/compare.ts'
import { type MeasuredReport, rowOf } from '../side.ts'
import { medianReport } from './median-report.ts'
import { formatRatio, formatRow } from './table.ts'

function measured(
  perSecond: number,
  cpuUs: Record<string, number>,
  failures: Record<string, number> = {},
): MeasuredReport {
  const report = { operations: 2 * perSecond, seconds: 2, p50Ms: 1.5, p99Ms: 200.4, failures, resent: 1, repeated: 0 }
  return { report, cpuUs, rssMb: { presence: 100 } }
}

test('a row has the fields that its readers know, in microseconds and megabytes', () => {
  assert.deepEqual(rowOf('publish', '64 outstanding', measured(8_000, { presence: 99.5, generator: 20 }, { 503: 2 })), {
    name: 'publish',
    case: '64 outstanding',
    ops_per_s: 8_000,
    p50_ms: 1.5,
    p99_ms: 200.4,
    cpu_us: { presence: 99.5, generator: 20 },
    rss_mb: { presence: 100 },
    more: { failed_503: 2, resent: 1 },
  })
})

test('rounds give the median of each figure, and all that went wrong', () => {
  const rounds = [10, 30, 20].map((rate) => measured(rate, { presence: rate * 2 }, { 503: 1 }))
  const { report, cpuUs } = medianReport(rounds)
  assert.equal(report.operations / report.seconds, 20)
  assert.deepEqual(cpuUs, { presence: 40 })
  assert.deepEqual(report.failures, { 503: 3 })
  assert.equal(report.resent, 3)
})

test('a ratio is above 1 where ours is faster, and where the peer needs more', () => {
  const ours = measured(9_000, { presence: 80, nats: 20, generator: 500 })
  const peer = measured(3_000, { kamailio: 150, postgres: 150, generator: 500 })
  const ratio = ratioOf({ name: 'publish', case: '64 outstanding' }, ours, [['database', peer]])
  assert.deepEqual(ratio, {
    name: 'publish',
    case: '64 outstanding',
    ours_per_s: 9_000,
    peer_per_s: { database: 3_000 },
    ratio: { database: 3 },
    cpu_ratio: { database: 3 },
  })
  assert.match(formatRatio(ratio), /ours 9000\/s; database 3000\/s: 3\.00 times as fast, 3\.00 times its CPU time/)
})

test('a row is one line for a person', () => {
  const line = formatRow(rowOf('fanout', '1000 watchers', measured(20_000, { presence: 30.04 })))
  assert.match(
    line,
    /^fanout +1000 watchers +20000\/s +p50 1\.5 ms, p99 200 ms +; presence 30\.04 µs; presence 100 MB; resent 1$/,
  )
})
