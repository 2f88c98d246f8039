import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel counts in: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000
const PAGE_OCTETS = 4_096

interface Stat {
  readonly parent: number
  readonly cpuUs: number
  /** Of its children that have ended. */
  readonly endedCpuUs: number
}

/** CPU time that a process has used, user and system, in microseconds. Linux alone. */
export function cpuUs(pid: number): number {
  return stat(pid).cpuUs
}

/** The same of a process and all that come from it, ended ones included. */
export function treeCpuUs(pid: number): number {
  return processTree(pid).reduce((sum, member) => {
    const { cpuUs, endedCpuUs } = stat(member)
    return sum + cpuUs + endedCpuUs
  }, 0)
}

/** Resident memory of a process in megabytes. */
export function rssMb(pid: number): number {
  return (Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_OCTETS) / 1e6
}

/** The same of a process tree, memory that its processes share counted once (Pss, proc_pid_smaps(5)). */
export function treeRssMb(pid: number): number {
  return processTree(pid).reduce((sum, member) => {
    const rollup = readFileSync(`/proc/${member}/smaps_rollup`, 'latin1')
    return sum + (Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1_024) / 1e6
  }, 0)
}

function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined
    if (parent === undefined) continue
    const siblings = childrenOf.get(parent)
    if (siblings) siblings.push(pid)
    else childrenOf.set(parent, [pid])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? []))
  return tree
}

function parentOf(pid: number): number | undefined {
  try {
    return stat(pid).parent
  } catch {
    // It has ended since the folder was read.
    return undefined
  }
}

function stat(pid: number): Stat {
  // Behind the last bracket, since a process may have any name: ppid is field 4, utime to cstime are 14 to 17 (proc(5)).
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = (first: number): number => Number(fields[first]) + Number(fields[first + 1])
  return { parent: Number(fields[1]), cpuUs: ticks(11) * TICK_US, endedCpuUs: ticks(13) * TICK_US }
}
