import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  /** Microseconds of the machine's monotonic clock. */
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** One function's own time in a profile. */
interface SelfTime {
  readonly share: number
  readonly where: string
}

/** Of a profile this many lines are printed. */
const LINES = 25

/**
 * Prints where a process that left its profile in `folder` when it ended spent its time.
 *
 * @param sinceMs what was before does not count, in milliseconds of `monotonicMs()`: loading the code, above all.
 */
export function printSelfTimes(what: string, folder: string, sinceMs = 0): void {
  console.log(`${what}, own time by function:`)
  for (const { share, where } of topSelfTimes(folder, LINES, sinceMs)) {
    console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${where}`)
  }
}

/**
 * Reads what `node --cpu-prof` left in `folder` and gives the functions with the most time of their own. The time in
 * which the process was idle does not count.
 */
function topSelfTimes(folder: string, count: number, sinceMs: number): SelfTime[] {
  const own = new Map<string, number>()
  let total = 0
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
    const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node.callFrame)]))
    let atUs = profile.startTime
    profile.samples.forEach((id, i) => {
      const name = names.get(id) ?? ''
      const us = profile.timeDeltas[i] ?? 0
      atUs += us
      if (atUs < sinceMs * 1_000) return
      if (name === '(idle)' || name === '(root)') return
      own.set(name, (own.get(name) ?? 0) + us)
      total += us
    })
  }
  return [...own]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([where, us]) => ({ share: us / total, where }))
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/(?=(?:packages|services|node_modules)\/)/, '')
  return `${functionName || '(anonymous)'} ${path}:${lineNumber + 1}`
}
