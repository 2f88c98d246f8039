import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { ReplicaView, type TakeContext } from '@rollcall/store'
import { DEFAULT_TERMS } from '../actor/terms.ts'
import { MemoryLog } from '../testing/memory-log.ts'
import { AppendLoad } from './append-load.ts'
import type { PartitionSource } from './partition-log.ts'
import { Partitions } from './partitions.ts'
import { SnapshotTurn } from './snapshot-turn.ts'

const PARTITION = 3

/** The partitions of a replica that holds all, with a log in memory. */
function stage() {
  const clock = new VirtualClock()
  const happened: string[] = []
  const view = new ReplicaView()
  view.join({
    members: [],
    lease: { isLive: true, onChange: () => () => {} },
    whereIs: () => ({ kind: 'here' }),
    onChange: () => () => {},
  })
  const partitions = new Partitions({
    context: {
      clock,
      terms: DEFAULT_TERMS,
      limits: { presentities: 100, subscriptions: 100, bodyOctets: 100_000 },
      load: new AppendLoad(),
      snapshots: new SnapshotTurn(),
      notifyGraceMs: 300_000,
      notifyIntervalMs: { presence: 0, 'presence.winfo': 0, 'xcap-diff': 0 },
      sendNotify: () => {},
      events: { expired: () => {}, ended: () => {}, notified: () => {}, fanOut: () => {}, snapshot: () => {} },
    },
    view,
    onTaken: (partition) =>
      void happened.push(`forgotten ${partition}, served: ${partitions.ownerOf(partition) !== undefined}`),
    onEvent: (event) => void happened.push(event),
  })
  const log = new MemoryLog()
  const logs: PartitionSource & { readonly partitions: number } = {
    partitions: 16,
    take: async (partition, load, { floor }) => {
      const taken = await log.take(partition, load)
      happened.push(`epoch written, floor ${floor}`)
      return taken
    },
  }
  const context: TakeContext = { sole: Promise.resolve(), floor: 7n, signal: new AbortController().signal }
  return { partitions, logs, happened, context }
}

test('what was known of the users is forgotten behind the epoch and before the first request', async () => {
  const { partitions, logs, happened, context } = stage()
  await assert.rejects(partitions.take(PARTITION, context), RangeError)
  happened.length = 0
  partitions.open(logs)
  const held = await partitions.take(PARTITION, context)
  assert.deepEqual(happened, ['epoch written, floor 7', `forgotten ${PARTITION}, served: false`, 'taken'])
  assert.ok(partitions.ownerOf(PARTITION))
  await held.release()
  assert.equal(partitions.ownerOf(PARTITION), undefined)
})
