import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Secret, systemClock, systemRandom } from '@rollcall/core'
import { leafFiles } from '@rollcall/pki'
import {
  createSealingKeys,
  type Durability,
  initStore,
  NATS_KEY_VARIABLE,
  NATS_SERVER_ROLE,
  renderNatsConfig,
  STORE_SERVICES,
  type StoreService,
  type StoreTls,
  storeAdminRole,
} from '@rollcall/store'
import { type NatsServerProcess, startNatsServer } from './nats-server-process.ts'
import { obtainNatsServer } from './obtain-nats-server.ts'
import { writePrivateFile } from './private-file.ts'
import {
  createTestTrustDomain,
  FILE_STORE_BYTES,
  obtainEncryptionKey,
  PORT,
  pkiFolderOf,
  STREAM_BYTES,
  storeDirOf,
  TRUST_DOMAIN,
} from './test-domain.ts'

export interface TestStoreOptions {
  /** Loopback address; each stack of tests has its own. */
  readonly address: string
  readonly port?: number
  /** Services to make accounts, certificates and streams for; all of them by default. */
  readonly services?: readonly StoreService[]
  /** Kept when given, else a temporary one that `stop` removes. */
  readonly folder?: string
  readonly durability?: Durability
  readonly streamBytesMax?: number
  /** Makes no streams: a store to restore into. */
  readonly isRestoring?: boolean
  /** See `NatsServerOptions`. */
  readonly isWrongKeyKept?: boolean
  /** Changes the rendered configuration, for tests of what another one would allow. */
  readonly editConfig?: (configText: string) => string
}

/** A trust domain, a nats-server with TLS, accounts and encryption, and the streams of the store. */
export class TestStore implements AsyncDisposable {
  readonly url: string
  readonly folder: string
  readonly trustDomain = TRUST_DOMAIN
  readonly server: NatsServerProcess
  readonly encryptionKey: Secret
  readonly #isFolderOurs: boolean

  constructor(o: {
    url: string
    folder: string
    server: NatsServerProcess
    encryptionKey: Secret
    isFolderOurs: boolean
  }) {
    this.url = o.url
    this.folder = o.folder
    this.server = o.server
    this.encryptionKey = o.encryptionKey
    this.#isFolderOurs = o.isFolderOurs
  }

  /** JetStream's data. */
  get storeDir(): string {
    return storeDirOf(this.folder)
  }

  /** Where `ca.crt`, `ca.key` and the leaves lie. */
  get pkiFolder(): string {
    return pkiFolderOf(this.folder)
  }

  /** Certificate of a service, or of another role that there is one for, such as `storeAdminRole('hss')`. */
  tlsFor(role: string): StoreTls {
    return leafFiles(this.pkiFolder, role)
  }

  /** Writes a file with a fresh sealing key for a service, once, and gives its path. */
  async sealingKeysFile(service: string): Promise<string> {
    const file = join(this.folder, `${service}-sealing-keys.json`)
    await writePrivateFile(file, createSealingKeys(systemRandom))
    return file
  }

  async stop(): Promise<void> {
    await this.server.stop()
    if (this.#isFolderOurs) await rm(this.folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Starts a store for tests, on the data that `folder` holds if it does. */
export async function startTestStore(o: TestStoreOptions): Promise<TestStore> {
  const folder = o.folder ?? (await mkdtemp(join(tmpdir(), 'rollcall-store-')))
  const port = o.port ?? PORT
  const services = o.services ?? STORE_SERVICES
  const url = `tls://${o.address}:${port}`
  await createTestTrustDomain(folder, [o.address], services)
  const encryptionKey = await obtainEncryptionKey(folder)
  const { path } = await obtainNatsServer()
  const config = renderNatsConfig({
    serverName: 'rollcall-test',
    address: o.address,
    port,
    storeDir: storeDirOf(folder),
    fileStoreBytesMax: FILE_STORE_BYTES,
    tls: leafFiles(pkiFolderOf(folder), NATS_SERVER_ROLE),
    trustDomain: TRUST_DOMAIN,
    services,
    ...(o.durability && { durability: o.durability }),
    ...(o.isRestoring && { isRestoring: true }),
  })
  const server = await startNatsServer({
    binary: path,
    folder: join(folder, 'nats'),
    address: o.address,
    port,
    configText: o.editConfig ? o.editConfig(config) : config,
    env: { [NATS_KEY_VARIABLE]: encryptionKey.reveal().toString('latin1') },
    log: join(folder, 'nats', 'nats-server.log'),
    ...(o.isWrongKeyKept && { isWrongKeyKept: true }),
  })
  const store = new TestStore({ url, folder, server, encryptionKey, isFolderOurs: o.folder === undefined })
  if (o.isRestoring) return store
  try {
    await initStore({
      url,
      clock: systemClock,
      adminTlsOf: (service) => store.tlsFor(storeAdminRole(service)),
      services,
      data: { storeDir: store.storeDir, encryptionKey },
      streamBytesMax: o.streamBytesMax ?? STREAM_BYTES,
    })
    return store
  } catch (error) {
    await store.stop()
    throw error
  }
}
