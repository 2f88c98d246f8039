import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { StoreFullError } from '../errors.ts'
import { connectTo, openLogs, until } from '../testing/store-client.ts'
import type { LogEvent } from './log-event.ts'

const STREAM_BYTES = 1024 * 1024

const store = await startTestStore({ address: '127.1.3.13', services: ['presence'], streamBytesMax: STREAM_BYTES })
after(() => store.stop())

test('a full stream loses nothing: callers are told, the partition takes nothing, and goes on when there is room', async () => {
  await using connection = await connectTo(store, 'presence')
  const events: LogEvent[] = []
  const logs = await openLogs(connection, { appendTimeoutMs: 500, onEvent: (event) => void events.push(event) })
  const owned = await logs.take(0, () => {})
  const record = Buffer.alloc(100 * 1024)
  const neighbour = await logs.take(4, () => {})
  await neighbour.append(record)
  await neighbour.append(record)
  let acknowledged = 0
  await assert.rejects(async () => {
    for (; acknowledged < 100; acknowledged += 1) await owned.append(record)
  }, StoreFullError)
  assert.ok(acknowledged >= 3 && acknowledged <= 8, String(acknowledged))
  assert.equal(owned.isAvailable, false)
  assert.ok(events.some((event) => event.kind === 'unavailable' && event.reason === 'full'))

  // Only the neighbour can make room: a snapshot of this partition needs some itself.
  await neighbour.snapshot([])
  await until(() => owned.isAvailable)
  await owned.append(Buffer.from('z'))
  const loaded: number[] = []
  await logs.take(0, (each) => loaded.push(each.record.length))
  assert.deepEqual(loaded, [...Array.from({ length: acknowledged + 1 }, () => record.length), 1])
})
