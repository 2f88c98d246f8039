import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, seededRandom } from '@rollcall/core'
import { SealedRecordError, Sealer } from '@rollcall/store'
import { SealedTokenKeys } from './sealed-token-keys.ts'
import { TokenKeyRing } from './token-key-ring.ts'

const random = seededRandom('sealed token keys')
const KEYS = new Map(['hash', 'k1', 'k2'].map((id) => [id, new Secret(random.bytes(32))] as const))
const ID = Buffer.alloc(16, 7)

/** A log whose sealing keys are these, the last one in use. */
function keysWith(...ids: string[]): SealedTokenKeys {
  const keys = new Map([...KEYS].filter(([id]) => id === 'hash' || ids.includes(id)))
  return new SealedTokenKeys(new Sealer({ current: ids.at(-1) ?? '', hash: 'hash', keys }), 'pcscf-0')
}

/** Three token keys in turn, as a log sealed by k1 holds them. */
function stage() {
  const ring = new TokenKeyRing()
  const before = keysWith('k1')
  const log = [1_000, 2_000, 3_000].map((nowMs) => {
    const key = ring.nextKey(random, nowMs)
    ring.add(key)
    return before.seal(key)
  })
  return { ring, log }
}

function ringOf(keys: SealedTokenKeys): TokenKeyRing {
  const ring = new TokenKeyRing()
  for (const key of keys.open().keys) ring.add(key)
  return ring
}

test('keys sealed anew are the same keys in the same order, and the old sealing key may go', () => {
  const { ring, log } = stage()
  const rotated = keysWith('k1', 'k2')
  for (const record of log) rotated.add(record)
  const { outdated } = rotated.open()
  assert.deepEqual(
    outdated.map(({ keyId }) => keyId),
    [2, 3],
  )
  for (const key of outdated) log.push(rotated.seal(key))
  const after = keysWith('k2')
  for (const record of log) after.add(record)
  assert.deepEqual(after.open().outdated, [])
  const token = ring.make(ID) ?? ''
  assert.equal(ringOf(after).make(ID), token)
  assert.deepEqual(ringOf(after).read(token), { ok: true, registrationId: ID })
})

test('when only the older one was sealed anew, the newer one still makes the tokens', () => {
  const { ring, log } = stage()
  const rotated = keysWith('k1', 'k2')
  for (const record of log) rotated.add(record)
  const [older] = rotated.open().outdated
  assert.ok(older)
  rotated.add(rotated.seal(older))
  const again = ringOf(rotated)
  assert.equal(again.make(ID), ring.make(ID))
  assert.equal(again.nextKey(random, 4_000).keyId, 4)
})

test('a key that counts and does not open is an error, one that does not count is never opened', () => {
  const { log } = stage()
  const without = keysWith('k2')
  for (const record of log) without.add(record)
  assert.throws(() => without.open(), SealedRecordError)
})
