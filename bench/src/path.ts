import { SIP_SERVICES } from '@rollcall/deploy/local/stack.ts'
import { AccessStack, type AccessStackOptions } from './access/access-stack.ts'
import type { AccessWork } from './access/access-work.ts'
import { printProfiles, withProfiles } from './access/profiles.ts'
import { ACCESS_FULL_SCALE, type AccessScale } from './access/scale.ts'
import type { BenchOptions } from './command.ts'
import { monotonicMs } from './load/work.ts'
import type { BenchRow } from './report/bench-row.ts'
import { medianReport } from './report/median-report.ts'
import { type MeasuredReport, rowOf } from './side.ts'

const OUTSTANDING_CASES: readonly number[] = [1, 16, 64]
const OUTSTANDING_MAX = 64

/**
 * The whole path: UE, ESP, P-CSCF, S-CSCF, Presence Server, and the NOTIFY back through ESP, answered. A third of the UEs
 * publish and watch one another, a third subscribe anew, and all but one watch that one (the fan-out). Behind the figures
 * comes a profile of each service, of a network of its own, so that it costs the figures nothing.
 */
export async function* benchPath(_: BenchOptions, scale: AccessScale = ACCESS_FULL_SCALE): AsyncGenerator<BenchRow> {
  {
    await using path = await Path.start(scale)
    for (const outstanding of OUTSTANDING_CASES) yield await path.row(path.publish(outstanding))
    yield await path.row(path.subscribe())
    yield await path.row(await path.fanout())
  }
  if (scale.profiled) await profilePath({ ...scale, warmUp: scale.profiled })
}

/** Prints where each service spends its time with PUBLISHes and fan-outs. */
async function profilePath(scale: AccessScale): Promise<void> {
  using profiles = withProfiles(true, SIP_SERVICES)
  let sinceMs = 0
  {
    await using path = await Path.start({ ...scale, ...profiles.options })
    await path.run(path.publish(OUTSTANDING_MAX))
    const fanout = await path.fanout()
    sinceMs = monotonicMs()
    await path.run(path.publish(OUTSTANDING_MAX))
    await path.run(fanout)
  }
  printProfiles('path', profiles, sinceMs)
}

interface Case {
  readonly name: string
  readonly work: AccessWork
}

/** A network whose UEs are registered and watch one another. */
class Path implements AsyncDisposable {
  readonly #stack: AccessStack
  readonly #scale: AccessScale
  readonly #all: { readonly first: number; readonly count: number }
  readonly #third: number

  private constructor(stack: AccessStack, scale: AccessScale) {
    this.#stack = stack
    this.#scale = scale
    this.#all = { first: 1, count: scale.ues - 1 }
    this.#third = Math.floor((scale.ues - 1) / 3)
  }

  static async start(scale: AccessScale & AccessStackOptions): Promise<Path> {
    const path = new Path(await AccessStack.start(scale), scale)
    await path.#once({ kind: 'register', ues: { first: 0, count: scale.ues } })
    await path.#once({ kind: 'publish', ues: path.#all })
    await path.#once({ kind: 'subscribe', ues: path.#publishers })
    return path
  }

  publish(outstanding: number): Case {
    const work = { kind: 'publish', ues: this.#publishers, outstanding, until: this.#scale.round } as const
    return { name: `PUBLISH and its NOTIFY, ${outstanding} outstanding`, work }
  }

  subscribe(): Case {
    const ues = { first: 1 + this.#third, count: this.#third }
    const work = { kind: 'subscribe', ues, outstanding: OUTSTANDING_MAX, until: this.#scale.round } as const
    return { name: `SUBSCRIBE and its NOTIFY, ${OUTSTANDING_MAX} outstanding`, work }
  }

  /** Everybody begins to watch the first one. */
  async fanout(): Promise<Case> {
    await this.#once({ kind: 'publish', ues: { first: 0, count: 1 } })
    await this.#once({ kind: 'subscribe', ues: this.#all, presentity: 0 })
    const work = { kind: 'fanout', presentity: 0, until: this.#scale.round } as const
    return { name: `NOTIFY, ${this.#all.count} watchers`, work }
  }

  /** Warms up and measures. */
  async row({ name, work }: Case): Promise<BenchRow> {
    await this.run({ name, work })
    const rounds: MeasuredReport[] = []
    for (let i = 0; i < this.#scale.rounds; i++) rounds.push(await this.#stack.measure(work))
    return rowOf('path', name, medianReport(rounds))
  }

  async run({ work }: Case): Promise<void> {
    await this.#stack.measure({ ...work, until: this.#scale.warmUp })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]()
  }

  get #publishers(): { readonly first: number; readonly count: number } {
    return { first: 1, count: this.#third }
  }

  async #once(work: {
    readonly kind: 'register' | 'publish' | 'subscribe'
    readonly ues: { readonly first: number; readonly count: number }
    readonly presentity?: number
  }): Promise<void> {
    await this.#stack.prepare({ ...work, outstanding: OUTSTANDING_MAX, until: { operations: work.ues.count } })
  }
}
