import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { KeyExistsError } from '../errors.ts'
import { BSF_CHALLENGES_BUCKET, BSF_CONTEXTS_BUCKET } from '../layout.ts'
import { connectTo } from '../testing/store-client.ts'
import { KeyValue } from './key-value.ts'

const store = await startTestStore({ address: '127.43.1.1', services: ['bsf', 'hss'] })
after(() => store.stop())

const connection = await connectTo(store, 'bsf')
after(() => connection.close())
const contexts = await KeyValue.open({ connection, bucket: BSF_CONTEXTS_BUCKET })
const challenges = await KeyValue.open({ connection, bucket: BSF_CHALLENGES_BUCKET })

async function untilGone(kv: KeyValue, key: string): Promise<number> {
  const startMs = performance.now()
  while (await kv.get(key)) {
    assert.ok(performance.now() - startMs < 15_000, `${key} is still there`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return performance.now() - startMs
}

test('what is created with a time to live goes by itself, and what is without stays (readings.md, Ut 4)', async () => {
  await contexts.create('context.a', Buffer.from('a'), { ttlMs: 1_500 })
  await contexts.create('context.b', Buffer.from('b'))
  await assert.rejects(contexts.create('context.a', Buffer.from('other'), { ttlMs: 1_000 }), KeyExistsError)
  assert.ok((await untilGone(contexts, 'context.a')) > 1_000)
  assert.equal((await contexts.get('context.b'))?.value.toString(), 'b')
  await contexts.create('context.a', Buffer.from('again'), { ttlMs: 60_000 })
  assert.equal((await contexts.get('context.a'))?.value.toString(), 'again')
})

test('what marks a key deleted goes by itself, too', async () => {
  const revision = await challenges.create('challenge.a', Buffer.from('a'), { ttlMs: 60_000 })
  await challenges.delete('challenge.a', revision, { ttlMs: 1_000 })
  assert.equal(await challenges.get('challenge.a'), undefined)
  const name = '$JS.API.STREAM.INFO.KV_bsf_challenges'
  const startMs = performance.now()
  for (;;) {
    const answer = await connection.requests.request(name, Buffer.alloc(0), { timeoutMs: 2_000 })
    if (answer.json<{ state: { messages: number } }>().state.messages === 0) break
    assert.ok(performance.now() - startMs < 15_000, 'the mark is still there')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
})
