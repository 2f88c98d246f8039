// The door of every script: plain JavaScript that any Node from 20 on can run. It installs what package-lock.json names
// when that has not been done, then goes on in the pinned Node. usage: node deploy/local/enter.mjs FILE.ts [arguments]
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.rollcall-installed')
const lockFolder = join(root, '.rollcall-install-lock')
const pinnedNode = join(modules, 'node', 'bin', 'node')
/** An install by another process takes at most this long; an older lock is left over from one that died. */
const LOCK_MS_MAX = 600_000

const major = Number(process.versions.node.split('.')[0])
if (major < 20) {
  console.error(`Rollcall needs Node 20 or newer to start; this is ${process.version}.`)
  process.exit(1)
}

const startedAtMs = Date.now()
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
let installed = false
while (!isInstalled()) {
  if (takeLock()) {
    try {
      if (!isInstalled()) install()
      installed = true
    } finally {
      rmSync(lockFolder, { recursive: true, force: true })
    }
  } else {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
}

const [script, ...rest] = process.argv.slice(2)
if (!script) {
  console.error('usage: node deploy/local/enter.mjs FILE.ts [arguments]')
  process.exit(2)
}
const child = spawn(pinnedNode, ['--disable-warning=ExperimentalWarning', join(root, script), ...rest], {
  stdio: 'inherit',
  env: {
    ...process.env,
    ROLLCALL_INSTALL_RESULT: `${installed ? 'installed' : 'present'} ${Date.now() - startedAtMs}`,
    PATH: `${join(modules, 'node', 'bin')}:${join(modules, '.bin')}:${process.env.PATH ?? ''}`,
  },
})
// A terminal sends Ctrl-C to both; the child decides when it ends, this process only waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
child.on('error', (error) => {
  console.error(`cannot start ${pinnedNode}: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))

function isInstalled() {
  return existsSync(stampFile) && existsSync(pinnedNode) && readFileSync(stampFile, 'utf8') === wanted
}

function takeLock() {
  try {
    mkdirSync(lockFolder)
    return true
  } catch {
    try {
      if (Date.now() - statSync(lockFolder).mtimeMs > LOCK_MS_MAX) rmSync(lockFolder, { recursive: true, force: true })
    } catch {
      // Its owner has just removed it.
    }
    return false
  }
}

function install() {
  console.error('installing what package-lock.json names (once)')
  const result = spawnSync('npm', ['ci', '--loglevel=error', '--no-fund', '--no-audit'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (result.status !== 0) {
    console.error(result.stdout, result.stderr, result.error?.message ?? '')
    rmSync(lockFolder, { recursive: true, force: true })
    console.error('npm ci failed: see above. Is a package registry reachable?')
    process.exit(1)
  }
  writeFileSync(stampFile, wanted)
}
