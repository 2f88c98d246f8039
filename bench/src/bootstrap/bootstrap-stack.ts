import { fileURLToPath } from 'node:url'
import { issueLeaf } from '@rollcall/pki'
import { SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { callUnary, createGrpcClient, SERVICE_NODE_FLAGS, TlsIdentity } from '@rollcall/runtime'
import { ACCESS_REALM, benchUser, subscriberOf } from '../access/bench-user.ts'
import { BOOTSTRAP_ADDRESS } from '../addresses.ts'
import type { LoadReport } from '../load/work.ts'
import { WorkProcess } from '../load/work-process.ts'
import { cpuUs, rssMb } from '../process-usage.ts'
import { round } from '../report/statistics.ts'
import { BenchStore } from '../rollcall/store.ts'
import { ServerProcess } from '../server-process.ts'
import type { MeasuredReport } from '../side.ts'
import type { BootstrapPlace, BootstrapWork } from './bootstrap-work.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MAIN = fileURLToPath(new URL('./bootstrap-main.ts', import.meta.url))
const READY_MS_MAX = 30_000
const ADD_AT_ONCE = 32
const PORTS = { hss: 17_001, bsf: 17_006, ub: 15_080 } as const
const PROBES = { hss: 17_101, bsf: 17_106 } as const

type ServiceName = keyof typeof PROBES

/** What is off for the measurement: limits that hold a source or a user back, since few UEs do the work of many. */
const SETTINGS = {
  ROLLCALL_BSF_SOURCE_BURST: '100000',
  ROLLCALL_BSF_SOURCE_INTERVAL_MS: '1',
  ROLLCALL_BSF_SOURCE_CONNECTIONS_MAX: '100000',
  ROLLCALL_BSF_USER_CONTEXTS_MAX: '1000000',
  ROLLCALL_BSF_IMPI_BURST: '100000',
  ROLLCALL_BSF_IMPI_INTERVAL_MS: '1',
}

export interface BootstrapStackOptions {
  readonly address?: string
  readonly users: number
  /** Where the BSF leaves a CPU profile when it ends. */
  readonly profileFolder?: string
}

/** A store, an HSS with subscribers, a BSF and UEs: each a process. */
export class BootstrapStack implements AsyncDisposable {
  readonly #pids: Readonly<Record<string, number>>
  readonly #generator: WorkProcess<BootstrapWork>
  readonly #all: AsyncDisposableStack

  private constructor(o: {
    pids: Readonly<Record<string, number>>
    generator: WorkProcess<BootstrapWork>
    all: AsyncDisposableStack
  }) {
    this.#pids = o.pids
    this.#generator = o.generator
    this.#all = o.all
  }

  static async start(o: BootstrapStackOptions): Promise<BootstrapStack> {
    await using starting = new AsyncDisposableStack()
    const address = o.address ?? BOOTSTRAP_ADDRESS
    const bench = starting.use(await BenchStore.start(address, ['hss', 'bsf']))
    const hss = starting.use(await startService('hss', bench, address, []))
    const flags = o.profileFolder ? ['--cpu-prof', '--cpu-prof-dir', o.profileFolder] : []
    const bsf = starting.use(await startService('bsf', bench, address, flags))
    await addSubscribers(bench, address, o.users)
    const place: BootstrapPlace = { address, port: PORTS.ub, realm: `bsf.${ACCESS_REALM}`, users: o.users }
    const generator = starting.use(await WorkProcess.start<BootstrapWork>(MAIN, [JSON.stringify(place)]))
    const pids = { hss: hss.pid, bsf: bsf.pid, nats: bench.pid, generator: generator.pid }
    return new BootstrapStack({ pids, generator, all: starting.move() })
  }

  /** Does the work, with CPU time and memory of all processes beside it. */
  async measure(work: BootstrapWork): Promise<MeasuredReport> {
    const each = (of: (pid: number) => number): Record<string, number> =>
      Object.fromEntries(Object.entries(this.#pids).map(([name, pid]) => [name, of(pid)]))
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

async function startService(
  name: ServiceName,
  { store }: BenchStore,
  address: string,
  flags: readonly string[],
): Promise<ServerProcess> {
  const { certFile, keyFile, caFile } = store.tlsFor(name)
  const probe = `${address}:${PROBES[name]}`
  const env = {
    ...process.env,
    ...SETTINGS,
    ROLLCALL_REALM: ACCESS_REALM,
    ROLLCALL_NATS_URL: store.url,
    ROLLCALL_TLS_CERT_FILE: certFile,
    ROLLCALL_TLS_KEY_FILE: keyFile,
    ROLLCALL_TLS_CA_FILE: caFile,
    ROLLCALL_GRPC_LISTEN: `${address}:${PORTS[name]}`,
    ROLLCALL_PROBE_LISTEN: probe,
    ROLLCALL_LOG_LEVEL: 'error',
    [`ROLLCALL_${name.toUpperCase()}_SEALING_KEYS_FILE`]: await store.sealingKeysFile(name),
    ...(name === 'bsf' && {
      ROLLCALL_HSS_TARGET: `${address}:${PORTS.hss}`,
      ROLLCALL_BSF_NAME: `bsf.${ACCESS_REALM}`,
      ROLLCALL_BSF_HTTP_LISTEN: `${address}:${PORTS.ub}`,
    }),
  }
  const server = new ServerProcess({
    name,
    command: process.execPath,
    args: [...SERVICE_NODE_FLAGS, ...flags, '--disable-warning=ExperimentalWarning', `services/${name}/src/main.ts`],
    options: { cwd: ROOT, env },
  })
  try {
    const isReady = async () => (await fetch(`http://${probe}/readyz`).catch(() => undefined))?.ok === true
    await server.until(isReady, READY_MS_MAX)
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

async function addSubscribers({ store }: BenchStore, address: string, users: number): Promise<void> {
  const { pkiFolder: folder, trustDomain } = store
  await issueLeaf({ folder, trustDomain, leaf: { name: 'operator', role: 'operator', dnsNames: [] } })
  using identity = await TlsIdentity.load({ ...store.tlsFor('operator'), trustDomain })
  const target = `${address}:${PORTS.hss}`
  const client = createGrpcClient(SubscriberAdminServiceClient, { target, role: 'hss', identity })
  let next = 0
  const add = async (): Promise<void> => {
    while (next < users) {
      const subscriber = subscriberOf(benchUser(next++, '127.0'))
      await callUnary(client.addSubscriber.bind(client), { subscriber })
    }
  }
  try {
    await Promise.all(Array.from({ length: ADD_AT_ONCE }, add))
  } finally {
    client.close()
  }
}
