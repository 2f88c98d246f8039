import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TestNetwork } from './support/network.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** Commands of the README that CI runs as steps of their own. */
const RUN_BY_CI = new Set([
  'npm start',
  'npm test',
  'npm run sim -- --seeds 200',
  'npm run test:guards',
  'npm run test:e2e',
  'npm run bench -- hop publish',
])

test('each command of the README does what it says', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => String(match[1]))
  const commands = blocks.flatMap((block) => block.split('\n').filter((line) => line !== ''))
  assert.ok(commands.length > RUN_BY_CI.size)
  await using network = await TestNetwork.start({ block: 18, t1Ms: 2_000 })
  for (const command of commands) {
    if (RUN_BY_CI.has(command)) continue
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? String(match[2]))
    assert.deepEqual(words.slice(0, 4), ['npm', 'run', 'rollcall', '--'], command)
    const { stdout } = await run(process.execPath, ['packages/cli/src/main.ts', ...words.slice(4)], {
      cwd: ROOT,
      env: {
        ...process.env,
        ROLLCALL_DATA_DIR: network.data.path,
        ROLLCALL_HSS_TARGET: network.stack.grpcTarget('hss'),
        ROLLCALL_PRESENCE_TARGET: network.stack.grpcTarget('presence'),
        ROLLCALL_PCSCF_TARGET: network.stack.grpcTarget('pcscf'),
      },
    })
    assert.notEqual(stdout.trim(), '', command)
  }
})
