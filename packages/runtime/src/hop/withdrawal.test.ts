import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { HopRouter } from './router.ts'
import { FakeHop } from './testing/fake-hop.ts'

const TARGET = '127.0.0.1:1'
const OTHER = '127.0.0.1:2'

function setUp(t: TestContext, targets = TARGET) {
  const hop = new FakeHop(t)
  const router = new HopRouter({ ...hop.options, routes: `p=pcscf@${targets}` })
  const withdrawn = new Set<string>()
  const asked: string[] = []
  const send = (...branches: string[]): void => {
    for (const branch of branches) {
      router.send('p', hop.request(branch), hop.hear(branch), {
        mayLeave() {
          asked.push(branch)
          return !withdrawn.has(branch)
        },
      })
    }
  }
  return { hop, router, withdrawn, asked, send }
}

test('nothing leaves of a request that was withdrawn while it waited for a stream', async (t) => {
  const { hop, withdrawn, asked, send } = setUp(t)
  send('a', 'b', 'c')
  await turn()
  assert.deepEqual(asked, [])
  withdrawn.add('b')
  hop.stream(TARGET).handlers.onOpen()
  assert.deepEqual(asked, [])
  await turn()
  assert.deepEqual(hop.stream(TARGET).branches, ['a', 'c'])
  assert.deepEqual(hop.results, ['b withdrawn'])
  assert.equal(await hop.metric('rollcall_hop_outcomes_total{peer="pcscf",outcome="withdrawn"}'), 1)
  assert.equal(await hop.metric('rollcall_hop_pending{peer="pcscf"}'), 2)
})

test('it is asked in the breath in which the batch is written, not when the batch is begun', async (t) => {
  const { hop, withdrawn, send } = setUp(t)
  send('first')
  hop.stream(TARGET).handlers.onOpen()
  await turn()
  send('a', 'b')
  // The batch goes out at the end of this turn; what happens before it counts.
  queueMicrotask(() => withdrawn.add('a'))
  await turn()
  assert.deepEqual(hop.stream(TARGET).branches, ['first', 'b'])
})

test('while the stream takes nothing, what waits can be withdrawn', async (t) => {
  const { hop, withdrawn, send } = setUp(t)
  send('first')
  hop.stream(TARGET).wantsMore = false
  hop.stream(TARGET).handlers.onOpen()
  await turn()
  send('a', 'b')
  await turn()
  withdrawn.add('a')
  hop.stream(TARGET).handlers.onDrain()
  await turn()
  assert.deepEqual(hop.stream(TARGET).branches, ['first', 'b'])
  assert.deepEqual(hop.results, ['a withdrawn'])
})

test('it is asked again before a request goes out a second time, here or to another target', async (t) => {
  for (const targets of [TARGET, `${TARGET}|${OTHER}`]) {
    const { hop, withdrawn, asked, send } = setUp(t, targets)
    send('first')
    hop.stream(TARGET).handlers.onOpen()
    if (targets !== TARGET) hop.stream(OTHER).handlers.onOpen()
    await turn()
    send('a', 'b')
    await turn()
    withdrawn.add('a')
    const lost = hop.stream(TARGET).branches.includes('a') ? TARGET : OTHER
    const next = targets === TARGET || lost === OTHER ? TARGET : OTHER
    hop.stream(lost).handlers.onEnd('UNAVAILABLE')
    if (targets === TARGET) hop.stream(TARGET).handlers.onOpen()
    await turn()
    assert.ok(hop.stream(next).branches.includes('b') && !hop.stream(next).branches.includes('a'))
    assert.deepEqual(hop.results, ['a withdrawn'])
    assert.deepEqual(
      asked.filter((branch) => branch === 'a'),
      ['a', 'a'],
    )
  }
})

test('what has timed out is not asked, and a withdrawn one is told once', async (t) => {
  const { hop, withdrawn, asked, send } = setUp(t)
  send('a', 'b')
  withdrawn.add('b')
  hop.clock.advance(2_900)
  hop.stream(TARGET).handlers.onOpen()
  await turn()
  hop.clock.advance(32_000)
  assert.deepEqual(hop.results, ['b withdrawn', 'a timeout'])
  assert.deepEqual(asked, ['a', 'b'])
})
