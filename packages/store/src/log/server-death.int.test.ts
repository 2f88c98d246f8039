import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { StoreUnavailableError } from '../errors.ts'
import { connectTo, openLogs, payloadsOf, until } from '../testing/store-client.ts'
import type { LogEvent } from './log-event.ts'
import type { OwnedPartition } from './owned-partition.ts'

const store = await startTestStore({ address: '127.1.3.12', services: ['presence'] })
after(() => store.stop())

/** Keeps 64 appends outstanding over partitions until told to stop; each caller's outcome is kept. */
class Load {
  readonly acknowledged: string[] = []
  readonly open: string[] = []
  #isStopped = false
  readonly #ended: Promise<void>

  constructor(owned: readonly OwnedPartition[]) {
    this.#ended = Promise.all(Array.from({ length: 64 }, (_, worker) => this.#work(owned, worker))).then(() => {})
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#ended
  }

  async #work(owned: readonly OwnedPartition[], worker: number): Promise<void> {
    const partition = owned[worker % owned.length]
    for (let n = 0; !this.#isStopped; n += 1) {
      if (!partition?.isAvailable) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        continue
      }
      const text = `${worker}.${n}`
      try {
        await partition.append(Buffer.from(text))
        this.acknowledged.push(text)
      } catch (error) {
        assert.ok(error instanceof StoreUnavailableError)
        assert.equal(error.outcome, 'open', 'who looked at isAvailable first is never refused')
        this.open.push(text)
      }
    }
  }
}

test('kill -9 of nats-server amid 64 concurrent appends, five times: every acknowledged record is there', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  const partitions = [0, 1, 2, 3]
  const owned = await Promise.all(partitions.map((partition) => logs.take(partition, () => {})))
  const load = new Load(owned)
  for (let round = 0; round < 5; round += 1) {
    const before = load.acknowledged.length
    await until(() => load.acknowledged.length > before + 300)
    await store.server.kill('SIGKILL')
    assert.ok(!owned[0]?.isAvailable || connection.isConnected)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await store.server.start()
  }
  const before = load.acknowledged.length
  await until(() => load.acknowledged.length > before + 300)
  await load.stop()
  for (const each of owned) await each.release()
  const loaded = (await Promise.all(partitions.map((partition) => payloadsOf(logs, partition)))).flat()
  assert.equal(new Set(loaded).size, loaded.length, 'no record twice')
  assert.deepEqual(
    load.acknowledged.filter((text) => !loaded.includes(text)),
    [],
  )
  const known = new Set([...load.acknowledged, ...load.open])
  assert.deepEqual(
    loaded.filter((text) => !known.has(text)),
    [],
  )
})

test('while nats-server hangs a partition takes nothing, callers get an open outcome, and it is settled by itself', async () => {
  await using connection = await connectTo(store, 'presence')
  const events: LogEvent[] = []
  const logs = await openLogs(connection, { appendTimeoutMs: 2_000, onEvent: (event) => void events.push(event) })
  const owned = await logs.take(8, () => {})
  const neighbour = await logs.take(12, () => {})
  await owned.append(Buffer.from('a'))
  await store.server.kill('SIGSTOP')
  const lost = owned.append(Buffer.from('b'))
  const waiting = neighbour.append(Buffer.from('n'))
  const outcome = { name: 'StoreUnavailableError', outcome: 'open' }
  await Promise.all([assert.rejects(lost, outcome), assert.rejects(waiting, outcome)])
  assert.equal(owned.isAvailable, false)
  assert.equal(neighbour.isAvailable, false)
  await assert.rejects(owned.append(Buffer.from('refused')), { name: 'StoreUnavailableError', outcome: 'refused' })
  await store.server.kill('SIGCONT')
  await until(() => owned.isAvailable && neighbour.isAvailable)
  await owned.append(Buffer.from('c'))
  assert.deepEqual(events.map(({ kind }) => kind).filter((kind) => kind === 'unavailable').length, 2)
  assert.deepEqual(await payloadsOf(logs, 8), ['a', 'b', 'c'])
  assert.deepEqual(await payloadsOf(logs, 12), ['n'])
})

test('an append whose message never reached the killed server is sent again after its restart', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection, { appendTimeoutMs: 60_000 })
  const owned = await logs.take(9, () => {})
  await owned.append(Buffer.from('a'))
  await store.server.kill('SIGSTOP')
  const append = owned.append(Buffer.from('b'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  await store.server.kill('SIGKILL')
  await until(() => !connection.isConnected)
  await assert.rejects(owned.append(Buffer.from('x')), StoreUnavailableError)
  await store.server.start()
  await append
  await until(() => owned.isAvailable)
  await owned.append(Buffer.from('c'))
  assert.deepEqual(await payloadsOf(logs, 9), ['a', 'b', 'c'])
})

test('a partition released while its append is unsettled answers its callers, and the log keeps what landed', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection, { appendTimeoutMs: 60_000 })
  const owned = await logs.take(10, () => {})
  await store.server.kill('SIGSTOP')
  const append = assert.rejects(owned.append(Buffer.from('a')), { name: 'StoreUnavailableError', outcome: 'open' })
  await owned.release()
  await append
  await store.server.kill('SIGCONT')
  assert.deepEqual(await payloadsOf(logs, 10), ['a'])
})
