import type { TestStore } from '@rollcall/dev-env'
import { ShServiceService } from '@rollcall/proto-gen/sh'
import {
  createEnvelope,
  createGrpcService,
  createRuntime,
  type GrpcServer,
  HopRouter,
  type Runtime,
  startGrpcServer,
  TlsIdentity,
} from '@rollcall/runtime'
import { DOMAIN, ROLLCALL_ADDRESSES } from './addresses.ts'
import type { BenchOptions } from './command.ts'
import { printSelfTimes } from './cpu-profile.ts'
import { closedLoop } from './load/closed-loop.ts'
import { PublishMessages } from './load/load-messages.ts'
import { ifMatchLineOf } from './load/read-message.ts'
import type { Until } from './load/work.ts'
import { cpuUs, rssMb } from './process-usage.ts'
import type { BenchRow } from './report/bench-row.ts'
import { round } from './report/statistics.ts'
import { PRESENCE_HOST, PresenceProcess } from './rollcall/presence-process.ts'
import { BenchStore } from './rollcall/store.ts'
import { rowOf } from './side.ts'
import { TemporaryFolder } from './temporary-folder.ts'
import type { Scale } from './workloads.ts'

const [ADDRESS] = ROLLCALL_ADDRESSES
const OUTSTANDING_CASES: readonly number[] = [1, 16, 64]
const OUTSTANDING_MAX = 64

/**
 * The same PUBLISHes over the hop, as the S-CSCF sends them: NATS and the Presence Server are processes of their own,
 * this one plays S-CSCF and HSS.
 */
export async function* benchPublishOverHop(o: BenchOptions, scale: Scale): AsyncGenerator<BenchRow> {
  using profile = o.isProfiled ? new TemporaryFolder('profile') : undefined
  {
    await using servers = new AsyncDisposableStack()
    const { store, pid } = servers.use(await BenchStore.start(ADDRESS, ['presence', 'hss', 'scscf']))
    const hss = await startHss(await runtimeOf(store, 'hss'))
    servers.defer(() => hss.stop(0))
    const profileFolder = profile ? { profileFolder: profile.path } : {}
    const env = { ROLLCALL_PRESENCE_UNPROTECTED_USERS: 'hss' }
    const presence = servers.use(await PresenceProcess.start({ store, address: ADDRESS, env, ...profileFolder }))
    const routes = `${PRESENCE_HOST}=presence@${ADDRESS}:17003`
    const hop = servers.use(new HopRouter({ routes, runtime: await runtimeOf(store, 'scscf') }))
    const publisher = new Publisher(hop, scale.presentities)
    const pids = { presence: presence.process.pid, nats: pid, generator: process.pid }
    await publisher.run(OUTSTANDING_MAX, { operations: scale.presentities })
    await publisher.run(OUTSTANDING_MAX, scale.warmUp)
    for (const outstanding of OUTSTANDING_CASES) yield await measure(publisher, pids, outstanding, scale.round)
  }
  if (profile) printSelfTimes('the Presence Server, over the hop', profile.path)
}

async function measure(
  publisher: Publisher,
  pids: Readonly<Record<string, number>>,
  outstanding: number,
  until: Until,
): Promise<BenchRow> {
  const each = <T>(of: (pid: number) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, of(pid)]))
  const before = each(cpuUs)
  const loop = await publisher.run(outstanding, until)
  const used = Object.entries(each(cpuUs)).map(([name, us]) => {
    return [name, round((us - (before[name] ?? 0)) / loop.operations, 1)] as const
  })
  return rowOf('publish', `${outstanding} outstanding, over the hop`, {
    report: { ...loop, resent: 0, repeated: 0 },
    cpuUs: Object.fromEntries(used),
    rssMb: each((pid) => Math.round(rssMb(pid))),
  })
}

/** Publishes for one presentity after the other, each time with the entity tag it got before. */
class Publisher {
  readonly #hop: HopRouter
  readonly #messages = new PublishMessages(ADDRESS, 'hop')
  readonly #entityTags: (Buffer | undefined)[] = []
  readonly #idle: number[]
  #serial = 0

  constructor(hop: HopRouter, presentities: number) {
    this.#hop = hop
    this.#idle = Array.from({ length: presentities }, (_, i) => i)
  }

  run(outstanding: number, until: Until) {
    return closedLoop({ outstanding, until }, (end) => {
      const beginMs = performance.now()
      this.#publish((status) => {
        end(status === 200 ? { latencyMs: performance.now() - beginMs } : { failure: String(status) })
      })
    })
  }

  #publish(done: (status: number) => void): void {
    const presentity = this.#idle.shift()
    if (presentity === undefined) throw new RangeError('more is outstanding than there are presentities')
    const serial = ++this.#serial
    const octets = Buffer.allocUnsafe(2_048)
    const numbers = { branch: serial, serial, port: 15_060 }
    const sip = octets.subarray(0, this.#messages.write(octets, presentity, numbers, this.#entityTags[presentity]))
    const user = `sip:u${String(presentity).padStart(8, '0')}@${DOMAIN}`
    const message = { sip, branch: branchOf(sip), envelope: createEnvelope({ assertedIdentities: [user] }) }
    this.#hop.send(PRESENCE_HOST, message, (result) => {
      if (result.kind === 'response' && result.status === 200) {
        this.#entityTags[presentity] = ifMatchLineOf(result.sip)
      }
      this.#idle.push(presentity)
      done(result.kind === 'response' ? result.status : 408)
    })
  }
}

function branchOf(sip: Buffer): string {
  const at = sip.indexOf('z9hG4bK')
  return sip.toString('latin1', at, sip.indexOf(';', at))
}

async function runtimeOf(store: TestStore, role: string): Promise<Runtime> {
  const identity = await TlsIdentity.load({ ...store.tlsFor(role), trustDomain: store.trustDomain })
  return createRuntime({ service: role, identity })
}

function startHss(runtime: Runtime): Promise<GrpcServer> {
  const presencePolicy = { defaultAllow: true, allow: [], block: [] }
  const sh = createGrpcService(ShServiceService, {
    userData: ({ impu }) => ({ found: true, canonicalImpu: impu, impus: [impu], presencePolicy, revision: 1n }),
  })
  return startGrpcServer({ listen: `${ADDRESS}:17001`, services: [sh], runtime })
}
