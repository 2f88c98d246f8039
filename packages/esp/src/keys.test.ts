import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { EspKeyLengthError, expandKeys, InvalidAlgorithmPairError, isAlgorithmPair } from './mod.ts'
import { KEY_EXPANSION_VECTORS } from './vectors/key-expansion.ts'

for (const vector of KEY_EXPANSION_VECTORS) {
  test(`makes the ESP keys of Milenage set ${vector.milenageSet} (TS 33.203 annex I, RFC 2404 section 3)`, () => {
    const ck = Secret.fromHex(vector.ck)
    const ik = Secret.fromHex(vector.ik)
    const strong = expandKeys({ ck, ik, integrity: 'hmac-sha-1-96', encryption: 'aes-cbc' })
    assert.equal(strong.integrityKey.reveal().toString('hex'), vector.hmacSha1)
    assert.equal(strong.encryptionKey.reveal().toString('hex'), vector.aesCbc)
    const weak = expandKeys({ ck, ik, integrity: 'hmac-md5-96', encryption: 'null' })
    assert.equal(weak.integrityKey.reveal().toString('hex'), vector.hmacMd5)
    assert.equal(weak.encryptionKey.length, 0)
    assert.equal(strong.salt.length + weak.salt.length, 0)
    const des = expandKeys({ ck, ik, integrity: 'hmac-md5-96', encryption: 'des-ede3-cbc' })
    assert.equal(des.encryptionKey.reveal().toString('hex'), vector.des3Cbc)
    assert.equal(des.encryptionKey.length, 24)
  })

  test(`makes keys and salts of the counter modes of Milenage set ${vector.milenageSet} (TS 33.203 annex I, TS 33.220 annex B.2)`, () => {
    const ck = Secret.fromHex(vector.ck)
    const ik = Secret.fromHex(vector.ik)
    const gcm = expandKeys({ ck, ik, integrity: 'null', encryption: 'aes-gcm' })
    assert.equal(gcm.encryptionKey.reveal().toString('hex'), vector.ck)
    assert.equal(gcm.salt.reveal().toString('hex'), vector.gcmSalt)
    assert.equal(gcm.integrityKey.length, 0)
    const gmac = expandKeys({ ck, ik, integrity: 'aes-gmac', encryption: 'null' })
    assert.equal(gmac.integrityKey.reveal().toString('hex'), vector.ik)
    assert.equal(gmac.salt.reveal().toString('hex'), vector.gmacSalt)
    assert.equal(gmac.encryptionKey.length, 0)
  })
}

test('refuses pairs that do not go together, above all nothing with nothing (TS 33.203 annex H)', () => {
  const key = new Secret(Buffer.alloc(16))
  const integrities = ['hmac-md5-96', 'hmac-sha-1-96', 'aes-gmac', 'null'] as const
  const encryptions = ['null', 'aes-cbc', 'des-ede3-cbc', 'aes-gcm'] as const
  const taken: string[] = []
  for (const integrity of integrities) {
    for (const encryption of encryptions) {
      const expand = () => expandKeys({ ck: key, ik: key, integrity, encryption })
      if (isAlgorithmPair(integrity, encryption)) {
        taken.push(`${integrity} ${encryption}`)
        expand()
        continue
      }
      assert.throws(
        expand,
        (error: unknown) =>
          error instanceof InvalidAlgorithmPairError &&
          error.integrity === integrity &&
          error.encryption === encryption,
      )
    }
  }
  assert.deepEqual(taken, [
    'hmac-md5-96 null',
    'hmac-md5-96 aes-cbc',
    'hmac-md5-96 des-ede3-cbc',
    'hmac-sha-1-96 null',
    'hmac-sha-1-96 aes-cbc',
    'hmac-sha-1-96 des-ede3-cbc',
    'aes-gmac null',
    'null aes-gcm',
  ])
})

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
