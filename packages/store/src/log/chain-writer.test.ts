import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FencedError, PartitionReleasedError } from '../errors.ts'
import { EXPECTED_LAST_SUBJECT_SEQUENCE } from '../jetstream-api.ts'
import { ScriptedLink } from '../testing/scripted-link.ts'
import { ChainWriter, type Trouble } from './chain-writer.ts'
import { encodeLogMessage } from './log-message.ts'

const EPOCH = 7

function setUp() {
  const link = new ScriptedLink()
  const writer = new ChainWriter({
    connection: link,
    stream: 'S',
    subject: 's.log.0',
    partition: '0',
    epochSequence: EPOCH,
  })
  const troubles: Trouble[] = []
  const write = () => writer.write(message(BigInt(EPOCH), writer.nextNumber), (trouble) => troubles.push(trouble))
  return { link, writer, troubles, write }
}

function message(epoch: bigint, number: bigint): Buffer {
  return encodeLogMessage({ kind: 'records', epoch, number, records: [{ record: Buffer.from('r') }] })
}

function last(seq: number, data: Buffer) {
  return { message: { seq, data: data.toString('base64') } }
}

test('each append expects the sequence of the one before it (ARCHITECTURE decision 2)', async () => {
  const { link, write } = setUp()
  for (const [expected, sequence] of [
    [EPOCH, 12],
    [12, 13],
    [13, 40],
  ] as const) {
    const written = write()
    const request = await link.next()
    assert.equal(request.subject, 's.log.0')
    assert.equal(request.headers?.get(EXPECTED_LAST_SUBJECT_SEQUENCE), String(expected))
    request.answer({ stream: 'S', seq: sequence })
    assert.equal(await written, sequence)
  }
})

test('sends again after 10164, which says only that the subject is busy', async () => {
  const { link, write, troubles } = setUp()
  const written = write()
  ;(await link.next()).answer({ error: { code: 400, err_code: 10164, description: 'wrong last sequence' } })
  await link.pass(2)
  ;(await link.next()).answer({ stream: 'S', seq: 8 })
  assert.equal(await written, 8)
  assert.deepEqual(troubles, [])
})

test('a lost answer is settled by the last message: ours by epoch and number has landed', async () => {
  const { link, write, troubles } = setUp()
  const written = write()
  ;(await link.next()).lose()
  const question = await link.next()
  assert.equal(question.subject, '$JS.API.STREAM.MSG.GET.S')
  assert.deepEqual(JSON.parse(question.payload.toString()), { last_by_subj: 's.log.0' })
  question.answer(last(9, message(BigInt(EPOCH), 1n)))
  assert.equal(await written, 9)
  assert.deepEqual(troubles, ['no-answer'])
})

test('a lost append that did not land is sent again with the same expectation, so that a straggler cannot land twice', async () => {
  const { link, write } = setUp()
  const written = write()
  const first = await link.next()
  first.lose()
  ;(await link.next()).answer(last(EPOCH, message(0n, 0n)))
  await link.pass(2)
  const again = await link.next()
  assert.equal(again.headers?.get(EXPECTED_LAST_SUBJECT_SEQUENCE), String(EPOCH))
  assert.deepEqual(again.payload, first.payload)
  // The straggler was there first.
  again.answer({ error: { code: 400, err_code: 10071, description: 'wrong last sequence: 8' } })
  ;(await link.next()).answer(last(8, message(BigInt(EPOCH), 1n)))
  assert.equal(await written, 8)
})

test('10071 with a later epoch in the log: fenced', async () => {
  const { link, write } = setUp()
  const written = write()
  ;(await link.next()).answer({ error: { code: 400, err_code: 10071, description: 'wrong last sequence: 20' } })
  const epoch = encodeLogMessage({ kind: 'epoch', epoch: 0n, number: 0n, records: [{ record: Buffer.alloc(16) }] })
  ;(await link.next()).answer(last(20, epoch))
  await assert.rejects(written, FencedError)
})

test('10071 with another owner’s append in the log: fenced', async () => {
  const { link, write } = setUp()
  const written = write()
  ;(await link.next()).answer({ error: { code: 400, err_code: 10071, description: 'wrong last sequence: 21' } })
  ;(await link.next()).answer(last(21, message(20n, 1n)))
  await assert.rejects(written, FencedError)
})

test('a message that cannot be read is not ours: fenced', async () => {
  const { link, write } = setUp()
  const written = write()
  ;(await link.next()).lose()
  ;(await link.next()).answer(last(21, Buffer.from('from a later release')))
  await assert.rejects(written, FencedError)
})

test('an answer older than what was acknowledged decides nothing', async () => {
  const { link, write } = setUp()
  const written = write()
  ;(await link.next()).lose()
  ;(await link.next()).answer(last(3, message(1n, 1n)))
  await link.pass(50)
  ;(await link.next()).answer({ error: { code: 404, err_code: 10037, description: 'no message found' } })
  await link.pass(50)
  ;(await link.next()).lose()
  await link.pass(50)
  ;(await link.next()).answer(last(8, message(BigInt(EPOCH), 1n)))
  assert.equal(await written, 8)
})

test('a full stream is told and tried again until there is room (10077)', async () => {
  const { link, write, troubles } = setUp()
  const written = write()
  for (let round = 0; round < 3; round += 1) {
    ;(await link.next()).answer({ error: { code: 503, err_code: 10077, description: 'maximum bytes exceeded' } })
    ;(await link.next()).answer(last(EPOCH, message(0n, 0n)))
    await link.pass(500)
  }
  ;(await link.next()).answer({ stream: 'S', seq: 30 })
  assert.equal(await written, 30)
  assert.deepEqual(troubles, ['full', 'full', 'full'])
})

test('nothing is sent while NATS is away, and the append goes on when it is back', async () => {
  const { link, write, troubles } = setUp()
  link.isConnected = false
  const written = write()
  await link.pass(200)
  assert.ok(troubles.length > 0)
  link.isConnected = true
  await link.pass(50)
  ;(await link.next()).answer(last(EPOCH, message(0n, 0n)))
  await link.pass(2)
  ;(await link.next()).answer({ stream: 'S', seq: 8 })
  assert.equal(await written, 8)
})

test('an abandoned append ends without an outcome', async () => {
  const { link, writer, write } = setUp()
  const written = write()
  ;(await link.next()).lose()
  const question = await link.next()
  writer.abandon()
  question.lose()
  const ended = assert.rejects(written, PartitionReleasedError)
  await link.pass(50)
  await ended
})
