import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Secret } from '@rollcall/core'
import { DIGEST_ALGORITHMS, ha1Of, parseDigestAlgorithm, responseOf } from './mod.ts'
import { RFC_7616_EXAMPLE } from './vectors/rfc7616.ts'

test('gives the published response for each algorithm (RFC 7616 section 3.9.1)', () => {
  const { username, realm, password, responses, ...rest } = RFC_7616_EXAMPLE
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    const ha1 = ha1Of({ algorithm, username, realm, password: new Secret(Buffer.from(password)) })
    assert.equal(responseOf({ ...rest, algorithm, ha1 }), responses[algorithm])
  }
})

const OPENSSL_NAMES = { 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256', MD5: 'md5' } as const

test('hashes as openssl does, for requests and answers, auth and auth-int (RFC 7616 sections 3.4.1, 3.4.3 and 3.5; RFC 8760)', () => {
  const body = Buffer.from('<cr:ruleset xmlns:cr="urn:ietf:params:xml:ns:common-policy"/>')
  const password = new Secret(Buffer.from('pässword', 'utf8'))
  for (const algorithm of DIGEST_ALGORITHMS) {
    const openssl = (data: Buffer): string =>
      execFileSync('openssl', ['dgst', `-${OPENSSL_NAMES[algorithm]}`, '-r'], { input: data, encoding: 'latin1' })
        .split(' ')[0]
        ?.trim() ?? ''
    const text = (data: string): string => openssl(Buffer.from(data, 'latin1'))
    const a1 = openssl(Buffer.concat([Buffer.from('u:r@x:', 'latin1'), password.reveal()]))
    const ha1 = ha1Of({ algorithm, username: 'u', realm: 'r@x', password })
    assert.equal(ha1.reveal().toString('hex'), a1)
    const common = { algorithm, ha1, uri: '/a?b=c', nonce: 'n', nc: '0000000a', cnonce: 'c', body }
    for (const [method, name] of [
      ['PUT', 'PUT'],
      ['answer', ''],
    ] as const) {
      const auth = text(`${a1}:n:0000000a:c:auth:${text(`${name}:/a?b=c`)}`)
      assert.equal(responseOf({ ...common, method, qop: 'auth' }), auth)
      const authInt = text(`${a1}:n:0000000a:c:auth-int:${text(`${name}:/a?b=c:${openssl(body)}`)}`)
      assert.equal(responseOf({ ...common, method, qop: 'auth-int' }), authInt)
    }
  }
})

test('an H(A1) never prints', () => {
  const password = new Secret(Buffer.from('p'))
  const ha1 = ha1Of({ algorithm: 'MD5', username: 'u', realm: 'r', password })
  assert.equal(`${ha1} ${JSON.stringify(ha1)} ${inspect(ha1)}`, '[secret] "[secret]" [secret]')
})

test('reads the names of algorithms whatever their case, MD5 when there is none, and none with a session key (RFC 7616 section 3.3, RFC 7616 section 6.1)', () => {
  assert.deepEqual(
    [undefined, 'md5', 'sha-256', 'SHA-512-256', 'MD5-sess', 'AKAv1-MD5', ''].map(parseDigestAlgorithm),
    ['MD5', 'MD5', 'SHA-256', 'SHA-512-256', undefined, undefined, undefined],
  )
})
