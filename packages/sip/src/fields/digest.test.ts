import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Secret } from '@rollcall/core'
import { refuses, sameAgain } from '../testing/same-again.ts'
import {
  formatDigestChallenge,
  formatDigestCredentials,
  parseDigestChallenge,
  parseDigestCredentials,
} from './digest.ts'

// The messages of RFC 3310 section 4; their nonce is filler there too.
const NONCE = 'MzQ0a2xrbGtmbGtsZm9wb2tsc2tqaHJzZXNy9uQyMzMzMzQK='
const OPAQUE = '5ccc069c403ebaf9f0171e9517f40e41'
const CHALLENGE =
  `Digest realm="RoamingUsers@mobile.biz", nonce="${NONCE}", qop="auth,auth-int", opaque="${OPAQUE}", ` +
  'algorithm=AKAv1-MD5'
const CREDENTIALS =
  `Digest username="jon.dough@mobile.biz", realm="RoamingUsers@mobile.biz", nonce="${NONCE}", ` +
  'uri="sip:home.mobile.biz", qop=auth-int, nc=00000001, cnonce="0a4f113b", ' +
  `response="6629fae49393a05397450978507c4ef1", opaque="${OPAQUE}"`

test('an AKA challenge is read (the example of RFC 3310 section 4)', () => {
  // RFC 3310 section 3.2
  const challenge = parseDigestChallenge(CHALLENGE)
  assert.deepEqual(challenge, {
    realm: 'RoamingUsers@mobile.biz',
    nonce: NONCE,
    algorithm: 'AKAv1-MD5',
    qop: ['auth', 'auth-int'],
    opaque: OPAQUE,
    isStale: false,
    domain: undefined,
    ck: undefined,
    ik: undefined,
    params: new Map(),
  })
  sameAgain(challenge, formatDigestChallenge, parseDigestChallenge)
})

test('the first REGISTER and the answer are read (the examples of RFC 3310 section 4)', () => {
  const first = parseDigestCredentials(
    'Digest username="jon.dough@mobile.biz", realm="RoamingUsers@mobile.biz", nonce="", ' +
      'uri="sip:home.mobile.biz", response=""',
  )
  assert.deepEqual([first.nonce, first.response, first.auts], ['', '', undefined])
  sameAgain(first, formatDigestCredentials, parseDigestCredentials)
  // RFC 3310 section 3.3
  const answer = parseDigestCredentials(CREDENTIALS)
  assert.deepEqual(
    [answer.username, answer.qop, answer.nc, answer.cnonce, answer.response],
    ['jon.dough@mobile.biz', 'auth-int', '00000001', '0a4f113b', '6629fae49393a05397450978507c4ef1'],
  )
  sameAgain(answer, formatDigestCredentials, parseDigestCredentials)
})

test('auts says that the sequence number was out of range (the example of RFC 3310 section 4)', () => {
  // RFC 3310 section 3.4
  const resync = parseDigestCredentials(`${CREDENTIALS}, auts="5PYxMuX2NOT2NeQ="`)
  assert.equal(resync.auts, '5PYxMuX2NOT2NeQ=')
  sameAgain(resync, formatDigestCredentials, parseDigestCredentials)
  // Known mistake of others: without a response it is refused before anybody looks at auts.
  const bare = parseDigestCredentials(`Digest username="u",realm="r",nonce="${NONCE}",auts="5PYxMuX2NOT2NeQ="`)
  assert.deepEqual([bare.response, bare.uri, bare.auts], ['', '', '5PYxMuX2NOT2NeQ='])
})

test('ck and ik come out as secrets that print nothing (TS 24.229 clause 7.2A.1)', () => {
  const [ck, ik] = ['00112233445566778899AABBCCDDEEFF', 'ffeeddccbbaa99887766554433221100']
  const challenge = parseDigestChallenge(`${CHALLENGE}, ck="${ck}", ik="${ik}"`)
  assert.ok(challenge.ck?.equals(Secret.fromHex(ck)))
  assert.ok(challenge.ik?.equals(Secret.fromHex(ik)))
  assert.doesNotMatch(inspect(challenge, { depth: 9 }) + JSON.stringify(challenge), /ffeedd|00112233/i)
  const written = formatDigestChallenge(challenge)
  assert.match(written, /ck="00112233445566778899aabbccddeeff",ik="ffeeddccbbaa99887766554433221100"/)
  assert.doesNotMatch(formatDigestChallenge({ ...challenge, ck: undefined, ik: undefined }), /ck=|ik=/)
  for (const key of ['""', '"00"', `"${ck}00"`, `"${ck.slice(1)}x"`]) {
    assert.throws(
      () => parseDigestChallenge(`${CHALLENGE}, ik=${key}`),
      (error) => error instanceof Error && !error.message.includes(ck.slice(2, 12)),
    )
  }
})

test('integrity-protected is what the P-CSCF says (TS 24.229 clause 7.2A.2)', () => {
  const credentials = parseDigestCredentials(`${CREDENTIALS}, integrity-protected="Yes", x=y`)
  assert.equal(credentials.integrityProtected, 'yes')
  assert.deepEqual([...credentials.params.keys()], ['x'])
  assert.match(
    sameAgain(credentials, formatDigestCredentials, parseDigestCredentials),
    /integrity-protected="yes",x=y$/,
  )
})

test('stale, domain and unknown parameters are kept (RFC 2617 section 3.2.1)', () => {
  const challenge = parseDigestChallenge('Digest realm="r",nonce="n",domain="sip:a sip:b",stale=TRUE,x="y z"')
  assert.ok(challenge.isStale)
  assert.equal(
    sameAgain(challenge, formatDigestChallenge, parseDigestChallenge),
    'Digest realm="r",nonce="n",domain="sip:a sip:b",stale=true,x="y z"',
  )
})

test('what is no Digest is refused, with the name of its header field', () => {
  refuses('Proxy-Authenticate', (text) => parseDigestChallenge(text, 'Proxy-Authenticate'), [
    'NoOneKnowsThisScheme opaque-data=here',
    'Digest realm="r"',
    'Digest nonce="n"',
    'Digest realm="r",nonce="n",qop="auth,,auth-int"',
  ])
  refuses('Authorization', parseDigestCredentials, ['Basic x=y', 'Digest realm="r"', 'Digest username="u"'])
  refuses('Proxy-Authorization', (text) => parseDigestCredentials(text, 'Proxy-Authorization'), ['Digest'])
})
