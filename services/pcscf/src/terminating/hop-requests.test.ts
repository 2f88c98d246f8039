import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { VirtualClock } from '@rollcall/core'
import { HopRequests } from './hop-requests.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function hopRequests(): HopRequests {
  return new HopRequests({ clock: new VirtualClock(), rememberMs: 32_000, max: 10 })
}

test('what comes again is answered with the same octets, where it came last', () => {
  const requests = hopRequests()
  const told: string[] = []
  const to = (name: string) => (sip: Buffer) => void told.push(`${name} ${sip.toString('hex')}`)
  const entry = requests.take('a', to('first'))
  assert.ok(entry && entry !== 'full')
  assert.equal(requests.take('a', to('second')), undefined)
  entry.answer(Buffer.from('00ff80', 'hex'))
  entry.answer(Buffer.from('11', 'hex'))
  assert.equal(requests.take('a', to('third')), undefined)
  assert.deepEqual(told, ['second 00ff80', 'third 00ff80'])
})

test('of what was answered the answer is kept, and neither the block it was cut from nor the way back', async () => {
  const requests = hopRequests()
  const kept = answered(requests)
  // A WeakRef holds on to what it refers to until its own job has ended.
  await setImmediate()
  collectGarbage()
  for (const [what, ref] of Object.entries(kept)) assert.ok(ref.deref() === undefined, what)
  const again: string[] = []
  requests.take('a', (sip) => void again.push(sip.toString('latin1')))
  assert.deepEqual(again, ['SIP/2.0 200'])
})

/** In a function of its own: nothing here refers to what it made. */
function answered(requests: HopRequests): Record<string, WeakRef<object>> {
  const block = Buffer.alloc(65_536, 'SIP/2.0 200')
  const reply = (): void => void block.length
  const entry = requests.take('a', reply)
  assert.ok(entry && entry !== 'full')
  entry.answer(block.subarray(0, 11))
  return { block: new WeakRef(block.buffer), reply: new WeakRef(reply) }
}
