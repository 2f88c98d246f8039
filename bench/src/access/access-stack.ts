import { fileURLToPath } from 'node:url'
import { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import { Operator } from '@rollcall/deploy/local/operator.ts'
import { ENCAPSULATION_PORT, LocalStack, SIP_PORT, SIP_SERVICES } from '@rollcall/deploy/local/stack.ts'
import type { LoadReport } from '../load/work.ts'
import { WorkProcess } from '../load/work-process.ts'
import { cpuUs, rssMb } from '../process-usage.ts'
import { round } from '../report/statistics.ts'
import type { MeasuredReport } from '../side.ts'
import { TemporaryFolder } from '../temporary-folder.ts'
import type { AccessPlace } from './access-network.ts'
import type { AccessWork } from './access-work.ts'
import { ACCESS_REALM, benchUser, subscriberOf } from './bench-user.ts'
import { type ProfileFolders, profileSettings } from './profiles.ts'

const MAIN = fileURLToPath(new URL('./access-main.ts', import.meta.url))
const ADD_AT_ONCE = 32

/**
 * What is off for the measurement: limits that hold a single user back, since few UEs do the work of many here, and the
 * interval between two NOTIFYs of a watcher.
 */
const SETTINGS = {
  ROLLCALL_PCSCF_SOURCE_BURST: '10000',
  ROLLCALL_PCSCF_SOURCE_INTERVAL_MS: '1',
  ROLLCALL_PCSCF_IMPI_BURST: '10000',
  ROLLCALL_PCSCF_IMPI_INTERVAL_MS: '1',
  ROLLCALL_PCSCF_CONTACT_BURST: '100000',
  ROLLCALL_PCSCF_CONTACT_INTERVAL_MS: '1',
  ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS: '0',
  ROLLCALL_LOG_LEVEL: 'error',
}

export interface AccessStackOptions {
  /** The first two octets of all addresses. */
  readonly network: string
  readonly ues: number
  /** Where each service leaves a CPU profile when it ends; by service. */
  readonly profileFolders?: ProfileFolders
  readonly settings?: Readonly<Record<string, string>>
}

/** The whole network as `npm start` runs it, each service a process, with subscribers and a generator of UEs. */
export class AccessStack implements AsyncDisposable {
  readonly #stack: LocalStack
  readonly #generator: WorkProcess<AccessWork>
  readonly #all: AsyncDisposableStack
  readonly #ended: string[]

  private constructor(o: {
    stack: LocalStack
    generator: WorkProcess<AccessWork>
    all: AsyncDisposableStack
    ended: string[]
  }) {
    this.#stack = o.stack
    this.#generator = o.generator
    this.#all = o.all
    this.#ended = o.ended
  }

  static async start(o: AccessStackOptions): Promise<AccessStack> {
    await using starting = new AsyncDisposableStack()
    const folder = starting.use(new TemporaryFolder('access'))
    const data = new DataFolder(folder.path)
    const key = await data.prepare()
    const address = `${o.network}.9.1`
    const ended: string[] = []
    const options = {
      data,
      realm: ACCESS_REALM,
      address,
      services: SIP_SERVICES,
      settings: { ...SETTINGS, ...o.settings },
      settingsOf: (name: string) => profileSettings(name, o.profileFolders),
      onExit: (name: string, how: string) => void ended.push(`${name} ended ${how}`),
    }
    await LocalStack.createTrustDomain(options)
    const stack = starting.use(await LocalStack.create(options, key))
    await stack.start()
    await addSubscribers(stack, o)
    const place: AccessPlace = {
      network: o.network,
      ues: o.ues,
      pcscf: { address, port: SIP_PORT },
      encapsulation: { address, port: ENCAPSULATION_PORT },
    }
    const generator = starting.use(await WorkProcess.start<AccessWork>(MAIN, [JSON.stringify(place)]))
    return new AccessStack({ stack, generator, all: starting.move(), ended })
  }

  /** Does what a measurement leans on. @throws when not all of it went well. */
  async prepare(work: AccessWork): Promise<void> {
    const { failures } = await this.#run(work)
    if (Object.keys(failures).length > 0) throw new Error(`${work.kind} was answered ${JSON.stringify(failures)}`)
  }

  /** Does the work, with CPU time and memory of all processes beside it. */
  async measure(work: AccessWork): Promise<MeasuredReport> {
    const pids: Record<string, number> = {
      ...Object.fromEntries(SIP_SERVICES.map((name) => [name, this.#stack.service(name).pid ?? 0])),
      nats: this.#stack.nats.pid ?? 0,
      generator: this.#generator.pid,
    }
    const each = (of: (pid: number) => number): Record<string, number> =>
      Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, of(pid)]))
    const before = each(cpuUs)
    const report = await this.#run(work)
    const after = Object.entries(each(cpuUs))
    return {
      report,
      cpuUs: Object.fromEntries(
        after.map(([name, us]) => [name, round((us - (before[name] ?? 0)) / report.operations, 1)]),
      ),
      rssMb: each((pid) => Math.round(rssMb(pid))),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all[Symbol.asyncDispose]()
  }

  async #run(work: AccessWork): Promise<LoadReport> {
    const report = (await this.#generator.run(work)) as LoadReport
    if (this.#ended.length > 0) throw new Error(this.#ended.join(', '))
    return report
  }
}

async function addSubscribers(stack: LocalStack, o: AccessStackOptions): Promise<void> {
  using operator = await Operator.of(stack)
  let next = 0
  const add = async (): Promise<void> => {
    while (next < o.ues) await operator.addSubscriber(subscriberOf(benchUser(next++, o.network)))
  }
  await Promise.all(Array.from({ length: ADD_AT_ONCE }, add))
}
