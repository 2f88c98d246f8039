import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, seededRandom, VirtualClock } from '@rollcall/core'
import { type Credentials, checkProof, ha1Of, NonceKeeper, type ProofOutcome, type Qop, responseOf } from './mod.ts'

const clock = new VirtualClock()
const nonces = new NonceKeeper({ clock, random: seededRandom('proof'), lifetimeMs: 60_000, nonceCountMax: 100 })
const user = { username: 'alice', realm: 'home1.net' }
const ha1 = ha1Of({ algorithm: 'SHA-256', ...user, password: new Secret(Buffer.from('wonderland')) })
const body = Buffer.from('<list/>')

type Changes = Partial<Credentials> & { readonly method?: string; readonly body?: Buffer }

/** Credentials that are right for `nonce`, and what is checked of them once `changes` are made. */
function tried(
  nonce: string,
  changes: Changes = {},
  nc = '00000001',
  qop: readonly Qop[] = ['auth', 'auth-int'],
): ProofOutcome {
  const answered = { qop: 'auth-int', nc, cnonce: 'c', uri: '/x' } as const
  const response = responseOf({ algorithm: 'SHA-256', ha1, method: 'PUT', nonce, body, ...answered })
  const right: Credentials = {
    ...user,
    nonce,
    algorithm: 'SHA-256',
    opaque: undefined,
    isUserHashed: false,
    response,
    ...answered,
  }
  return checkProof({
    credentials: { ...right, ...changes },
    method: changes.method ?? 'PUT',
    body: changes.body ?? body,
    ha1,
    algorithm: 'SHA-256',
    qop,
    nonces,
    scope: 'a',
  })
}

test('a right proof is taken, and proves the answer too (RFC 7616 sections 3.4.1 and 3.5)', () => {
  const nonce = nonces.issue('a')
  const outcome = tried(nonce)
  assert.equal(outcome.kind, 'right')
  const answer = Buffer.from('answer')
  const info = outcome.kind === 'right' ? outcome.proof.answer(answer) : undefined
  const sent = { algorithm: 'SHA-256', ha1, uri: '/x', nonce, qop: 'auth-int', nc: '00000001', cnonce: 'c' } as const
  const rspauth = responseOf({ ...sent, method: 'answer', body: answer })
  assert.deepEqual(info, { rspauth, qop: 'auth-int', cnonce: 'c', nc: '00000001', nextnonce: undefined })
})

test('a wrong proof is refused: method, body, target, nonce, count, user or response of another (RFC 7616 section 3.4.1)', () => {
  const nonce = nonces.issue('a')
  for (const changes of [
    { method: 'DELETE' },
    { body: Buffer.from('<evil/>') },
    { uri: '/y' },
    { nonce: nonces.issue('a') },
    { nc: '00000002' },
    { cnonce: 'd' },
    { response: '' },
    { response: '0'.repeat(64) },
  ]) {
    assert.deepEqual(tried(nonce, changes), { kind: 'wrong', reason: 'response' }, String(Object.keys(changes)[0]))
  }
  assert.equal(tried(nonce).kind, 'right', 'and none of them used the count up')
})

test('a proof is good once (RFC 7616 section 3.4.5)', () => {
  const nonce = nonces.issue('a')
  assert.equal(tried(nonce).kind, 'right')
  assert.deepEqual(tried(nonce), { kind: 'replayed' })
  assert.equal(tried(nonce, {}, '00000002').kind, 'right')
})

test('a right proof for a nonce of elsewhere, or of long ago, is stale (RFC 7616 section 3.3)', () => {
  for (const nonce of ['', 'unknown', nonces.issue('b')]) assert.deepEqual(tried(nonce), { kind: 'stale' })
  const old = nonces.issue('a')
  clock.advance(60_001)
  assert.deepEqual(tried(old), { kind: 'stale' })
})

test('an aging nonce is followed by another', () => {
  const nonce = nonces.issue('a')
  clock.advance(30_001)
  const outcome = tried(nonce)
  const next = outcome.kind === 'right' ? outcome.proof.answer(body).nextnonce : undefined
  assert.ok(next !== undefined && nonces.isGood(next, 'a'))
})

test('refuses what was not offered, and what has no count', () => {
  const nonce = nonces.issue('a')
  assert.deepEqual(tried(nonce, { algorithm: 'MD5' }), { kind: 'wrong', reason: 'algorithm' })
  assert.deepEqual(tried(nonce, { algorithm: undefined }), { kind: 'wrong', reason: 'algorithm' })
  assert.deepEqual(tried(nonce, {}, '00000001', ['auth']), { kind: 'wrong', reason: 'qop' })
  assert.deepEqual(tried(nonce, { qop: undefined }), { kind: 'wrong', reason: 'qop' })
  assert.deepEqual(tried(nonce, { qop: 'auth-conf' }), { kind: 'wrong', reason: 'qop' })
  for (const nc of [undefined, '1', '00000000', '0000000g', '000000001']) {
    assert.deepEqual(tried(nonce, { nc }), { kind: 'wrong', reason: 'count' }, String(nc))
  }
  assert.deepEqual(tried(nonce, { cnonce: '' }), { kind: 'wrong', reason: 'count' })
})
