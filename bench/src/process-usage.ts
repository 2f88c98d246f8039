import { readFileSync } from 'node:fs'

/** What the kernel counts in: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000
const PAGE_BYTES = 4_096

/** CPU time that a process has used, user and system, in microseconds. Linux alone. */
export function cpuUs(pid: number): number {
  // Behind the last bracket, since a process may have any name; utime and stime are fields 14 and 15 (proc(5)).
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

/** Resident memory of a process in megabytes. */
export function rssMb(pid: number): number {
  return (Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES) / 1e6
}
