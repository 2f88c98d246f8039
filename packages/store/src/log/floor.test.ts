import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LogCorruptError, LogTruncatedError } from '../errors.ts'
import { MemoryStream } from '../testing/memory-link.ts'
import { MEMORY_LOG, takeOver } from '../testing/memory-partition.ts'

async function take(stream: MemoryStream, floor?: bigint) {
  const link = stream.link()
  const owned = await takeOver(link, () => {}, undefined, floor)
  return { owned, append: () => link.settle(owned.append(Buffer.from('r'))), link }
}

/** Whether it is refused as cut off; anything else fails. */
async function isRefused(stream: MemoryStream, floor: bigint): Promise<boolean> {
  try {
    await take(stream, floor)
    return false
  } catch (error) {
    assert.ok(error instanceof LogTruncatedError && error instanceof LogCorruptError)
    assert.equal(error.floor, floor)
    return true
  }
}

/** The store loses what lies at and behind a sequence. */
function cut(stream: MemoryStream, from: number): MemoryStream {
  const rest = new MemoryStream()
  for (const message of stream.messages) if (message.sequence < from) rest.put(message)
  return rest
}

test('a log that ends before its floor is refused, with what was found and what was acknowledged', async () => {
  const stream = new MemoryStream()
  const { append } = await take(stream)
  const { sequence: first } = await append()
  const { sequence: last } = await append()
  await assert.rejects(take(cut(stream, Number(last)), last), (error) => {
    assert.ok(error instanceof LogTruncatedError)
    assert.deepEqual([error.code, error.subject, error.sequence], ['STORE_LOG_TRUNCATED', MEMORY_LOG, first])
    return true
  })
  await assert.rejects(take(new MemoryStream(), last), { sequence: 0n, floor: last })
})

test('epoch messages of those who were refused do not fill it up again', async () => {
  const stream = new MemoryStream()
  const { append } = await take(stream)
  await append()
  const { sequence: last } = await append()
  const rest = cut(stream, Number(last))
  for (let tries = 0; tries < 10; tries += 1) assert.ok(await isRefused(rest, last))
  assert.ok((rest.messages.at(-1)?.sequence ?? 0) > Number(last))
})

test('what an owner says is acknowledged is: what it loaded, appended, or stands for with a mark', async () => {
  const stream = new MemoryStream()
  const { owned, append, link } = await take(stream)
  assert.equal(owned.acknowledged, 0n)
  const { sequence } = await append()
  assert.equal(owned.acknowledged, sequence)
  const { mark } = await link.settle(owned.snapshot([Buffer.from('state')]))
  assert.equal(owned.acknowledged, mark)
  const next = await take(stream, mark)
  assert.equal(next.owned.acknowledged, mark, 'a log that was purged below its mark reaches it')
})

test('whatever owners do: no floor of theirs is an alarm, and each is one once its record is gone', async () => {
  const step = fc.constantFrom('append', 'snapshot', 'take')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const stream = new MemoryStream()
      let { owned, append, link } = await take(stream)
      const floors = [owned.acknowledged]
      for (const what of steps) {
        if (what === 'append') await append()
        else if (what === 'snapshot') await link.settle(owned.snapshot([Buffer.from('s')]))
        else ({ owned, append, link } = await take(stream, floors.at(-1)))
        floors.push(owned.acknowledged)
      }
      assert.deepEqual(
        floors,
        floors.toSorted((one, other) => Number(one - other)),
      )
      for (const floor of floors) assert.equal(await isRefused(stream, floor), false)
      const last = floors.at(-1) ?? 0n
      // One whose snapshot has lost its mark may be refused by another name.
      if (last > 0n) await assert.rejects(take(cut(stream, Number(last)), last), LogCorruptError)
    }),
  )
})
