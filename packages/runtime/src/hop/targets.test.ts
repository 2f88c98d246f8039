import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ConfigError } from '../errors.ts'
import { HopRouter } from './router.ts'
import { parseHopRoutes } from './routes.ts'
import { FakeHop } from './testing/fake-hop.ts'

const [A, B, C] = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3']

function setUp(t: TestContext, targets: readonly string[], limits: { pendingMax?: number } = {}) {
  const hop = new FakeHop(t, limits)
  const router = new HopRouter({ ...hop.options, routes: `ims.example.org=scscf@${targets.join('|')}` })
  const send = (...branches: string[]): void => {
    for (const branch of branches) router.send('ims.example.org', hop.request(branch), hop.hear(branch))
  }
  /** Opens a stream to each target. */
  const connect = async (): Promise<void> => {
    send('first')
    for (const target of targets) hop.stream(target).handlers.onOpen()
    await turn()
    for (const target of targets) hop.stream(target).answer(200, 'first')
    hop.results.length = 0
    for (const target of targets) hop.stream(target).received.length = 0
  }
  return { hop, router, send, connect }
}

test('a route names one target or several, each once', () => {
  const [route] = parseHopRoutes(`Ims.Example.org=scscf@${A}|[::1]:2 | s-2.example.org:3,p=pcscf@${B}`)
  assert.deepEqual(route, { host: 'ims.example.org', role: 'scscf', targets: [A, '[::1]:2', 's-2.example.org:3'] })
  for (const text of [
    `a=scscf@${A}|`,
    `a=scscf@${A}|${A}`,
    `a=scscf@|${A}`,
    `a=scscf@${A}|b`,
    `a=scscf@${A}|pcscf@${B}`,
  ]) {
    assert.throws(() => parseHopRoutes(text), ConfigError, text)
  }
  const many = Array.from({ length: 65 }, (_, port) => `127.0.0.1:${port}`)
  assert.throws(() => parseHopRoutes(`a=scscf@${many.join('|')}`), ConfigError)
})

test('requests go round the targets that are connected, what one turn has to say in one batch', async (t) => {
  const { hop, send, connect } = setUp(t, [A, B])
  await connect()
  for (const branch of ['a', 'b', 'c', 'd']) {
    send(branch, `${branch}2`)
    await turn()
  }
  const heard = [hop.stream(A).branches, hop.stream(B).branches]
  assert.deepEqual(heard.sort(), [
    ['a', 'a2', 'c', 'c2'],
    ['b', 'b2', 'd', 'd2'],
  ])
  // A turn that has more than a batch to say spreads it.
  const many = Array.from({ length: 200 }, (_, i) => `m${i}`)
  send(...many)
  await turn()
  const counts = [A, B].map((target) => hop.stream(target).branches.filter((branch) => branch.startsWith('m')).length)
  assert.deepEqual(new Set(counts), new Set([72, 128]))
})

test('a host is connected when one of its targets is; one that is away is skipped', async (t) => {
  const { hop, router, send } = setUp(t, [A, B])
  assert.equal(router.isConnected('ims.example.org'), false)
  send('a')
  hop.stream(A).handlers.onEnd('UNAVAILABLE')
  assert.equal(router.isConnected('ims.example.org'), false)
  hop.stream(B).handlers.onOpen()
  assert.equal(router.isConnected('IMS.example.org'), true)
  send('b', 'c')
  await turn()
  assert.deepEqual(hop.stream(B).branches.sort(), ['a', 'b', 'c'])
  assert.deepEqual(hop.results, [])
})

test('with every target away requests are unreachable at once', async (t) => {
  const { hop, send } = setUp(t, [A, B])
  send('a')
  hop.stream(A).handlers.onEnd('UNAVAILABLE')
  hop.stream(B).handlers.onEnd('UNAVAILABLE')
  assert.deepEqual(hop.results, ['a unreachable'])
  send('b')
  await turn()
  assert.deepEqual(hop.results, ['a unreachable', 'b unreachable'])
})

test('what a lost stream owes goes to another target at once, with the same branch, and once', async (t) => {
  const { hop, send, connect } = setUp(t, [A, B])
  await connect()
  send('a', 'b')
  await turn()
  const [lost, other] = hop.stream(A).branches.length > 0 ? [A, B] : [B, A]
  assert.ok(lost && other)
  hop.stream(lost).answer(200, 'b')
  hop.stream(lost).handlers.onEnd('UNAVAILABLE')
  await turn()
  assert.deepEqual(hop.stream(other).branches, ['a'])
  assert.equal(await hop.metric('rollcall_hop_resent_total{peer="scscf"}'), 1)
  hop.stream(other).handlers.onEnd('UNAVAILABLE')
  assert.deepEqual(hop.results, ['b 200', 'a unreachable'])
})

test('what a lost stream had not sent goes to another target, too', async (t) => {
  const { hop, send, connect } = setUp(t, [A, B])
  await connect()
  for (const target of [A, B]) hop.stream(target).wantsMore = false
  send('blocks')
  await turn()
  const [blocked, other] = hop.stream(A).branches.length > 0 ? [A, B] : [B, A]
  assert.ok(blocked && other)
  // The next turn's go to the other one, those after it here.
  send('there')
  await turn()
  send('waits')
  await turn()
  hop.stream(other).handlers.onDrain()
  hop.stream(blocked).handlers.onEnd('UNAVAILABLE')
  hop.stream(other).handlers.onDrain()
  await turn()
  hop.stream(other).handlers.onDrain()
  await turn()
  assert.deepEqual(hop.stream(other).branches.sort(), ['blocks', 'there', 'waits'])
  assert.deepEqual(hop.results, [])
})

test('with no other target there, what a lost stream owes waits for the same one', async (t) => {
  const { hop, send } = setUp(t, [A, B])
  send('first')
  hop.stream(A).handlers.onOpen()
  hop.stream(B).handlers.onEnd('UNAVAILABLE')
  await turn()
  hop.stream(A).handlers.onEnd('UNAVAILABLE')
  hop.stream(A).handlers.onOpen()
  await turn()
  hop.stream(A).answer(200, 'first')
  assert.deepEqual(hop.results, ['first 200'])
  assert.equal(hop.streamsOf(A).length, 2)
})

test('what one target does not serve another one is asked for, once', async (t) => {
  const { hop, send, connect } = setUp(t, [A, B])
  await connect()
  send('a')
  await turn()
  const [first, second] = hop.stream(A).branches.length > 0 ? [A, B] : [B, A]
  assert.ok(first && second)
  hop.stream(first).misdirect('a')
  await turn()
  assert.deepEqual(hop.stream(second).branches, ['a'])
  assert.deepEqual(hop.results, [])
  hop.stream(second).misdirect('a')
  assert.deepEqual(hop.results, ['a 503'])
})

test('with one target its 503 is the answer, whatever it says beside it', async (t) => {
  const { hop, send, connect } = setUp(t, [A])
  await connect()
  send('a')
  await turn()
  hop.stream(A).misdirect('a')
  assert.deepEqual(hop.results, ['a 503'])
})

test('a target that is full is passed by; when all are, the request is refused', async (t) => {
  const { hop, send, connect } = setUp(t, [A, B], { pendingMax: 2 })
  await connect()
  for (const branch of ['a', 'b', 'c', 'd', 'e']) {
    send(branch)
    await turn()
  }
  assert.deepEqual([hop.stream(A).branches.length, hop.stream(B).branches.length], [2, 2])
  assert.deepEqual(hop.results, ['e full'])
})

test('a target comes back into the rotation when its stream does', async (t) => {
  const { hop, send, connect } = setUp(t, [A, B, C])
  await connect()
  hop.stream(B).handlers.onEnd('UNAVAILABLE')
  hop.stream(B).handlers.onEnd('UNAVAILABLE')
  for (const branch of ['a', 'b', 'c', 'd']) {
    send(branch)
    await turn()
  }
  assert.deepEqual([hop.stream(A).branches.length, hop.stream(C).branches.length], [2, 2])
  hop.clock.advance(150)
  hop.stream(B).handlers.onOpen()
  for (const branch of ['e', 'f', 'g']) {
    send(branch)
    await turn()
  }
  assert.equal(hop.stream(B).branches.length, 1)
})

test('a close waits for what has moved to another target', async (t) => {
  const { hop, router, send, connect } = setUp(t, [A, B])
  await connect()
  send('a')
  await turn()
  const [lost, other] = hop.stream(A).branches.length > 0 ? [A, B] : [B, A]
  assert.ok(lost && other)
  hop.stream(lost).handlers.onEnd('UNAVAILABLE')
  await turn()
  const closed = router.close(1_000)
  hop.stream(other).answer(200, 'a')
  await closed
  assert.deepEqual(hop.results, ['a 200'])
  assert.equal(hop.clock.pending, 0)
})
