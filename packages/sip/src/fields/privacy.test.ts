import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipHeaders } from '../headers.ts'
import { refuses } from '../testing/same-again.ts'
import { formatPrivacy, hidesIdentity, parsePrivacy } from './privacy.ts'

test('Privacy is a set of values (RFC 3323 section 4.2)', () => {
  assert.deepEqual([...parsePrivacy(['header;user;critical'])], ['header', 'user', 'critical'])
  assert.deepEqual([...parsePrivacy(['Header ; SESSION', 'id'])], ['header', 'session', 'id'])
  assert.deepEqual([...parsePrivacy(['id, critical'])], ['id', 'critical'])
  assert.deepEqual([...parsePrivacy(['none'])], ['none'])
  assert.deepEqual([...parsePrivacy([])], [])
  assert.equal(formatPrivacy(['critical', 'user', 'header']), 'user;header;critical')
  assert.deepEqual([...parsePrivacy([formatPrivacy(['id'])])], ['id'])
})

test('a Privacy that contradicts itself, or is none, is refused (RFC 3323 section 4.2)', () => {
  const many = Array.from({ length: 40 }, (_, index) => `v${index}`).join(';')
  refuses('Privacy', (text) => parsePrivacy([text]), ['', 'none;id', 'id;', ';id', 'i d', '"id"', 'id=1', many])
  assert.throws(() => formatPrivacy(['none', 'id']))
  assert.throws(() => formatPrivacy([]))
})

test('id hides the asserted identity, and so does what nobody can read (RFC 3325 section 7)', () => {
  const hides = (...lines: string[]) => hidesIdentity(new SipHeaders(lines.map((line) => ['Privacy', line])))
  // RFC 3325 section 9.3
  for (const lines of [['id'], ['ID'], ['header;id;critical'], ['user', 'id'], ['user,id'], ['id=x'], ['none;user']]) {
    assert.ok(hides(...lines), lines.join())
  }
  for (const lines of [[], ['none'], ['header'], ['user;session'], ['idx']]) assert.ok(!hides(...lines), lines.join())
})
