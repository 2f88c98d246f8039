import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { repairDataFolder } from '@rollcall/store'
import { NatsServerKeyError, NatsServerStartError } from './errors.ts'

/** From start to "Server is ready": 50–170 ms after kill -9, up to 8.5 s after one amid a million records. */
const READY_MS_MAX = 30_000
/** A clean stop flushes and closes its files; later it is stuck and is killed. */
const STOP_MS_MAX = 10_000
/** Go's heap is kept below this, else loading a large store makes it grow to gigabytes (docs/decisions/001). */
const MEMORY_LIMIT = '512MiB'
/** How much of the end of its output is kept for an error message. */
const OUTPUT_OCTETS_MAX = 4_000
/** A stop signal reaches all threads within this. */
const SIGSTOP_MS_MAX = 5_000
/** What the server logs when the encryption key does not fit its data. */
const KEY_COMPLAINT = 'Error decrypting'
/** JetStream's folder, as `renderNatsConfig` of the store writes it. */
const STORE_DIR = /^ *store_dir: "([^"]+)"$/m

export interface NatsServerOptions {
  /** Path of the nats-server. */
  readonly binary: string
  /** Where `nats.conf` is written; `configText` says where the data lies. */
  readonly folder: string
  readonly address: string
  readonly port: number
  readonly configText: string
  /** Added to this process's environment, e.g. `ROLLCALL_NATS_ENCRYPTION_KEY`. */
  readonly env?: NodeJS.ProcessEnv
  /** File that its output is appended to. */
  readonly log?: string
  /** Told when it ends and nobody asked it to. */
  readonly onExit?: (how: string) => void
  /** Lets a server with the wrong encryption key run on. For tests of just that: such a server loses data if written to. */
  readonly isWrongKeyKept?: boolean
}

/**
 * Starts a nats-server and waits until it says that it is ready.
 *
 * @throws NatsServerStartError, NatsServerKeyError
 */
export async function startNatsServer(o: NatsServerOptions): Promise<NatsServerProcess> {
  const server = new NatsServerProcess(o)
  await server.start()
  return server
}

/** A nats-server as a child of this process, which ends with it. */
export class NatsServerProcess implements AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly folder: string
  readonly #o: NatsServerOptions
  #child: ChildProcess | undefined
  #log: WriteStream | undefined
  #output = ''
  #hasWrongKey = false
  #isExpectedToEnd = false

  constructor(o: NatsServerOptions) {
    this.#o = o
    this.address = o.address
    this.port = o.port
    this.folder = o.folder
  }

  /** Undefined when it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /** True once the server complained that it cannot decrypt its data. */
  get hasWrongKey(): boolean {
    return this.#hasWrongKey
  }

  /** Does nothing when it runs. `env` replaces what was given at first, e.g. another encryption key. */
  async start(env: NodeJS.ProcessEnv = this.#o.env ?? {}): Promise<void> {
    if (this.#child) return
    await mkdir(this.#o.folder, { recursive: true, mode: 0o700 })
    const config = join(this.#o.folder, 'nats.conf')
    await writeFile(config, this.#o.configText, { mode: 0o600 })
    const storeDir = STORE_DIR.exec(this.#o.configText)?.[1]
    if (storeDir !== undefined) await repairDataFolder(storeDir)
    this.#output = ''
    this.#hasWrongKey = false
    this.#isExpectedToEnd = false
    const child = spawn(this.#o.binary, ['--config', config], {
      env: { GOMEMLIMIT: MEMORY_LIMIT, ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    if (this.#o.log) this.#log = createWriteStream(this.#o.log, { flags: 'a', mode: 0o600 })
    const killWithParent = (): void => void child.kill('SIGKILL')
    process.once('exit', killWithParent)
    child.once('close', (code, signal) => {
      process.removeListener('exit', killWithParent)
      this.#child = undefined
      this.#log?.end()
      this.#log = undefined
      if (this.#isExpectedToEnd) return
      if (this.#hasWrongKey) this.#o.onExit?.('stopped: its encryption key does not fit its data')
      else this.#o.onExit?.(signal ? `killed by ${signal}` : `exit status ${code}`)
    })
    await this.#untilReady(child)
  }

  /** Clean stop, by force after a while. Does nothing when it does not run. */
  async stop(): Promise<void> {
    const child = this.#child
    if (!child) return
    const closed = once(child, 'close')
    this.#isExpectedToEnd = true
    child.kill('SIGTERM')
    child.kill('SIGCONT')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await closed
    clearTimeout(timer)
  }

  /** Sends a signal, and waits until a deadly one or SIGSTOP has done its work. For fault tests. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child) return
    const isDeadly = signal === 'SIGKILL' || signal === 'SIGTERM'
    const closed = isDeadly ? once(child, 'close') : undefined
    if (isDeadly) this.#isExpectedToEnd = true
    child.kill(signal)
    await closed
    if (signal === 'SIGSTOP' && child.pid !== undefined) await untilStopped(child.pid)
  }

  /** Stops it if it runs, and starts it again on the same data. */
  async restart(env?: NodeJS.ProcessEnv): Promise<void> {
    await this.stop()
    await this.start(env)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(
      () => reject(new NatsServerStartError(`was not ready within ${READY_MS_MAX} ms`, this.#output)),
      READY_MS_MAX,
    )
    const onData = (chunk: Buffer): void => {
      this.#log?.write(chunk)
      this.#output = `${this.#output}${chunk.toString('utf8')}`.slice(-OUTPUT_OCTETS_MAX)
      if (!this.#hasWrongKey && this.#output.includes(KEY_COMPLAINT)) {
        this.#hasWrongKey = true
        if (!this.#o.isWrongKeyKept) {
          reject(new NatsServerKeyError(this.#o.folder))
          child.kill('SIGKILL')
        }
      }
      if (this.#output.includes('Server is ready')) resolve()
    }
    child.stdout?.on('data', onData)
    child.stderr?.on('data', onData)
    child.once('error', (cause) => reject(new NatsServerStartError(`cannot be run: ${cause.message}`, '')))
    child.once('close', () => reject(new NatsServerStartError('ended before it was ready', this.#output)))
    try {
      await promise
    } catch (error) {
      this.#isExpectedToEnd = true
      await this.stop()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The state of a process is the field behind its name, in parentheses (proc_pid_stat(5)). */
async function untilStopped(pid: number): Promise<void> {
  const endMs = performance.now() + SIGSTOP_MS_MAX
  while (performance.now() < endMs) {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    if (stat.charAt(stat.lastIndexOf(')') + 2) === 'T') return
    await delay(1)
  }
}
