import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { RpcError, type RpcErrorCode } from '@rollcall/runtime'
import { PolicyNotInForceError } from '../errors.ts'
import type { PushOutcome } from '../push-rounds.ts'
import { PolicyPush } from './policy-push.ts'

const REQUEST = {
  canonicalImpu: 'sip:alice@ims.example.org',
  impus: ['sip:alice@ims.example.org'],
  presencePolicy: { defaultAllow: true, allow: [], block: [] },
  revision: 7n,
  forwarded: false,
}

type Answer = 'in-force' | RpcErrorCode | 'silent'

/** Servers that answer by a script, the last line again and again; a silent one takes its whole deadline. */
function stage(scripts: Readonly<Record<string, readonly Answer[]>>) {
  const clock = new VirtualClock()
  const asked: string[] = []
  const outcomes: PushOutcome[] = []
  const servers = Object.entries(scripts).map(([target, script]) => {
    let turn = 0
    return {
      target,
      push: async (_request: typeof REQUEST, deadlineMs: number): Promise<void> => {
        asked.push(`${target} ${deadlineMs}`)
        const answer = script[Math.min(turn++, script.length - 1)]
        if (answer === 'in-force') return
        if (answer !== 'silent') throw new RpcError(answer ?? 'RPC_INTERNAL', 'scripted')
        await new Promise<void>((resolve) => clock.setTimer(deadlineMs, resolve))
        throw new RpcError('RPC_DEADLINE', 'silent')
      },
    }
  })
  const push = new PolicyPush({ servers, clock, onOutcome: (outcome) => outcomes.push(outcome) })
  return { clock, asked, outcomes, push }
}

/** Lets time pass until the push has ended. */
async function ended<T>(clock: VirtualClock, push: Promise<T>): Promise<T> {
  let isOver = false
  const over = push.finally(() => {
    isOver = true
  })
  over.catch(() => {})
  while (!isOver) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    if (!isOver) clock.advance(50)
  }
  return await over
}

test('one server that has it in force is enough, and is asked first the next time (TS 29.328 clause 6.1.4)', async () => {
  const { clock, asked, outcomes, push } = stage({ a: ['RPC_UNAVAILABLE'], b: ['in-force'] })
  await ended(clock, push.push(REQUEST, 10_000))
  await ended(clock, push.push(REQUEST, 10_000))
  assert.deepEqual(asked, ['a 4000', 'b 4000', 'b 4000'])
  assert.deepEqual(outcomes, ['tried-again', 'in-force', 'in-force'])
})

test('all are asked again, with pauses that grow, while a partition moves', async () => {
  const { clock, asked, push } = stage({ a: ['RPC_UNAVAILABLE', 'RPC_EXHAUSTED', 'RPC_CANCELLED', 'in-force'] })
  const startMs = clock.monotonic()
  await ended(clock, push.push(REQUEST, 10_000))
  assert.equal(asked.length, 4)
  assert.equal(clock.monotonic() - startMs, 100 + 200 + 400)
})

test('a server that hangs costs its try and no more', async () => {
  const { clock, asked, push } = stage({ a: ['silent'], b: ['in-force'] })
  await ended(clock, push.push(REQUEST, 10_000))
  assert.deepEqual(asked, ['a 4000', 'b 4000'])
})

test('when nobody says in time that it is in force, the error says that it is stored, as which revision, and why', async () => {
  const { clock, asked, push } = stage({ a: ['silent'] })
  await assert.rejects(ended(clock, push.push(REQUEST, 6_000)), (error) => {
    assert.ok(error instanceof PolicyNotInForceError)
    assert.equal(error.revision, 7n)
    assert.match(error.message, /stored as revision 7, .*not be in force everywhere.*a: RPC_DEADLINE: silent/)
    return true
  })
  assert.deepEqual(asked, ['a 4000', 'a 1900'])
})

test('a refusal that no other try heals is the last word of that server, and of all when each says so', async () => {
  const { clock, asked, outcomes, push } = stage({ a: ['RPC_DENIED'], b: ['RPC_UNAVAILABLE', 'in-force'] })
  await ended(clock, push.push(REQUEST, 10_000))
  assert.deepEqual(asked, ['a 4000', 'b 4000', 'b 4000'])
  assert.deepEqual(outcomes, ['refused', 'tried-again', 'in-force'])
  const hopeless = stage({ a: ['RPC_DENIED'], b: ['RPC_INVALID'] })
  await assert.rejects(ended(hopeless.clock, hopeless.push.push(REQUEST, 10_000)), PolicyNotInForceError)
  assert.equal(hopeless.asked.length, 2)
})

test('a push that finds no time left asks nobody; one that is closed asks nobody more', async () => {
  const late = stage({ a: ['in-force'] })
  await assert.rejects(late.push.push(REQUEST, 0), PolicyNotInForceError)
  assert.deepEqual(late.asked, [])
  const closed = stage({ a: ['RPC_UNAVAILABLE'] })
  const push = closed.push.push(REQUEST, 10_000)
  closed.push.close()
  await assert.rejects(ended(closed.clock, push), PolicyNotInForceError)
  assert.equal(closed.asked.length, 1)
})
