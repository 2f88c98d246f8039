import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { SERVICE_NODE_FLAGS } from '@rollcall/runtime'
import { ROOT } from '../check/root.ts'

const IMAGES = ['hss', 'presence', 'scscf', 'pcscf', 'bsf', 'ap', 'nats', 'cli'] as const
const SERVICES: readonly string[] = ['hss', 'presence', 'scscf', 'pcscf', 'bsf', 'ap', 'nats']
const dockerfile = await readFile(join(ROOT, 'deploy/images/Dockerfile'), 'utf8')

/** What `ENTRYPOINT` says. */
function entryPoint(): string[] {
  return JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]') as string[]
}

/** Puts an image's files together as the Dockerfile does. Gives its `/app`. */
async function assemble(image: string, folder: string): Promise<string> {
  const said = spawnSync(process.execPath, ['deploy/images/assemble.mjs', 'service', ROOT, folder], {
    cwd: ROOT,
    env: { ...process.env, SERVICE: image, NATS_SERVER_FILE: process.execPath },
    encoding: 'utf8',
  })
  assert.equal(said.status, 0, said.stderr)
  return join(folder, 'app')
}

/** Every file with its mode, below `folder`. */
async function filesIn(folder: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(relative(folder, path), (await stat(path)).mode & 0o777)
  }
  return found
}

test('the Dockerfile starts a service as the local runner does, without root, and needs no shell', () => {
  assert.deepEqual(entryPoint(), [
    'node',
    ...SERVICE_NODE_FLAGS,
    ...['--disable-warning=ExperimentalWarning', '--import', '@rollcall/runtime/telemetry', '/app/service/src/main.ts'],
  ])
  const lines = dockerfile.split('\n')
  for (const line of lines.filter((one) => /^(?:RUN|ENTRYPOINT) /.test(one))) assert.match(line, /^\w+ \["/)
  assert.match(dockerfile, /^USER 10001:10001$/m)
  assert.match(dockerfile, /^HEALTHCHECK .* CMD \["node", "\/app\/healthcheck\.mjs"\]$/m)
  assert.doesNotMatch(dockerfile, /^(?:ARG|ENV) \S*(?:KEY|SECRET|TOKEN|PASSWORD)/m)
})

for (const image of IMAGES) {
  test(`the image ${image} has all that it starts with, and nothing of tests, tools and other services`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-image-'))
    t.after(async () => await rm(folder, { recursive: true, force: true }))
    const app = await assemble(image, folder)
    await cp(join(folder, 'modules'), join(app, 'node_modules'), { recursive: true, verbatimSymlinks: true })
    const files = await filesIn(app)
    for (const [file, mode] of files) {
      assert.doesNotMatch(file, /\.test\.ts$|\.d\.[cm]?ts$|\.(?:map|key|pem|crt)$|^packages\/(?:pki|dev-env|sim)\//)
      assert.equal(mode, file === 'bin/nats-server' ? 0o755 : mode & 0o111 ? 0o755 : 0o644, file)
    }
    const others = [...files.keys()].filter(
      (file) => /^services\//.test(file) && !file.startsWith(`services/${image}/`),
    )
    assert.deepEqual(others, [])
    for (const tool of ['typescript', 'testcontainers', 'fast-check', 'knip', '@biomejs'])
      assert.ok(![...files.keys()].some((file) => file.startsWith(`node_modules/${tool}/`)), tool)

    const [, ...args] = entryPoint()
    const help = SERVICES.includes(image) ? [] : ['--help']
    const said = spawnSync(process.execPath, [...args.map((arg) => arg.replace(/^\/app\//, `${app}/`)), ...help], {
      cwd: app,
      env: { PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
    })
    // Every import is there: it gets as far as its settings, of which it has none.
    assert.equal(said.status, SERVICES.includes(image) ? 78 : 0, said.stderr)
    assert.match(`${said.stdout}${said.stderr}`, SERVICES.includes(image) ? /settings wrong\n/ : /store init/)
  })
}
