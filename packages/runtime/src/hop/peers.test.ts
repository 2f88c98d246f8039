import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { HopPeers } from './peers.ts'
import { FakeHop } from './testing/fake-hop.ts'

function setUp(t: TestContext, peersMax?: number) {
  const hop = new FakeHop(t)
  const peers = new HopPeers({ ...hop.options, ...(peersMax === undefined ? {} : { peersMax }) })
  const send = (target: string, branch: string, mayLeave?: () => boolean): void => {
    peers.send({ target, role: 'scscf' }, hop.request(branch), hop.hear(branch), mayLeave ? { mayLeave } : {})
  }
  return { hop, peers, send }
}

test('a peer is found by its address, and has one stream', async (t) => {
  const { hop, peers, send } = setUp(t)
  send('a:1', 'x')
  send('b:1', 'y')
  send('a:1', 'z')
  for (const target of ['a:1', 'b:1']) hop.stream(target).handlers.onOpen()
  await turn()
  assert.deepEqual(hop.stream('a:1').branches, ['x', 'z'])
  assert.deepEqual(hop.stream('b:1').branches, ['y'])
  assert.equal(await hop.metric('rollcall_hop_pending{peer="replicas"}'), 3)
  hop.stream('a:1').answer(200, 'x', 'z')
  assert.deepEqual(hop.results, ['x 200', 'z 200'])
  assert.equal(peers.size, 2)
})

test('a request to a peer that is away is unreachable; one that may not leave does not', async (t) => {
  const { hop, send } = setUp(t)
  send('a:1', 'x')
  hop.stream('a:1').handlers.onEnd('UNAVAILABLE')
  send('b:1', 'y', () => false)
  hop.stream('b:1').handlers.onOpen()
  await turn()
  assert.deepEqual(hop.results, ['x unreachable', 'y withdrawn'])
  assert.deepEqual(hop.stream('b:1').branches, [])
})

test('a link that was not used for a minute is closed; one in use is not', async (t) => {
  const { hop, peers, send } = setUp(t)
  send('a:1', 'x')
  send('b:1', 'y')
  for (const target of ['a:1', 'b:1']) hop.stream(target).handlers.onOpen()
  await turn()
  hop.stream('a:1').answer(200, 'x')
  for (let seconds = 0; seconds < 25; seconds++) hop.clock.advance(1_000)
  hop.stream('b:1').answer(200, 'y')
  send('b:1', 'z')
  await turn()
  hop.stream('b:1').answer(200, 'z')
  for (let seconds = 0; seconds < 50; seconds++) hop.clock.advance(1_000)
  await turn()
  assert.deepEqual(hop.closed, ['a:1'])
  for (let seconds = 0; seconds < 90; seconds++) hop.clock.advance(1_000)
  await turn()
  assert.deepEqual(hop.closed, ['a:1', 'b:1'])
  assert.equal(peers.size, 0)
  assert.equal(hop.clock.pending, 0)
  send('a:1', 'again')
  hop.stream('a:1').handlers.onOpen()
  await turn()
  assert.deepEqual(hop.stream('a:1').branches, ['again'])
})

test('at its bound a new peer takes the place of the one that rests longest; with all busy it is full', async (t) => {
  const { hop, peers, send } = setUp(t, 2)
  send('a:1', 'x')
  hop.clock.advance(10)
  send('b:1', 'y')
  for (const target of ['a:1', 'b:1']) hop.stream(target).handlers.onOpen()
  await turn()
  send('c:1', 'z')
  await turn()
  assert.deepEqual(hop.results, ['z full'])
  hop.stream('a:1').answer(200, 'x')
  hop.stream('b:1').answer(200, 'y')
  send('c:1', 'w')
  assert.equal(peers.size, 2)
  await turn()
  assert.deepEqual(hop.closed, ['a:1'])
})

test('closed it takes nothing', async (t) => {
  const { hop, peers, send } = setUp(t)
  send('a:1', 'x')
  hop.stream('a:1').handlers.onOpen()
  await turn()
  const closed = peers.close(0)
  hop.clock.advance(0)
  await closed
  send('a:1', 'y')
  send('b:1', 'z')
  await turn()
  assert.deepEqual(hop.results, ['x unreachable', 'y unreachable', 'z unreachable'])
  assert.equal(hop.clock.pending, 0)
})
