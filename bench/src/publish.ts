import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
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
import type { BenchRow } from './bench-row.ts'
import { printSelfTimes } from './cpu-profile.ts'
import { cpuUs, rssMb } from './process-usage.ts'

const ADDRESS = '127.1.5.9'
const REALM = 'ims.example.com'
const PRESENCE_HOST = `presence.${REALM}`
const PRESENTITIES = 1_000
/** Outstanding requests, and how many are measured with so many: a few seconds each. */
const CASES: readonly (readonly [outstanding: number, operations: number])[] = [
  [1, 2_000],
  [16, 15_000],
  [64, 40_000],
]
/** Operations before the first that is measured, so that the code is compiled. */
const WARM_UP = 10_000
const READY_MS_MAX = 30_000

const MAIN = fileURLToPath(new URL('../../services/presence/src/main.ts', import.meta.url))

/**
 * Durable PUBLISHes (modify, 476 octets of PIDF) straight to a Presence Server over the hop: NATS with fsync on every
 * append and the Presence Server are processes of their own, this one plays S-CSCF and HSS.
 *
 * `isProfiled` prints where the Presence Server spends its time.
 */
export async function benchPublish(o: { readonly isProfiled?: boolean } = {}): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'))
  await using store = await startTestStore({ address: ADDRESS, streamBytesMax: 4e9 })
  const hss = await startHss(await runtimeOf(store, 'hss'))
  const profile = o.isProfiled ? folder : undefined
  const presence = await startPresence(store, profile)
  const routes = `${PRESENCE_HOST}=presence@${ADDRESS}:17003`
  const hop = new HopRouter({ routes, runtime: await runtimeOf(store, 'scscf') })
  try {
    const publisher = new Publisher(hop)
    const pids = { presence: presence.pid ?? 0, nats: store.server.pid ?? 0, generator: process.pid }
    await publisher.run(16, PRESENTITIES)
    await publisher.run(64, WARM_UP)
    const rows: BenchRow[] = []
    for (const [outstanding, operations] of CASES) rows.push(await measure(publisher, pids, outstanding, operations))
    return rows
  } finally {
    await hop.close(0)
    presence.kill('SIGTERM')
    await once(presence, 'exit')
    await hss.stop(0)
    if (profile) {
      console.log('presence, own time by function:')
      printSelfTimes(profile)
    }
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(
  publisher: Publisher,
  pids: Readonly<Record<string, number>>,
  outstanding: number,
  operations: number,
): Promise<BenchRow> {
  const each = <T>(of: (pid: number) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, of(pid)]))
  const before = each(cpuUs)
  const beginMs = performance.now()
  const latenciesMs = await publisher.run(outstanding, operations)
  const seconds = (performance.now() - beginMs) / 1_000
  const used = each(cpuUs)
  const sorted = latenciesMs.sort((a, b) => a - b)
  const quantile = (share: number): number => round(sorted[Math.floor(sorted.length * share)] ?? Number.NaN, 2)
  return {
    name: 'durable PUBLISH, modify, straight to the Presence Server',
    case: `${outstanding} outstanding, ${PRESENTITIES} presentities`,
    ops_per_s: Math.round(operations / seconds),
    p50_ms: quantile(0.5),
    p99_ms: quantile(0.99),
    cpu_us: Object.fromEntries(
      Object.entries(used).map(([name, us]) => [name, round((us - (before[name] ?? 0)) / operations, 1)]),
    ),
    rss_mb: each((pid) => Math.round(rssMb(pid))),
  }
}

/** Publishes for one presentity after the other, each time with the entity tag it got before. */
class Publisher {
  readonly #hop: HopRouter
  readonly #etags: (string | undefined)[] = []
  readonly #idle: number[] = Array.from({ length: PRESENTITIES }, (_, i) => i)
  #serial = 0

  constructor(hop: HopRouter) {
    this.#hop = hop
  }

  /** Latencies in milliseconds of `operations` PUBLISHes, `outstanding` of them under way at a time. */
  async run(outstanding: number, operations: number): Promise<number[]> {
    const latenciesMs: number[] = []
    let left = operations
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        const beginMs = performance.now()
        await this.#publish()
        latenciesMs.push(performance.now() - beginMs)
      }
    }
    await Promise.all(Array.from({ length: outstanding }, work))
    return latenciesMs
  }

  async #publish(): Promise<void> {
    const presentity = this.#idle.shift()
    if (presentity === undefined) throw new Error('more is outstanding than there are presentities')
    const serial = ++this.#serial
    const branch = `z9hG4bKs${serial}`
    const sip = publishOctets(presentity, serial, branch, this.#etags[presentity])
    const envelope = createEnvelope({ assertedIdentities: [impuOf(presentity)] })
    const response = await new Promise<Buffer>((resolve, reject) => {
      this.#hop.send(PRESENCE_HOST, { sip, branch, envelope }, (result) => {
        if (result.kind !== 'response') reject(new Error(`the hop says ${result.kind}`))
        else if (result.status !== 200) reject(new Error(`PUBLISH was answered ${result.status}`))
        else resolve(result.sip)
      })
    })
    this.#etags[presentity] = /^SIP-ETag: (\S+)/im.exec(response.toString('latin1'))?.[1]
    this.#idle.push(presentity)
  }
}

function impuOf(presentity: number): string {
  return `sip:user${presentity}@${REALM}`
}

function publishOctets(presentity: number, serial: number, branch: string, etag: string | undefined): Buffer {
  const impu = impuOf(presentity)
  const body = pidf(impu, serial)
  const head = [
    `PUBLISH ${impu} SIP/2.0`,
    `Via: SIP/2.0/TLS scscf-0.scscf.${REALM};branch=${branch}`,
    `Via: SIP/2.0/TLS pcscf-0.pcscf.${REALM};branch=z9hG4bKp${serial}`,
    `Via: SIP/2.0/UDP 127.0.1.1:15060;rport=15060;received=127.0.1.1;branch=z9hG4bKu${serial}`,
    `Route: <sip:${PRESENCE_HOST};lr>`,
    'Max-Forwards: 68',
    `From: <${impu}>;tag=f${serial}`,
    `To: <${impu}>`,
    `Call-ID: call-${presentity}-${serial}`,
    `CSeq: ${serial} PUBLISH`,
    `P-Asserted-Identity: <${impu}>`,
    'Event: presence',
    'Expires: 3600',
    ...(etag ? [`SIP-If-Match: ${etag}`] : []),
    'Content-Type: application/pidf+xml',
    `Content-Length: ${body.length}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}

/** About as long as the documents that the peer was measured with. */
function pidf(entity: string, serial: number): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" ' +
    'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" ' +
    `entity="${entity}">\n<tuple id="t1"><status><basic>open</basic></status>` +
    `<contact priority="0.8">${entity}</contact><note xml:lang="en">change ${serial}</note></tuple>\n` +
    '<dm:person id="p1"><rpid:activities><rpid:busy/></rpid:activities></dm:person></presence>'
  )
}

async function runtimeOf(store: TestStore, role: string): Promise<Runtime> {
  const identity = await TlsIdentity.load({ ...store.tlsFor(role), trustDomain: store.trustDomain })
  return createRuntime({ service: role, identity })
}

function startHss(runtime: Runtime): Promise<GrpcServer> {
  const presencePolicy = { defaultAllow: true, allow: [], block: [] }
  const sh = createGrpcService(ShServiceService, {
    userData: ({ impu }) => ({ found: true, canonicalImpu: impu, impus: [impu], presencePolicy }),
  })
  return startGrpcServer({ listen: `${ADDRESS}:17001`, services: [sh], runtime })
}

async function startPresence(store: TestStore, profileFolder: string | undefined): Promise<ChildProcess> {
  const { certFile, keyFile, caFile } = store.tlsFor('presence')
  const profiling = profileFolder ? ['--cpu-prof', '--cpu-prof-dir', profileFolder] : []
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...profiling, MAIN], {
    env: {
      ...process.env,
      ROLLCALL_REALM: REALM,
      ROLLCALL_NATS_URL: store.url,
      ROLLCALL_TLS_CERT_FILE: certFile,
      ROLLCALL_TLS_KEY_FILE: keyFile,
      ROLLCALL_TLS_CA_FILE: caFile,
      ROLLCALL_GRPC_LISTEN: `${ADDRESS}:17003`,
      ROLLCALL_PROBE_LISTEN: `${ADDRESS}:17103`,
      ROLLCALL_HSS_TARGET: `${ADDRESS}:17001`,
      ROLLCALL_HOP_ROUTES: `scscf-0.scscf.${REALM}=scscf@${ADDRESS}:17002`,
      ROLLCALL_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const endMs = performance.now() + READY_MS_MAX
  while ((await fetch(`http://${ADDRESS}:17103/readyz`).catch(() => undefined))?.ok !== true) {
    if (performance.now() > endMs || child.exitCode !== null) throw new Error('the Presence Server does not get ready')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return child
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
