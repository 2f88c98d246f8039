import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RollcallError, VirtualClock } from '@rollcall/core'
import { StoreUnavailableError, StreamMissingError } from './errors.ts'
import { StoreOpener } from './store-opener.ts'
import { settled } from './testing/scripted-link.ts'

class OtherError extends RollcallError {
  readonly code = 'OTHER'
}

function setUp(attempts: readonly (Error | string)[], o: { retryMs?: number; isForWaiting?: () => boolean } = {}) {
  const clock = new VirtualClock()
  const problems: string[] = []
  let tried = 0
  const opener = new StoreOpener({
    clock,
    open: async () => {
      const attempt = attempts[Math.min(tried, attempts.length - 1)] ?? ''
      tried += 1
      if (typeof attempt !== 'string') throw attempt
      return attempt
    },
    onProblem: ({ code }) => void problems.push(code),
    ...o,
  })
  const pass = async (ms: number): Promise<void> => {
    await settled()
    clock.advance(ms)
    await settled()
  }
  return { opener, problems, pass, tries: () => tried }
}

const missing = new StreamMissingError('s')
const away = new StoreUnavailableError('disconnected', 'refused')

test('opens again and again, tells each problem once in a row, and is open in the end', async () => {
  const { opener, problems, pass } = setUp([away, away, missing, 'open'])
  assert.deepEqual(opener.state, { kind: 'opening', problem: 'STORE_CONNECTING' })
  const opened = opener.run(new AbortController().signal)
  await pass(0)
  assert.deepEqual(opener.state, { kind: 'opening', problem: 'STORE_UNAVAILABLE' })
  for (let tries = 0; tries < 3; tries += 1) await pass(500)
  await opened
  assert.deepEqual(opener.state, { kind: 'open', value: 'open' })
  assert.deepEqual(problems, ['STORE_UNAVAILABLE', 'STORE_STREAM_MISSING'])
})

test('what is not for waiting is given up with its error; what is for waiting is said by the caller', async () => {
  await assert.rejects(setUp([new OtherError('x')]).opener.run(new AbortController().signal), OtherError)
  const { opener, pass } = setUp([new OtherError('x'), 'open'], { isForWaiting: () => true, retryMs: 5_000 })
  const opened = opener.run(new AbortController().signal)
  await pass(4_999)
  assert.deepEqual(opener.state, { kind: 'opening', problem: 'OTHER' })
  await pass(1)
  await opened
})

test('a signal ends the attempts', async () => {
  const { opener, pass, tries } = setUp([away])
  const abort = new AbortController()
  const ended = opener.run(abort.signal)
  await pass(500)
  abort.abort()
  await ended
  const before = tries()
  await pass(5_000)
  assert.equal(tries(), before)
})
