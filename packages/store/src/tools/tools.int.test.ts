import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Secret, systemClock, systemRandom } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { connectStore } from '../connection.ts'
import { StoreDeniedError } from '../errors.ts'
import { lastMessage, publish, purge, streamInfo } from '../jetstream-api.ts'
import { KeyValue } from '../kv/key-value.ts'
import { HSS_BUCKET, type StoreService, storeAdminRole, storeBackupRole } from '../layout.ts'
import { KeyedOwner } from '../testing/keyed-owner.ts'
import { connectTo, openLogs, REALM, until } from '../testing/store-client.ts'
import { backupStore } from './backup-store.ts'
import { BackupExistsError, BackupFileError, StoreBrokenError, StoreNotEmptyError } from './errors.ts'
import { type RestoreOptions, restoreStore } from './restore-store.ts'
import { connectReader, verifyStore } from './verify-store.ts'

const SERVICES = ['presence', 'hss', 'pcscf'] as const
const root = await mkdtemp(join(tmpdir(), 'rollcall-tools-'))
after(() => rm(root, { recursive: true }))
const store = await startTestStore({ address: '127.1.3.49', services: SERVICES })
after(() => store.stop())
const key = new Secret(systemRandom.bytes(32))

const readOptions = (of: TestStore) => ({
  url: of.url,
  clock: systemClock,
  services: SERVICES,
  backupTlsOf: (service: StoreService) => of.tlsFor(storeBackupRole(service)),
})
const backup = (file: string) => backupStore({ ...readOptions(store), file, key, random: systemRandom })
const restoreOptions = (of: TestStore, file: string): RestoreOptions => ({
  ...readOptions(of),
  adminTlsOf: (service) => of.tlsFor(storeAdminRole(service)),
  data: { storeDir: of.storeDir, encryptionKey: of.encryptionKey },
  streamBytesMax: 64 * 1024 * 1024,
  file,
  key,
})

/** What a load of everything gives. */
async function contentOf(of: TestStore): Promise<unknown> {
  await using presence = await connectTo(of, 'presence')
  await using pcscf = await connectTo(of, 'pcscf')
  await using hss = await connectTo(of, 'hss')
  const partitions: Record<string, Map<string, number>> = {}
  const presenceLogs = await openLogs(presence)
  for (const partition of [0, 1, 2, 5]) {
    const owner = await KeyedOwner.take(presenceLogs, partition)
    partitions[partition] = owner.state
    await owner.owned.release()
  }
  const pod = await KeyedOwner.take(await openLogs(pcscf, { service: 'pcscf' }), 'pcscf-0')
  await pod.owned.release()
  const bucket = await KeyValue.open({ connection: hss, bucket: HSS_BUCKET })
  const entries: Record<string, string | undefined> = {}
  for await (const name of bucket.keys('sqn')) entries[name] = (await bucket.get(name))?.value.toString()
  return { partitions, pod: pod.state, entries }
}

async function fill(): Promise<void> {
  await using presence = await connectTo(store, 'presence')
  await using pcscf = await connectTo(store, 'pcscf')
  await using hss = await connectTo(store, 'hss')
  const logs = await openLogs(presence)
  // 0: a log of two owners. 1: a snapshot and a tail. 2: a snapshot, a tail, another owner and its tail. 5: taken and empty.
  for (const partition of [0, 1, 2, 0, 2]) {
    const owner = await KeyedOwner.take(logs, partition, { octets: 20_000 })
    for (let n = 0; n < 40; n += 1) await owner.countUp(`k${n % 20}`)
    if (partition > 0 && owner.state.get('k0') === 2) await owner.owned.snapshot(owner.records())
    for (let n = 0; n < 5; n += 1) await owner.countUp(`t${n}`)
    await owner.owned.release()
  }
  await (await logs.take(5, () => {})).release()
  const pod = await KeyedOwner.take(await openLogs(pcscf, { service: 'pcscf' }), 'pcscf-0')
  await pod.countUp('contact')
  await pod.owned.release()
  const bucket = await KeyValue.open({ connection: hss, bucket: HSS_BUCKET })
  for (let n = 0; n < 20; n += 1) {
    let revision = await bucket.create(`sqn.${n}`, Buffer.from('0'))
    for (let block = 1; block <= n; block += 1)
      revision = await bucket.update(`sqn.${n}`, Buffer.from(String(block * 32)), revision)
    if (n === 7) await bucket.delete(`sqn.${n}`, revision)
  }
}

await fill()

test('a whole store is verified whole: every log, every snapshot, every bucket', async () => {
  const { contents, problems } = await verifyStore(readOptions(store))
  assert.deepEqual(problems, [])
  const names = contents.map(({ name }) => name.replace(/\.[^.]+\.log\./, '.log.'))
  const logs = [0, 1, 2, 5].map((partition) => `presence.log.${partition}`)
  assert.deepEqual(names.sort(), ['KV_hss', 'pcscf.log.pcscf-0', ...logs])
  assert.ok(contents.every(({ digest }) => /^[0-9a-f]{64}$/.test(digest)))
})

test('a backup restored into an empty NATS gives services the same, SQNs included, and epochs and revisions only grow', async () => {
  const file = join(root, 'backup')
  const before = await contentOf(store)
  const made = await backup(file)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await using fresh = await startTestStore({ address: '127.1.3.50', services: SERVICES, isRestoring: true })
  const { contents } = await restoreStore(restoreOptions(fresh, file))
  const sorted = (list: typeof made) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1))
  assert.deepEqual(sorted(contents), sorted(made))
  for (const stream of ['presence_log_1', 'KV_hss', 'pcscf_log']) {
    const service = stream === 'KV_hss' ? 'hss' : stream === 'pcscf_log' ? 'pcscf' : 'presence'
    await using old = await connectReader(readOptions(store), service)
    await using restored = await connectReader(readOptions(fresh), service)
    const [{ state: a }, { state: b }] = [
      await streamInfo(old, stream, 5_000),
      await streamInfo(restored, stream, 5_000),
    ]
    assert.ok(b.last_seq > a.last_seq, `${stream}: ${a.last_seq}, then ${b.last_seq}`)
  }
  assert.deepEqual(await contentOf(fresh), before)
  // And it is written on: a deleted key is deleted, an update needs the revision of here.
  await using hss = await connectTo(fresh, 'hss')
  const bucket = await KeyValue.open({ connection: hss, bucket: HSS_BUCKET })
  assert.equal(await bucket.get('sqn.7'), undefined)
  const entry = (await bucket.get('sqn.19')) ?? assert.fail()
  await bucket.update('sqn.19', Buffer.from('next'), entry.revision)
  await assert.rejects(restoreStore(restoreOptions(fresh, file)), StoreNotEmptyError)
})

test('a backup of busy partitions, with snapshots and hand-overs all the time, is of one moment each', async () => {
  await using one = await connectTo(store, 'presence')
  await using other = await connectTo(store, 'presence')
  const sides = [await openLogs(one), await openLogs(other)] as const
  let owner = await KeyedOwner.take(sides[0], 6, { octets: 30_000 })
  const owners = [owner]
  const backups: Promise<unknown>[] = []
  for (let round = 0; round < 6; round += 1) {
    owner.work({ keys: 8, prefix: `${round}.`, withSnapshots: true })
    const working = owner
    await until(() => working.snapshots > 0)
    backups.push(backup(join(root, `busy ${round}`)))
    await until(() => working.snapshots > 3)
    owner = await KeyedOwner.take(sides[(round + 1) % 2 === 0 ? 0 : 1], 6, { octets: 30_000 })
    owners.push(owner)
  }
  await Promise.all(backups)
  for (const each of owners) await each.stop()
  await owner.owned.release()
  await using fresh = await startTestStore({ address: '127.1.3.51', services: SERVICES, isRestoring: true })
  await restoreStore(restoreOptions(fresh, join(root, 'busy 3')))
  await using connection = await connectTo(fresh, 'presence')
  const restored = await KeyedOwner.take(await openLogs(connection), 6)
  // What the owners of before had when they were replaced is all there.
  for (const each of owners.slice(0, 3)) {
    for (const [name, count] of each.acknowledged) assert.equal(restored.state.get(name), count, name)
  }
  await restored.owned.release()
})

test('with another key, or damaged, a backup restores nothing; and it is not written over', async () => {
  const file = join(root, 'guarded')
  await backup(file)
  await assert.rejects(backup(file), BackupExistsError)
  await using fresh = await startTestStore({ address: '127.1.3.52', services: SERVICES, isRestoring: true })
  const other = { ...restoreOptions(fresh, file), key: new Secret(systemRandom.bytes(32)) }
  await assert.rejects(restoreStore(other), BackupFileError)
  const octets = await readFile(file)
  octets[octets.length - 100] = (octets[octets.length - 100] ?? 0) ^ 1
  await writeFile(join(root, 'damaged'), octets)
  await assert.rejects(restoreStore(restoreOptions(fresh, join(root, 'damaged'))), BackupFileError)
  await restoreStore(restoreOptions(fresh, file))
})

test('each role does its own: who backs up writes nothing, who administers neither reads nor, unless restoring, writes', async () => {
  await using reader = await connectReader(readOptions(store), 'presence')
  const subject = `presence.${REALM.replaceAll('.', '_')}.log.0`
  const data = Buffer.from('x')
  await assert.rejects(publish(reader, { subject, data, timeoutMs: 2_000 }), StoreDeniedError)
  await assert.rejects(purge(reader, { stream: 'presence_log_0', subject, timeoutMs: 2_000 }), StoreDeniedError)
  await assert.rejects(streamInfo(reader, 'KV_hss', 2_000), StoreDeniedError)
  const tls = store.tlsFor(storeAdminRole('presence'))
  await using admin = await connectStore({ url: store.url, tls, service: 'storeadmin', clock: systemClock })
  await assert.rejects(lastMessage(admin, { stream: 'presence_log_0', subject, timeoutMs: 2_000 }), StoreDeniedError)
  await assert.rejects(publish(admin, { subject, data, timeoutMs: 2_000 }), StoreDeniedError)
})

test('each broken place is named, nothing broken is backed up, and the rest is verified all the same', async () => {
  await using broken = await startTestStore({ address: '127.1.3.53', services: SERVICES })
  await using presence = await connectTo(broken, 'presence')
  const logs = await openLogs(presence)
  const subjectOf = (partition: number) => `presence.${REALM.replaceAll('.', '_')}.log.${partition}`
  for (const partition of [0, 1, 2, 3, 4]) {
    const owner = await KeyedOwner.take(logs, partition, { octets: 20_000 })
    for (let n = 0; n < 20; n += 1) await owner.countUp(`k${n}`)
    if (partition === 1) await owner.owned.snapshot(owner.records())
    await owner.countUp('tail')
    await owner.owned.release()
  }
  // A foreign message in a log, a chunk and a bucket; a log without its beginning; a subject that nobody knows.
  const stray = await publish(presence, { subject: subjectOf(0), data: Buffer.from('?'), timeoutMs: 2_000 })
  await purge(presence, { stream: 'presence_log_1', subject: `presence.*.snap.1.*.0`, timeoutMs: 2_000 })
  await purge(presence, { stream: 'presence_log_2', subject: subjectOf(2), below: 4, timeoutMs: 2_000 })
  await publish(presence, { subject: 'presence.x.snap.7.a.b.c', data: Buffer.from('?'), timeoutMs: 2_000 })
  const { contents, problems } = await verifyStore(readOptions(broken))
  assert.ok(stray.ok)
  const expected = [
    `${subjectOf(0)} is broken at sequence ${stray.sequence}`,
    'snap.1.',
    `${subjectOf(2)} is broken at sequence`,
    'unknown subject presence.x.snap.7.a.b.c',
  ]
  for (const text of expected)
    assert.ok(
      problems.some((problem) => problem.includes(text)),
      `${text} in ${problems}`,
    )
  assert.equal(problems.length, expected.length, problems.join('\n'))
  assert.ok(contents.some(({ name }) => name === subjectOf(3)) && contents.some(({ name }) => name === subjectOf(4)))
  const file = join(root, 'broken')
  const o = { ...readOptions(broken), file, key, random: systemRandom }
  await assert.rejects(backupStore(o), StoreBrokenError)
  await assert.rejects(stat(file), { code: 'ENOENT' })
  await assert.rejects(stat(`${file}.partial`), { code: 'ENOENT' })
})
