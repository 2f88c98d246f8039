import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayPush } from './push-notification.ts'

test('the HSS pushes by itself, a replica only as forwarded (decision 8)', () => {
  assert.equal(mayPush('hss', false), true)
  assert.equal(mayPush('presence', true), true)
  assert.equal(mayPush('presence', false), false)
  // It would be believed one step less far than it must go.
  assert.equal(mayPush('hss', true), false)
})
