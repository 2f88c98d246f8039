import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadingMs, PresenceLog } from './presence-log.ts'

test('knows from the log which partitions are held, loaded and snapshotted', () => {
  const log = new PresenceLog()
  for (const entry of [
    { msg: 'partition taken', partition: 3 },
    { msg: 'partition taken', partition: 4 },
    { msg: 'replica taken', kind: 'taken', partition: 3, epoch: 7, durationMs: 9 },
    { msg: 'a partition was loaded', kind: 'taken', partition: '3', records: 100, durationMs: 5 },
    { msg: 'a snapshot is in force', kind: 'snapshot', partition: '3', records: 10, octets: 1_000 },
    { msg: 'a snapshot is in force', kind: 'snapshot', partition: '3', records: 10, octets: 1_500 },
    { msg: 'a snapshot is in force', kind: 'snapshot', partition: '4', records: 10, octets: 500 },
    { msg: 'partition released', partition: 4 },
  ]) {
    log.onLine(JSON.stringify(entry))
  }
  log.onLine('no JSON')
  log.onLine('7')
  assert.deepEqual([...log.held], [3])
  assert.equal(log.snapshotOctets, 2_000)
  assert.deepEqual(
    log.takeLoads().map(({ durationMs }) => durationMs),
    [5],
  )
  assert.deepEqual(log.takeLoads(), [])
})

test('loading side by side is counted once', () => {
  const loads = [
    { durationMs: 10, atMs: 10 },
    { durationMs: 10, atMs: 15 },
    { durationMs: 5, atMs: 105 },
  ]
  assert.equal(loadingMs(loads), 20)
  assert.equal(loadingMs([]), 0)
})
