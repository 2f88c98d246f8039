import { spawn } from 'node:child_process'
import { ROOT } from '../check/root.ts'

/** Its end is what counts are read from. */
const TAIL_LETTERS_MAX = 200_000

/**
 * Runs test files in a process of their own, shows what they say, and closes with the line `N passed, N failed, N skipped` that
 * a reader of a log looks for. Gives the exit code.
 *
 * @param o.fileTimeoutMs a file that runs longer hangs.
 */
export async function runTests(
  files: readonly string[],
  o: { readonly concurrency: number; readonly fileTimeoutMs: number; readonly env?: NodeJS.ProcessEnv },
): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${o.concurrency}`,
      `--test-timeout=${o.fileTimeoutMs}`,
      '--test-reporter=spec',
      ...files,
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...o.env } },
  )
  // Tests end what they started: they are told before this process goes.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, pass)
  let tail = ''
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk)
    tail = (tail + chunk.toString('utf8')).slice(-TAIL_LETTERS_MAX)
  })
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, pass)
  const count = (word: string): number => Number(new RegExp(`^\\S+ ${word} (\\d+)$`, 'm').exec(tail)?.[1] ?? 0)
  console.log(`${count('pass')} passed, ${count('fail') + count('cancelled')} failed, ${count('skipped')} skipped`)
  return code
}
