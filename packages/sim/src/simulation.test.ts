import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Simulation } from './simulation.ts'

/** `npm run sim -- --seeds 10000` runs more of them. */
const SEEDS = 200
const FIRST = 20_261_128

test(`${SEEDS} seeds: nothing answered 2xx is lost, nobody is told who may not know (decisions 1 to 4)`, async (t) => {
  let notifies = 0
  let virtualMs = 0
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const result = await new Simulation(seed).run()
    if (result.faults.length > 0) for (const line of result.trace.slice(-60)) t.diagnostic(line)
    assert.deepEqual(result.faults, [], `replay: npm run sim -- --seed ${seed}`)
    notifies += result.notifies
    virtualMs += result.virtualMs
  }
  t.diagnostic(`${notifies} NOTIFYs in ${Math.round(virtualMs / 1_000)} virtual seconds`)
  assert.ok(notifies > SEEDS * 20, 'so many that something could have gone wrong')
})

test('the same seed goes the same way to the last event', async () => {
  for (const seed of [1, 7, 23]) {
    const [one, other] = [await new Simulation(seed).run(), await new Simulation(seed).run()]
    assert.equal(other.digest, one.digest)
    assert.deepEqual(other.trace, one.trace)
  }
  assert.notEqual((await new Simulation(1).run()).digest, (await new Simulation(2).run()).digest)
})
