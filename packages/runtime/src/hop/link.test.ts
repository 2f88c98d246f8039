import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { STREAM_AGE_MS } from '../grpc-limits.ts'
import { encodeBatch } from './codec.ts'
import { createEnvelope } from './envelope.ts'
import { HopLink } from './link.ts'
import type { HopLimits } from './result.ts'
import { FakeStream } from './testing/fake-stream.ts'

function setUp(limits: Partial<HopLimits> = {}) {
  const clock = new VirtualClock()
  const streams: FakeStream[] = []
  const results: string[] = []
  const told: string[] = []
  let isClosed = false
  const link = new HopLink({
    opener: {
      open(handlers) {
        const stream = new FakeStream(handlers)
        streams.push(stream)
        return stream
      },
      close() {
        isClosed = true
      },
    },
    clock,
    random: seededRandom('link'),
    limits: { queueMessagesMax: 100, pendingMax: 100, resendMsMax: 3_000, ...limits },
    events: {
      sent: () => undefined,
      outcome: () => undefined,
      resent: (count) => told.push(`resent ${count}`),
      stray: () => told.push('stray'),
      batch: () => undefined,
      stream: (event, code) => told.push(`${event} ${code}`),
    },
  })
  const send = (branch: string, deadlineMs = 32_000): void =>
    link.send(
      {
        branch,
        sip: Buffer.from(`PUBLISH sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=${branch}\r\n\r\n`),
        envelope: createEnvelope(),
      },
      (result) => results.push(`${branch} ${result.kind === 'response' ? result.status : result.kind}`),
      { deadlineMs },
    )
  const stream = (index: number): FakeStream => {
    const found = streams[index]
    assert.ok(found, `stream ${index} was not opened`)
    return found
  }
  /** Opens the first stream by a request that is answered. */
  const connect = async (): Promise<void> => {
    send('first')
    stream(0).handlers.onOpen()
    await turn()
    stream(0).answer(200, 'first')
    results.length = 0
  }
  return { clock, streams, stream, results, told, link, send, connect, isClosed: () => isClosed }
}

test('a stream is opened for the first request, and requests wait for it in order', async () => {
  const { link, stream, streams, results, send } = setUp()
  assert.equal(streams.length, 0)
  for (const branch of ['a', 'b', 'c']) send(branch)
  await turn()
  assert.deepEqual(stream(0).branches, [])
  stream(0).handlers.onOpen()
  await turn()
  assert.deepEqual(stream(0).branches, ['a', 'b', 'c'])
  assert.equal(streams.length, 1)
  stream(0).answer(200, 'c', 'a')
  stream(0).answer(404, 'b')
  assert.deepEqual(results, ['c 200', 'a 200', 'b 404'])
  assert.equal(link.pending, 0)
})

test('a message that no peer takes is not put on the stream, where it would end all others', async () => {
  const { link, stream, streams, results, send, connect } = setUp()
  await connect()
  const sip = Buffer.concat([Buffer.from('NOTIFY sip:a SIP/2.0\r\n\r\n'), Buffer.alloc(256 * 1024)])
  link.send({ branch: 'large', sip, envelope: createEnvelope() }, ({ kind }) => results.push(`large ${kind}`), {})
  send('small')
  await turn()
  stream(0).answer(200, 'small')
  assert.deepEqual([results, streams.length], [['large full', 'small 200'], 1])
})

test('provisional responses are passed on and do not end the wait (RFC 3261 section 17.1.2)', async () => {
  const { stream, results, send, connect } = setUp()
  await connect()
  send('a')
  await turn()
  stream(0).answer(100, 'a')
  stream(0).answer(180, 'a')
  stream(0).answer(200, 'a')
  stream(0).answer(200, 'a')
  assert.deepEqual(results, ['a 100', 'a 180', 'a 200'])
})

test('a response that nobody waits for is counted and dropped', async () => {
  const { stream, results, told, connect } = setUp()
  await connect()
  stream(0).answer(200, 'unheard-of')
  stream(0).handlers.onBatch(encodeBatch([{ sip: Buffer.from('NOTIFY sip:a SIP/2.0\r\n\r\n'), envelope: undefined }]))
  assert.deepEqual(results, [])
  assert.deepEqual(told, ['opened OK', 'stray', 'stray'])
})

test('a request that is not answered in its time times out, and its late response is a stray', async () => {
  const { clock, stream, results, told, send, connect } = setUp()
  await connect()
  send('a', 2_000)
  send('b', 5_000)
  await turn()
  clock.advance(2_100)
  assert.deepEqual(results, ['a timeout'])
  stream(0).answer(200, 'a', 'b')
  assert.deepEqual(results, ['a timeout', 'b 200'])
  assert.deepEqual(told, ['opened OK', 'stray'])
})

test('the receiver is told how long the sender still waits, after the wait for a stream', async () => {
  const { clock, stream, send } = setUp()
  send('a', 5_000)
  clock.advance(1_500)
  stream(0).handlers.onOpen()
  await turn()
  assert.deepEqual(stream(0).received, [{ branch: 'a', deadlineMs: 3_500 }])
})

test('what timed out while it waited for a stream is not sent', async () => {
  const { clock, stream, results, send } = setUp()
  send('a', 1_000)
  send('b', 5_000)
  clock.advance(1_100)
  stream(0).handlers.onOpen()
  await turn()
  assert.deepEqual(stream(0).branches, ['b'])
  assert.deepEqual(results, ['a timeout'])
})

test('a lost stream sends what is unanswered once more, with the same branch, before what is new', async () => {
  const { clock, stream, results, told, send, connect } = setUp()
  await connect()
  for (const branch of ['a', 'b', 'c']) send(branch)
  await turn()
  stream(0).answer(200, 'b')
  send('d')
  stream(0).handlers.onEnd('UNAVAILABLE')
  send('e')
  stream(1).handlers.onOpen()
  await turn()
  assert.deepEqual(stream(1).branches, ['a', 'c', 'd', 'e'])
  stream(1).answer(200, 'a')
  clock.advance(2_000)
  stream(1).handlers.onEnd('UNAVAILABLE')
  await turn()
  assert.deepEqual(results, ['b 200', 'a 200', 'c unreachable'])
  stream(2).handlers.onOpen()
  await turn()
  assert.deepEqual(stream(2).branches, ['d', 'e'])
  assert.deepEqual(told, [
    'opened OK',
    'lost UNAVAILABLE',
    'resent 2',
    'opened OK',
    'lost UNAVAILABLE',
    'resent 2',
    'opened OK',
  ])
})

test('a peer that loses one stream after the other is left alone for a while', async () => {
  const { clock, stream, streams, results, send, connect } = setUp()
  await connect()
  send('a')
  await turn()
  stream(0).handlers.onEnd('UNAVAILABLE')
  stream(1).handlers.onOpen()
  await turn()
  stream(1).handlers.onEnd('UNAVAILABLE')
  assert.deepEqual(results, ['a unreachable'])
  assert.equal(streams.length, 2)
  clock.advance(100)
  assert.equal(streams.length, 3)
})

test('what a lost stream owed waits some seconds for a peer that restarts; what is new does not', async () => {
  const { clock, stream, streams, results, send, connect } = setUp()
  await connect()
  send('a')
  await turn()
  stream(0).handlers.onEnd('UNAVAILABLE')
  send('b')
  stream(1).handlers.onEnd('UNAVAILABLE')
  send('c')
  await turn()
  assert.deepEqual(results, ['b unreachable', 'c unreachable'])
  clock.advance(100)
  stream(2).handlers.onEnd('UNAVAILABLE')
  clock.advance(200)
  stream(3).handlers.onOpen()
  await turn()
  assert.deepEqual(stream(3).branches, ['a'])
  stream(3).answer(200, 'a')
  assert.deepEqual(results, ['b unreachable', 'c unreachable', 'a 200'])

  send('d')
  await turn()
  clock.advance(2_000)
  stream(3).handlers.onEnd('UNAVAILABLE')
  const lostAtMs = clock.monotonic()
  while (results.length < 4 && clock.monotonic() < lostAtMs + 10_000) {
    clock.advance(10)
    streams.at(-1)?.handlers.onEnd('UNAVAILABLE')
  }
  assert.equal(results[3], 'd unreachable')
  const waitedMs = clock.monotonic() - lostAtMs
  assert.ok(waitedMs >= 3_000 && waitedMs <= 5_010, String(waitedMs))
})

test('a peer that is not there makes requests unreachable at once, and is tried again after ever longer waits', async () => {
  const { clock, stream, streams, results, told, send } = setUp()
  send('a')
  stream(0).handlers.onEnd('UNAVAILABLE')
  assert.deepEqual(results, ['a unreachable'])
  send('b')
  assert.deepEqual(results, ['a unreachable'])
  await turn()
  assert.deepEqual(results, ['a unreachable', 'b unreachable'])
  const triedAtMs: number[] = []
  while (clock.monotonic() < 20_000) {
    const before = streams.length
    clock.advance(10)
    if (streams.length === before) continue
    triedAtMs.push(clock.monotonic())
    streams.at(-1)?.handlers.onEnd('UNAVAILABLE')
  }
  const gaps = triedAtMs.slice(1).map((at, i) => at - (triedAtMs[i] ?? 0))
  assert.ok((triedAtMs[0] ?? 0) <= 110)
  assert.ok(gaps.every((gap) => gap <= 410) && gaps.slice(5).every((gap) => gap >= 200), gaps.join())
  assert.ok(told.every((event) => event === 'failed UNAVAILABLE'))
})

test('when the peer comes back, so does the stream, without a request', async () => {
  const { clock, streams, results, send } = setUp()
  send('a')
  streams[0]?.handlers.onEnd('UNAVAILABLE')
  clock.advance(150)
  streams[1]?.handlers.onOpen()
  send('b')
  await turn()
  assert.deepEqual(streams[1]?.branches, ['b'])
  assert.deepEqual(results, ['a unreachable'])
})

test('a peer that neither takes nor refuses the connection is not there after three seconds', async () => {
  const { clock, stream, results, send } = setUp()
  send('a')
  clock.advance(3_000)
  assert.equal(stream(0).state, 'cancelled')
  assert.deepEqual(results, ['a unreachable'])
})

test('at its bounds it is full', async () => {
  const { stream, results, send } = setUp({ queueMessagesMax: 2, pendingMax: 4 })
  for (const branch of ['a', 'b', 'c']) send(branch)
  await turn()
  assert.deepEqual(results, ['c full'])
  stream(0).handlers.onOpen()
  await turn()
  for (const branch of ['d', 'e', 'f']) send(branch)
  await turn()
  assert.deepEqual(results, ['c full', 'f full'])
  stream(0).answer(200, 'a')
  send('g')
  await turn()
  assert.deepEqual(stream(0).branches, ['a', 'b', 'd', 'e', 'g'])
})

test('while the stream takes nothing, requests gather up to the bound', async () => {
  const { stream, results, send, connect } = setUp({ queueMessagesMax: 3 })
  await connect()
  stream(0).wantsMore = false
  send('a')
  await turn()
  for (const branch of ['b', 'c', 'd', 'e']) send(branch)
  await turn()
  assert.deepEqual(results, ['e full'])
  assert.deepEqual(stream(0).branches, ['first', 'a'])
  stream(0).wantsMore = true
  stream(0).handlers.onDrain()
  await turn()
  assert.deepEqual(stream(0).branches, ['first', 'a', 'b', 'c', 'd'])
})

test('a stream that is past its age is replaced, finishes what it carries, and loses nothing', async () => {
  const { clock, stream, streams, results, told, send, connect } = setUp()
  await connect()
  clock.advance(STREAM_AGE_MS * 0.89)
  send('old', 300_000)
  await turn()
  for (let seconds = 0; streams.length < 2 && seconds < STREAM_AGE_MS / 1000; seconds++) clock.advance(1_000)
  const ageMs = clock.monotonic()
  assert.ok(ageMs >= STREAM_AGE_MS * 0.9 && ageMs <= STREAM_AGE_MS * 1.1 + 1_000, String(ageMs))
  send('between')
  await turn()
  assert.deepEqual(stream(0).branches, ['first', 'old', 'between'])
  stream(1).handlers.onOpen()
  send('new')
  await turn()
  assert.deepEqual(stream(1).branches, ['new'])
  assert.equal(stream(0).state, 'open')
  stream(0).answer(200, 'old', 'between')
  assert.equal(stream(0).state, 'half-closed')
  stream(0).handlers.onEnd('OK')
  stream(1).answer(200, 'new')
  assert.deepEqual(results, ['old 200', 'between 200', 'new 200'])
  assert.deepEqual(told, ['opened OK', 'opened OK', 'ended OK'])
})

test('when the next stream does not open, the old one goes on', async () => {
  const { clock, stream, streams, results, send, connect } = setUp()
  await connect()
  clock.advance(STREAM_AGE_MS * 1.11)
  assert.ok(streams.length >= 2)
  for (const late of streams.slice(1)) late.handlers.onEnd('UNAVAILABLE')
  send('a')
  await turn()
  stream(0).answer(200, 'a')
  assert.deepEqual(results, ['a 200'])
})

test('a peer that ends its stream in peace gets what it did not answer on the next one', async () => {
  const { stream, results, told, send, connect } = setUp()
  await connect()
  send('a')
  await turn()
  stream(0).handlers.onEnd('OK')
  stream(1).handlers.onOpen()
  await turn()
  stream(1).answer(200, 'a')
  assert.deepEqual(results, ['a 200'])
  assert.deepEqual(told, ['opened OK', 'ended OK', 'resent 1', 'opened OK'])
})

test('a peer that sends what is no batch loses its stream', async () => {
  const { stream, results, told, send, connect } = setUp()
  await connect()
  send('a')
  await turn()
  stream(0).handlers.onBatch(Buffer.from('0aff', 'hex'))
  assert.equal(stream(0).state, 'cancelled')
  stream(1).handlers.onOpen()
  await turn()
  stream(1).answer(200, 'a')
  assert.deepEqual(results, ['a 200'])
  assert.deepEqual(told, ['opened OK', 'lost HOP_MALFORMED', 'resent 1', 'opened OK'])
})

test('a close waits for what is under way, refuses what is new, and leaves no timer', async () => {
  const { clock, link, stream, results, send, connect, isClosed } = setUp()
  await connect()
  send('a')
  send('b')
  await turn()
  const closed = link.close(1_000)
  send('c')
  stream(0).answer(200, 'a')
  await turn()
  assert.deepEqual(results, ['a 200', 'c unreachable'])
  clock.advance(1_000)
  await closed
  assert.deepEqual(results, ['a 200', 'c unreachable', 'b unreachable'])
  assert.equal(stream(0).state, 'cancelled')
  assert.ok(isClosed())
  assert.equal(clock.pending, 0)
})

test('a branch that is under way already is our own mistake (RFC 3261 section 8.1.1.7)', () => {
  const { send } = setUp()
  send('a')
  assert.throws(() => send('a'), /a branch is used once/)
})
