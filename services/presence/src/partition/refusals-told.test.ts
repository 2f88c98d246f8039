import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { ALICE, BOB, CAROL, MALLORY } from '../testing/inputs.ts'
import { RefusalsTold } from './refusals-told.ts'

const named = { watcher: [MALLORY], isHidden: false }
const hidden = { watcher: [MALLORY], isHidden: true }

test('of each watcher once an hour, with and without a name, to each presentity (readings, Presence 3)', () => {
  const clock = new VirtualClock()
  const told = new RefusalsTold(clock)
  assert.ok(told.mayTell(ALICE, named))
  told.note(ALICE, named)
  assert.deepEqual(
    [told.mayTell(ALICE, named), told.mayTell(ALICE, hidden), told.mayTell(BOB, named)],
    [false, true, true],
  )
  clock.advance(1_800_000)
  told.note(ALICE, named)
  clock.advance(3_599_000)
  assert.ok(!told.mayTell(ALICE, named), 'an hour from the last one')
  clock.advance(1_000)
  assert.ok(told.mayTell(ALICE, named))
})

test('a crowd of refused watchers is told of as far as there is room, and never more often', () => {
  const clock = new VirtualClock()
  const told = new RefusalsTold(clock, 2)
  told.note(ALICE, named)
  clock.advance(1_000)
  told.note(ALICE, hidden)
  assert.ok(!told.mayTell(ALICE, { watcher: [CAROL], isHidden: false }))
  clock.advance(3_599_000)
  assert.ok(told.mayTell(ALICE, { watcher: [CAROL], isHidden: false }), 'the first one is forgotten')
  assert.ok(!told.mayTell(ALICE, hidden))
})
