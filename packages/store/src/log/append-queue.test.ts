import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppendQueue, type PendingAppend } from './append-queue.ts'

function entry(octets: number): PendingAppend {
  const nothing = () => {}
  return {
    kind: 'records',
    record: Buffer.alloc(octets),
    traceparent: undefined,
    sinceMs: 0,
    span: undefined,
    resolve: nothing,
    reject: nothing,
    isAnswered: false,
  }
}

test('a pack takes records in order, at most 1,000 of them', () => {
  const queue = new AppendQueue()
  const entries = Array.from({ length: 1_500 }, () => entry(10))
  for (const each of entries) queue.push(each)
  assert.deepEqual(queue.takePack(), entries.slice(0, 1_000))
  assert.deepEqual(queue.takePack(), entries.slice(1_000))
  assert.ok(queue.isEmpty)
})

test('a pack is at most 512 KiB, and the largest record still fits into one', () => {
  const queue = new AppendQueue()
  for (const octets of [300 * 1024, 200 * 1024, 100 * 1024, 480 * 1024]) queue.push(entry(octets))
  assert.deepEqual(
    [queue.takePack(), queue.takePack(), queue.takePack()].map((pack) => pack.length),
    [2, 1, 1],
  )
})

test('says that it has no room some records before it takes no more, by number and by octets', () => {
  for (const octets of [10, 100 * 1024]) {
    const queue = new AppendQueue()
    let hadRoom = 0
    let taken = 0
    while (queue.canTake(octets)) {
      if (queue.hasRoom) hadRoom += 1
      queue.push(entry(octets))
      taken += 1
    }
    assert.ok(taken - hadRoom >= 16, `${taken - hadRoom} in reserve`)
    assert.ok(taken * octets <= 8 * 1024 * 1024 && taken <= 4_096)
    queue.takeAll()
    assert.ok(queue.hasRoom)
  }
})

test('a mark travels alone, between what came before it and what came after', () => {
  const queue = new AppendQueue()
  const mark: PendingAppend = { ...entry(16), kind: 'mark' }
  const entries = [entry(1), entry(2), mark, entry(3)]
  for (const each of entries) queue.push(each)
  assert.deepEqual(
    [queue.takePack(), queue.takePack(), queue.takePack()],
    [entries.slice(0, 2), [mark], entries.slice(3)],
  )
  assert.ok(queue.isEmpty)
})
