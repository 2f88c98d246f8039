import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { DigestIncompleteError, type DigestInput, digestResponse, sameDigest } from './mod.ts'
import { AKA_DIGEST_VECTORS, RFC_2617_EXAMPLE } from './vectors/digest.ts'

for (const vector of AKA_DIGEST_VECTORS) {
  test(`gives the AKAv1-MD5 response over Milenage set ${vector.milenageSet} for each qop (RFC 3310 section 3.3)`, () => {
    const { username, realm, method, uri, nonce, nc, cnonce } = vector
    const base = { username, realm, method, uri, nonce, password: Secret.fromHex(vector.password) }
    assert.equal(digestResponse(base), vector.withoutQop)
    assert.equal(digestResponse({ ...base, qop: 'auth', nc, cnonce }), vector.auth)
    assert.equal(digestResponse({ ...base, qop: 'auth-int', nc, cnonce }), vector.authInt)
    assert.equal(digestResponse({ ...base, qop: 'auth-int', nc, cnonce, body: Buffer.alloc(0) }), vector.authInt)
    assert.notEqual(digestResponse({ ...base, qop: 'auth-int', nc, cnonce, body: Buffer.from('x') }), vector.authInt)
    assert.equal(
      digestResponse({ ...base, password: 'empty', qop: 'auth', nc, cnonce }),
      vector.authEmptyPassword,
      'with the empty password (section 3.4)',
    )
  })
}

test("gives the published response of HTTP Digest's own example (RFC 2617 section 3.5)", () => {
  const { username, realm, password, method, uri, nonce, nc, cnonce, auth } = RFC_2617_EXAMPLE
  const secret = new Secret(Buffer.from(password))
  assert.equal(digestResponse({ username, realm, password: secret, method, uri, nonce, qop: 'auth', nc, cnonce }), auth)
})

test('a qop without nc or cnonce is refused by name (RFC 2617 section 3.2.2)', () => {
  const base: DigestInput = {
    username: 'u',
    realm: 'r',
    password: 'empty',
    method: 'REGISTER',
    uri: 'sip:r',
    nonce: 'n',
  }
  for (const [input, missing] of [
    [{ ...base, qop: 'auth', cnonce: 'c' }, 'nc'],
    [{ ...base, qop: 'auth-int', nc: '00000001' }, 'cnonce'],
  ] as const) {
    assert.throws(
      () => digestResponse(input),
      (error: unknown) => error instanceof DigestIncompleteError && error.missing === missing,
    )
  }
})

test('compares responses octet for octet, and any length with any', () => {
  const digest = '80c87c24062c9d0e0c60756e7b4586c6'
  assert.ok(sameDigest(digest, digest))
  for (const other of ['', digest.slice(1), `${digest}0`, digest.toUpperCase(), digest.replace('8', '9')]) {
    assert.ok(!sameDigest(digest, other))
  }
})
