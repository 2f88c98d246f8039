import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { NonceKeeper } from './mod.ts'

const LIFETIME_MS = 60_000

function keeper(seed = 'nonces', nonceCountMax = 100): { nonces: NonceKeeper; clock: VirtualClock } {
  const clock = new VirtualClock()
  return {
    clock,
    nonces: new NonceKeeper({ clock, random: seededRandom(seed), lifetimeMs: LIFETIME_MS, nonceCountMax }),
  }
}

test('takes its own nonces and no others, each for its scope alone (RFC 7616 section 5.4)', () => {
  const { nonces } = keeper()
  const nonce = nonces.issue('xcap')
  assert.match(nonce, /^[A-Za-z0-9_-]+$/)
  assert.ok(nonces.isGood(nonce, 'xcap'))
  assert.ok(!nonces.isGood(nonce, 'presence'), 'of another scope')
  assert.ok(!keeper('other').nonces.isGood(nonce, 'xcap'), 'of another process')
  const other = nonce.endsWith('A') ? 'B' : 'A'
  for (const forged of ['', `${nonce}=`, nonce.slice(1), `${nonce.slice(0, -1)}${other}`, `Z${nonce.slice(1)}`]) {
    assert.ok(!nonces.isGood(forged, 'xcap'), forged)
    assert.ok(!nonces.claim(forged, 'xcap', 1), forged)
  }
})

test('takes a nonce for its time only, and says at half of it that another one should follow', () => {
  const { nonces, clock } = keeper()
  const nonce = nonces.issue('')
  clock.advance(LIFETIME_MS / 2)
  assert.ok(!nonces.isAging(nonce, ''))
  clock.advance(1)
  assert.ok(nonces.isAging(nonce, ''))
  clock.advance(LIFETIME_MS / 2 - 1)
  assert.ok(nonces.isGood(nonce, ''))
  clock.advance(1)
  assert.ok(!nonces.isGood(nonce, ''))
})

test('takes each count once, those that were overtaken too, within the window (RFC 7616 section 3.4.5)', () => {
  const { nonces } = keeper()
  const nonce = nonces.issue('')
  const took = (nc: number): boolean => nonces.claim(nonce, '', nc)
  assert.ok(took(5), 'a client may begin anywhere')
  assert.ok(!took(5))
  assert.ok(took(3))
  assert.ok(!took(3))
  assert.ok(took(6))
  assert.ok(!took(5) && !took(3))
  assert.ok(took(4))
  assert.ok(took(100))
  assert.ok(!took(35), 'too far back to be known')
  assert.ok(took(36))
  assert.ok(!took(36))
  assert.ok(took(0xffff_ffff))
  assert.ok(!took(100))
})

test('counts are held apart by nonce', () => {
  const { nonces } = keeper()
  const [a, b] = [nonces.issue(''), nonces.issue('')]
  assert.notEqual(a, b)
  assert.ok(nonces.claim(a, '', 1) && nonces.claim(b, '', 1))
})

test('a nonce that had to be let go is not taken again, and the table stays small (RFC 7616 section 5.5)', () => {
  const { nonces, clock } = keeper('bound', 3)
  const first = nonces.issue('')
  const unused = nonces.issue('')
  assert.ok(nonces.claim(first, '', 1))
  for (let i = 0; i < 5; i++) {
    clock.advance(1)
    assert.ok(nonces.claim(nonces.issue(''), '', 1))
    assert.ok(nonces.size <= 3)
  }
  assert.ok(!nonces.isGood(first, ''), 'its counts are forgotten')
  assert.ok(!nonces.isGood(unused, ''), 'and whether one of its age was used cannot be told')
  clock.advance(1)
  assert.ok(nonces.isGood(nonces.issue(''), ''), 'a fresh one is taken')
})

test('nonces that are over make room before any other', () => {
  const { nonces, clock } = keeper('room', 2)
  for (let i = 0; i < 2; i++) assert.ok(nonces.claim(nonces.issue(''), '', 1))
  clock.advance(LIFETIME_MS + 1)
  const waiting = nonces.issue('')
  clock.advance(1)
  assert.ok(nonces.claim(nonces.issue(''), '', 1))
  assert.equal(nonces.size, 1)
  assert.ok(nonces.isGood(waiting, ''))
})
