import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import test from 'node:test'
import { Secret, seededRandom } from '@rollcall/core'
import fc from 'fast-check'
import { makeFlowToken, readFlowToken, type TokenKey } from './flow-token.ts'
import { TokenKeyRing } from './token-key-ring.ts'

const random = seededRandom('flow tokens')
const KEY: TokenKey = { keyId: 7, key: new Secret(random.bytes(32)) }
const REGISTRATION = random.bytes(16)

test('a token is key id, registration id and HMAC-SHA-256/128 in base64url (RFC 3327 section 5.2, RFC 5626 section 5.2; readings, SIP hop 3)', () => {
  const head = Buffer.concat([Buffer.from([0, 0, 0, 7]), REGISTRATION])
  const mac = createHmac('sha256', KEY.key.reveal()).update(head).digest().subarray(0, 16)
  assert.equal(makeFlowToken(KEY, REGISTRATION), Buffer.concat([head, mac]).toString('base64url'))
})

test('a token names its registration, and may stand in a user part unescaped (RFC 3261 section 25.1)', () => {
  const token = makeFlowToken(KEY, REGISTRATION)
  assert.match(token, /^[A-Za-z0-9_-]{48}$/)
  assert.deepEqual(readFlowToken([KEY], token), { ok: true, registrationId: REGISTRATION })
})

test('a token that was changed in any bit is forged, or names an unknown key', () => {
  const octets = Buffer.from(makeFlowToken(KEY, REGISTRATION), 'base64url')
  for (let bit = 0; bit < octets.length * 8; bit++) {
    const changed = Buffer.from(octets)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const reading = readFlowToken([KEY], changed.toString('base64url'))
    assert.ok(!reading.ok)
    assert.equal(reading.reason, bit < 32 ? 'token-key-unknown' : 'token-forged')
  }
})

test('a token of another P-CSCF with the same key id is forged', () => {
  const other = { keyId: 7, key: new Secret(random.bytes(32)) }
  assert.deepEqual(readFlowToken([KEY], makeFlowToken(other, REGISTRATION)), { ok: false, reason: 'token-forged' })
})

test('any text is read without a throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 100 }), fc.base64String({ maxLength: 80 })), (text) => {
      assert.ok(!readFlowToken([KEY], text).ok)
    }),
    { seed: 3327 },
  )
})

test('after a rotation both keys read and the new one makes; after two the first is done', () => {
  const ring = new TokenKeyRing()
  assert.equal(ring.make(REGISTRATION), undefined)
  assert.equal(ring.dueAtMs(1000), 0)
  ring.add(ring.nextKey(random, 5000))
  const first = ring.make(REGISTRATION) ?? ''
  assert.equal(ring.dueAtMs(1000), 6000)
  ring.add(ring.nextKey(random, 6000))
  const second = ring.make(REGISTRATION) ?? ''
  assert.notEqual(first, second)
  assert.ok(ring.read(first).ok && ring.read(second).ok)
  ring.add(ring.nextKey(random, 7000))
  assert.deepEqual(ring.read(first), { ok: false, reason: 'token-key-unknown' })
  assert.ok(ring.read(second).ok)
})
