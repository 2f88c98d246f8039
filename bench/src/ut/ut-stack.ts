import { fileURLToPath } from 'node:url'
import { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import { Operator } from '@rollcall/deploy/local/operator.ts'
import { LocalStack, SERVICES } from '@rollcall/deploy/local/stack.ts'
import { ACCESS_REALM, benchUser, subscriberOf } from '../access/bench-user.ts'
import { type ProfileFolders, profileSettings } from '../access/profiles.ts'
import type { LoadReport } from '../load/work.ts'
import { WorkProcess } from '../load/work-process.ts'
import { cpuUs, rssMb } from '../process-usage.ts'
import { round } from '../report/statistics.ts'
import type { MeasuredReport } from '../side.ts'
import { TemporaryFolder } from '../temporary-folder.ts'
import type { UtPlace, UtWork } from './ut-work.ts'

const MAIN = fileURLToPath(new URL('./ut-main.ts', import.meta.url))
const ADD_AT_ONCE = 32
/** What is off for the measurement: limits that hold a source back, and the interval between two NOTIFYs of a watcher. */
const SETTINGS = {
  ROLLCALL_LOG_LEVEL: 'error',
  ROLLCALL_BSF_SOURCE_BURST: '100000',
  ROLLCALL_BSF_SOURCE_INTERVAL_MS: '1',
  ROLLCALL_BSF_SOURCE_CONNECTIONS_MAX: '100000',
  ROLLCALL_BSF_USER_CONTEXTS_MAX: '1000000',
  ROLLCALL_AP_SOURCE_CONNECTIONS_MAX: '100000',
  ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS: '0',
}

/** A whole stack as `npm start` has it, subscribers, and UEs over Ut in a process of their own. */
export class UtStack implements AsyncDisposable {
  readonly #stack: LocalStack
  readonly #generator: WorkProcess<UtWork>
  readonly #all: AsyncDisposableStack

  private constructor(stack: LocalStack, generator: WorkProcess<UtWork>, all: AsyncDisposableStack) {
    this.#stack = stack
    this.#generator = generator
    this.#all = all
  }

  static async start(o: {
    readonly network: string
    readonly users: number
    readonly profileFolders?: ProfileFolders
  }): Promise<UtStack> {
    await using starting = new AsyncDisposableStack()
    const data = new DataFolder(starting.use(new TemporaryFolder('ut')).path)
    const key = await data.prepare()
    const address = `${o.network}.9.1`
    const settingsOf = (name: string) => profileSettings(name, o.profileFolders)
    const options = { data, realm: ACCESS_REALM, address, settings: SETTINGS, settingsOf }
    await LocalStack.createTrustDomain(options)
    const stack = starting.use(await LocalStack.create(options, key))
    await stack.start()
    await addSubscribers(stack, o)
    const { bsf = '', xcapRoot = '', ap, caFile = '' } = stack.ut
    const { network, users } = o
    const place: UtPlace = { network, users, address, bsf, xcapRoot, apPort: ap?.port ?? 0, caFile }
    const generator = starting.use(await WorkProcess.start<UtWork>(MAIN, [JSON.stringify(place)]))
    return new UtStack(stack, generator, starting.move())
  }

  /** Does the work, with CPU time and memory of all processes beside it. */
  async measure(work: UtWork): Promise<MeasuredReport> {
    const pids: Record<string, number> = {
      ...Object.fromEntries(SERVICES.map((name) => [name, this.#stack.service(name).pid ?? 0])),
      nats: this.#stack.nats.pid ?? 0,
      generator: this.#generator.pid,
    }
    const each = (of: (pid: number) => number): Record<string, number> =>
      Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, of(pid)]))
    const before = each(cpuUs)
    const report = (await this.#generator.run(work)) as LoadReport
    const after = Object.entries(each(cpuUs))
    const cpu = after.map(([name, us]) => [name, round((us - (before[name] ?? 0)) / report.operations, 1)])
    return { report, cpuUs: Object.fromEntries(cpu), rssMb: each((pid) => Math.round(rssMb(pid))) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all[Symbol.asyncDispose]()
  }
}

/** One more than the users: who watches the first. */
async function addSubscribers(stack: LocalStack, o: { network: string; users: number }): Promise<void> {
  using operator = await Operator.of(stack)
  let next = 0
  const add = async (): Promise<void> => {
    while (next <= o.users) await operator.addSubscriber(subscriberOf(benchUser(next++, o.network)))
  }
  await Promise.all(Array.from({ length: ADD_AT_ONCE }, add))
}
