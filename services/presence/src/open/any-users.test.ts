import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImpu } from '@rollcall/core'
import { AnyUsers } from './any-users.ts'

test('every identity is a user of its own, whom everybody may watch', async () => {
  const users = new AnyUsers({ partitionOf: () => 7, domain: undefined })
  const alice = parseImpu('sip:alice@example.com')
  const user = users.peek(alice)
  assert.ok(user !== 'unknown')
  assert.deepEqual([user.canonical, user.impus, user.partition], [alice, [alice], 7])
  assert.equal(user.policy.decide({ kind: 'unverified' }, { nowMs: 0, sphere: undefined }).handling, 'allow')
  assert.equal((await users.fetch(alice))?.canonical, alice)
})

test('with a domain only its identities are', async () => {
  const users = new AnyUsers({ partitionOf: () => 7, domain: 'example.com' })
  assert.ok(users.peek(parseImpu('sip:alice@EXAMPLE.com:5070')) !== 'unknown')
  for (const other of ['sip:alice@example.org', 'sip:alice@a.example.com', 'tel:+15550100', 'sip:example.com@b']) {
    assert.equal(users.peek(parseImpu(other)), 'unknown', other)
    assert.equal(await users.fetch(parseImpu(other)), undefined)
  }
})
