import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { MemoryStream } from '../testing/memory-link.ts'
import { takeOver } from '../testing/memory-partition.ts'

const HOUR_MS = 3_600_000

/** A wall clock that jumps by an hour, to and fro, each time that somebody looks. */
class JumpingClock extends VirtualClock {
  #looks = 0

  override now(): number {
    this.#looks += 1
    return super.now() + (this.#looks % 2 === 0 ? HOUR_MS : -HOUR_MS)
  }
}

test('clock jumps of an hour: the chain, lost answers, snapshots and loads do not look at the wall clock', async () => {
  const stream = new MemoryStream()
  let requests = 0
  const link = stream.link({
    clock: new JumpingClock(),
    fault: () => {
      requests += 1
      return requests % 7 === 0 ? 'lose-answer' : undefined
    },
  })
  const owned = await takeOver(link, () => {})
  const texts: string[] = []
  for (let n = 0; n < 40; n += 1) {
    texts.push(String(n))
    await link.settle(owned.append(Buffer.from(String(n))))
    if (n % 15 === 10) await link.settle(owned.snapshot(texts.map((text) => Buffer.from(text))))
  }
  const loaded: string[] = []
  await takeOver(stream.link(), ({ record }) => void loaded.push(record.toString()))
  assert.deepEqual(loaded, texts)
})
