import type { BenchRow, RatioRow } from './bench-row.ts'

/** A row for a person to read, in one line. */
export function formatRow(row: BenchRow): string {
  const rate = `${formatNumber(row.ops_per_s)}/s`.padStart(9)
  const times = `p50 ${formatNumber(row.p50_ms)} ms, p99 ${formatNumber(row.p99_ms)} ms`
  const parts = [times.padEnd(32), formatList(row.cpu_us, 'µs'), formatList(row.rss_mb, 'MB')]
  if (row.more) parts.push(formatMore(row.more))
  return `${row.name.padEnd(9)} ${row.case.padEnd(40)} ${rate}  ${parts.filter((part) => part !== '').join('; ')}`
}

/** The ratios of one case, peer's modes side by side. */
export function formatRatio(row: RatioRow): string {
  const sides = Object.entries(row.peer_per_s).map(([mode, rate]) => {
    const { [mode]: ratio = Number.NaN } = row.ratio
    const { [mode]: cpu = Number.NaN } = row.cpu_ratio
    return `${mode} ${formatNumber(rate)}/s: ${ratio.toFixed(2)} times as fast, ${cpu.toFixed(2)} times its CPU time`
  })
  return `${row.name.padEnd(9)} ${row.case.padEnd(18)} ours ${formatNumber(row.ours_per_s)}/s; ${sides.join('; ')}`
}

function formatList(of: Readonly<Record<string, number>>, unit: string): string {
  return Object.entries(of)
    .map(([name, value]) => `${name} ${formatNumber(value)} ${unit}`)
    .join(', ')
}

function formatMore(more: Readonly<Record<string, number>>): string {
  return Object.entries(more)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(', ')
}

function formatNumber(value: number): string {
  return Math.abs(value) < 100 ? String(Number(value.toFixed(2))) : String(Math.round(value))
}
