import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ReportOf, Work } from './work.ts'

const MAIN = fileURLToPath(new URL('./generator-main.ts', import.meta.url))
/** The longest piece of work, a million subscriptions at a slow server, is done by then. */
const WORK_MS_MAX = 3_600_000

/** The load generator, a process of its own. */
export class Generator implements AsyncDisposable {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(address: string): Promise<Generator> {
    const run = randomBytes(3).toString('hex')
    const generator = new Generator(fork(MAIN, [address, run], { execArgv: ['--disable-warning=ExperimentalWarning'] }))
    await generator.#answer()
    return generator
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Does a piece of work; one at a time. */
  async run<W extends Work>(work: W): Promise<ReportOf<W>> {
    this.#child.send(work)
    const answer = (await this.#answer()) as { readonly report: ReportOf<W> } | { readonly error: string }
    if ('error' in answer) throw new Error(`the load generator: ${answer.error}`)
    return answer.report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  async #answer(): Promise<unknown> {
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(WORK_MS_MAX)])
    const ended = once(this.#child, 'exit', { signal }).then(([code]) => {
      throw new Error(`the load generator ended with ${code}`)
    })
    try {
      const [answer] = await Promise.race([once(this.#child, 'message', { signal }), ended])
      return answer
    } finally {
      stop.abort()
      ended.catch(() => {})
    }
  }
}
