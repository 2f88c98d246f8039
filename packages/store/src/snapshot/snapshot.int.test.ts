import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { FencedError } from '../errors.ts'
import { streamInfo } from '../jetstream-api.ts'
import { KeyedOwner, lostOf } from '../testing/keyed-owner.ts'
import { connectTo, openLogs, until } from '../testing/store-client.ts'

const store = await startTestStore({ address: '127.1.3.40', services: ['presence'] })
after(() => store.stop())

test('snapshots under load: appends go on between the chunks, the log shrinks, and a load gives the same', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  const owner = await KeyedOwner.take(logs, 0, { octets: 2_000 })
  owner.work({ keys: 500, prefix: 'k' })
  let counted = 0
  for (let round = 0; round < 5; round += 1) {
    await until(() => owner.owned.tailOctets > 5_000_000, 30_000)
    const before = await streamInfo(connection, 'presence_log_0', 5_000)
    const countOf = (): number => [...owner.acknowledged.values()].reduce((sum, count) => sum + count, 0)
    const startCount = countOf()
    const { chunks, purged, octets } = await owner.owned.snapshot(owner.records())
    counted += countOf() - startCount
    const { state } = await streamInfo(connection, 'presence_log_0', 5_000)
    assert.ok(chunks >= 4 && octets > 1_000_000, `${chunks} chunks, ${octets} octets`)
    assert.ok((purged ?? 0) > 1)
    assert.ok(state.bytes < before.state.bytes, `${before.state.bytes} -> ${state.bytes}`)
  }
  assert.ok(counted > 500, `${counted} appends while snapshots were written`)
  await owner.stop()
  await owner.owned.release()
  const next = await KeyedOwner.take(logs, 0)
  assert.deepEqual(next.state, owner.state)
  await next.owned.snapshot([])
  const { state } = await streamInfo(connection, 'presence_log_0', 5_000)
  assert.ok(state.bytes < 2_000, `${state.messages} messages, ${state.bytes} octets`)
  await next.owned.release()
})

test('kill -9 of nats-server amid appends and snapshots, six times: every acknowledged record is there', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  const owner = await KeyedOwner.take(logs, 1, { octets: 8_000 })
  owner.work({ keys: 64, prefix: 'k', withSnapshots: true })
  for (let round = 0; round < 6; round += 1) {
    const before = owner.snapshots
    await until(() => owner.snapshots > before + 1, 30_000)
    await new Promise((resolve) => setTimeout(resolve, 17 * round))
    await store.server.kill('SIGKILL')
    await store.server.start()
  }
  await owner.stop()
  await owner.owned.release()
  const next = await KeyedOwner.take(logs, 1)
  assert.deepEqual(lostOf(owner.acknowledged, next.state), [])
  assert.equal(next.state.size, 64)
  for (const [key, count] of next.state) assert.ok(count <= (owner.state.get(key) ?? 0), `${key}=${count}`)
  await next.owned.release()
})

test('owners who replace each other amid snapshots lose nothing, and leave one snapshot', async () => {
  await using one = await connectTo(store, 'presence')
  await using other = await connectTo(store, 'presence')
  const sides = [await openLogs(one), await openLogs(other)] as const
  const acknowledged = new Map<string, number>()
  const owners: KeyedOwner[] = []
  for (let round = 0; round < 24; round += 1) {
    const owner = await KeyedOwner.take(sides[round % 2] ?? sides[0], 2, { octets: 16_000 })
    assert.deepEqual(lostOf(acknowledged, owner.state), [], `round ${round}`)
    owners.at(-1)?.acknowledged.forEach((count, key) => void acknowledged.set(key, count))
    // Each owner counts keys of its own and goes on when it is replaced, not knowing it.
    owner.work({ keys: 16, prefix: `${round}.`, withSnapshots: true })
    owners.push(owner)
    await until(() => owner.acknowledged.size === 16)
    if (round % 3 === 0) await until(() => owner.snapshots > 0)
  }
  const last = await KeyedOwner.take(sides[0], 2)
  for (const owner of owners) {
    assert.ok((await owner.owned.lost) instanceof FencedError)
    await owner.stop()
    assert.deepEqual(lostOf(owner.acknowledged, last.state), [])
  }
  assert.ok(
    owners.some(({ snapshots }) => snapshots > 0),
    'some snapshot came into force',
  )
  await last.owned.snapshot(last.records())
  await last.owned.snapshot(last.records())
  const again = await KeyedOwner.take(sides[0], 2)
  assert.deepEqual(again.state, last.state)
  await again.owned.release()
})
