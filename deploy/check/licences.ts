import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Licences that an Apache-2.0 product may ship with or be built by. */
const ALLOWED = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'MIT OR Apache-2.0',
  'BlueOak-1.0.0',
  'CC0-1.0',
  '(MIT OR Apache-2.0)',
  '(Apache-2.0 AND BSD-3-Clause)',
  'Python-2.0',
  'Unlicense',
])

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly link?: boolean; readonly resolved?: string; readonly license?: string }>
  >
}

/** Lists packages of the lock file whose licence is none of the allowed ones, and entries that name a download host. */
export function checkLockFile(root: string): string[] {
  const faults: string[] = []
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!path.startsWith('node_modules/') || entry.link) continue
    if (entry.resolved?.includes('://')) faults.push(`${path}: the lock file names a host; see .npmrc`)
    const file = join(root, path, 'package.json')
    const licence = entry.license ?? (existsSync(file) ? licenceIn(file) : undefined)
    if (licence === undefined && !existsSync(file)) continue
    if (!licence || !ALLOWED.has(licence)) faults.push(`${path}: licence ${licence ?? 'not named'}`)
  }
  return faults
}

function licenceIn(file: string): string | undefined {
  const { license, licenses } = JSON.parse(readFileSync(file, 'utf8')) as {
    license?: string | { type?: string }
    /** The field of old; some still write it. */
    licenses?: readonly { type?: string }[]
  }
  return typeof license === 'string' ? license : (license?.type ?? licenses?.[0]?.type)
}
