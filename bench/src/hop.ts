import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import {
  createEnvelope,
  createRuntime,
  HopRouter,
  type Runtime,
  SERVICE_NODE_FLAGS,
  TlsIdentity,
} from '@rollcall/runtime'
import { HOP_ADDRESS } from './addresses.ts'
import { printSelfTimes } from './cpu-profile.ts'
import { cpuUs, rssMb } from './process-usage.ts'
import type { BenchRow } from './report/bench-row.ts'
import { quantile, round } from './report/statistics.ts'
import { TemporaryFolder } from './temporary-folder.ts'

const TRUST_DOMAIN = 'rollcall.test'
const HOST = 'ims.mnc001.mcc001.3gppnetwork.org'
const MESSAGE_BYTES = 1_024
/** Outstanding requests, and how many are measured with so many: some seconds each. */
const CASES: readonly (readonly [outstanding: number, operations: number])[] = [
  [1, 10_000],
  [16, 100_000],
  [64, 200_000],
  [256, 200_000],
]
/** Requests before the first that is measured, so that the code is compiled. */
const WARM_UP = 50_000

/** All cases together take a minute on a slow machine. */
const MEASURE_MS_MAX = 300_000

/**
 * The SIP hop alone: 1 kB requests over mutual TLS from one process to another that echoes them, envelope as the P-CSCF
 * fills it. CPU time is an operation's, a request and its response, at each side. Both run with the flags of a service.
 */
export async function* benchHop(o: { readonly isProfiled: boolean }): AsyncGenerator<BenchRow> {
  using folder = new TemporaryFolder('hop')
  await createTrustDomain({
    folder: folder.path,
    trustDomain: TRUST_DOMAIN,
    leaves: ['pcscf', 'scscf'].map((name) => ({ name, role: name, dnsNames: [] })),
  })
  const profileFolder = o.isProfiled ? join(folder.path, 'profile') : undefined
  yield* await measureHop(folder.path, profileFolder)
  if (profileFolder) printSelfTimes('hop, the server’s side', profileFolder)
}

async function measureHop(folder: string, profileFolder: string | undefined): Promise<BenchRow[]> {
  await using echo = new Side('./hop-echo.ts', [folder, TRUST_DOMAIN, `${HOP_ADDRESS}:0`], profileFolder)
  const port = await echo.message()
  await using client = new Side('./hop.ts', [folder, `${HOP_ADDRESS}:${port}`, String(echo.pid)])
  return (await client.message()) as BenchRow[]
}

/** One side of the hop, a process of its own. */
class Side implements AsyncDisposable {
  readonly #child: ChildProcess

  constructor(file: string, args: readonly string[], profileFolder?: string) {
    const profiling = profileFolder ? ['--cpu-prof', '--cpu-prof-dir', profileFolder] : []
    const execArgv = ['--disable-warning=ExperimentalWarning', ...SERVICE_NODE_FLAGS, ...profiling]
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The next thing it says; rejects when it ends instead. */
  async message(): Promise<unknown> {
    const signal = AbortSignal.timeout(MEASURE_MS_MAX)
    const ended = once(this.#child, 'exit', { signal }).then(([code]) => {
      throw new Error(`a side of the hop ended with ${code}`)
    })
    const [message] = await Promise.race([once(this.#child, 'message', { signal }), ended])
    return message
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    // A profile is written by a process that ends by itself.
    if (this.#child.connected) this.#child.disconnect()
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(killer)
  }
}

/** The client's side. */
async function measureAll(folder: string, target: string, serverPid: number): Promise<BenchRow[]> {
  using identity = await TlsIdentity.load({ ...leafFiles(folder, 'pcscf'), trustDomain: TRUST_DOMAIN })
  const runtime = createRuntime({ service: 'pcscf', identity })
  await using router = new HopRouter({ routes: `${HOST}=scscf@${target}`, runtime })
  const sender = new Sender(router)
  const pids = { client: process.pid, server: serverPid }
  await sender.run(64, WARM_UP)
  const rows: BenchRow[] = []
  for (const [outstanding, operations] of CASES) {
    rows.push(await measure(sender, runtime, pids, outstanding, operations))
  }
  return rows
}

async function measure(
  sender: Sender,
  runtime: Runtime,
  pids: { readonly client: number; readonly server: number },
  outstanding: number,
  operations: number,
): Promise<BenchRow> {
  const batchesBefore = await batchesOf(runtime)
  const before = { client: cpuUs(pids.client), server: cpuUs(pids.server) }
  const beginMs = performance.now()
  const sorted = (await sender.run(outstanding, operations)).sort()
  const seconds = (performance.now() - beginMs) / 1_000
  const used = { client: cpuUs(pids.client) - before.client, server: cpuUs(pids.server) - before.server }
  const meanBatch = round(operations / ((await batchesOf(runtime)) - batchesBefore), 1)

  return {
    name: 'hop',
    case: `${outstanding} outstanding, 1 kB`,
    ops_per_s: Math.round(operations / seconds),
    p50_ms: round(quantile(sorted, 0.5), 3),
    p99_ms: round(quantile(sorted, 0.99), 3),
    cpu_us: { client: round(used.client / operations, 1), server: round(used.server / operations, 1) },
    rss_mb: { client: Math.round(rssMb(pids.client)), server: Math.round(rssMb(pids.server)) },
    more: { mean_batch: meanBatch },
  }
}

/** Keeps a number of requests under way. What it does itself is part of the client's figure: it does little. */
class Sender {
  readonly #router: HopRouter
  readonly #envelope = createEnvelope({
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: `001010000000001@${HOST}`,
    assertedIdentities: [`sip:alice@${HOST}`, 'tel:+15550100'],
    receivedAtMs: BigInt(Date.now()),
  })
  readonly #template: Buffer
  readonly #branchAt: number
  #serial = 1_000_000_000

  constructor(router: HopRouter) {
    this.#router = router
    const start = `PUBLISH sip:alice@${HOST} SIP/2.0\r\nVia: SIP/2.0/TLS pcscf-0.pcscf.${HOST};branch=z9hG4bK`
    this.#branchAt = start.length
    this.#template = Buffer.from(`${start}${this.#serial}\r\n\r\n`.padEnd(MESSAGE_BYTES, 'x'), 'latin1')
  }

  /** Latencies in milliseconds. */
  async run(outstanding: number, operations: number): Promise<Float64Array> {
    const latenciesMs = new Float64Array(operations)
    const all = Promise.withResolvers<void>()
    let started = 0
    let ended = 0
    const next = (): void => {
      if (started === operations) return
      started += 1
      const serial = String(this.#serial++)
      const sip = Buffer.from(this.#template)
      sip.write(serial, this.#branchAt, 'latin1')
      const beginMs = performance.now()
      this.#router.send(HOST, { sip, branch: `z9hG4bK${serial}`, envelope: this.#envelope }, (result) => {
        if (result.kind !== 'response') all.reject(new Error(`the hop says ${result.kind}`))
        latenciesMs[ended] = performance.now() - beginMs
        ended += 1
        if (ended === operations) all.resolve()
        else next()
      })
    }
    for (let i = 0; i < outstanding; i++) next()
    await all.promise
    return latenciesMs
  }
}

async function batchesOf(runtime: Runtime): Promise<number> {
  const count = /^rollcall_hop_batch_messages_count\{direction="request"\} (\d+)$/m
  return Number(count.exec(await runtime.metrics.expose())?.[1] ?? 0)
}

if (import.meta.main) {
  const [, , folder, target, serverPid] = process.argv
  if (folder && target) process.send?.(await measureAll(folder, target, Number(serverPid)))
}
