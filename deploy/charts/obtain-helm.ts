import { access, constants, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from '../local/tool.ts'

/** The makers' own source. */
const HELM_GO_PACKAGE = 'helm.sh/helm/v4/cmd/helm'
const HELM_VERSION = '4.3.1'
/** Older ones do not know all that the chart's templates use. */
const HELM_MAJOR_MIN = 3
const HELM_MINOR_MIN_OF_3 = 14
const VERSION_MS_MAX = 20_000
/** Half a minute on two idle cores. */
const BUILD_MS_MAX = 1_200_000
/** Between two looks at another's build. */
const POLL_MS = 200

/** A program, or why there is none. */
export type Obtained = { readonly path: string } | { readonly reason: string }

/** Finds a helm on PATH that is new enough, or one that was built before, or builds the pinned version when Go is there. */
export async function obtainHelm(): Promise<Obtained> {
  const onPath = await find('helm')
  if (onPath && (await isNewEnough(onPath))) return { path: onPath }
  return await built(`helm-${HELM_VERSION}`, async (folder, go) => {
    const env = { ...process.env, GOBIN: folder, GOFLAGS: '' }
    const args = ['install', '-gcflags=all=-dwarf=false', `${HELM_GO_PACKAGE}@v${HELM_VERSION}`]
    await run(go, args, { timeoutMs: BUILD_MS_MAX, env })
    return join(folder, 'helm')
  })
}

/**
 * Gives a program out of the cache (`ROLLCALL_CACHE_DIR`, or `~/.cache/rollcall`), or lets `build` make it there, once.
 *
 * @param build gets a scratch folder and the path of Go; gives where it put the program.
 */
export async function built(name: string, build: (folder: string, go: string) => Promise<string>): Promise<Obtained> {
  const cache = process.env.ROLLCALL_CACHE_DIR ?? join(homedir(), '.cache', 'rollcall')
  const cached = join(cache, `${name}-${process.platform}-${process.arch}`)
  if (await isExecutable(cached)) return { path: cached }
  const go = (await find('go')) ?? (await find('go', '/usr/local/go/bin'))
  if (!go) return { reason: `there is no ${name.replace(/-.*/, '')} and no Go to build one` }
  await mkdir(cache, { recursive: true })
  const lock = `${cached}.lock`
  if (!(await takeLock(lock))) {
    // Another file of tests builds it now; twice at once would take twice as long.
    while ((await isThere(lock)) && !(await isExecutable(cached))) await delay(POLL_MS)
    if (await isExecutable(cached)) return { path: cached }
  }
  const scratch = await mkdtemp(join(cache, '.build-'))
  try {
    await rename(await build(scratch, go), cached)
    return { path: cached }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  } finally {
    await rm(scratch, { recursive: true, force: true })
    await rm(lock, { recursive: true, force: true })
  }
}

/** A lock that is older than any build is left over from one that died. */
async function takeLock(lock: string): Promise<boolean> {
  const ageMs = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  if (ageMs > BUILD_MS_MAX) await rm(lock, { recursive: true, force: true })
  return await mkdir(lock).then(
    () => true,
    () => false,
  )
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

async function isNewEnough(path: string): Promise<boolean> {
  const said = await run(path, ['version', '--short'], { timeoutMs: VERSION_MS_MAX }).catch(() => '')
  const [, major, minor] = /v(\d+)\.(\d+)/.exec(said) ?? []
  return Number(major) > HELM_MAJOR_MIN || (Number(major) === HELM_MAJOR_MIN && Number(minor) >= HELM_MINOR_MIN_OF_3)
}

async function find(program: string, path = process.env.PATH ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const file = join(folder, program)
    if (await isExecutable(file)) return file
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
