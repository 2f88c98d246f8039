import { spawnSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BenchRow } from './bench-row.ts'
import { benchHop } from './hop.ts'
import { benchPublish } from './publish.ts'

const USAGE = `usage: npm run bench [-- NAME…] [--json FILE] [--no-profile]
  hop      SIP over the gRPC hop: 1 kB there and back by mutual TLS
  publish  durable PUBLISH straight to one Presence Server, fsynced, with nats-server`

const BENCHES: Readonly<Record<string, (o: { isProfiled: boolean }) => Promise<BenchRow[]>>> = {
  hop: (o) => benchHop(o),
  publish: (o) => benchPublish(o),
}

const SYNC_BYTES = 8192
const SYNC_MS = 500

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, 'no-profile': { type: 'boolean' }, help: { type: 'boolean' } },
  })
  const unknown = positionals.filter((name) => !(name in BENCHES))
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `no bench is called ${unknown.join(', ')}\n${USAGE}` : USAGE)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, fdatasync_per_s: syncsPerSecond() }
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.fdatasync_per_s} fdatasync of 8 kB a second`)
  const rows: BenchRow[] = []
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    for (const row of await bench({ isProfiled: !values['no-profile'] })) {
      rows.push(row)
      console.log(formatRow(row))
    }
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, rows }, null, 2)}\n`)
}

function formatRow(row: BenchRow): string {
  const list = (of: Readonly<Record<string, number>>, unit: string): string =>
    Object.entries(of)
      .map(([process, value]) => `${process} ${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`)
      .join(', ')
  const rate = `${Math.round(row.ops_per_s)}/s`.padStart(9)
  const times = `p50 ${row.p50_ms.toFixed(2)} ms, p99 ${row.p99_ms.toFixed(2)} ms`
  return `${row.name.padEnd(8)} ${row.case.padEnd(28)} ${rate}  ${times}; CPU an operation: ${list(row.cpu_us, 'µs')}; RSS: ${list(row.rss_mb, 'MB')}`
}

/** What the disk under the temporary folder gives: durable rates mean nothing without it. */
function syncsPerSecond(): number {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-sync-'))
  try {
    spawnSync('sync')
    const file = openSync(join(folder, 'probe'), 'w')
    const bytes = Buffer.alloc(SYNC_BYTES, 1)
    const begin = performance.now()
    let count = 0
    for (; performance.now() - begin < SYNC_MS; count += 1) {
      writeSync(file, bytes, 0, bytes.length, 0)
      fdatasyncSync(file)
    }
    closeSync(file)
    return Math.round((count * 1000) / (performance.now() - begin))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

await main()
