import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { VirtualClock } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { createMetrics } from '../metrics.ts'
import { createEnvelope } from './envelope.ts'
import type { PartitionPlace } from './forward-request.ts'
import type { HopTarget } from './links.ts'
import type { HopRequest, HopSendOptions } from './pending.ts'
import { ReplicaForwarder, type ReplicaForwarderOptions } from './replica-forwarder.ts'
import type { HopResult } from './result.ts'
import { fakeRequest, fakeResponse } from './testing/fake-stream.ts'

interface Sent extends HopRequest {
  readonly to: HopTarget
  readonly deadlineMs: number | undefined
  readonly on: (result: HopResult) => void
}

const MOVING: PartitionPlace = { kind: 'moving' }
const HERE: PartitionPlace = { kind: 'here' }
const at = (target: string): PartitionPlace => ({ kind: 'at', member: { target } })

function setUp(t: TestContext, o: Pick<ReplicaForwarderOptions, 'parkMs' | 'parkedMax'> = {}) {
  const clock = new VirtualClock()
  const metrics = createMetrics('test')
  t.after(() => metrics.shutdown())
  const places = new Map<number, PartitionPlace>()
  const listeners = new Set<() => void>()
  const sent: Sent[] = []
  const told: string[] = []
  const forwarder = new ReplicaForwarder({
    ...o,
    role: 'scscf',
    clock,
    metrics,
    peers: {
      send(to: HopTarget, request: HopRequest, on: (result: HopResult) => void, options: HopSendOptions = {}) {
        sent.push({ ...request, to, on, deadlineMs: options.deadlineMs })
      },
    },
    whereIs: (partition) => places.get(partition) ?? MOVING,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  })
  const route = (branch: string, o: { envelope?: Partial<Envelope>; deadlineMs?: number; sip?: Buffer } = {}): void =>
    forwarder.route({
      partition: 7,
      sip: o.sip ?? fakeRequest(branch),
      branch,
      envelope: createEnvelope({ impi: 'alice', assertedIdentities: ['sip:alice@example.org'], ...o.envelope }),
      from: 'pcscf',
      deadlineMs: o.deadlineMs ?? 32_000,
      reply: (sip, envelope) =>
        void told.push(`${branch} reply ${sip.toString('latin1', 8, 11)}${envelope ? ' +envelope' : ''}`),
      here: () => void told.push(`${branch} here`),
      unavailable: (why, { misdirected }) => void told.push(`${branch} ${why}${misdirected ? ' misdirected' : ''}`),
    })
  /** Puts the partition somewhere, and says so. */
  const move = (place: PartitionPlace): void => {
    places.set(7, place)
    for (const listener of [...listeners]) listener()
  }
  const last = (): Sent => {
    const request = sent.at(-1)
    assert.ok(request, 'nothing was forwarded')
    return request
  }
  const answer = (status: number, envelope?: Envelope): void =>
    last().on({ kind: 'response', sip: fakeResponse('x', status), envelope, status })
  const metric = async (series: string): Promise<number> => {
    const line = (await metrics.expose()).split('\n').find((text) => text.startsWith(`${series} `))
    return Number(line?.slice(series.length + 1) ?? 0)
  }
  return { clock, places, sent, told, forwarder, route, move, last, answer, metric, listeners }
}

test('what is served here is served at once', (t) => {
  const { told, sent, route, move } = setUp(t)
  move(HERE)
  route('a')
  route('b', { envelope: { forwarded: true, forwardedRole: 'pcscf' } })
  assert.deepEqual(told, ['a here', 'b here'])
  assert.equal(sent.length, 0)
})

test('what another replica owns goes there unchanged, marked, and its answers come back unchanged', async (t) => {
  const { told, route, move, last, answer, forwarder, metric } = setUp(t)
  move(at('b:1'))
  route('a', { deadlineMs: 10_000 })
  assert.deepEqual(last().to, { target: 'b:1', role: 'scscf' })
  assert.ok(last().sip.equals(fakeRequest('a')))
  assert.equal(last().branch, 'a')
  assert.deepEqual(
    last().envelope,
    createEnvelope({
      impi: 'alice',
      assertedIdentities: ['sip:alice@example.org'],
      forwarded: true,
      forwardedRole: 'pcscf',
    }),
  )
  assert.equal(last().deadlineMs, 9_750)
  answer(180)
  answer(200, createEnvelope({ impi: 'x' }))
  assert.deepEqual(told, ['a reply 180', 'a reply 200 +envelope'])
  assert.equal(forwarder.parked, 0)
  assert.equal(await metric('rollcall_hop_forwarded_total{outcome="response"}'), 1)
})

test('a 503 of the owner itself is its answer', (t) => {
  const { told, route, move, answer, sent } = setUp(t)
  move(at('b:1'))
  route('a')
  answer(503, createEnvelope())
  assert.deepEqual(told, ['a reply 503 +envelope'])
  assert.equal(sent.length, 1)
})

test('while the partition moves requests wait, in order, and go where it arrives', async (t) => {
  const { told, route, move, sent, forwarder, metric } = setUp(t)
  route('a')
  route('b')
  assert.deepEqual(told, [])
  assert.equal(forwarder.parked, 2)
  assert.equal(await metric('rollcall_hop_parked'), 2)
  move(MOVING)
  assert.equal(forwarder.parked, 2)
  move(HERE)
  assert.deepEqual(told, ['a here', 'b here'])
  move(MOVING)
  route('c')
  move(at('b:1'))
  assert.deepEqual(
    sent.map(({ branch }) => branch),
    ['c'],
  )
  assert.equal(forwarder.parked, 0)
})

test('a partition that nobody takes in time fails what waits for it', async (t) => {
  const { clock, told, route, forwarder, metric } = setUp(t)
  route('a')
  clock.advance(3_900)
  await turn()
  assert.deepEqual(told, [])
  clock.advance(200)
  await turn()
  assert.deepEqual(told, ['a moving'])
  assert.equal(forwarder.parked, 0)
  assert.equal(clock.pending, 0)
  assert.equal(await metric('rollcall_hop_unplaced_total{why="moving"}'), 1)
})

test('nobody waits longer than the sender does', async (t) => {
  const { clock, told, route } = setUp(t)
  route('a', { deadlineMs: 1_000 })
  clock.advance(800)
  await turn()
  assert.deepEqual(told, ['a moving'])
  route('b', { deadlineMs: 100 })
  await turn()
  assert.deepEqual(told, ['a moving', 'b moving'])
})

test('only so many wait', async (t) => {
  const { told, route, move, forwarder } = setUp(t, { parkedMax: 2 })
  for (const branch of ['a', 'b', 'c']) route(branch)
  await turn()
  assert.deepEqual(told, ['c parked-full'])
  move(HERE)
  assert.deepEqual(told, ['c parked-full', 'a here', 'b here'])
  assert.equal(forwarder.parked, 0)
})

test('a second forward is refused: at once when another has it, after a second when nobody has', async (t) => {
  const { clock, told, route, move, sent } = setUp(t)
  const envelope = { forwarded: true, forwardedRole: 'pcscf' }
  move(at('c:1'))
  route('a', { envelope })
  await turn()
  assert.deepEqual(told, ['a second-forward misdirected'])
  move(MOVING)
  route('b', { envelope })
  route('c', { envelope })
  clock.advance(900)
  await turn()
  assert.equal(told.length, 1)
  clock.advance(200)
  await turn()
  assert.deepEqual(told.slice(1), ['b second-forward misdirected', 'c second-forward misdirected'])
  assert.equal(sent.length, 0)
  route('d', { envelope })
  move(HERE)
  assert.equal(told.at(-1), 'd here')
  move(MOVING)
  route('e', { envelope })
  move(at('c:1'))
  await turn()
  assert.equal(told.at(-1), 'e second-forward misdirected')
  assert.equal(sent.length, 0)
})

test('who is told that it was misdirected looks again, less and less often, and follows a change at once', async (t) => {
  const { clock, told, route, move, sent, answer, last, metric } = setUp(t)
  const misdirected = createEnvelope({ misdirected: true })
  move(at('b:1'))
  route('a')
  answer(503, misdirected)
  assert.deepEqual(told, [])
  const triedAtMs: number[] = []
  while (clock.monotonic() < 5_000) {
    const before = sent.length
    clock.advance(10)
    if (sent.length === before) continue
    triedAtMs.push(clock.monotonic())
    if (clock.monotonic() < 2_000) answer(503, misdirected)
    else break
  }
  assert.ok(triedAtMs.length >= 4 && triedAtMs.length <= 6, triedAtMs.join())
  answer(503, misdirected)
  const before = sent.length
  move(at('c:1'))
  assert.equal(sent.length, before + 1)
  assert.equal(last().to.target, 'c:1')
  answer(200)
  assert.deepEqual(told, ['a reply 200'])
  assert.ok((await metric('rollcall_hop_forwarded_total{outcome="misdirected"}')) >= 5)
  clock.advance(100)
  assert.equal(clock.pending, 0)
})

test('an owner that cannot be reached is waited for, and for its successor, as long as for a move', async (t) => {
  const { clock, told, route, move, last, sent } = setUp(t)
  move(at('b:1'))
  route('a')
  last().on({ kind: 'unreachable' })
  clock.advance(150)
  assert.equal(sent.length, 2)
  last().on({ kind: 'unreachable' })
  move(MOVING)
  move(at('c:1'))
  assert.equal(last().to.target, 'c:1')
  last().on({ kind: 'unreachable' })
  while (clock.monotonic() < 4_200) {
    const before = sent.length
    clock.advance(50)
    if (sent.length > before) last().on({ kind: 'unreachable' })
  }
  await turn()
  assert.deepEqual(told, ['a no-peer'])
})

test('an owner that does not answer, or takes no more, is no reason to ask another one', async (t) => {
  const { told, route, move, last, sent } = setUp(t)
  move(at('b:1'))
  route('a')
  last().on({ kind: 'timeout' })
  route('b')
  last().on({ kind: 'full' })
  await turn()
  assert.deepEqual(told, ['a no-answer', 'b no-peer'])
  assert.equal(sent.length, 2)
})

test('a request whose owner was replaced goes to the new one after a moment; whoever answers first is heard', async (t) => {
  const { clock, told, route, move, sent, answer } = setUp(t)
  move(at('b:1'))
  route('a')
  route('b')
  move(MOVING)
  move(at('c:1'))
  // The old one hands over in peace, and answers what it has.
  clock.advance(100)
  sent[0]?.on({ kind: 'response', sip: fakeResponse('a'), envelope: undefined, status: 200 })
  clock.advance(500)
  assert.deepEqual(
    sent.map(({ branch, to }) => `${branch} ${to.target}`),
    ['a b:1', 'b b:1', 'b c:1'],
  )
  // What the old one says now is no reason to give up.
  sent[1]?.on({ kind: 'unreachable' })
  answer(503, createEnvelope({ misdirected: true }))
  clock.advance(100)
  assert.equal(sent.length, 4)
  answer(200)
  sent[1]?.on({ kind: 'response', sip: fakeResponse('b'), envelope: undefined, status: 404 })
  assert.deepEqual(told, ['a reply 200', 'b reply 200'])
  clock.advance(100)
  assert.equal(clock.pending, 0)
})

test('a partition that comes back to where a request is does not send it there twice', (t) => {
  const { clock, told, route, move, sent } = setUp(t)
  move(at('b:1'))
  route('a')
  move(at('c:1'))
  clock.advance(600)
  move(at('b:1'))
  clock.advance(600)
  assert.deepEqual(
    sent.map(({ to }) => to.target),
    ['b:1', 'c:1'],
  )
  move(HERE)
  clock.advance(600)
  assert.deepEqual(told, ['a here'])
})

test('the same request once more, while it is under way, is answered with it; another one with its branch is not', async (t) => {
  const { told, route, move, sent, answer } = setUp(t)
  move(at('b:1'))
  route('a')
  route('a')
  route('a', { sip: Buffer.from('PUBLISH sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=a\r\n\r\n') })
  assert.equal(sent.length, 1)
  answer(200)
  await turn()
  assert.deepEqual(told, ['a reply 200', 'a reply 200', 'a no-peer'])
  route('a')
  assert.equal(sent.length, 2)
})

test('closed it gives up what waits, and leaves no timer', async (t) => {
  const { clock, told, route, forwarder, listeners } = setUp(t)
  route('a')
  forwarder[Symbol.dispose]()
  await turn()
  assert.deepEqual(told, ['a moving'])
  assert.equal(clock.pending, 0)
  assert.equal(listeners.size, 0)
})
