import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Guard, markersIn, withoutGuard } from './guard.ts'

/** Where guards may stand: in what ships. */
const CODE = /^(?:packages|services)\/[^/]+\/src\/.*\.ts$/
const NOT_CODE = /\.test\.ts$|\/testing\/|^packages\/proto-gen\//

/**
 * Holds the table against the code: every marker has its line in the table and every line its marker, each guard can be
 * taken out, and its test files are there. Gives what is wrong.
 */
export function checkTable(root: string, files: readonly string[], guards: readonly Guard[]): string[] {
  const problems: string[] = []
  const inTable = new Map<string, Guard>()
  for (const guard of guards) {
    if (inTable.has(guard.name)) problems.push(`${guard.name}: is in the table twice`)
    inTable.set(guard.name, guard)
  }
  const inCode = new Set<string>()
  for (const file of files.filter((name) => CODE.test(name) && !NOT_CODE.test(name))) {
    const { markers, misspelt } = markersIn(readFileSync(join(root, file), 'utf8'))
    for (const line of misspelt) problems.push(`${file}:${line}: a marker reads "// guard: NAME — why"`)
    for (const { name, line } of markers) {
      if (inCode.has(name)) problems.push(`${file}:${line}: ${name} is marked twice`)
      inCode.add(name)
      if (inTable.get(name)?.file !== file)
        problems.push(`${file}:${line}: ${name} has no line in deploy/guards for this file`)
    }
  }
  const known = new Set(files)
  for (const guard of guards) {
    if (!inCode.has(guard.name)) problems.push(`${guard.name}: no marker in ${guard.file}`)
    else if (known.has(guard.file)) {
      const removed = withoutGuard(readFileSync(join(root, guard.file), 'utf8'), guard)
      if ('problem' in removed) problems.push(`${guard.name}: ${removed.problem}`)
    }
    for (const test of guard.tests) if (!known.has(test)) problems.push(`${guard.name}: there is no ${test}`)
    if (guard.tests.length === 0) problems.push(`${guard.name}: names no test`)
  }
  return problems
}
