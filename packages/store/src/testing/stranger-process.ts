import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { StoreTls } from '../connection.ts'
import type { AcknowledgedRecord } from './race.ts'

const WAIT_MS_MAX = 20_000

/** What the child is told. */
export interface StrangerOrder {
  readonly url: string
  readonly tls: StoreTls
  readonly partition: number
}

/** What the child tells. */
export type StrangerReport =
  | { readonly kind: 'acknowledged'; readonly text: string; readonly sequence: string; readonly epoch: string }
  | { readonly kind: 'fenced' }

/** An owner in a process of its own, which can be stopped and killed: it takes a partition and appends until it is fenced. */
export class StrangerProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #acknowledged: AcknowledgedRecord[] = []
  #isFenced = false

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (report: StrangerReport) => {
      if (report.kind === 'fenced') this.#isFenced = true
      else {
        const { text, sequence, epoch } = report
        this.#acknowledged.push({ text, sequence: BigInt(sequence), epoch: BigInt(epoch) })
      }
    })
  }

  static async start(order: StrangerOrder): Promise<StrangerProcess> {
    const child = fork(new URL('stranger-main.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const stranger = new StrangerProcess(child)
    child.send(order)
    return stranger
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async untilAcknowledged(records: number): Promise<void> {
    await this.#until(() => this.#acknowledged.length >= records)
  }

  /** Waits until it has learnt that another one is the owner, and gives what it was told is durable. */
  async untilFenced(): Promise<readonly AcknowledgedRecord[]> {
    await this.#until(() => this.#isFenced)
    return this.#acknowledged
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async #until(isSo: () => boolean): Promise<void> {
    const endMs = performance.now() + WAIT_MS_MAX
    while (!isSo()) {
      if (performance.now() > endMs) throw new Error(`not so within ${WAIT_MS_MAX} ms: ${isSo}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}
