// The steps of the Dockerfile, in plain JavaScript that needs Node and nothing else: the base may have no shell.
//   manifests SRC OUT   copies package.json files, the lock file and this file
//   modules SRC OUT     installs the production modules of everything that becomes an image
//   service SRC OUT     puts $SERVICE together: OUT/modules and OUT/app; nats-server is taken from /nats-server, or $NATS_SERVER_FILE
// and, outside of it, for a base that has no npm:
//   base-modules SRC OUT   copies the modules that `modules` would install from SRC/node_modules
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

/** What becomes an image: a service, and the command. */
const WORKSPACES = {
  hss: 'services/hss',
  presence: 'services/presence',
  scscf: 'services/scscf',
  pcscf: 'services/pcscf',
  bsf: 'services/bsf',
  ap: 'services/ap',
  nats: 'services/nats',
  cli: 'packages/cli',
}
/** Where a base that has no npm keeps the modules. */
const MODULES_OF_BASE = '/modules'
/** Types, maps and texts of modules are read by nobody at run time. Licences stay. */
const MODULE_DEAD_WEIGHT = /\.(?:d\.[cm]?ts|[cm]?ts|map|md|markdown|tsbuildinfo)$/i
/** Tests and what only they lean on. */
const SOURCE_DEAD_WEIGHT = /\.test\.ts$|\/(?:testing|vectors|golden|corpus)$/

const [step, source, out] = process.argv.slice(2)
const steps = { manifests, modules, service, 'base-modules': baseModules }
const lock = JSON.parse(readFileSync(join(source, 'package-lock.json'), 'utf8')).packages
steps[step]()

function manifests() {
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) copyFile(join(source, file), join(out, file))
  for (const workspace of Object.keys(lock)) {
    const file = join(workspace, 'package.json')
    if (/^(?:packages|services)\//.test(workspace) && existsSync(join(source, file)))
      copyFile(join(source, file), join(out, file))
  }
  copyFile(join(source, 'deploy/images/assemble.mjs'), join(out, 'assemble.mjs'))
}

function modules() {
  if (existsSync(MODULES_OF_BASE)) return cpSync(MODULES_OF_BASE, out, { recursive: true, verbatimSymlinks: true })
  const workspaces = Object.values(WORKSPACES).flatMap((workspace) => ['--workspace', workspace])
  const args = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...workspaces]
  const result = spawnSync('npm', args, { cwd: source, stdio: 'inherit' })
  if (result.status !== 0) throw new Error(`npm ci: ${result.error?.message ?? `exit code ${result.status}`}`)
}

function baseModules() {
  const paths = new Set(Object.values(WORKSPACES).flatMap(closureOf))
  for (const path of paths) {
    if (path.startsWith('node_modules/')) copyModule(path, join(out, path.slice('node_modules/'.length)))
  }
}

function service() {
  const name = process.env.SERVICE
  const workspace = WORKSPACES[name]
  if (!workspace) throw new Error(`--build-arg SERVICE=… is one of ${Object.keys(WORKSPACES).join(', ')}`)
  const app = join(out, 'app')
  for (const path of closureOf(workspace)) {
    if (path.includes('node_modules/')) {
      copyModule(path, join(app, path.replace(/^node_modules\//, '../modules/')))
      continue
    }
    copyFile(join(source, path, 'package.json'), join(app, path, 'package.json'))
    copyTree(join(source, path, 'src'), join(app, path, 'src'), (file) => !SOURCE_DEAD_WEIGHT.test(file))
    const link = join(app, 'node_modules/@rollcall', basename(path))
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(relative(dirname(link), join(app, path)), link)
  }
  // One entry point for all: what runs is this service.
  symlinkSync(workspace, join(app, 'service'))
  for (const file of ['LICENSE', 'deploy/images/healthcheck.mjs'])
    copyFile(join(source, file), join(app, basename(file)))
  if (name === 'nats') {
    copyFile(process.env.NATS_SERVER_FILE ?? '/nats-server', join(app, 'bin/nats-server'))
    chmodSync(join(app, 'bin/nats-server'), 0o755)
  }
  makeReproducible(out)
}

/** The workspace, and all that it leans on at run time: paths of the lock file. Node looks for a module from the inside out. */
function closureOf(workspace) {
  const seen = new Set()
  const queue = [workspace]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue
    const entry = lock[path]
    if (entry.link) {
      queue.push(entry.resolved)
      continue
    }
    seen.add(path)
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      // Types are for compilers; protobufjs and its like name them as dependencies.
      if (name.startsWith('@types/')) continue
      const found = placesOf(path, name).find((place) => lock[place])
      if (found) queue.push(found)
    }
  }
  return [...seen].sort()
}

function placesOf(path, name) {
  const places = []
  for (let base = path; base !== ''; ) {
    places.push(`${base}/node_modules/${name}`)
    const at = base.lastIndexOf('/node_modules/')
    base = at < 0 ? '' : base.slice(0, at)
  }
  return [...places, `node_modules/${name}`]
}

function copyFile(from, to) {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

/** Without the modules inside of it: those are in the closure when they are needed. */
function copyModule(path, to) {
  copyTree(join(source, path), to, (file) => !/\/node_modules$/.test(file) && !MODULE_DEAD_WEIGHT.test(file))
}

function copyTree(from, to, isWanted) {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = join(from, entry.name)
    if (!isWanted(path)) continue
    if (entry.isDirectory()) copyTree(path, join(to, entry.name), isWanted)
    else if (entry.isFile()) copyFile(path, join(to, entry.name))
  }
}

/** Readable by any user, writable by none but root, and without the time of the build: the same sources are the same layer. */
function makeReproducible(path) {
  const stat = lstatSync(path)
  if (stat.isDirectory()) for (const name of readdirSync(path)) makeReproducible(join(path, name))
  if (!stat.isSymbolicLink()) chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644)
  lutimesSync(path, 0, 0)
}
