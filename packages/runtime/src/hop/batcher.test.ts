import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, Batcher } from './batcher.ts'
import { decodeBatch, type OutboundMessage } from './codec.ts'

interface Numbered extends OutboundMessage {
  readonly number: number
}

function message(number: number, bytes = 10): Numbered {
  const sip = Buffer.alloc(bytes)
  sip.writeUInt32BE(number)
  return { number, sip, envelope: undefined }
}

function setUp(o: { wantsMore?: () => boolean; isWanted?: (m: Numbered) => boolean; isBlocked?: boolean } = {}) {
  const batches: number[][] = []
  const batcher = new Batcher<Numbered>({
    write(octets, messages) {
      const numbers = decodeBatch(octets).map(({ sip }) => sip.readUInt32BE())
      assert.deepEqual(
        numbers,
        messages.map(({ number }) => number),
      )
      batches.push(numbers)
      return o.wantsMore?.() ?? true
    },
    ...(o.isWanted ? { isWanted: o.isWanted } : {}),
    ...(o.isBlocked ? { isBlocked: o.isBlocked } : {}),
  })
  return { batches, batcher }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('what one turn of the event loop says goes out together, in order, at its end', async () => {
  const { batches, batcher } = setUp()
  for (const i of upTo(5)) batcher.push(message(i))
  await Promise.resolve()
  batcher.push(message(5))
  assert.deepEqual(batches, [])
  await turn()
  batcher.push(message(6))
  await turn()
  assert.deepEqual(batches, [[0, 1, 2, 3, 4, 5], [6]])
})

test('a batch has bounds in messages and octets; one message beyond travels alone', async () => {
  const { batches, batcher } = setUp()
  for (const i of upTo(BATCH_MESSAGES_MAX + 1)) batcher.push(message(i))
  await turn()
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [BATCH_MESSAGES_MAX, 1],
  )
  batches.length = 0
  batcher.push(message(0, 100_000))
  batcher.push(message(1, 100_000))
  batcher.push(message(2, 100_000))
  batcher.push(message(3, BATCH_BYTES_MAX + 1))
  batcher.push(message(4))
  await turn()
  assert.deepEqual(batches, [[0, 1], [2], [3], [4]])
})

test('while the stream is full it gathers, and goes on in order', async () => {
  let room = 1
  const { batches, batcher } = setUp({ wantsMore: () => --room > 0 })
  batcher.push(message(0))
  await turn()
  for (const i of upTo(100)) batcher.push(message(i + 1))
  await turn()
  assert.equal(batcher.length, 100)
  room = 5
  batcher.resume()
  await turn()
  assert.deepEqual(batches.flat(), upTo(101))
  assert.equal(batcher.length, 0)
})

test('what nobody waits for any more is left out', async () => {
  const { batches, batcher } = setUp({ isWanted: ({ number }) => number % 2 === 0, isBlocked: true })
  for (const i of upTo(200)) batcher.push(message(i))
  batcher.resume()
  await turn()
  assert.deepEqual(
    batches.flat(),
    upTo(100).map((i) => i * 2),
  )
})

test('when it stops it gives back what was not written, and writes nothing more', async () => {
  const { batches, batcher } = setUp({ wantsMore: () => false })
  for (const i of upTo(BATCH_MESSAGES_MAX + 3)) batcher.push(message(i))
  await turn()
  assert.deepEqual(
    batcher.stop().map(({ number }) => number),
    [64, 65, 66],
  )
  batcher.push(message(99))
  batcher.resume()
  await turn()
  assert.equal(batches.length, 1)
})
