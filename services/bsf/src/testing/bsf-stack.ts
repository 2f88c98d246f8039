import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Client } from '@grpc/grpc-js'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { HssService, hssShape } from '@rollcall/hss'
import { issueLeaf } from '@rollcall/pki'
import { Algorithm, SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { ZnServiceClient } from '@rollcall/proto-gen/zn'
import {
  callUnary,
  createGrpcClient,
  createRuntime,
  loadConfig,
  type Runtime,
  sharedShape,
  TlsIdentity,
} from '@rollcall/runtime'
import { BsfService, bsfShape } from '../service.ts'
import { ALICE, BSF, IMPI, KEYS, REALM, XCAP } from './fixtures.ts'

type ClientClass<C extends Client> = Parameters<typeof createGrpcClient<C>>[0]

/** One BSF: its settings, and where it listens. */
export interface BsfPlace {
  readonly grpc: string
  readonly http: string
  readonly https: string
  readonly probes: string
}

/** HSS and BSFs on a real nats-server, with real certificates; a BSF in this process or in one of its own. */
export class BsfStack implements AsyncDisposable {
  readonly store: TestStore
  readonly #address: string
  readonly #logged: string[] = []
  readonly #clients: Client[] = []
  readonly #services: { stop(): Promise<void> }[] = []
  readonly #processes = new Set<ChildProcess>()
  readonly #keys: { readonly hss: string; readonly bsf: string }

  private constructor(store: TestStore, address: string, keys: { readonly hss: string; readonly bsf: string }) {
    this.store = store
    this.#address = address
    this.#keys = keys
  }

  static async start(address: string): Promise<BsfStack> {
    const store = await startTestStore({ address, services: ['hss', 'bsf'] })
    const keys = { hss: await store.sealingKeysFile('hss'), bsf: await store.sealingKeysFile('bsf') }
    const stack = new BsfStack(store, address, keys)
    try {
      const { pkiFolder: folder, trustDomain } = store
      const leaves = [
        { name: 'operator', role: 'operator', dnsNames: [] },
        { name: 'presence', role: 'presence', dnsNames: [] },
        { name: 'ap', role: 'ap', dnsNames: [XCAP] },
        { name: 'ap-other', role: 'ap', dnsNames: ['conference.example.org'] },
        { name: 'bsf-public', dnsNames: [BSF] },
      ]
      for (const leaf of leaves) await issueLeaf({ folder, trustDomain, leaf })
      await stack.#startHss()
      return stack
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Everything that was logged. */
  get log(): string {
    return this.#logged.join('')
  }

  get caFile(): string {
    return this.store.tlsFor('bsf').caFile
  }

  placeOf(n: number): BsfPlace {
    const address = this.#address
    return {
      grpc: `${address}:${17_020 + n}`,
      http: `${address}:${15_080 + 10 * n}`,
      https: `${address}:${15_081 + 10 * n}`,
      probes: `${address}:${17_120 + n}`,
    }
  }

  environment(n: number, env: Readonly<Record<string, string>> = {}): Record<string, string> {
    const place = this.placeOf(n)
    const open = this.store.tlsFor('bsf-public')
    return {
      ...this.#shared('bsf', place.grpc, place.probes),
      ROLLCALL_BSF_SEALING_KEYS_FILE: this.#keys.bsf,
      ROLLCALL_HSS_TARGET: `${this.#address}:17001`,
      ROLLCALL_BSF_HTTP_LISTEN: place.http,
      ROLLCALL_BSF_HTTPS_LISTEN: place.https,
      ROLLCALL_BSF_PUBLIC_CERT_FILE: open.certFile,
      ROLLCALL_BSF_PUBLIC_KEY_FILE: open.keyFile,
      ...env,
    }
  }

  /** Replica `n` in this process. */
  async startBsf(n: number, env: Readonly<Record<string, string>> = {}): Promise<BsfService> {
    const config = loadConfig({
      service: 'bsf',
      shape: { ...sharedShape, ...bsfShape },
      env: this.environment(n, env),
    })
    const service = await BsfService.create(config, await this.#runtime('bsf'))
    this.#services.push(service)
    await service.start()
    await until(() => service.ready().ready, 'the BSF is ready')
    return service
  }

  /** Replica `n` as a process of its own. */
  async startProcess(n: number, env: Readonly<Record<string, string>> = {}): Promise<ChildProcess> {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: { ...process.env, ...this.environment(n, env) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout.on('data', (chunk: Buffer) => this.#logged.push(chunk.toString('utf8')))
    this.#processes.add(child)
    const isReady = async (): Promise<boolean> => {
      const response = await fetch(`http://${this.placeOf(n).probes}/readyz`).catch(() => undefined)
      return response?.ok === true
    }
    await until(isReady, 'the process is ready', 30_000)
    return child
  }

  /** Ends a process as a power cut would. */
  async kill(child: ChildProcess): Promise<void> {
    this.#processes.delete(child)
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** Zn of replica `n`, with a certificate of the test's choice. */
  async zn(n: number, leaf = 'ap'): Promise<ZnServiceClient> {
    return await this.#client(ZnServiceClient, { target: this.placeOf(n).grpc, role: 'bsf', leaf })
  }

  async admin(): Promise<SubscriberAdminServiceClient> {
    const target = `${this.#address}:17001`
    return await this.#client(SubscriberAdminServiceClient, { target, role: 'hss', leaf: 'operator' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    for (const child of [...this.#processes]) await this.kill(child)
    for (const service of this.#services.reverse()) await service.stop()
    await this.store.stop()
  }

  async #startHss(): Promise<void> {
    const target = `${this.#address}:17001`
    const env = {
      ...this.#shared('hss', target, `${this.#address}:17101`),
      ROLLCALL_HSS_SEALING_KEYS_FILE: this.#keys.hss,
    }
    const config = loadConfig({ service: 'hss', shape: { ...sharedShape, ...hssShape }, env })
    const service = await HssService.create(config, await this.#runtime('hss'))
    this.#services.push(service)
    await service.start()
    await until(() => service.ready().ready, 'the HSS is ready')
    const admin = await this.admin()
    await callUnary(admin.addSubscriber.bind(admin), { subscriber: alice() })
  }

  #shared(role: 'hss' | 'bsf', grpc: string, probes: string): Record<string, string> {
    const { certFile, keyFile, caFile } = this.store.tlsFor(role)
    return {
      ROLLCALL_REALM: REALM,
      ROLLCALL_NATS_URL: this.store.url,
      ROLLCALL_TLS_CERT_FILE: certFile,
      ROLLCALL_TLS_KEY_FILE: keyFile,
      ROLLCALL_TLS_CA_FILE: caFile,
      ROLLCALL_GRPC_LISTEN: grpc,
      ROLLCALL_PROBE_LISTEN: probes,
      ROLLCALL_LOG_LEVEL: 'trace',
    }
  }

  async #client<C extends Client>(
    Class: ClientClass<C>,
    o: { readonly target: string; readonly role: 'hss' | 'bsf'; readonly leaf: string },
  ): Promise<C> {
    const client = createGrpcClient(Class, { ...o, identity: await this.#identity(o.leaf) })
    this.#clients.push(client)
    return client
  }

  async #identity(leaf: string): Promise<TlsIdentity> {
    return await TlsIdentity.load({ ...this.store.tlsFor(leaf), trustDomain: this.store.trustDomain })
  }

  async #runtime(service: string): Promise<Runtime> {
    return createRuntime({
      service,
      identity: await this.#identity(service),
      logLevel: 'trace',
      logDestination: { write: (line) => this.#logged.push(line) },
    })
  }
}

function alice() {
  const { k, opc } = KEYS
  const keys = { k: k.reveal(), opc: opc.reveal(), topc: Buffer.alloc(0) }
  return {
    subscriptionId: 'alice',
    privateIdentities: [
      { impi: IMPI, algorithm: Algorithm.ALGORITHM_MILENAGE, ...keys, amf: Buffer.alloc(0), sqn: 0n },
    ],
    serviceProfile: {
      publicIdentities: [{ identity: ALICE, barringIndication: false }],
      initialFilterCriteria: [],
      canonicalImpu: ALICE,
    },
    presencePolicy: { defaultAllow: false, allow: [], block: [] },
  }
}

/** Waits until `holds`, looking again and again. */
async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
