import { globSync } from 'node:fs'
import { ROOT } from '../check/root.ts'
import { runTests } from './test-run.ts'

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
/** Those that need Docker: `npm run test:e2e`. */
const DOCKER_TESTS = 'e2e/containers/'
/** A file that runs longer than this hangs. */
const FILE_TIMEOUT_MS = 600_000

const patterns = process.argv.slice(2)
const files = globSync(TEST_GLOBS, { cwd: ROOT, exclude: (name) => name === 'node_modules' })
  .filter((file) => !file.startsWith(DOCKER_TESTS))
  .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  // The long ones first, so that the last minutes are not one file's alone.
  .sort((a, b) => weight(b) - weight(a) || a.localeCompare(b))
if (files.length === 0) {
  console.error(`no test file matches ${patterns.join(' ')}`)
  process.exit(1)
}
process.exitCode = await runTests(files, { concurrency: 2, fileTimeoutMs: FILE_TIMEOUT_MS })

function weight(file: string): number {
  if (file.startsWith('e2e/faults/')) return 3
  return file.startsWith('e2e/') ? 2 : file.includes('.int.test.') ? 1 : 0
}
