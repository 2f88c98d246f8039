import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** The longest piece of work, a million subscriptions at a slow server, is done by then. */
const WORK_MS_MAX = 3_600_000

/** A process that takes one piece of work after the other and reports. */
export class WorkProcess<Work extends object> implements AsyncDisposable {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when it is ready. */
  static async start<Work extends object>(main: string, args: readonly string[]): Promise<WorkProcess<Work>> {
    const worker = new WorkProcess<Work>(fork(main, args, { execArgv: ['--disable-warning=ExperimentalWarning'] }))
    await worker.#answer()
    return worker
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Does a piece of work; one at a time. */
  async run(work: Work): Promise<unknown> {
    this.#child.send(work)
    const answer = (await this.#answer()) as { readonly report: unknown } | { readonly error: string }
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
