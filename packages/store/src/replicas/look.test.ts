import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { leaseStreamOf } from '../layout.ts'
import { JetStreamModel } from '../testing/jetstream-model.ts'
import { ModelLink } from '../testing/model-link.ts'
import { settled } from '../testing/scripted-link.ts'
import { encodeLease } from './lease-record.ts'
import { readLeases } from './look.ts'

const PREFIX = 'presence.r.lease.'
const STREAM = 'presence_lease'

/** A look by `a` at leases that were written in this order; answers come from a replica that is so far behind. */
function look(o: { written: readonly string[]; lags: readonly number[] }) {
  const clock = new VirtualClock()
  const model = new JetStreamModel([leaseStreamOf('presence')])
  const lease = {
    incarnation: 'a',
    beat: 1,
    target: '',
    state: 'serving',
    held: new Map(),
    lingering: new Set<number>(),
    floors: new Map(),
  }
  for (const replica of o.written) {
    model.serve(`${PREFIX}${replica}`, encodeLease({ ...lease, state: 'serving' }), undefined)
  }
  let asked = 0
  const fateOf = () => {
    const lag = o.lags[asked] ?? o.lags.at(-1) ?? 0
    asked += 1
    return { arrivesAfterMs: [0], answeredAfterMs: 0, lag }
  }
  const link = new ModelLink({ model, clock, fateOf })
  const barrier = model.stream(STREAM).last(`${PREFIX}a`)?.sequence ?? 0
  const read = readLeases(link, { stream: STREAM, prefix: PREFIX, self: 'a', barrier, timeoutMs: 500 })
  const finish = async () => {
    for (let step = 0; step < 200; step += 1) {
      clock.advance(1)
      await settled()
    }
    const leases = await read
    return { names: leases?.map(({ replica, sequence }) => `${replica}${sequence}`), asked }
  }
  return finish()
}

test('gives the leases of the others, as they were when one’s own heartbeat was stored, or later', async () => {
  assert.deepEqual(await look({ written: ['b', 'a', 'c', 'b'], lags: [0] }), { names: ['c3', 'b4'], asked: 1 })
})

test('an answer of a replica that lags behind one’s own heartbeat is not believed: it may show who has given up', async () => {
  assert.deepEqual(await look({ written: ['b', 'c', 'b', 'a'], lags: [2, 1, 0] }), { names: ['c2', 'b3'], asked: 3 })
})

test('one that only lags behind what came after it is good enough', async () => {
  assert.deepEqual(await look({ written: ['b', 'a', 'b'], lags: [1] }), { names: ['b1'], asked: 1 })
})

test('when all that answer lag, nothing is known', async () => {
  const { names, asked } = await look({ written: ['b', 'a'], lags: [1] })
  assert.equal(names, undefined)
  assert.equal(asked, 5)
})
