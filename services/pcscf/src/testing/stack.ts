import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { MilenageKeys } from '@rollcall/aka'
import { parseImpi, parseImpu, Secret, seededRandom } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { issueLeaf, leafFiles } from '@rollcall/pki'
import { type ListContactsResponse, PcscfAdminServiceClient } from '@rollcall/proto-gen/admin'
import {
  callUnary,
  createGrpcClient,
  createRuntime,
  loadConfig,
  type Role,
  type Runtime,
  type Service,
  sharedShape,
  TlsIdentity,
} from '@rollcall/runtime'
import { gmTimers, memoryIsimStore, Ue, type UeOptions } from '@rollcall/ue'
import { pcscfShape } from '../config.ts'
import { createPcscfService } from '../service.ts'
import { FakeScscf } from './fake-scscf.ts'
import { ALICE, ALICE_IMPI, ALICE_TEL, BOB, BOB_IMPI, DOMAIN } from './messages.ts'

/** T1 on Gm in tests with real sockets: 64*T1 is then 3.2 s. */
export const T1_MS = 50

const random = seededRandom('subscribers of the P-CSCF tests')

function newKeys(): MilenageKeys {
  return { k: new Secret(random.bytes(16)), opc: new Secret(random.bytes(16)) }
}

const SUBSCRIBERS = new Map([
  [ALICE_IMPI, { keys: newKeys(), impus: [ALICE, ALICE_TEL] }],
  [BOB_IMPI, { keys: newKeys(), impus: [BOB] }],
])

/** A P-CSCF process in this one: it can be killed, and started again on the same data. */
export interface RunningPcscf {
  readonly service: Service
  readonly runtime: Runtime
  readonly logLines: string[]
}

/** NATS, a P-CSCF, a fake S-CSCF and UEs, on loopback addresses of their own. */
export class Stack implements AsyncDisposable {
  readonly address: string
  readonly store: TestStore
  readonly folder: string
  readonly scscf: FakeScscf
  pcscf: RunningPcscf
  readonly #sealingKeysFile: string
  readonly #closing: AsyncDisposableStack

  private constructor(o: {
    address: string
    store: TestStore
    folder: string
    scscf: FakeScscf
    pcscf: RunningPcscf
    sealingKeysFile: string
    closing: AsyncDisposableStack
  }) {
    this.address = o.address
    this.store = o.store
    this.folder = o.folder
    this.scscf = o.scscf
    this.pcscf = o.pcscf
    this.#sealingKeysFile = o.sealingKeysFile
    this.#closing = o.closing
  }

  static async start(address: string): Promise<Stack> {
    await using opened = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-pcscf-'))
    opened.defer(() => rm(folder, { recursive: true, force: true }))
    const store = opened.use(await startTestStore({ address, services: ['pcscf'], folder }))
    for (const role of ['scscf', 'operator', 'presence']) {
      await issueLeaf({
        folder: store.pkiFolder,
        trustDomain: store.trustDomain,
        leaf: { name: role, role, dnsNames: [] },
      })
    }
    const scscf = opened.use(
      await FakeScscf.start({
        runtime: await runtimeOf(store, 'scscf', []),
        listen: `${address}:17002`,
        pcscfTarget: `${address}:17004`,
        subscribers: SUBSCRIBERS,
      }),
    )
    const sealingKeysFile = await store.sealingKeysFile('pcscf')
    const pcscf = await startPcscf(store, address, sealingKeysFile)
    const closing = opened.move()
    return new Stack({ address, store, folder, scscf, pcscf, sealingKeysFile, closing })
  }

  /** A UE at an address of its own. */
  async openUe(
    localAddress: string,
    o: { impi?: string; instance?: string; isimStore?: UeOptions['isimStore'] } = {},
  ): Promise<Ue> {
    const impi = o.impi ?? ALICE_IMPI
    const subscriber = SUBSCRIBERS.get(impi)
    if (!subscriber) throw new Error('no such subscriber')
    const [first = ALICE, ...others] = subscriber.impus
    const ue = await Ue.open({
      credentials: {
        impi: parseImpi(impi),
        impus: [parseImpu(first), ...others.map(parseImpu)],
        domain: DOMAIN,
        keys: subscriber.keys,
        pcscf: { address: this.address, port: 15_060 },
        encapsulation: { address: this.address, port: 14_500 },
        localAddress,
        instance: o.instance ?? 'urn:gsma:imei:35000000-000001-0',
      },
      isimStore: o.isimStore ?? memoryIsimStore(),
      settings: { timers: gmTimers(T1_MS), refreshes: false },
    })
    this.#closing.defer(() => ue.close())
    return ue
  }

  /** What the admin service tells an operator, or another role. */
  async listContacts(role: Role = 'operator'): Promise<ListContactsResponse> {
    const { identity } = await runtimeOf(this.store, role, [])
    const client = createGrpcClient(PcscfAdminServiceClient, {
      target: `${this.address}:17004`,
      role: 'pcscf',
      identity,
    })
    try {
      return await callUnary(client.listContacts.bind(client), {})
    } finally {
      client.close()
      identity[Symbol.dispose]()
    }
  }

  /** The sum of a metric's series whose labels hold `labels`. */
  async metric(name: string, labels = ''): Promise<number> {
    const lines = (await this.pcscf.runtime.metrics.expose()).split('\n')
    const series = lines.filter((line) => line.startsWith(name) && line.includes(labels))
    return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Ends the P-CSCF and starts another on the same log: what it held in memory is gone. */
  async restartPcscf(): Promise<void> {
    await this.pcscf.service.stop()
    this.pcscf = await startPcscf(this.store, this.address, this.#sealingKeysFile)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pcscf.service.stop()
    await this.#closing.disposeAsync()
  }
}

async function startPcscf(store: TestStore, address: string, sealingKeysFile: string): Promise<RunningPcscf> {
  const logLines: string[] = []
  const runtime = await runtimeOf(store, 'pcscf', logLines)
  const tls = store.tlsFor('pcscf')
  const env = {
    ROLLCALL_REALM: DOMAIN,
    ROLLCALL_NATS_URL: store.url,
    ROLLCALL_TLS_CERT_FILE: tls.certFile,
    ROLLCALL_TLS_KEY_FILE: tls.keyFile,
    ROLLCALL_TLS_CA_FILE: tls.caFile,
    ROLLCALL_GRPC_LISTEN: `${address}:17004`,
    ROLLCALL_PROBE_LISTEN: `${address}:17104`,
    ROLLCALL_PCSCF_SIP_LISTEN: `${address}:15060`,
    ROLLCALL_PCSCF_ENCAPSULATION_LISTEN: `${address}:14500`,
    ROLLCALL_PCSCF_SEALING_KEYS_FILE: sealingKeysFile,
    ROLLCALL_HOP_ROUTES: `${DOMAIN}=scscf@${address}:17002,scscf-0.scscf.${DOMAIN}=scscf@${address}:17002`,
    ROLLCALL_PCSCF_T1_MS: String(T1_MS),
    ROLLCALL_PCSCF_T2_MS: String(8 * T1_MS),
    ROLLCALL_PCSCF_T4_MS: String(8 * T1_MS),
    ROLLCALL_PCSCF_HOP_DEADLINE_MS: '2000',
    ROLLCALL_PCSCF_SOURCE_BURST: '50',
  }
  const config = loadConfig({ service: 'pcscf', shape: { ...sharedShape, ...pcscfShape }, env })
  const service = createPcscfService(config, runtime)
  await service.start()
  await until(() => service.ready().ready, 'the P-CSCF is ready')
  return { service, runtime, logLines }
}

async function runtimeOf(store: TestStore, role: Role, logLines: string[]): Promise<Runtime> {
  const identity = await TlsIdentity.load({ ...leafFiles(store.pkiFolder, role), trustDomain: store.trustDomain })
  const logDestination = new Writable({
    write(line, _encoding, done) {
      logLines.push(String(line))
      done()
    },
  })
  return createRuntime({ service: role, identity, logLevel: 'debug', logDestination })
}

/** Polls until `condition` holds, for at most `limitMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 10_000,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 20) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`waited in vain: ${what}`)
}
