import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { connectStore, HSS_BUCKET, KeyValue, NATS_KEY_VARIABLE } from '@rollcall/store'
import { runCli } from '../cli.ts'

const folder = await mkdtemp(join(tmpdir(), 'rollcall-cli-store-'))
after(() => rm(folder, { recursive: true }))

async function run(store: TestStore, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', '']
  const code = await runCli(['store', ...args], {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    env: { [NATS_KEY_VARIABLE]: store.encryptionKey.reveal().toString('latin1') },
    signal: new AbortController().signal,
  })
  return { code, stdout, stderr }
}

const reach = (store: TestStore) => ['--url', store.url, '--tls-dir', store.pkiFolder]

async function bucketOf(store: TestStore): Promise<KeyValue & AsyncDisposable> {
  const connection = await connectStore({
    url: store.url,
    tls: store.tlsFor('hss'),
    service: 'hss',
    clock: systemClock,
  })
  const bucket = await KeyValue.open({ connection, bucket: HSS_BUCKET })
  return Object.assign(bucket, { [Symbol.asyncDispose]: () => connection.close() })
}

test('verify, backup-key, backup and restore, as an operator runs them', async () => {
  await using store = await startTestStore({ address: '127.1.8.40', services: ['hss'] })
  {
    await using bucket = await bucketOf(store)
    await bucket.create('sqn.alice', Buffer.from('64'))
  }
  const verified = await run(store, 'verify', '--service', 'hss', ...reach(store))
  assert.deepEqual(verified, { code: 0, stdout: 'KV_hss: 1 records\nall of it is whole\n', stderr: '' })

  const [key, file] = [join(folder, 'backup.key'), join(folder, 'backup')]
  assert.equal((await run(store, 'backup-key', key)).code, 0)
  assert.equal((await run(store, 'backup-key', key)).code, 1)
  assert.equal((await run(store, 'backup', file, ...reach(store))).code, 2)
  const made = await run(store, 'backup', file, '--key', key, '--service', 'hss', ...reach(store), '--json')
  assert.equal(made.code, 0, made.stderr)
  assert.equal(JSON.parse(made.stdout.trim().split('\n').at(-1) ?? '').event, 'store-backed-up')
  assert.match((await run(store, 'backup', file, '--key', key, ...reach(store))).stderr, /is there already/)

  await using fresh = await startTestStore({ address: '127.1.8.41', services: ['hss'], isRestoring: true })
  const into = ['--nats-data', fresh.storeDir, ...reach(fresh)]
  const restored = await run(fresh, 'restore', file, '--key', key, ...into)
  assert.equal(restored.code, 0, restored.stderr)
  assert.match(restored.stdout, /^KV_hss: 1 records\nthe store is as it was at \d{4}-\d\d-\d\dT/)
  assert.match((await run(fresh, 'restore', file, '--key', key, ...into)).stderr, /KV_hss: there already/)
  await using bucket = await bucketOf(fresh)
  assert.equal((await bucket.get('sqn.alice'))?.value.toString(), '64')
})

test('a store that is not whole: verify names what is missing and ends with 1', async () => {
  await using store = await startTestStore({ address: '127.1.8.42', services: ['hss'], isRestoring: true })
  const { code, stdout, stderr } = await run(store, 'verify', '--service', 'hss', ...reach(store), '--json')
  assert.equal(code, 1)
  assert.match(stdout, /"event":"store-problem","problem":"stream KV_hss is missing/)
  assert.match(stderr, /KV_hss is missing/)
})

test('before-start refuses a key that is not the data’s, and removes an empty block without a key', async () => {
  await using store = await startTestStore({ address: '127.1.8.43', services: ['hss'] })
  await store.server.stop()
  const block = join(store.storeDir, 'jetstream', 'HSS', 'streams', 'KV_hss', 'msgs', '99.blk')
  await writeFile(block, '')
  assert.equal((await run(store, 'before-start')).code, 2)
  const repaired = await run(store, 'before-start', '--nats-data', store.storeDir)
  assert.deepEqual(repaired, { code: 0, stdout: `removed empty blocks:\n${block}\n`, stderr: '' })
  assert.match((await run(store, 'before-start', '--nats-data', store.storeDir)).stdout, /nothing to repair/)
  const wrong = await runCli(['store', 'before-start', '--nats-data', store.storeDir], {
    stdout: () => {},
    stderr: () => {},
    env: { [NATS_KEY_VARIABLE]: `k${'x'.repeat(40)}` },
    signal: new AbortController().signal,
  })
  assert.equal(wrong, 1)
})
