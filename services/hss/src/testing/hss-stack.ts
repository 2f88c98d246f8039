import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Client } from '@grpc/grpc-js'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { issueLeaf } from '@rollcall/pki'
import { SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { CxServiceClient } from '@rollcall/proto-gen/cx'
import { DigestCredentialsServiceClient } from '@rollcall/proto-gen/digest'
import { ShServiceClient } from '@rollcall/proto-gen/sh'
import { ZhServiceClient } from '@rollcall/proto-gen/zh'
import { createGrpcClient, createRuntime, loadConfig, type Runtime, sharedShape, TlsIdentity } from '@rollcall/runtime'
import { HssService, hssShape } from '../service.ts'
import { REALM } from '../subscribers/testing/fixtures.ts'

type ClientClass<C extends Client> = Parameters<typeof createGrpcClient<C>>[0]

/** An HSS on a real nats-server, with real certificates, in this process or in one of its own. */
export class HssStack implements AsyncDisposable {
  readonly store: TestStore
  service: HssService | undefined
  runtime: Runtime | undefined
  readonly #address: string
  readonly #sealingKeysFile: string
  readonly #logged: string[] = []
  readonly #clients: Client[] = []
  #process: ChildProcess | undefined

  readonly #env: Readonly<Record<string, string>>

  private constructor(
    store: TestStore,
    address: string,
    sealingKeysFile: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.store = store
    this.#address = address
    this.#env = env
    this.#sealingKeysFile = sealingKeysFile
  }

  static async start(
    address: string,
    options: { readonly isProcess?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<HssStack> {
    const store = await startTestStore({ address, services: ['hss'] })
    const stack = new HssStack(store, address, await store.sealingKeysFile('hss'), options.env ?? {})
    try {
      for (const role of ['operator', 'scscf', 'presence', 'pcscf', 'bsf', 'ap']) {
        const leaf = { name: role, role, dnsNames: [] }
        await issueLeaf({ folder: store.pkiFolder, trustDomain: store.trustDomain, leaf })
      }
      if (options.isProcess) await stack.startProcess()
      else await stack.startService()
      return stack
    } catch (error) {
      await stack[Symbol.asyncDispose]()
      throw error
    }
  }

  get environment(): Record<string, string> {
    const { certFile, keyFile, caFile } = this.store.tlsFor('hss')
    return {
      ROLLCALL_REALM: REALM,
      ROLLCALL_NATS_URL: this.store.url,
      ROLLCALL_TLS_CERT_FILE: certFile,
      ROLLCALL_TLS_KEY_FILE: keyFile,
      ROLLCALL_TLS_CA_FILE: caFile,
      ROLLCALL_GRPC_LISTEN: this.target,
      ROLLCALL_PROBE_LISTEN: `${this.#address}:17101`,
      ROLLCALL_HSS_SEALING_KEYS_FILE: this.#sealingKeysFile,
      ROLLCALL_LOG_LEVEL: 'trace',
      ...this.#env,
    }
  }

  get target(): string {
    return `${this.#address}:17001`
  }

  /** Everything that was logged. */
  get log(): string {
    return this.#logged.join('')
  }

  async startService(options: { readonly isReadyAwaited?: boolean } = {}): Promise<void> {
    const config = loadConfig({ service: 'hss', shape: { ...sharedShape, ...hssShape }, env: this.environment })
    this.runtime = createRuntime({
      service: 'hss',
      identity: await this.identity('hss'),
      logLevel: 'trace',
      logDestination: { write: (line) => this.#logged.push(line) },
    })
    const service = await HssService.create(config, this.runtime)
    this.service = service
    await service.start()
    if (options.isReadyAwaited ?? true) await until(() => service.ready().ready, 'the HSS is ready')
  }

  async stopService(): Promise<void> {
    await this.service?.stop()
    this.service = undefined
  }

  async startProcess(): Promise<void> {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout.on('data', (chunk: Buffer) => this.#logged.push(chunk.toString('utf8')))
    this.#process = child
    await until(() => this.isProcessReady(), 'the process is ready', 30_000)
  }

  async isProcessReady(): Promise<boolean> {
    const response = await fetch(`http://${this.#address}:17101/readyz`).catch(() => undefined)
    return response?.ok === true
  }

  /** Ends the process, as a power cut would unless told otherwise, and gives its exit code. */
  async killProcess(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#process
    if (!child) return null
    this.#process = undefined
    const exit = once(child, 'exit')
    child.kill(signal)
    const [code] = await exit
    return code as number | null
  }

  /** A client with the certificate of `role`. */
  async client<C extends Client>(Class: ClientClass<C>, role: string): Promise<C> {
    const client = createGrpcClient(Class, { target: this.target, role: 'hss', identity: await this.identity(role) })
    this.#clients.push(client)
    return client
  }

  async admin(): Promise<SubscriberAdminServiceClient> {
    return await this.client(SubscriberAdminServiceClient, 'operator')
  }

  async cx(): Promise<CxServiceClient> {
    return await this.client(CxServiceClient, 'scscf')
  }

  async sh(): Promise<ShServiceClient> {
    return await this.client(ShServiceClient, 'presence')
  }

  async zh(role = 'bsf'): Promise<ZhServiceClient> {
    return await this.client(ZhServiceClient, role)
  }

  async digest(role = 'ap'): Promise<DigestCredentialsServiceClient> {
    return await this.client(DigestCredentialsServiceClient, role)
  }

  async identity(role: string): Promise<TlsIdentity> {
    return await TlsIdentity.load({ ...this.store.tlsFor(role), trustDomain: this.store.trustDomain })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.killProcess()
    await this.stopService()
    await this.store.stop()
  }
}

/** Waits until `holds`, looking again and again. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
