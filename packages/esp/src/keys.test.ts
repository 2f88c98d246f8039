import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { EspKeyLengthError, expandKeys } from './mod.ts'
import { KEY_EXPANSION_VECTORS } from './vectors/key-expansion.ts'

for (const vector of KEY_EXPANSION_VECTORS) {
  test(`makes the ESP keys of Milenage set ${vector.milenageSet} (TS 33.203 annex I)`, () => {
    const ck = Secret.fromHex(vector.ck)
    const ik = Secret.fromHex(vector.ik)
    const strong = expandKeys({ ck, ik, integrity: 'hmac-sha-1-96', encryption: 'aes-cbc' })
    assert.equal(strong.integrityKey.reveal().toString('hex'), vector.hmacSha1)
    assert.equal(strong.encryptionKey.reveal().toString('hex'), vector.aesCbc)
    const weak = expandKeys({ ck, ik, integrity: 'hmac-md5-96', encryption: 'null' })
    assert.equal(weak.integrityKey.reveal().toString('hex'), vector.hmacMd5)
    assert.equal(weak.encryptionKey.length, 0)
  })
}

test('refuses CK or IK of a wrong length by name', () => {
  const good = new Secret(Buffer.alloc(16))
  const bad = new Secret(Buffer.alloc(20))
  const suite = { integrity: 'hmac-sha-1-96', encryption: 'aes-cbc' } as const
  for (const [ck, ik, key] of [
    [bad, good, 'CK'],
    [good, bad, 'IK'],
  ] as const) {
    assert.throws(
      () => expandKeys({ ...suite, ck, ik }),
      (error: unknown) => error instanceof EspKeyLengthError && error.key === key && error.octets === 20,
    )
  }
})
