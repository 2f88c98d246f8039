import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conformanceFaults } from './conformance.ts'
import { generate } from './gen.ts'
import { checkImports } from './imports.ts'
import { checkLockFile } from './licences.ts'
import { ROOT, sourceFiles } from './root.ts'

interface Check {
  readonly name: string
  /** Gives what is wrong; nothing when all is well. */
  run(): string[]
}

/** Everything that must hold before a commit, cheapest first. */
const CHECKS: readonly Check[] = [
  {
    name: 'imports',
    run: () => checkImports(ROOT, sourceFiles()).map((f) => `${f.file}: '${f.specifier}': ${f.rule}`),
  },
  { name: 'lock file and licences', run: () => checkLockFile(ROOT) },
  { name: 'proto lint', run: () => tool('buf', ['lint']) },
  { name: 'generated files are current', run: generatedFaults },
  { name: 'docs/conformance.md is current', run: conformanceFaults },
  { name: 'lint and format', run: () => tool('biome', ['check', '--error-on-warnings', '.']) },
  { name: 'types', run: () => tool('tsc', ['-p', '.']) },
  { name: 'unused files, exports, dependencies', run: () => tool('knip', ['--no-progress']) },
]

function main(): void {
  let failed = 0
  for (const check of CHECKS) {
    const begin = performance.now()
    const faults = check.run()
    console.log(
      `${faults.length === 0 ? 'ok    ' : 'FAILED'} ${check.name} (${Math.round(performance.now() - begin)} ms)`,
    )
    for (const fault of faults) console.log(`       ${fault}`)
    if (faults.length > 0) failed += 1
  }
  process.exitCode = failed === 0 ? 0 : 1
}

function tool(name: string, args: readonly string[]): string[] {
  const result = spawnSync(join(ROOT, 'node_modules/.bin', name), args, { cwd: ROOT, encoding: 'utf8' })
  if (result.status === 0) return []
  return `${result.stdout}${result.stderr}${result.error?.message ?? ''}`.trim().split('\n')
}

function generatedFaults(): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-gen-'))
  try {
    generate(folder)
    const fresh = filesOf(join(folder, 'packages/proto-gen/src'))
    const kept = filesOf(join(ROOT, 'packages/proto-gen/src'))
    const names = new Set([...fresh.keys(), ...kept.keys()])
    return [...names].filter((name) => fresh.get(name) !== kept.get(name)).map((name) => `${name}: run npm run gen`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function filesOf(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

main()
