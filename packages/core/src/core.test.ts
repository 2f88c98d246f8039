import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { InvalidIdentityError, parseImpi, parseImpu, Secret, seededRandom, systemRandom, VirtualClock } from './mod.ts'

test('a secret shows its octets to nobody who only prints it', () => {
  const secret = new Secret(Buffer.from('very secret key!'))
  const shown = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }),
    `${secret}`,
    inspect(secret, { showHidden: true }),
  ]
  for (const text of shown) {
    assert.match(text, /\[secret\]/)
    assert.doesNotMatch(text, /very|76657279/)
  }
})

test('a secret keeps a copy, and compares by content', () => {
  const bytes = Buffer.from('0123')
  const secret = new Secret(bytes)
  bytes.fill(0)
  assert.ok(secret.equals(new Secret(Buffer.from('0123'))))
  assert.ok(!secret.equals(new Secret(Buffer.from('01234'))))
})

test('an IMPU is compared in canonical form (RFC 3261 section 19.1.4, RFC 3966 section 5)', () => {
  const cases: [string, string][] = [
    ['sip:alice@IMS.Example.COM', 'sip:alice@ims.example.com'],
    ['SIP:alice@ims.example.com:5060;user=phone', 'sip:alice@ims.example.com'],
    ['sip:%61lice@ims.example.com', 'sip:alice@ims.example.com'],
    ['sip:a%2fb@ims.example.com', 'sip:a%2Fb@ims.example.com'],
    ['sip:alice@ims.example.com:5070', 'sip:alice@ims.example.com:5070'],
    ['tel:+1-555-(01)00;phone-context=x', 'tel:+15550100'],
  ]
  for (const [text, canonical] of cases) assert.equal(parseImpu(text), canonical)
  for (const text of [
    '',
    'sip:',
    'sip:ims.example.com',
    'http://x',
    'tel:',
    'tel:+',
    'sip:a b@c',
    `sip:${'a'.repeat(300)}@b`,
  ]) {
    assert.throws(() => parseImpu(text), InvalidIdentityError)
  }
})

test('an IMPI is a NAI without scheme (TS 23.003 clause 13.3)', () => {
  assert.equal(parseImpi('001010000000001@IMS.example.com'), '001010000000001@ims.example.com')
  for (const text of ['', 'x', 'sip:a@b', 'a@b@c', '@b']) assert.throws(() => parseImpi(text), InvalidIdentityError)
})

test('a virtual clock runs timers in order of time, then of creation, also those set on the way', () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  clock.setTimer(20, () => seen.push('b'))
  clock.setTimer(10, () => {
    seen.push(`a${clock.monotonic()}`)
    clock.setTimer(5, () => seen.push('nested'))
  })
  clock.setTimer(20, () => seen.push('c'))
  const cancelled = clock.setTimer(1, () => seen.push('never'))
  cancelled.cancel()
  assert.equal(clock.nextDueInMs, 10)
  clock.advance(20)
  assert.deepEqual(seen, ['a10', 'nested', 'b', 'c'])
  assert.equal(clock.pending, 0)
  assert.equal(clock.nextDueInMs, Number.POSITIVE_INFINITY)
})

test('a seeded source repeats itself', () => {
  assert.deepEqual(seededRandom('x').bytes(50), seededRandom('x').bytes(50))
  assert.notDeepEqual(seededRandom('x').bytes(50), seededRandom('y').bytes(50))
})

test('the system’s randomness gives each octet once, whatever the sizes of the pieces', () => {
  const pieces = Array.from({ length: 2_000 }, (_, i) => systemRandom.bytes(8 + (i % 9)))
  assert.equal(new Set(pieces.map((piece) => piece.toString('hex').slice(0, 16))).size, pieces.length)
  const kept = pieces.map((piece) => piece.toString('hex'))
  for (const count of [0, 1, 256, 257, 5_000]) assert.equal(systemRandom.bytes(count).length, count)
  // What was handed out stays as it was.
  assert.deepEqual(
    pieces.map((piece) => piece.toString('hex')),
    kept,
  )
  assert.ok(pieces.every((piece) => piece.some((octet) => octet !== 0)))
})
