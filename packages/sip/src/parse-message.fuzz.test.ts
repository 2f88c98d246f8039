import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSipUri, parseSipUri, sameSipUri } from './sip-uri.ts'
import { CODECS } from './testing/codecs.ts'
import { accepted, exerciseMessage, exerciseValue } from './testing/exercise.ts'
import {
  REGISTER_WITH_OFFERS,
  RFC3261_OK,
  RFC3261_REGISTER,
  SUBSCRIBE,
  TORTUOUS_SUBSCRIBE,
  wire,
} from './vectors/messages.ts'

const SEED = 3261

const messages = fc.constantFrom(
  wire(RFC3261_REGISTER),
  wire(RFC3261_OK),
  wire(SUBSCRIBE, 'body'),
  wire(TORTUOUS_SUBSCRIBE),
  wire(REGISTER_WITH_OFFERS),
)

/** Pieces that break messages in interesting places, and some that often do not. */
const breaking = fc.oneof(
  fc.constantFrom('\r\n', '\r', '\n', '\r\n\r\n', ',', ';', ':', '"', '\\', '<', '>', '@', '=', '%', '[', ']', '?'),
  fc.constantFrom(
    '\0',
    '\x7f',
    '2147483648',
    ';tag=1',
    'SIP/2.0',
    '\r\nl: 99',
    '\r\nTo: <sip:a>',
    ';alg=x',
    ';branch=y',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text).toString('latin1')),
)
const harmless = fc.constantFrom(
  '',
  ' ',
  '\t',
  '\r\n ',
  'a',
  '0',
  '%41',
  '*',
  '\x80',
  '\xa0',
  '\xff',
  ';lr',
  '\r\nX: y',
  ', a',
)
const pieces = fc.oneof(breaking, { weight: 4, arbitrary: harmless })

/** One change: `cut` octets at `at` (a share of the length) give way to `text`. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(9)),
  text: pieces,
})

const mutated = fc.tuple(messages, fc.array(change, { minLength: 1, maxLength: 3 })).map(([bytes, changes]) =>
  changes.reduce((message, { at, cut, text }) => {
    const start = Math.floor(at * message.length)
    return Buffer.concat([message.subarray(0, start), Buffer.from(text, 'latin1'), message.subarray(start + cut)])
  }, bytes),
)

test('a mutated message is read or refused by a typed error, and what is read is written so that it is read again', () => {
  const seen = { read: 0, refused: 0 }
  fc.assert(
    fc.property(mutated, (bytes) => {
      seen[exerciseMessage(bytes)] += 1
    }),
    { seed: SEED, numRuns: 1000 },
  )
  assert.ok(seen.read > 100 && seen.refused > 100, JSON.stringify(seen))
})

test('any octets are read or refused by a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      exerciseMessage(Buffer.from(bytes))
    }),
    { seed: SEED, numRuns: 1000 },
  )
})

test('any URI is read or refused, and one that is read is written back and is the same as itself', () => {
  const uris = fc
    .tuple(
      fc.constantFrom('sip:', 'sips:', 'SIP:', ''),
      fc.array(fc.constantFrom('a', 'B', '@', ':', ';', '=', '?', '&', '%41', '%3b', '%', '[::1]', '.', '5060', '/'), {
        maxLength: 9,
      }),
    )
    .map(([scheme, parts]) => scheme + parts.join(''))
  let read = 0
  fc.assert(
    fc.property(uris, (text) => {
      const uri = accepted(() => parseSipUri(text))
      assert.ok(sameSipUri(text, text))
      if (!uri) return
      read += 1
      assert.deepEqual(parseSipUri(formatSipUri(uri)), uri)
      // Compared part by part, not letter by letter.
      assert.ok(sameSipUri(text, formatSipUri({ ...uri, host: uri.host.toUpperCase() })), text)
    }),
    { seed: SEED, numRuns: 4000 },
  )
  assert.ok(read > 200, String(read))
})

/** What values are made of, whole words of some grammars among them. */
const words = fc.constantFrom(
  ...[
    '<',
    '>',
    '"',
    '\\',
    ';',
    ',',
    '=',
    ' ',
    '\t',
    '\0',
    '\xff',
    '%41',
    '%',
    ':',
    '@',
    '*',
    '/',
    '(',
    ')',
    '?',
    '\r\n',
  ],
  ...[
    'sip:',
    'sips:a@b',
    'tel:+1',
    '<sip:a@b>',
    '<tel:+1>',
    '"a" <sip:b>',
    '[::1]',
    '5060',
    'a',
    'B',
    '0',
    '1',
    '4294967296',
  ],
  ...[';tag=1', ';q=0.50', ';expires=60', ';expires=x', ';+sip.instance="<urn:a>"', ';reg-id=1', ';lr', ';x="a;b,c"'],
  ...['SIP/2.0/UDP a', ';branch=z9hG4bK1', ';keep', 'presence', ';id=1', 'active', 'terminated', ';reason=timeout'],
  ...['Digest realm="r"', ',nonce="n"', ',username="u"', ',qop="auth,auth-int"', ',nc=00000001', ',algorithm="a b"'],
  ...[',auts="x"', ',stale=true', ',ck="00112233445566778899aabbccddeeff"', ',integrity-protected="yes"', 'id', 'none'],
  ...[
    '3GPP-UTRAN-TDD',
    ';network-provided',
    '"a b"',
    'icid-value=x',
    ';orig-ioi="h"',
    'ccf=a',
    ';ecf="b"',
    ';sescase=orig',
  ],
  ...[
    ';regstate=unreg',
    ';orig-cdiv',
    'text/plain',
    ';charset=x',
    'session',
    '301 a "b"',
    ';phone-context=+1',
    ';ext=2',
  ],
  ...[
    'ipsec-3gpp',
    'ipsec-3gpp;alg=x;spi-c=1;spi-s=2;port-c=3;port-s=4',
    ';alg=x',
    ';spi-c=1;spi-s=2',
    ';port-c=3;port-s=4',
    ';mediasec',
    '--b\r\n',
    '--b--',
    '\r\n\r\n',
    'X: y',
  ],
  ...['1 INVITE', 'Sat, 13 Nov 2010 23:29:00 GMT', '54', '.5'],
)

test('any value is read or refused by a typed error, and what is written is read as the same', () => {
  const values = fc.array(words, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(''))
  const read = new Map(CODECS.map(({ name }) => [name, 0]))
  fc.assert(
    fc.property(values, (text) => {
      for (const codec of CODECS) if (exerciseValue(codec, text)) read.set(codec.name, (read.get(codec.name) ?? 0) + 1)
    }),
    { seed: SEED, numRuns: 5000 },
  )
  // Few parsers were only asked what they refuse.
  const never = [...read].filter(([, count]) => count === 0).map(([name]) => name)
  assert.ok(never.length <= 4, never.join())
})
