import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { SERVICE_NODE_FLAGS } from '@rollcall/runtime'
import { ROOT } from '../check/root.ts'
import type { ServiceName } from './processes.ts'

/** A service drains within its own bound (10 s); later it is stuck and is killed. */
const STOP_MS_MAX = 15_000
/** From start to `/readyz`: loading sixteen partitions takes well under a second, a cold import some more. */
const READY_MS_MAX = 30_000
/** How often `/readyz` is asked. */
const POLL_MS = 25

/** A service as a process of its own, as a cluster would run it. */
export class ServiceProcess {
  /** `hss`, `presence-1`. */
  readonly name: string
  readonly service: ServiceName
  readonly probe: string
  readonly #env: NodeJS.ProcessEnv
  readonly #logFile: string
  readonly #onExit: (service: ServiceProcess, how: string) => void
  #child: ChildProcess | undefined
  #log: WriteStream | undefined
  #isExpectedToEnd = false

  /**
   * @param o.probe `address:port` of `/livez`, `/readyz` and `/metrics`.
   * @param o.onExit told when the process ends and nobody asked it to.
   */
  constructor(o: {
    name: string
    service: ServiceName
    env: NodeJS.ProcessEnv
    probe: string
    logFile: string
    onExit: (service: ServiceProcess, how: string) => void
  }) {
    this.name = o.name
    this.service = o.service
    this.probe = o.probe
    this.#env = o.env
    this.#logFile = o.logFile
    this.#onExit = o.onExit
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Starts the process and does not wait for it. Does nothing when it runs. */
  spawn(): void {
    if (this.#child) return
    this.#isExpectedToEnd = false
    const log = createWriteStream(this.#logFile, { flags: 'a', mode: 0o600 })
    const child = spawn(
      process.execPath,
      [
        ...SERVICE_NODE_FLAGS,
        '--disable-warning=ExperimentalWarning',
        '--import',
        '@rollcall/runtime/telemetry',
        `services/${this.service}/src/main.ts`,
      ],
      { cwd: ROOT, env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    child.once('close', (code, signal) => {
      log.end()
      this.#child = undefined
      this.#log = undefined
      if (!this.#isExpectedToEnd) this.#onExit(this, signal ? `by ${signal}` : `with exit code ${code}`)
    })
    this.#child = child
    this.#log = log
  }

  /**
   * Waits until `/readyz` says yes.
   *
   * @throws Error with the reasons that it gave last, or when the process ended.
   */
  async ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX
    let last = 'no answer yet'
    while (performance.now() < deadlineMs) {
      if (!this.#child) throw new Error(`${this.name} ended while it started: see ${this.#logFile}`)
      try {
        const response = await fetch(`http://${this.probe}/readyz`, { signal: AbortSignal.timeout(2_000) })
        if (response.ok) return
        last = (await response.text()).trim()
      } catch (error) {
        last = error instanceof Error ? error.message : String(error)
      }
      await delay(POLL_MS)
    }
    throw new Error(`${this.name} is not ready after ${READY_MS_MAX} ms: ${last}; see ${this.#logFile}`)
  }

  /** Sends `signal` and waits for the end. A kill by the caller's will is no surprise to `onExit`. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child) return
    this.#isExpectedToEnd = true
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    child.kill(signal)
    await ended
  }

  /** Asks for a drain, and kills what has not ended in time. */
  async stop(): Promise<void> {
    const child = this.#child
    if (!child) return
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    const ended = this.kill('SIGTERM')
    // One that a test has stopped cannot hear.
    child.kill('SIGCONT')
    await ended
    clearTimeout(killer)
  }

  /** Sends a signal that the process outlives (SIGSTOP, SIGCONT, SIGHUP). */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Flushes the log file's stream: what the process wrote is in the file afterwards. */
  async flushLog(): Promise<void> {
    const log = this.#log
    if (log) await new Promise<void>((resolve) => log.write('', () => resolve()))
  }
}
