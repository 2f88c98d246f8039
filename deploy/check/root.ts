import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Every file of the project, tracked or new, but what git ignores; paths from the top folder. */
export function sourceFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const result = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' })
  return [...new Set(result.stdout.split('\n'))].filter((file) => file !== '' && existsSync(join(ROOT, file))).sort()
}
