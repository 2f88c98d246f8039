import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestResult } from './reporter.ts'

const REPORTER = fileURLToPath(new URL('./reporter.ts', import.meta.url))
/** One test, or a whole file: what hangs without its guard is red as well. */
const TEST_TIMEOUT_MS = 60_000
/** All tests of one run. */
const RUN_TIMEOUT_MS = 120_000
/** All tests that the table names, once. */
const BASELINE_TIMEOUT_MS = 600_000
/** Of what a run that did not load wrote, letters shown. */
const STDERR_SHOWN = 500

/** What `node --test` said. */
interface Output {
  readonly results: readonly TestResult[]
  readonly stderr: string
  readonly code: number | null
}

/** How a run of test files came out. */
export type TestRun =
  | { readonly kind: 'green'; readonly passed: number }
  /** A test noticed. */
  | { readonly kind: 'red'; readonly failed: readonly TestResult[] }
  /** The files did not even load, or nothing in them ran: that proves nothing. */
  | { readonly kind: 'broken'; readonly detail: string }

/** Runs test files of the tree at `root`, `concurrency` of them at a time. */
export async function runTests(
  root: string,
  files: readonly string[],
  o: { readonly concurrency?: number; readonly signal?: AbortSignal } = {},
): Promise<TestRun> {
  return judge(await run(root, files, o))
}

/** Runs test files that are to be green, and gives what is not, by file. */
export async function findRed(
  root: string,
  files: readonly string[],
  o: { readonly concurrency?: number; readonly signal?: AbortSignal } = {},
): Promise<ReadonlyMap<string, string>> {
  const { results, stderr } = await run(root, files, { ...o, timeoutMs: BASELINE_TIMEOUT_MS })
  const red = new Map<string, string>()
  for (const file of files) {
    const own = results.filter((result) => result.file.endsWith(file))
    const failed = own.find(({ isPassed }) => !isPassed)
    if (failed) red.set(file, `${failed.name}: ${failed.message}`)
    else if (own.length === 0) red.set(file, `no test of it ran ${stderr.trim().slice(-STDERR_SHOWN)}`.trim())
  }
  return red
}

async function run(
  root: string,
  files: readonly string[],
  o: { readonly concurrency?: number; readonly signal?: AbortSignal; readonly timeoutMs?: number },
): Promise<Output> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${o.concurrency ?? 1}`,
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      `--test-reporter=${REPORTER}`,
      ...files,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that with it goes whatever its tests have started.
      detached: true,
    },
  )
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  const end = (): void => endGroup(child.pid)
  const timer = setTimeout(end, o.timeoutMs ?? RUN_TIMEOUT_MS)
  o.signal?.addEventListener('abort', end, { once: true })
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  o.signal?.removeEventListener('abort', end)
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"isPassed"'))
  return { results: lines.map((line) => JSON.parse(line) as TestResult), stderr, code }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Red only when the code still loads: a test failed, and either another one of the same run passed or it was an assertion
 * that did not hold.
 */
export function judge({ results, stderr, code }: Output): TestRun {
  const tests = results.filter(({ isFile }) => !isFile)
  const passed = tests.filter(({ isPassed }) => isPassed)
  const failed = tests.filter(({ isPassed }) => !isPassed)
  if (failed.length > 0 && (passed.length > 0 || failed.some(({ isAssertion }) => isAssertion))) {
    return { kind: 'red', failed }
  }
  const why = results.find(({ isPassed }) => !isPassed)?.message ?? ''
  if (failed.length === 0 && passed.length > 0 && code === 0) return { kind: 'green', passed: passed.length }
  return { kind: 'broken', detail: [why, stderr.trim().slice(-STDERR_SHOWN)].filter((text) => text !== '').join('\n') }
}
