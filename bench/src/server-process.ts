import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A server that was told to stop and has not by then is killed. */
const STOP_MS_MAX = 15_000
const LOOK_MS = 50
/** How much of the end of its output is kept for an error message. */
const OUTPUT_OCTETS_MAX = 4_000

export interface ServerProcessOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly options?: Pick<SpawnOptions, 'env' | 'cwd' | 'uid' | 'gid'>
  /** Told each line that it writes. The end of all it writes is kept for an error message, too. */
  readonly onLine?: (line: string) => void
  /** A channel to talk to it by. */
  readonly hasChannel?: boolean
  /** Signal of a clean stop. */
  readonly stopSignal?: NodeJS.Signals
}

/** A server under test: a child with a process group of its own, so that nothing of it stays behind. */
export class ServerProcess implements AsyncDisposable {
  readonly name: string
  readonly child: ChildProcess
  readonly #stopSignal: NodeJS.Signals
  readonly #ended: Promise<unknown>
  #output = ''

  constructor(o: ServerProcessOptions) {
    this.name = o.name
    this.#stopSignal = o.stopSignal ?? 'SIGTERM'
    this.child = spawn(o.command, o.args, {
      ...o.options,
      stdio: ['ignore', 'pipe', 'pipe', ...(o.hasChannel ? (['ipc'] as const) : [])],
      detached: true,
    })
    const keep = (chunk: Buffer): void => {
      this.#output = `${this.#output}${chunk.toString('utf8')}`.slice(-OUTPUT_OCTETS_MAX)
    }
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', keep)
      if (stream && o.onLine) createInterface(stream).on('line', o.onLine)
    }
    this.child.once('error', (error) => keep(Buffer.from(error.message)))
    const killWithParent = (): void => this.#signal('SIGKILL')
    process.once('exit', killWithParent)
    this.#ended = once(this.child, 'close').finally(() => process.removeListener('exit', killWithParent))
    this.#ended.catch(() => {})
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Looks again and again until `holds`. @throws when the process ends or it takes too long. */
  async until(holds: () => boolean | Promise<boolean>, msMax: number): Promise<void> {
    const endMs = performance.now() + msMax
    while (!(await holds())) {
      if (!this.isRunning) throw new Error(`${this.name} ended:\n${this.#output}`)
      if (performance.now() > endMs) throw new Error(`${this.name} does not get ready:\n${this.#output}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** As a power cut does to it. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.#ended
  }

  /** Clean stop; what is left of the group after it is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) {
      this.child.kill(this.#stopSignal)
      const killer = setTimeout(() => this.#signal('SIGKILL'), STOP_MS_MAX)
      await this.#ended
      clearTimeout(killer)
    }
    this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) return
    try {
      process.kill(-this.child.pid, signal)
    } catch {
      // Nobody of the group is left.
    }
  }
}
