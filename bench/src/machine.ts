import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Machine } from './report/bench-row.ts'
import { TemporaryFolder } from './temporary-folder.ts'

const SYNC_OCTETS = 8_192
const SYNC_MS = 1_000

/** What the figures were measured on. */
export function describeMachine(): Machine {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, fdatasync_per_s: syncsPerSecond() }
}

/** What the disk under the servers' data gives in a second: durable rates mean nothing without it. */
function syncsPerSecond(): number {
  using folder = new TemporaryFolder('sync')
  const file = openSync(join(folder.path, 'probe'), 'w')
  try {
    const octets = Buffer.alloc(SYNC_OCTETS, 1)
    const beginMs = performance.now()
    let count = 0
    for (; performance.now() - beginMs < SYNC_MS; count += 1) {
      writeSync(file, octets, 0, octets.length, 0)
      fdatasyncSync(file)
    }
    return Math.round((count * 1_000) / (performance.now() - beginMs))
  } finally {
    closeSync(file)
  }
}
