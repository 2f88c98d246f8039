import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { ALICE, BOB } from '../testing/inputs.ts'
import { PolicyRevisions } from './policy-revisions.ts'

test('of who has watchers it is remembered as long as there are any, and some time after', () => {
  const revisions = new PolicyRevisions()
  revisions.note(ALICE, 3n, true)
  assert.deepEqual([revisions.of(ALICE), revisions.of(BOB)], [3n, undefined])
  revisions.unwatch(ALICE)
  revisions.unwatch(BOB)
  assert.deepEqual([revisions.of(ALICE), revisions.of(BOB)], [3n, undefined])
  revisions.note(ALICE, 4n, true)
  assert.equal(revisions.of(ALICE), 4n)
})

test('of those without watchers only the newest are remembered', () => {
  const revisions = new PolicyRevisions()
  const people = Array.from({ length: 10_000 }, (_, n) => `sip:user-${n}@ims.example.com` as Impu)
  revisions.note(ALICE, 1n, true)
  for (const one of people) revisions.note(one, 2n, false)
  assert.equal(people.filter((one) => revisions.of(one) !== undefined).length, 4_096)
  assert.equal(revisions.of(people.at(-1) as Impu), 2n)
  assert.equal(revisions.of(ALICE), 1n)
})
