import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { InvalidKeyError, KeyExistsError, RecordTooLargeError, RevisionMismatchError } from '../errors.ts'
import { HSS_BUCKET } from '../layout.ts'
import { connectTo } from '../testing/store-client.ts'
import { KeyValue } from './key-value.ts'

const store = await startTestStore({ address: '127.1.3.14', services: ['hss'] })
after(() => store.stop())

const connection = await connectTo(store, 'hss')
after(() => connection.close())
const kv = await KeyValue.open({ connection, bucket: HSS_BUCKET })

test('a value is created once, read back, and replaced by who names its revision', async () => {
  const created = await kv.create('a.1', Buffer.from('one'))
  assert.deepEqual(await kv.get('a.1'), { value: Buffer.from('one'), revision: created })
  await assert.rejects(kv.create('a.1', Buffer.from('two')), KeyExistsError)
  const updated = await kv.update('a.1', Buffer.from('two'), created)
  assert.ok(updated > created)
  await assert.rejects(kv.update('a.1', Buffer.from('three'), created), RevisionMismatchError)
  assert.deepEqual(await kv.get('a.1'), { value: Buffer.from('two'), revision: updated })
})

test('a key without a value is undefined, and cannot be updated', async () => {
  assert.equal(await kv.get('a.absent'), undefined)
  await assert.rejects(kv.update('a.absent', Buffer.from('x'), 1n), RevisionMismatchError)
})

test('a deleted key is gone, and can be created again', async () => {
  const created = await kv.create('a.2', Buffer.from('one'))
  await assert.rejects(kv.delete('a.2', created + 1n), RevisionMismatchError)
  await kv.delete('a.2', created)
  assert.equal(await kv.get('a.2'), undefined)
  assert.deepEqual(await Array.fromAsync(kv.keys('a')), ['a.1'])
  await kv.create('a.2', Buffer.from('two'))
  assert.equal((await kv.get('a.2'))?.value.toString(), 'two')
})

test('of many who change a value at once each succeeds in turn, and no change is lost', async () => {
  await kv.create('counter', Buffer.from('0'))
  const increment = async (): Promise<void> => {
    for (;;) {
      const entry = await kv.get('counter')
      assert.ok(entry)
      try {
        await kv.update('counter', Buffer.from(String(Number(entry.value) + 1)), entry.revision)
        return
      } catch (error) {
        assert.ok(error instanceof RevisionMismatchError)
      }
    }
  }
  await Promise.all(Array.from({ length: 20 }, increment))
  assert.equal((await kv.get('counter'))?.value.toString(), '20')
})

test('lists the keys below a prefix of whole tokens, over several batches', async () => {
  await Promise.all(Array.from({ length: 1_200 }, (_, n) => kv.create(`list.${n}`, Buffer.from('x'))))
  await kv.create('listing.1', Buffer.from('x'))
  const keys = await Array.fromAsync(kv.keys('list'))
  assert.deepEqual(
    keys.map((key) => Number(key.slice('list.'.length))).sort((a, b) => a - b),
    Array.from({ length: 1_200 }, (_, n) => n),
  )
  assert.deepEqual(await Array.fromAsync(kv.keys('nothing')), [])
})

test('refuses keys that would be wildcards or other subjects, and values that are too large', async () => {
  for (const key of ['', '.', 'a.', 'a..b', 'a.*', '>', 'a b', 'ä', 'a'.repeat(300)]) {
    await assert.rejects(kv.get(key), InvalidKeyError, key)
  }
  await assert.rejects(kv.create('large', Buffer.alloc(65 * 1024)), RecordTooLargeError)
  await kv.create('largest', Buffer.alloc(64 * 1024, 1))
  assert.equal((await kv.get('largest'))?.value.length, 64 * 1024)
})

test('writes go on over a kill -9 of nats-server, each once', async () => {
  const revisions = [await kv.create('survivor', Buffer.from('0'))]
  const write = async (): Promise<void> => {
    for (let n = 1; n <= 200; n += 1) {
      revisions.push(await kv.update('survivor', Buffer.from(String(n)), revisions.at(-1) ?? 0n))
    }
  }
  const writing = write()
  await new Promise((resolve) => setTimeout(resolve, 30))
  await store.server.kill('SIGKILL')
  await store.server.start()
  await writing
  assert.deepEqual(await kv.get('survivor'), { value: Buffer.from('200'), revision: revisions.at(-1) })
})
