import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Secret, systemClock, systemRandom } from '@rollcall/core'
import { NatsServerKeyError, startTestStore, type TestStore } from '@rollcall/dev-env'
import { StreamMismatchError, StreamMissingError } from '../errors.ts'
import { KeyValue } from '../kv/key-value.ts'
import { HSS_BUCKET, type StoreShape, storeAdminRole } from '../layout.ts'
import { createNatsKey, NATS_KEY_VARIABLE } from '../nats/nats-key.ts'
import { Replicas } from '../replicas/replicas.ts'
import { connectTo, openLogs, payloadsOf } from '../testing/store-client.ts'
import { checkDataFolder } from './data-folder.ts'
import {
  FirstInstallationError,
  InvalidNatsKeyError,
  LedgerBrokenError,
  LedgerMissingError,
  NatsKeyMismatchError,
  StreamLostError,
  StreamUnreadableError,
} from './errors.ts'
import { type InitStoreOptions, initStore } from './init-store.ts'
import { ledgerFileOf } from './ledger.ts'

const SERVICES = ['presence', 'hss'] as const

async function withStore(
  address: string,
  act: (store: TestStore) => Promise<void>,
  o: { isWrongKeyKept?: boolean } = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-init-'))
  const store = await startTestStore({ address, services: SERVICES, folder, ...o })
  try {
    await act(store)
  } finally {
    await store.stop()
    await rm(folder, { recursive: true })
  }
}

async function init(
  store: TestStore,
  o: { data?: InitStoreOptions['data']; shape?: StoreShape; encryptionKey?: Secret } = {},
) {
  const { storeDir } = store
  return await initStore({
    url: store.url,
    clock: systemClock,
    adminTlsOf: (service) => store.tlsFor(storeAdminRole(service)),
    services: SERVICES,
    streamBytesMax: 16 * 1024 * 1024,
    data: o.data ?? { storeDir, encryptionKey: o.encryptionKey ?? store.encryptionKey },
    ...(o.shape && { shape: o.shape }),
  })
}

async function write(store: TestStore): Promise<void> {
  await using connection = await connectTo(store, 'presence')
  const owned = await (await openLogs(connection)).take(0, () => {})
  await owned.append(Buffer.from('kept'))
  await owned.release()
}

async function read(store: TestStore): Promise<string[]> {
  await using connection = await connectTo(store, 'presence')
  return await payloadsOf(await openLogs(connection), 0)
}

async function assertServicesRefuse(store: TestStore): Promise<void> {
  await using presence = await connectTo(store, 'presence')
  await assert.rejects(openLogs(presence), (error) => {
    assert.ok(error instanceof StreamMissingError)
    assert.match(error.message, /encryption key|emptied/)
    return true
  })
  await using hss = await connectTo(store, 'hss')
  await assert.rejects(KeyValue.open({ connection: hss, bucket: HSS_BUCKET }), StreamMissingError)
}

function keyText(key: Secret): string {
  return key.reveal().toString('latin1')
}

test('init makes what is missing, once; again it makes nothing and harms nothing', async () => {
  await withStore('127.1.3.21', async (store) => {
    await write(store)
    const logs = ['presence_log_0', 'presence_log_1', 'presence_log_2', 'presence_log_3']
    const streams = ['KV_hss', 'presence_lease', ...logs]
    const { created, present } = await init(store)
    assert.deepEqual(created, [])
    assert.deepEqual(present.sort(), streams)
    assert.deepEqual(await read(store), ['kept'])
    const ledger = JSON.parse(await readFile(ledgerFileOf(store.storeDir), 'utf8'))
    assert.deepEqual(ledger.streams, streams)
    assert.ok(!JSON.stringify(ledger).includes(keyText(store.encryptionKey)))
  })
})

test('with a wrong key services refuse by name, init refuses, nothing is made again, and the right key brings all back', async () => {
  await withStore(
    '127.1.3.22',
    async (store) => {
      await write(store)
      const wrong = createNatsKey(systemRandom)
      await store.server.restart({ [NATS_KEY_VARIABLE]: keyText(wrong) })
      assert.ok(store.server.hasWrongKey)
      await assertServicesRefuse(store)
      await assert.rejects(init(store, { encryptionKey: wrong }), NatsKeyMismatchError)
      await assert.rejects(init(store), StreamUnreadableError)
      await assert.rejects(
        initStore({
          url: store.url,
          clock: systemClock,
          services: SERVICES,
          adminTlsOf: (service) => store.tlsFor(storeAdminRole(service)),
        }),
        FirstInstallationError,
      )
      await assertServicesRefuse(store)
      await store.server.restart({ [NATS_KEY_VARIABLE]: keyText(store.encryptionKey) })
      assert.deepEqual(await read(store), ['kept'])
    },
    { isWrongKeyKept: true },
  )
})

test('a nats-server that cannot decrypt its data is stopped; with the right key all is there', async () => {
  await withStore('127.1.3.23', async (store) => {
    await write(store)
    const before = await filesOf(store.storeDir)
    const wrong = createNatsKey(systemRandom)
    await assert.rejects(store.server.restart({ [NATS_KEY_VARIABLE]: keyText(wrong) }), NatsServerKeyError)
    assert.equal(store.server.isRunning, false)
    assert.deepEqual(
      (await filesOf(store.storeDir)).filter((file) => /\.blk$/.test(file)),
      before.filter((file) => /\.blk$/.test(file)),
    )
    await store.server.start({ [NATS_KEY_VARIABLE]: keyText(store.encryptionKey) })
    assert.deepEqual(await read(store), ['kept'])
  })
})

test('an emptied data folder: services refuse, init refuses, and the data put back is served again', async () => {
  await withStore('127.1.3.24', async (store) => {
    await write(store)
    await store.server.stop()
    await rename(store.storeDir, `${store.storeDir}.away`)
    await store.server.start()
    await assertServicesRefuse(store)
    await assert.rejects(init(store), StreamLostError)
    await assertServicesRefuse(store)
    await store.server.stop()
    await rm(store.storeDir, { recursive: true, force: true })
    await rename(`${store.storeDir}.away`, store.storeDir)
    await store.server.start()
    assert.deepEqual(await read(store), ['kept'])
  })
})

test('data without its ledger, a broken ledger, and a key in the wrong form are refused before anything starts', async () => {
  await withStore('127.1.3.25', async (store) => {
    const { storeDir, encryptionKey } = store
    const ledger = ledgerFileOf(storeDir)
    await checkDataFolder({ storeDir, encryptionKey })
    await assert.rejects(
      checkDataFolder({ storeDir, encryptionKey: createNatsKey(systemRandom) }),
      NatsKeyMismatchError,
    )
    const short = new Secret(Buffer.from('k1'))
    await assert.rejects(checkDataFolder({ storeDir, encryptionKey: short }), InvalidNatsKeyError)
    await writeFile(ledger, '{}')
    await assert.rejects(checkDataFolder({ storeDir, encryptionKey }), LedgerBrokenError)
    await rm(ledger)
    await assert.rejects(checkDataFolder({ storeDir, encryptionKey }), LedgerMissingError)
    await assert.rejects(init(store), LedgerMissingError)
  })
})

test('where the data folder cannot be seen, missing streams need a word that this is the first installation', async () => {
  await withStore('127.1.3.26', async (store) => {
    await store.server.stop()
    await rm(store.storeDir, { recursive: true })
    await store.server.start()
    const unseen = { url: store.url, clock: systemClock, services: SERVICES, streamBytesMax: 16 * 1024 * 1024 }
    const adminTlsOf: InitStoreOptions['adminTlsOf'] = (service) => store.tlsFor(storeAdminRole(service))
    await assert.rejects(initStore({ ...unseen, adminTlsOf }), FirstInstallationError)
    await assertServicesRefuse(store)
    const { created } = await initStore({ ...unseen, adminTlsOf, data: 'first-installation' })
    assert.equal(created.length, 6)
    assert.deepEqual((await initStore({ ...unseen, adminTlsOf })).created, [])
    await write(store)
  })
})

/** The store as a release without leases left it: no lease stream, on disk or in the ledger. */
async function forgetLeases(store: TestStore): Promise<void> {
  await store.server.stop()
  await rm(join(store.storeDir, 'jetstream', 'PRESENCE', 'streams', 'presence_lease'), { recursive: true })
  const file = ledgerFileOf(store.storeDir)
  const ledger = JSON.parse(await readFile(file, 'utf8'))
  const streams = ledger.streams.filter((name: string) => name !== 'presence_lease')
  await writeFile(file, JSON.stringify({ ...ledger, streams }))
  await store.server.start()
}

test('an installation of before leases gets its lease stream, and nothing else, without a word of first installation', async () => {
  await withStore('127.1.3.28', async (store) => {
    await write(store)
    await forgetLeases(store)
    await using connection = await connectTo(store, 'presence')
    const joining = {
      connection,
      service: 'presence',
      realm: 'r',
      replica: 'a',
      target: 'a:1',
      partitions: 16,
    } as const
    const take = () => Promise.reject(new Error('nothing to take'))
    await assert.rejects(
      Replicas.join({ ...joining, clock: systemClock, random: systemRandom, take }),
      StreamMissingError,
    )
    assert.deepEqual((await init(store)).created, ['presence_lease'])
    assert.deepEqual(await read(store), ['kept'])
    await forgetLeases(store)
    const adminTlsOf: InitStoreOptions['adminTlsOf'] = (service) => store.tlsFor(storeAdminRole(service))
    const unseen = await initStore({ url: store.url, clock: systemClock, services: SERVICES, adminTlsOf })
    assert.deepEqual(unseen.created, ['presence_lease'])
    assert.deepEqual(await read(store), ['kept'])
  })
})

test('streams that were cut otherwise are refused, and never changed', async () => {
  await withStore('127.1.3.27', async (store) => {
    await assert.rejects(init(store, { shape: { partitions: 32, shards: 4 } }), StreamMismatchError)
    await write(store)
  })
})

async function filesOf(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}
