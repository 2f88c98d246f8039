import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './root.ts'

/**
 * Makes `packages/proto-gen/src` from `proto/` with buf and ts-proto. `out` writes the same tree elsewhere, to compare.
 *
 * @throws Error with what buf said.
 */
export function generate(out?: string): void {
  const result = spawnSync(join(ROOT, 'node_modules/.bin/buf'), ['generate', ...(out ? ['--output', out] : [])], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (result.status !== 0) throw new Error(`buf generate: ${result.stderr || result.stdout || result.error?.message}`)
}

if (import.meta.main) generate()
