import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatAuthenticationInfo,
  formatChallenge,
  formatCredentials,
  MalformedDigestError,
  parseAuthenticationInfo,
  parseChallenges,
  parseCredentials,
} from './mod.ts'
import { RFC_7616_EXAMPLE } from './vectors/rfc7616.ts'

// The two challenges of RFC 7616 section 3.9.1, in one field as section 3.7 allows.
const CHALLENGES = `Digest
    realm="http-auth@example.org",
    qop="auth, auth-int",
    algorithm=SHA-256,
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", Basic realm="a, Digest b", Negotiate, Digest
    realm="http-auth@example.org",
    qop="auth, auth-int",
    algorithm=MD5,
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`.replaceAll(/\n */g, ' ')

test('reads several challenges of one field, and leaves other schemes out (RFC 7616 section 3.7, RFC 9110 section 11.6.1)', () => {
  const challenges = parseChallenges(CHALLENGES)
  assert.deepEqual(
    challenges.map(({ algorithm, realm, qop }) => ({ algorithm, realm, qop })),
    [
      { algorithm: 'SHA-256', realm: RFC_7616_EXAMPLE.realm, qop: ['auth', 'auth-int'] },
      { algorithm: 'MD5', realm: RFC_7616_EXAMPLE.realm, qop: ['auth', 'auth-int'] },
    ],
  )
})

test('leaves out a challenge that cannot be answered: a session key, or no qop', () => {
  assert.deepEqual(parseChallenges('Digest realm="r",nonce="n",algorithm=MD5-sess,qop="auth"'), [])
  assert.deepEqual(parseChallenges('Digest realm="r",nonce="n",algorithm=MD5'), [])
})

test('writes a challenge that reads as the same (RFC 7616 section 3.3)', () => {
  const challenge = {
    realm: '3GPP-bootstrapping@xcap.home1.net;"3GPP-bootstrapping-uicc\\@xcap.home1.net',
    nonce: 'n',
    algorithm: 'MD5',
    qop: ['auth', 'auth-int'],
    opaque: 'o',
    domain: '/',
    isStale: true,
  } as const
  assert.deepEqual(parseChallenges(formatChallenge(challenge)), [challenge])
})

test('reads the credentials of RFC 7616 section 3.9.1, and writes them so that they read as the same', () => {
  const { username, realm, uri, nonce, nc, cnonce, qop, opaque, responses } = RFC_7616_EXAMPLE
  const text = `Digest username="${username}", realm="${realm}", uri="${uri}", algorithm=MD5, nonce="${nonce}", nc=${nc}, cnonce="${cnonce}", qop=${qop}, response="${responses.MD5}", opaque="${opaque}", userhash=false`
  const read = parseCredentials(text)
  const fields = {
    username,
    realm,
    uri,
    nonce,
    nc,
    cnonce,
    qop,
    opaque,
    response: responses.MD5,
    algorithm: 'MD5',
  } as const
  assert.deepEqual(read, { ...fields, isUserHashed: false })
  assert.deepEqual(parseCredentials(formatCredentials(fields)), read)
})

test('says that a user name is hashed, and that another scheme is not ours (RFC 7616 section 3.4.4)', () => {
  assert.equal(parseCredentials('Digest username="x", realm="r", userhash=TRUE')?.isUserHashed, true)
  for (const other of ['Basic realm="x"', 'Basic YTpi', 'Digested a=b', ''])
    assert.equal(parseCredentials(other), undefined)
})

test('reads Authentication-Info as it is written (RFC 7616 section 3.5)', () => {
  const info = { rspauth: 'ab', qop: 'auth-int', cnonce: 'c', nc: '00000001', nextnonce: 'm' } as const
  assert.deepEqual(parseAuthenticationInfo(formatAuthenticationInfo(info)), info)
})

test('refuses what cannot be read, without a word of it', () => {
  for (const read of [parseCredentials, parseAuthenticationInfo, parseChallenges]) {
    assert.throws(
      () => read('Digest username="geheim'),
      (error) => error instanceof MalformedDigestError && !error.message.includes('geheim'),
    )
  }
})

test('throws nothing but its own error, whatever comes', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('Digest ', 'realm="', '"', ',', '=', ' ', 'nonce=', 'qop="auth"', '\\', 'a'), {
        maxLength: 60,
      })
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (value) => {
      for (const read of [parseChallenges, parseCredentials, parseAuthenticationInfo]) {
        try {
          read(value)
        } catch (error) {
          assert.ok(error instanceof MalformedDigestError, String(error))
        }
      }
    }),
    { seed: 7616, numRuns: 2_000 },
  )
})
