import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { loadConfig, type Runtime, type Service, sharedShape } from '@rollcall/runtime'
import { createPresenceService, presenceShape } from '../service.ts'
import { until } from './until.ts'

/** One Presence Server: in this process, or as one of its own, which can be stopped and killed. */
export class PresenceReplica {
  readonly environment: Readonly<Record<string, string>>
  readonly #createRuntime: () => Promise<Runtime>
  #process: ChildProcess | undefined
  service: Service | undefined
  runtime: Runtime | undefined

  constructor(environment: Readonly<Record<string, string>>, createRuntime: () => Promise<Runtime>) {
    this.environment = environment
    this.#createRuntime = createRuntime
  }

  get isReady(): boolean {
    return this.service?.ready().ready === true
  }

  /** Starts it in this process. */
  async start(): Promise<void> {
    const runtime = await this.#createRuntime()
    const shape = { ...sharedShape, ...presenceShape }
    const config = loadConfig({ service: 'presence', shape, env: this.environment })
    this.runtime = runtime
    this.service = createPresenceService(config, runtime)
    await this.service.start()
    await until(() => this.isReady, 'the Presence Server is ready')
  }

  async stop(): Promise<void> {
    await this.service?.stop()
    this.service = undefined
  }

  /** Starts it as a process of its own. */
  async startProcess(): Promise<void> {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: { ...process.env, ...this.environment, ROLLCALL_LOG_LEVEL: 'fatal' },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#process = child
    const url = `http://${this.environment.ROLLCALL_PROBE_LISTEN}/readyz`
    await until(async () => (await fetch(url).catch(() => undefined))?.ok === true, 'the process is ready', 30_000)
  }

  /** Sends the process a signal, and goes on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal)
  }

  /** Ends the process, as a power cut would unless told otherwise. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (!child) return
    this.#process = undefined
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }

  /** Value of a metric, all series with this text added up. */
  async metric(text: string): Promise<number> {
    const exposition = this.#process ? await this.#scrape() : ((await this.runtime?.metrics.expose()) ?? '')
    return exposition
      .split('\n')
      .filter((line) => line.startsWith(text))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  async #scrape(): Promise<string> {
    return await (await fetch(`http://${this.environment.ROLLCALL_PROBE_LISTEN}/metrics`)).text()
  }
}
