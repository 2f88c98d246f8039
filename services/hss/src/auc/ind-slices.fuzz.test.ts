import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerChallenge, newIsimState, type SqnSlice } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import fc from 'fast-check'
import { alice, createHss, IMPI, K, OPC } from '../subscribers/testing/fixtures.ts'

const KEYS = { k: new Secret(K), opc: new Secret(OPC) }
const IND_OF: Readonly<Record<SqnSlice, readonly [first: number, last: number]>> = {
  cx: [0, 15],
  zh: [16, 23],
  other: [24, 31],
}

/** One step: a consumer fetches a vector at one of two replicas, or presents the oldest that it holds to the ISIM. */
const anyStep = fc.record({
  consumer: fc.constantFrom<SqnSlice>('cx', 'zh', 'other'),
  replica: fc.integer({ min: 0, max: 1 }),
  isFetch: fc.boolean(),
})

/**
 * REGISTER and other consumers at once: each presents its own vectors in the order in which it got them, but late as it
 * likes against the others. No replica, no consumer and no order may cost an AUTS.
 */
test('consumers that two replicas serve in turn never age one another: no AUTS (TS 33.102 clause C.3.4; readings, Access 8)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 200 }), async (steps) => {
      const { context, restart } = await createHss()
      await context.repository.add(alice())
      const replicas = [context, restart()] as const
      const held: Record<SqnSlice, { rand: Buffer; autn: Buffer }[]> = { cx: [], zh: [], other: [] }
      let state = newIsimState()
      const present = (consumer: SqnSlice): void => {
        const vector = held[consumer].shift()
        if (vector === undefined) return
        const answer = answerChallenge(KEYS, { ...vector, state })
        assert.ok(answer.kind === 'success', `${consumer}: ${answer.kind}`)
        const index = answer.state.sqnArray.findIndex((seq, ind) => seq !== state.sqnArray[ind])
        const [first, last] = IND_OF[consumer]
        assert.ok(index >= first && index <= last, `IND ${index} of ${consumer}`)
        state = answer.state
      }
      for (const { consumer, replica, isFetch } of steps) {
        if (!isFetch) {
          present(consumer)
          continue
        }
        const { repository, auc } = replicas[replica === 0 ? 0 : 1]
        const subscriber = await repository.findById('alice')
        const user = subscriber?.privateUsers.find(({ impi }) => impi === IMPI)
        assert.ok(subscriber && user)
        const { vector } = await auc.makeVector(subscriber, user, { consumer })
        held[consumer].push({ rand: vector.rand, autn: vector.autn })
      }
      for (const consumer of ['zh', 'cx', 'other'] as const) while (held[consumer].length > 0) present(consumer)
    }),
    { seed: 53, numRuns: 40 },
  )
})
