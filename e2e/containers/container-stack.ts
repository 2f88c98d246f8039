import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { MOUNTED_FILES } from '@rollcall/deploy/local/mounted-files.ts'
import type { OperatedStack } from '@rollcall/deploy/local/operator.ts'
import {
  grpcPort,
  probePort,
  type ReplicatedService,
  SERVICES,
  type ServiceName,
} from '@rollcall/deploy/local/processes.ts'
import { PUBLIC_LEAVES, TRUST_DOMAIN, UA_PORT, UB_PORT } from '@rollcall/deploy/local/service-environment.ts'
import { serviceSettings, xcapHostOf } from '@rollcall/deploy/local/service-settings.ts'
import { LocalStack } from '@rollcall/deploy/local/stack.ts'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import { TlsIdentity } from '@rollcall/runtime'
import { NATS_SERVER_ROLE, STORE_SERVICES, storeAdminRole } from '@rollcall/store'
import type { UtPlaces } from '@rollcall/ue'
import { type ContainerRuntimeClient, getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers'
import { REALM } from '../support/network.ts'
import { Bridge } from './bridge.ts'
import {
  addressIn,
  containerPlaces,
  countOf,
  NATS_FOLDER,
  NATS_PORT,
  NATS_SETTINGS,
  podName,
} from './container-places.ts'
import { Images } from './images.ts'
import { adminMount, give, type MountedFiles, prepareMount, publicTlsMount, tlsMount } from './mounts.ts'
import { type ContainerOptions, ServiceContainer } from './service-container.ts'
import { folderOf, newPrefix, sweep } from './sweep.ts'

const READY_MS_MAX = 60_000
/** Of what a container said before it failed. */
const LOG_LETTERS_MAX = 4_000

export interface ContainerStackOptions {
  /** Settings beside those of `serviceSettings`, for all services. Each reads its own. */
  readonly settings: Readonly<Record<string, string>>
  /** Port of a trace receiver on the bridge's gateway address. */
  readonly otlpPort?: number
}

/** A whole Rollcall, a container each: built from this checkout, on a network of its own. */
export class ContainerStack implements AsyncDisposable, OperatedStack {
  readonly data: DataFolder
  readonly bridge: Bridge
  readonly images: Images
  readonly #client: ContainerRuntimeClient
  readonly #prefix: string
  readonly #options: ContainerStackOptions
  readonly #containers = new Map<string, StartedTestContainer>()
  readonly #opened: AsyncDisposableStack

  private constructor(o: {
    client: ContainerRuntimeClient
    prefix: string
    data: DataFolder
    bridge: Bridge
    images: Images
    options: ContainerStackOptions
    opened: AsyncDisposableStack
  }) {
    this.#client = o.client
    this.#prefix = o.prefix
    this.data = o.data
    this.bridge = o.bridge
    this.images = o.images
    this.#options = o.options
    this.#opened = o.opened
  }

  /** Builds the images and makes the network; starts nothing yet. */
  static async create(options: ContainerStackOptions): Promise<ContainerStack> {
    const prefix = process.env.ROLLCALL_E2E_PREFIX ?? newPrefix()
    const client = await getContainerRuntimeClient()
    await using opened = new AsyncDisposableStack()
    opened.defer(async () => await sweep(client, prefix))
    const data = new DataFolder(folderOf(prefix))
    await data.prepare()
    const images = await Images.build(client, prefix)
    const bridge = await Bridge.create(client, prefix)
    await LocalStack.createTrustDomain({ data, realm: REALM, address: bridge.address(2) })
    return new ContainerStack({ client, prefix, data, bridge, images, options, opened: opened.move() })
  }

  /** NATS, then its streams, then the services, each until it is ready. */
  async start(): Promise<void> {
    await this.#startNats()
    await this.#initStore()
    await Promise.all(
      SERVICES.flatMap((service) =>
        Array.from({ length: countOf(service) }, async (_, ordinal) => await this.#startService(service, ordinal)),
      ),
    )
    await this.ready()
  }

  /** Waits until every service says that it is ready. */
  async ready(): Promise<void> {
    await Promise.all(this.services.map(async (name) => await this.#untilReady(name)))
  }

  /** Names of all containers that stay, `nats` and `presence-0` among them. */
  get names(): readonly string[] {
    return [...this.#containers.keys()]
  }

  /** Names of the containers of services. */
  get services(): readonly string[] {
    return SERVICES.flatMap((service) =>
      Array.from({ length: countOf(service) }, (_, ordinal) => podName(service, ordinal)),
    )
  }

  /** Where UEs find Ut, as their credentials say it. */
  get ut(): UtPlaces {
    return {
      bsf: `http://${this.addressOf('bsf')}:${UB_PORT}`,
      xcapRoot: `https://${xcapHostOf(REALM)}/`,
      ap: { address: this.addressOf('ap'), port: UA_PORT },
      caFile: leafFiles(this.data.pki, PUBLIC_LEAVES.ap).caFile,
    }
  }

  addressOf(name: string): string {
    return addressIn(this.bridge, name)
  }

  grpcTarget(service: ServiceName, ordinal = 0): string {
    return `${this.addressOf(podName(service, ordinal))}:${grpcPort(service, 0)}`
  }

  replicas(service: ReplicatedService): readonly string[] {
    return Array.from({ length: countOf(service) }, (_, ordinal) => podName(service, ordinal))
  }

  /** `host:port` of `/livez`, `/readyz` and `/metrics`. */
  probe(name: string): string {
    const service = SERVICES.find((one) => name === one || name.startsWith(`${one}-`))
    if (!service) throw new Error(`assertion failed: ${name} is no service`)
    return `${this.addressOf(name)}:${probePort(service, 0)}`
  }

  async identity(role: string): Promise<TlsIdentity> {
    return await TlsIdentity.load({ ...leafFiles(this.data.pki, role), trustDomain: TRUST_DOMAIN })
  }

  /** What Docker says of a container. */
  async inspect(name: string) {
    return await this.#client.container.inspect(this.#container(name))
  }

  /** Evaluates an expression in the container's own Node, and gives what it prints. */
  async run(name: string, expression: string): Promise<string> {
    const { output, exitCode } = await this.#client.container.exec(this.#container(name), ['node', '-p', expression])
    if (exitCode !== 0) throw new Error(`node -p ${expression} in ${name}: ${output}`)
    return output.trim()
  }

  /** `docker kill -s KILL`. */
  async kill(name: string): Promise<void> {
    await this.#container(name).kill({ signal: 'SIGKILL' })
  }

  /** `docker start`: the same container, with the same address and the same data. */
  async startAgain(name: string): Promise<void> {
    await this.#client.container.start(this.#container(name))
  }

  /** All that a container has written so far. */
  async logs(name: string): Promise<Buffer> {
    return await this.#container(name).logs({ stdout: true, stderr: true, follow: false })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }

  async #startNats(): Promise<void> {
    const { data } = this
    await mkdir(data.nats, { recursive: true })
    await give(data.nats)
    const files = { ...tlsMount(leafFiles(data.pki, NATS_SERVER_ROLE)), [MOUNTED_FILES.natsKeyFile]: data.natsKeyFile }
    await this.#start('nats', files, {
      image: this.images.nameOf('nats'),
      aliases: ['nats'],
      environment: NATS_SETTINGS,
      mounts: [{ source: data.nats, target: NATS_FOLDER, isWritable: true }],
    })
  }

  /** `rollcall store init` in a container that ends. */
  async #initStore(): Promise<void> {
    const { data } = this
    const leaves = STORE_SERVICES.map((service) => leafFiles(data.pki, storeAdminRole(service)))
    const files = adminMount('storeadmin', [...new Set(leaves.flatMap((leaf) => Object.values(leaf)))])
    const mount = join(data.path, 'mounts', 'store-init')
    await prepareMount(mount, files)
    const container = new ServiceContainer({
      image: this.images.nameOf('cli'),
      name: `${this.#prefix}-store-init`,
      network: this.bridge.name,
      address: this.addressOf('store-init'),
      aliases: [],
      environment: {},
      mounts: [{ source: mount, target: '/etc/rollcall' }],
      command: [
        ...['store', 'init', '--first-installation', '--url', `tls://nats:${NATS_PORT}`],
        ...['--tls-dir', '/etc/rollcall/storeadmin'],
      ],
    })
    await (await withItsLog(container.untilEnded())).stop()
  }

  async #startService(service: ServiceName, ordinal: number): Promise<void> {
    const { data } = this
    const name = podName(service, ordinal)
    const files = {
      ...tlsMount(await this.#certificateOf(name, service)),
      [MOUNTED_FILES.identityHashKeyFile]: data.identityHashKeyFile,
      ...((service === 'hss' || service === 'pcscf' || service === 'bsf') && {
        [MOUNTED_FILES.sealingKeysFile]: data.sealingKeysFile(service),
      }),
      ...((service === 'bsf' || service === 'ap') && publicTlsMount(leafFiles(data.pki, PUBLIC_LEAVES[service]))),
    }
    await this.#start(name, files, {
      image: this.images.nameOf(service),
      aliases: [name],
      environment: {
        ...serviceSettings(service, ordinal, containerPlaces(this.bridge, this.#options.otlpPort)),
        ...this.#options.settings,
      },
      mounts: [],
    })
  }

  /** One for each container, by the same authority as everybody's. */
  async #certificateOf(name: string, role: ServiceName) {
    const leaf = {
      name: `pod-${name}`,
      role,
      dnsNames: [name, `${role}.${TRUST_DOMAIN}`, ...(role === 'ap' ? [xcapHostOf(REALM)] : [])],
      ipAddresses: [this.addressOf(name)],
    }
    await createTrustDomain({ folder: this.data.pki, trustDomain: TRUST_DOMAIN, leaves: [leaf] })
    return leafFiles(this.data.pki, leaf.name)
  }

  async #start(
    name: string,
    files: MountedFiles,
    o: Pick<ContainerOptions, 'image' | 'aliases' | 'environment' | 'mounts'>,
  ): Promise<void> {
    const mount = join(this.data.path, 'mounts', name)
    await prepareMount(mount, files)
    const container = new ServiceContainer({
      ...o,
      name: `${this.#prefix}-${name}`,
      network: this.bridge.name,
      address: this.addressOf(name),
      mounts: [{ source: mount, target: '/etc/rollcall' }, ...o.mounts],
    })
    this.#containers.set(name, await withItsLog(container.untilHealthy()))
  }

  #container(name: string) {
    const container = this.#containers.get(name)
    if (!container) throw new Error(`assertion failed: no container ${name}`)
    return this.#client.container.getById(container.getId())
  }

  async #untilReady(name: string): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      const answer = await fetch(`http://${this.probe(name)}/readyz`, { signal: AbortSignal.timeout(2_000) })
      return answer.ok
    }
    await waitUntil(`${name} is ready`, async () => await isReady().catch(() => false), READY_MS_MAX)
  }
}

/** Starts it. @throws Error with the end of what it said */
async function withItsLog(container: ServiceContainer): Promise<StartedTestContainer> {
  let said = ''
  container.withLogConsumer((stream) => {
    stream.on('data', (chunk: Buffer | string) => {
      said = `${said}${chunk}`.slice(-LOG_LETTERS_MAX)
    })
  })
  try {
    return await container.start()
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}; it said:\n${said}`, { cause: error })
  }
}
