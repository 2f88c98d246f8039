import assert from 'node:assert/strict'
import { createDecipheriv, hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Secret, seededRandom } from '@rollcall/core'
import fc from 'fast-check'
import { SealedRecordError } from './errors.ts'
import { Sealer } from './sealer.ts'
import type { SealingKeys } from './sealing-keys.ts'

const MASTER = Buffer.alloc(32, 1)
const CONTEXT = { recordKey: 'subscriber.a', version: 1 }
const PLAINTEXT = Buffer.from('0123456789abcdef')

function keysOf(current: string, ids: readonly string[], hash = ids[0] ?? ''): SealingKeys {
  const number = (id: string) => Number(id.slice(1))
  return { current, hash, keys: new Map(ids.map((id) => [id, new Secret(Buffer.alloc(32, number(id)))])) }
}

const sealer = new Sealer(keysOf('k1', ['k1']))

function reasonOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof SealedRecordError) return error.reason
    throw error
  }
  return 'opened'
}

test('what was sealed opens under the same key, record and version', () => {
  const sealed = sealer.seal(PLAINTEXT, CONTEXT)
  assert.deepEqual(sealer.open(sealed, CONTEXT).reveal(), PLAINTEXT)
  assert.ok(!sealed.includes(PLAINTEXT))
  assert.deepEqual(sealer.open(sealer.seal(new Secret(PLAINTEXT), CONTEXT), CONTEXT).reveal(), PLAINTEXT)
})

test('a sealed record is AES-256-GCM under HKDF-SHA-256 of the master key, as node:crypto alone opens it', () => {
  const sealed = sealer.seal(PLAINTEXT, CONTEXT)
  const key = hkdfSync('sha256', MASTER, sealed.subarray(4, 36), 'rollcall seal 1', 32)
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key), Buffer.alloc(12))
  decipher.setAAD(Buffer.concat([sealed.subarray(0, 4), Buffer.of(0, 0, 0, 1), Buffer.from('subscriber.a')]))
  decipher.setAuthTag(sealed.subarray(36, 52))
  assert.deepEqual(Buffer.concat([decipher.update(sealed.subarray(52)), decipher.final()]), PLAINTEXT)
})

test('the same plaintext never seals to the same octets', () => {
  assert.notDeepEqual(sealer.seal(PLAINTEXT, CONTEXT), sealer.seal(PLAINTEXT, CONTEXT))
})

test('a sealed record opens for no other record and no other version', () => {
  const sealed = sealer.seal(PLAINTEXT, CONTEXT)
  assert.equal(
    reasonOf(() => sealer.open(sealed, { ...CONTEXT, recordKey: 'subscriber.b' })),
    'not-authentic',
  )
  assert.equal(
    reasonOf(() => sealer.open(sealed, { ...CONTEXT, version: 2 })),
    'not-authentic',
  )
})

test('a changed octet, wherever it is, is noticed, and any octets give a typed error', () => {
  const sealed = sealer.seal(PLAINTEXT, CONTEXT)
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const tampered = Buffer.from(sealed)
      tampered[at] = (tampered[at] ?? 0) ^ change
      assert.notEqual(
        reasonOf(() => sealer.open(tampered, CONTEXT)),
        'opened',
      )
    }),
    { seed: 1 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (octets) => {
      assert.notEqual(
        reasonOf(() => sealer.open(octets, CONTEXT)),
        'opened',
      )
    }),
    { seed: 2 },
  )
  assert.equal(
    reasonOf(() => sealer.open(sealed.subarray(0, 40), CONTEXT)),
    'malformed',
  )
})

test('rotation: the old key opens, the new one seals, and what is left to seal anew can be told', () => {
  const old = sealer.seal(PLAINTEXT, CONTEXT)
  const rotated = new Sealer(keysOf('k2', ['k1', 'k2']))
  assert.deepEqual(rotated.open(old, CONTEXT).reveal(), PLAINTEXT)
  assert.ok(rotated.needsResealing(old))
  const fresh = rotated.seal(rotated.open(old, CONTEXT), CONTEXT)
  assert.ok(!rotated.needsResealing(fresh))
  assert.equal(
    reasonOf(() => sealer.open(fresh, CONTEXT)),
    'unknown-key',
  )
  assert.equal(
    reasonOf(() => new Sealer(keysOf('k2', ['k2'])).open(old, CONTEXT)),
    'unknown-key',
  )
})

test('hashes stay the same when the sealing key changes, and differ by label, identity and key', () => {
  const hash = sealer.hash('impi', 'a@b')
  assert.match(hash, /^[0-9a-f]{32}$/)
  assert.equal(new Sealer(keysOf('k2', ['k1', 'k2'], 'k1')).hash('impi', 'a@b'), hash)
  const others = [
    sealer.hash('impu', 'a@b'),
    sealer.hash('impi', 'a@c'),
    new Sealer(keysOf('k2', ['k2'])).hash('impi', 'a@b'),
  ]
  assert.equal(new Set([hash, ...others]).size, 4)
  assert.notEqual(sealer.hash('a', 'b:c'), sealer.hash('a:b', 'c'))
})

test('neither a sealer nor its errors show keys or plaintext', () => {
  const fixed = new Sealer(keysOf('k1', ['k1']), seededRandom('x'))
  const error = new SealedRecordError('not-authentic', 'k1')
  for (const text of [inspect(fixed, { depth: 9, showHidden: true }), inspect(error), JSON.stringify(fixed)]) {
    assert.doesNotMatch(text, /01 01 01 01|AQEBAQ/)
  }
})
