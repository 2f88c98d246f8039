import { readFileSync } from 'node:fs'

/** Whom a process runs as; empty: as whoever started the benchmark. */
export interface RunAs {
  readonly uid?: number
  readonly gid?: number
}

/** PostgreSQL refuses to run as root; root runs servers as the user of their package. */
export function systemUser(name: string): RunAs {
  if (process.getuid?.() !== 0) return {}
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined) throw new Error(`this system has no user ${name}`)
  return { uid: Number(uid), gid: Number(gid) }
}
