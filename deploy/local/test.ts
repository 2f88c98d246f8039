import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { ROOT } from '../check/root.ts'

/**
 * `npm test [-- PATTERN…]`: every test that needs no Docker, real nats-server included. A pattern is a part of a file's
 * path. Files run two at a time; each takes loopback addresses of its own.
 */
const TEST_GLOBS = [
  'packages/*/src/**/*.test.ts',
  'services/*/src/**/*.test.ts',
  'deploy/**/*.test.ts',
  'e2e/**/*.test.ts',
  'bench/**/*.test.ts',
]
/** A file that runs longer than this hangs. */
const FILE_TIMEOUT_MS = 600_000

const patterns = process.argv.slice(2)
const files = globSync(TEST_GLOBS, { cwd: ROOT, exclude: (name) => name === 'node_modules' })
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  // The long ones first, so that the last minutes are not one file's alone.
  .sort((a, b) => weight(b) - weight(a) || a.localeCompare(b))
if (files.length === 0) {
  console.error(`no test file matches ${patterns.join(' ')}`)
  process.exit(1)
}

const child = spawn(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    '--test-reporter=spec',
    ...files,
  ],
  { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
)
let tail = ''
child.stdout.on('data', (chunk: Buffer) => {
  process.stdout.write(chunk)
  tail = (tail + chunk.toString('utf8')).slice(-200_000)
})
child.on('close', (code) => {
  const count = (word: string): number => Number(new RegExp(`^\\S+ ${word} (\\d+)$`, 'm').exec(tail)?.[1] ?? 0)
  console.log(`${count('pass')} passed, ${count('fail') + count('cancelled')} failed, ${count('skipped')} skipped`)
  process.exitCode = code ?? 1
})

function weight(file: string): number {
  if (file.startsWith('e2e/faults/')) return 3
  return file.startsWith('e2e/') ? 2 : file.includes('.int.test.') ? 1 : 0
}
