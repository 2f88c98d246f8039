import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { ReportOf, Work } from './work.ts'
import { WorkProcess } from './work-process.ts'

const MAIN = fileURLToPath(new URL('./generator-main.ts', import.meta.url))

/** The load generator, a process of its own. */
export class Generator implements AsyncDisposable {
  readonly #process: WorkProcess<Work>

  private constructor(process: WorkProcess<Work>) {
    this.#process = process
  }

  static async start(address: string): Promise<Generator> {
    const run = randomBytes(3).toString('hex')
    return new Generator(await WorkProcess.start<Work>(MAIN, [address, run]))
  }

  get pid(): number {
    return this.#process.pid
  }

  /** Does a piece of work; one at a time. */
  async run<W extends Work>(work: W): Promise<ReportOf<W>> {
    return (await this.#process.run(work)) as ReportOf<W>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
  }
}
