import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary } from '@rollcall/pidf'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, ALICE_TEL, BOB, pidf, publish } from '../testing/inputs.ts'
import { PresenceView, politeBody } from './view.ts'

const BOBS = { watcher: [BOB], isHidden: false }

test('a view shows its moment, not what came after it', () => {
  const run = new ActorRun()
  run.do(publish({ newEntityTag: 'e1', body: pidf('first') }))
  const view = new PresenceView(run.state, 0)
  run.do(publish({ entityTag: 'e1', body: pidf('second') }))
  assert.deepEqual(readPidfSummary(view.bodyFor(ALICE, BOBS)).tuples[0]?.notes, ['first'])
})

test('a watcher of an alias sees the alias and no other name', () => {
  const run = new ActorRun()
  run.do(publish())
  const view = new PresenceView(run.state, 0)
  assert.equal(readPidfSummary(view.bodyFor(ALICE_TEL, BOBS)).entity, ALICE_TEL)
  assert.ok(!view.bodyFor(ALICE_TEL, BOBS).includes(ALICE))
  assert.equal(view.bodyFor(ALICE, BOBS), view.bodyFor(ALICE, BOBS), 'composed once')
})

test('the politely blocked see what everybody sees of one who publishes nothing (readings, Presence 6)', () => {
  assert.deepEqual(politeBody(ALICE), new PresenceView(new ActorRun().state, 0).bodyFor(ALICE, BOBS))
})
