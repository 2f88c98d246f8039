import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PartitionReleasedError, StoreFullError, StoreOverloadedError, StoreUnavailableError } from '../errors.ts'
import { ownedOver } from '../testing/memory-partition.ts'
import { ScriptedLink, settled } from '../testing/scripted-link.ts'
import type { LogEvent } from './log-event.ts'
import { encodeLogMessage } from './log-message.ts'
import { StreamGate } from './stream-gate.ts'

const EPOCH = 5

function setUp(link = new ScriptedLink(), gate = new StreamGate(1), partition = '0') {
  const events: LogEvent[] = []
  const owned = ownedOver({
    connection: link,
    epochSequence: EPOCH,
    subject: `s.${partition}`,
    partition,
    gate,
    onEvent: (event) => void events.push(event),
  })
  return { link, gate, owned, events }
}

function lastMessage(seq: number, number: bigint) {
  const data = encodeLogMessage({ kind: 'records', epoch: BigInt(EPOCH), number, records: [] })
  return { message: { seq, data: data.toString('base64') } }
}

test('a caller is told after its time-out that the outcome is open, and the record lands all the same', async () => {
  const { link, owned, events } = setUp()
  const told = assert.rejects(owned.append(Buffer.from('a')), { name: 'StoreUnavailableError', outcome: 'open' })
  const first = await link.next()
  for (let passed = 0; passed < 3_000; passed += 250) await link.pass(250)
  await told
  assert.equal(owned.isAvailable, false)
  first.answer({ seq: 6 })
  await settled()
  assert.equal(owned.isAvailable, true)
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['unavailable', 'available', 'appended'],
  )
})

test('a partition becomes unavailable before its callers time out, also one that only waits for its turn', async () => {
  const { link, gate, owned } = setUp()
  const { owned: neighbour } = setUp(link, gate, '4')
  owned.append(Buffer.from('a')).catch(() => {})
  neighbour.append(Buffer.from('b')).catch(() => {})
  await link.next()
  for (let passed = 0; passed < 1_750; passed += 250) await link.pass(250)
  assert.equal(owned.isAvailable, false)
  assert.equal(neighbour.isAvailable, false)
  await assert.rejects(neighbour.append(Buffer.from('c')), { outcome: 'refused' })
})

test('a message in trouble makes room for others of its stream', async () => {
  const { link, gate, owned } = setUp()
  const { owned: neighbour } = setUp(link, gate, '4')
  const one = owned.append(Buffer.from('a'))
  const other = neighbour.append(Buffer.from('b'))
  const first = await link.next()
  assert.equal(first.subject, 's.0')
  first.lose()
  const question = await link.next()
  const second = await link.next()
  assert.equal(second.subject, 's.4')
  second.answer({ seq: 7 })
  assert.equal((await other).sequence, 7n)
  question.answer(lastMessage(6, 1n))
  assert.equal((await one).sequence, 6n)
})

test('one message a stream at a time, in turn', async () => {
  const { link, gate, owned } = setUp()
  const { owned: neighbour } = setUp(link, gate, '4')
  const appends = [owned.append(Buffer.from('a')), neighbour.append(Buffer.from('b'))]
  const first = await link.next()
  appends.push(owned.append(Buffer.from('c')))
  await settled()
  first.answer({ seq: 6 })
  const second = await link.next()
  assert.equal(second.subject, 's.4')
  second.answer({ seq: 7 })
  const third = await link.next()
  assert.equal(third.subject, 's.0')
  third.answer({ seq: 8 })
  assert.deepEqual(
    (await Promise.all(appends)).map(({ sequence }) => sequence),
    [6n, 7n, 8n],
  )
})

test('a full queue refuses at once, and says so before it is full', async () => {
  const { link, owned } = setUp()
  const waiting: Promise<unknown>[] = []
  let available = 0
  for (let n = 0; n < 4_096; n += 1) {
    if (owned.isAvailable) available += 1
    waiting.push(owned.append(Buffer.of(n & 0xff)))
  }
  assert.ok(available > 3_000 && available < 4_096, String(available))
  await assert.rejects(owned.append(Buffer.from('x')), StoreOverloadedError)
  for (let n = 0, sequence = 6; n < 5; n += 1, sequence += 1) {
    const request = await link.next()
    request.answer({ seq: sequence })
  }
  await Promise.all(waiting)
  assert.ok(owned.isAvailable)
})

test('a full stream is told to callers as such', async () => {
  const { link, owned } = setUp()
  const told = assert.rejects(owned.append(Buffer.from('a')), StoreFullError)
  const full = { error: { code: 503, err_code: 10077, description: 'maximum bytes exceeded' } }
  for (let round = 0; round < 7; round += 1) {
    ;(await link.next()).answer(full)
    ;(await link.next()).answer({ message: { seq: EPOCH, data: '' } })
    await link.pass(500)
  }
  await told
  assert.equal(owned.isAvailable, false)
})

test('without NATS nothing is taken', async () => {
  const { link, owned } = setUp()
  link.isConnected = false
  assert.equal(owned.isAvailable, false)
  await assert.rejects(owned.append(Buffer.from('a')), (error) => {
    assert.ok(error instanceof StoreUnavailableError)
    assert.deepEqual([error.outcome, error.reason], ['refused', 'disconnected'])
    return true
  })
})

test('release waits for what is under way, and twice is as good as once', async () => {
  const { link, owned } = setUp()
  const append = owned.append(Buffer.from('a'))
  const request = await link.next()
  const released = owned.release()
  await assert.rejects(owned.append(Buffer.from('b')), PartitionReleasedError)
  await owned.release()
  request.answer({ seq: 6 })
  await append
  await released
})

test('a partition that is dropped answers who waits, and its message is not tried again', async () => {
  const { link, owned } = setUp()
  const append = owned.append(Buffer.from('a'))
  const told = assert.rejects(append, { name: 'StoreUnavailableError', outcome: 'open' })
  const request = await link.next()
  owned.drop()
  await told
  await assert.rejects(owned.append(Buffer.from('b')), PartitionReleasedError)
  request.lose()
  await link.pass(1_000)
  assert.equal(link.waiting, 0)
})
