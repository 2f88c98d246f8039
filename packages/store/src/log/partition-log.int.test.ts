import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { FencedError, PartitionReleasedError, RecordTooLargeError } from '../errors.ts'
import { connectTo, openLogs, payloadsOf } from '../testing/store-client.ts'
import type { LoadedRecord } from './load-log.ts'
import type { LogEvent } from './log-event.ts'
import { RECORD_OCTETS_MAX } from './log-message.ts'

const store = await startTestStore({ address: '127.1.3.11', services: ['presence', 'pcscf'] })
after(() => store.stop())

test('what was appended is loaded by the next owner, in order, with its trace context and where it lies', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  assert.equal(logs.partitions, 16)
  const first = await logs.take(0, () => assert.fail('a new partition has no record'))
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const appended = [
    await first.append(Buffer.from('a'), { traceparent }),
    await first.append(Buffer.from('b'), { traceparent: 'not one' }),
    ...(await Promise.all([first.append(Buffer.from('c')), first.append(Buffer.from('d'))])),
  ]
  const loaded: LoadedRecord[] = []
  const second = await logs.take(0, (record) => loaded.push({ ...record, record: Buffer.from(record.record) }))
  assert.deepEqual(
    loaded.map(({ record }) => record.toString()),
    ['a', 'b', 'c', 'd'],
  )
  assert.deepEqual(
    loaded.map(({ sequence, epoch }) => ({ sequence, epoch })),
    appended,
  )
  assert.deepEqual(
    loaded.map((each) => each.traceparent),
    [traceparent, undefined, undefined, undefined],
  )
  assert.ok(second.epoch > first.epoch)
  await second.release()
})

test('records that gather while a message is under way travel together in the next one', async () => {
  await using connection = await connectTo(store, 'presence')
  const packs: number[] = []
  const onEvent = (event: LogEvent) => void (event.kind === 'appended' && packs.push(event.records))
  const logs = await openLogs(connection, { onEvent })
  const owned = await logs.take(1, () => {})
  const ten = () => Array.from({ length: 10 }, (_, n) => owned.append(Buffer.from(String(n))))
  const firstTen = ten()
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  await Promise.all([...firstTen, ...ten(), ...ten()])
  assert.deepEqual(packs, [10, 20])
  await owned.release()
})

test('partitions of a service do not see each other’s records, also in one stream', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  const owned = await Promise.all([2, 6, 10].map((partition) => logs.take(partition, () => {})))
  await Promise.all(owned.map((each) => each.append(Buffer.from(`in ${each.partition}`))))
  for (const partition of [2, 6, 10]) assert.deepEqual(await payloadsOf(logs, partition), [`in ${partition}`])
})

test('a second owner fences the first: its appends fail, and nothing of them is in the log', async () => {
  await using oneConnection = await connectTo(store, 'presence')
  await using otherConnection = await connectTo(store, 'presence')
  const one = await (await openLogs(oneConnection)).take(3, () => {})
  await one.append(Buffer.from('before'))
  const logs = await openLogs(otherConnection)
  const loaded: string[] = []
  const other = await logs.take(3, ({ record }) => loaded.push(record.toString()))
  assert.deepEqual(loaded, ['before'])
  const appends = [one.append(Buffer.from('late')), one.append(Buffer.from('later'))]
  for (const append of appends) await assert.rejects(append, FencedError)
  assert.ok((await one.lost) instanceof FencedError)
  assert.equal(one.isAvailable, false)
  await assert.rejects(one.append(Buffer.from('never')), FencedError)
  await other.append(Buffer.from('after'))
  assert.deepEqual(await payloadsOf(logs, 3), ['before', 'after'])
})

test('owners who take the partition from each other lose no acknowledged record and keep no refused one', async () => {
  await using oneConnection = await connectTo(store, 'presence')
  await using otherConnection = await connectTo(store, 'presence')
  const sides = [await openLogs(oneConnection), await openLogs(otherConnection)]
  const acknowledged: string[] = []
  const refused: string[] = []
  const writing: Promise<void>[] = []
  for (let round = 0; round < 20; round += 1) {
    const owned = await sides[round % 2]?.take(4, () => {})
    for (let n = 0; n < 32; n += 1) {
      const text = `${round}.${n}`
      const append = owned?.append(Buffer.from(text)).then(
        () => void acknowledged.push(text),
        (error) => {
          assert.ok(error instanceof FencedError)
          refused.push(text)
        },
      )
      if (append) writing.push(append)
      if (n % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(writing)
  const [logs] = sides
  const loaded = logs ? await payloadsOf(logs, 4) : []
  assert.deepEqual([...loaded].sort(), [...acknowledged].sort())
  assert.equal(acknowledged.length + refused.length, 640)
})

test('a record of the largest size is appended, a larger one refused before it is packed', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  const owned = await logs.take(5, () => {})
  await assert.rejects(owned.append(Buffer.alloc(RECORD_OCTETS_MAX + 1)), RecordTooLargeError)
  await Promise.all([1, 2, 3].map((octet) => owned.append(Buffer.alloc(RECORD_OCTETS_MAX, octet))))
  const sizes: number[] = []
  await (await logs.take(5, ({ record }) => sizes.push(record.length))).release()
  assert.deepEqual(sizes, [RECORD_OCTETS_MAX, RECORD_OCTETS_MAX, RECORD_OCTETS_MAX])
})

test('a log of many messages is loaded whole, over several batches', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  const owned = await logs.take(7, () => {})
  for (let n = 0; n < 1_300; n += 1) await owned.append(Buffer.from(String(n)))
  const loaded = await payloadsOf(logs, 7)
  assert.deepEqual(
    loaded,
    Array.from({ length: 1_300 }, (_, n) => String(n)),
  )
})

test('a partition of a P-CSCF is named by its pod', async () => {
  await using connection = await connectTo(store, 'pcscf')
  const logs = await openLogs(connection, { service: 'pcscf' })
  const owned = await logs.take('pcscf-0', () => {})
  await owned.append(Buffer.from('a'))
  assert.deepEqual(await payloadsOf(logs, 'pcscf-0'), ['a'])
  assert.deepEqual(await payloadsOf(logs, 'pcscf-1'), [])
  await assert.rejects(
    logs.take(0, () => {}),
    RangeError,
  )
  await assert.rejects(
    logs.take('a.b', () => {}),
    RangeError,
  )
})

test('a released partition takes nothing more, and finishes what is under way', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  const owned = await logs.take(8, () => {})
  const append = owned.append(Buffer.from('a'))
  await owned.release()
  await append
  await assert.rejects(owned.append(Buffer.from('b')), PartitionReleasedError)
  assert.equal(owned.isAvailable, false)
  assert.deepEqual(await payloadsOf(logs, 8), ['a'])
})
