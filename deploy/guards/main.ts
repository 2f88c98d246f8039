import { basename } from 'node:path'
import { ROOT, sourceFiles } from '../check/root.ts'
import { checkTable } from './check-table.ts'
import { type Guard, withoutGuard } from './guard.ts'
import { GUARDS } from './guards.ts'
import { findRed, runTests } from './test-run.ts'
import { TreeCopy } from './tree-copy.ts'

/** Guards tried at the same time, each in a copy of its own. */
const WORKERS = 2

/** What taking a guard out has shown. */
type Verdict = { readonly isProven: boolean; readonly text: string }

/**
 * `npm run test:guards [-- NAME…]`: takes each named guard out of a copy of the code, one at a time, and wants a test to turn
 * red. It ends with `n of n`.
 */
async function main(): Promise<number> {
  const names = process.argv.slice(2)
  const guards = names.length === 0 ? GUARDS : GUARDS.filter(({ name }) => names.includes(name))
  const unknown = names.filter((name) => !GUARDS.some((guard) => guard.name === name))
  const isAsked = (problem: string): boolean =>
    names.length === 0 || names.some((name) => problem.startsWith(`${name}: `))
  const problems = [
    ...unknown.map((name) => `${name}: no such guard`),
    ...checkTable(ROOT, sourceFiles(), GUARDS).filter(isAsked),
  ]
  for (const problem of problems) console.log(problem)
  if (problems.length > 0) return 1

  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
  const files = sourceFiles()
  const copies = Array.from({ length: WORKERS }, () => new TreeCopy(ROOT, files))
  try {
    return await tryAll(guards, copies, stopping.signal)
  } finally {
    for (const copy of copies) copy[Symbol.dispose]()
  }
}

async function tryAll(guards: readonly Guard[], copies: readonly TreeCopy[], signal: AbortSignal): Promise<number> {
  const startMs = performance.now()
  const tests = [...new Set(guards.flatMap((guard) => guard.tests))]
  const [first] = copies
  const red = first ? await findRed(first.root, tests, { concurrency: WORKERS, signal }) : new Map<string, string>()
  for (const [file, why] of red) console.log(`FAIL ${file} is red with all guards in their places: ${why}`)
  console.log(
    `${tests.length - red.size} of ${tests.length} test files are green with all guards in, ${secondsSince(startMs)}`,
  )
  let proven = 0
  const waiting = guards.filter((guard) => !guard.tests.some((file) => red.has(file)))
  const inUse = new Set<string>()
  const work = async (copy: TreeCopy): Promise<void> => {
    for (;;) {
      // Files with sockets take addresses of their own: none runs in two copies at once.
      const index = waiting.findIndex((guard) => !guard.tests.some((test) => isExclusive(test) && inUse.has(test)))
      const [guard] = index < 0 ? [] : waiting.splice(index, 1)
      if (signal.aborted || waiting.length + (guard ? 1 : 0) === 0) return
      if (!guard) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        continue
      }
      for (const test of guard.tests) inUse.add(test)
      const beginMs = performance.now()
      const verdict = await tryOne(guard, copy, signal)
      for (const test of guard.tests) inUse.delete(test)
      if (verdict.isProven) proven += 1
      console.log(`${verdict.isProven ? 'red ' : 'FAIL'} ${guard.name}, ${secondsSince(beginMs)}: ${verdict.text}`)
    }
  }
  await Promise.all(copies.map(work))
  console.log(`${proven} of ${guards.length} guards: without each of them a test turns red, ${secondsSince(startMs)}`)
  return proven === guards.length ? 0 : 1
}

async function tryOne(guard: Guard, copy: TreeCopy, signal: AbortSignal): Promise<Verdict> {
  const original = copy.read(guard.file)
  const removed = withoutGuard(original, guard)
  if ('problem' in removed) return { isProven: false, text: removed.problem }
  copy.write(guard.file, removed.text)
  try {
    const run = await runTests(copy.root, guard.tests, { signal })
    if (run.kind === 'red') return { isProven: true, text: run.failed[0]?.name ?? '' }
    const tests = guard.tests.map((test) => basename(test)).join(', ')
    if (run.kind === 'green') return { isProven: false, text: `nobody notices: ${tests} pass without it` }
    return { isProven: false, text: `the code does not load without it:\n${run.detail}` }
  } finally {
    copy.write(guard.file, original)
  }
}

function isExclusive(test: string): boolean {
  return test.endsWith('.int.test.ts') || test.startsWith('e2e/')
}

function secondsSince(startMs: number): string {
  return `${((performance.now() - startMs) / 1_000).toFixed(1)} s`
}

process.exitCode = await main()
