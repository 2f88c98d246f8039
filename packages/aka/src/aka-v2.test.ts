import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { digestPassword, parseAkaAlgorithm, pseudoRandom } from './aka-v2.ts'
import { digestResponse } from './mod.ts'
import { AKA_DIGEST_VECTORS, AKA_V2_DIGEST_VECTORS } from './vectors/digest.ts'
import { MILENAGE_VECTORS } from './vectors/milenage.ts'

const hex = (text: string): Secret => Secret.fromHex(text)

for (const vector of AKA_V2_DIGEST_VECTORS) {
  const { milenageSet } = vector
  const set = MILENAGE_VECTORS.find((candidate) => candidate.set === milenageSet)
  const challenge = AKA_DIGEST_VECTORS.find((candidate) => candidate.milenageSet === milenageSet)
  assert.ok(set && challenge)
  const { username, realm, method, uri, nonce, nc, cnonce } = challenge
  const result = { res: hex(set.f2), ck: hex(set.f3), ik: hex(set.f4) }

  test(`gives the AKAv2-MD5 password and responses over Milenage set ${milenageSet} for each qop (RFC 4169 section 3)`, () => {
    const password = digestPassword('AKAv2-MD5', result)
    assert.equal(password.reveal().toString('latin1'), vector.password)
    const base = { username, realm, method, uri, nonce, password }
    assert.equal(digestResponse(base), vector.withoutQop)
    assert.equal(digestResponse({ ...base, qop: 'auth', nc, cnonce }), vector.auth)
    assert.equal(digestResponse({ ...base, qop: 'auth-int', nc, cnonce }), vector.authInt)
    assert.equal(
      digestResponse({ ...base, password: 'empty', qop: 'auth', nc, cnonce }),
      vector.authEmptyPassword,
      'with the empty password (RFC 3310 section 3.4)',
    )
  })

  test(`the PRF gives the session keys of set ${milenageSet} too (RFC 4169 section 3)`, () => {
    assert.equal(pseudoRandom(result.ik.reveal(), 'http-digest-akav2-integritykey').toString('base64'), vector.ikPrime)
    assert.equal(pseudoRandom(result.ck.reveal(), 'http-digest-akav2-cipherkey').toString('base64'), vector.ckPrime)
  })

  test(`an AKAv2 response is not computed like an AKAv1 one, with XRES as its password (ims-access 10 row 11, set ${milenageSet}) (RFC 4169 section 3)`, () => {
    assert.ok(digestPassword('AKAv1-MD5', result).equals(result.res))
    const base = { username, realm, method, uri, nonce, qop: 'auth', nc, cnonce } as const
    const asV1 = digestResponse({ ...base, password: result.res })
    assert.equal(asV1, challenge.auth)
    assert.notEqual(asV1, digestResponse({ ...base, password: digestPassword('AKAv2-MD5', result) }))
    // RES alone is not enough: with another IK or CK the password is another.
    for (const other of [
      { ...result, ik: result.ck },
      { ...result, ck: result.ik },
    ]) {
      assert.ok(!digestPassword('AKAv2-MD5', other).equals(digestPassword('AKAv2-MD5', result)))
    }
  })
}

test('the algorithm is a token in any case (RFC 3310 section 3.1)', () => {
  assert.equal(parseAkaAlgorithm('AKAV1-md5'), 'AKAv1-MD5')
  assert.equal(parseAkaAlgorithm('akav2-md5'), 'AKAv2-MD5')
  for (const text of ['', 'MD5', 'AKAv1', 'AKAv2-SHA-256', 'AKAv2-MD5-sess']) {
    assert.equal(parseAkaAlgorithm(text), undefined, text)
  }
})
