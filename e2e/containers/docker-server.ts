import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from '@rollcall/deploy/local/tool.ts'

const SOCKET_DEFAULT = '/var/run/docker.sock'
/** From start to an answer: two seconds, on a busy machine some more. */
const READY_MS_MAX = 60_000
/** Containers are gone when it is asked to end; it has its own files to close. */
const STOP_MS_MAX = 30_000
const APT_MS_MAX = 600_000
const IPTABLES_MS_MAX = 10_000
const POLL_MS = 100

/** There is no Docker and none can be had. */
export class DockerUnobtainableError extends Error {
  override readonly name = 'DockerUnobtainableError'
}

/** A Docker server that answers. One that was started here ends with `stop`; one that was there stays. */
interface DockerServer {
  /** `unix:///…/docker.sock`, for `DOCKER_HOST`. */
  readonly host: string
  readonly how: string
  stop(): Promise<void>
}

/**
 * Finds a Docker server: `DOCKER_HOST`, the usual socket, or one started here with all that it keeps in a folder of its own.
 * Installs Debian's `docker.io` when there is no dockerd and we are root.
 *
 * @throws DockerUnobtainableError
 */
export async function obtainDocker(log: (line: string) => void): Promise<DockerServer> {
  const named = process.env.DOCKER_HOST
  if (named) {
    if (!named.startsWith('unix://')) throw new DockerUnobtainableError(`${named} is not on this machine: the UEs are`)
    if (!(await answers(named.slice('unix://'.length)))) throw new DockerUnobtainableError(`${named} does not answer`)
    return { host: named, how: 'DOCKER_HOST', stop: async () => {} }
  }
  if (await answers(SOCKET_DEFAULT))
    return { host: `unix://${SOCKET_DEFAULT}`, how: 'the running server', stop: async () => {} }
  if (process.getuid?.() !== 0)
    throw new DockerUnobtainableError('no Docker server answers, and only root can start one')
  if (!onPath('dockerd')) {
    log('installing docker.io')
    await install()
  }
  return await startServer()
}

async function install(): Promise<void> {
  if (!onPath('apt-get')) throw new DockerUnobtainableError('there is no dockerd, and no apt-get to install one')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update'], { timeoutMs: APT_MS_MAX, env })
  const packages = ['docker.io', 'iptables', 'iproute2']
  await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { timeoutMs: APT_MS_MAX, env })
}

async function startServer(): Promise<DockerServer> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-docker-'))
  const socket = join(folder, 'docker.sock')
  const policy = await forwardPolicy()
  const output = openSync(join(folder, 'dockerd.log'), 'a', 0o600)
  const child = spawn(
    'dockerd',
    [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--pidfile', join(folder, 'dockerd.pid'), '--host', `unix://${socket}`],
      // Every container here is on a network of its own, which goes with it; so no bridge is left behind.
      '--bridge=none',
    ],
    // Ctrl-C is for the tests; they need it until they have removed what they made.
    { stdio: ['ignore', output, output], detached: true },
  )
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await ended
      clearTimeout(killer)
    }
    // dockerd sets it to DROP, for all of the machine, and leaves it so.
    if (policy !== undefined) await run('iptables', ['-P', 'FORWARD', policy], { timeoutMs: IPTABLES_MS_MAX })
    await rm(folder, { recursive: true, force: true })
  }
  // Should this process end early, its server must not stay.
  process.once('exit', () => child.kill('SIGTERM'))
  const deadlineMs = performance.now() + READY_MS_MAX
  while (!(await answers(socket))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      await stop()
      throw new DockerUnobtainableError('dockerd does not come up')
    }
    await delay(POLL_MS)
  }
  return { host: `unix://${socket}`, how: `dockerd, started as process ${child.pid}`, stop }
}

/** What the kernel does with packets that are passed on, before dockerd changes it. */
async function forwardPolicy(): Promise<string | undefined> {
  const rules = await run('iptables', ['-S', 'FORWARD'], { timeoutMs: IPTABLES_MS_MAX })
  return /^-P FORWARD (ACCEPT|DROP)$/m.exec(rules)?.[1]
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)))
}

async function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return false
  return await new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping', timeout: 5_000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('error', () => resolve(false))
    asked.on('timeout', () => asked.destroy())
    asked.end()
  })
}
