import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAuth, parseAuthenticationInfo } from './auth.ts'
import { checkRequest } from './check-request.ts'
import { createUasDialog } from './dialog.ts'
import { SecurityAgreementError, SipParseError, SipSyntaxError } from './errors.ts'
import { formatIpsecOffer, parseIpsecOffers } from './ipsec-offer.ts'
import { createResponse, type SipMessage } from './message.ts'
import {
  contact,
  cseq,
  entityTag,
  event,
  expires,
  from,
  maxForwards,
  minExpires,
  optionTags,
  to,
  topVia,
} from './message-fields.ts'
import { formatNameAddr, parseNameAddr } from './name-addr.ts'
import { parseMessage } from './parse-message.ts'
import { sameMechanisms } from './same-mechanisms.ts'
import { formatSecurityMechanism, parseSecurityMechanisms } from './security-mechanism.ts'
import { serializeMessage } from './serialize-message.ts'
import { formatSipUri, parseSipUri, sameSipUri } from './sip-uri.ts'
import { formatSubscriptionState, parseSubscriptionState } from './subscription-state.ts'
import {
  REGISTER_WITH_OFFERS,
  RFC3261_OK,
  RFC3261_REGISTER,
  SUBSCRIBE,
  TORTUOUS_SUBSCRIBE,
  wire,
} from './vectors/messages.ts'
import { formatVia, parseVia } from './via.ts'

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

/** What it returns, or undefined when it refuses with a typed error; any other error fails the test. */
function accepted<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const isTyped = error instanceof SipSyntaxError || error instanceof SecurityAgreementError
    assert.ok(isTyped, String((error as Error).stack))
    return undefined
  }
}

function content(message: SipMessage): unknown {
  const { kind, headers, body } = message
  const start = kind === 'request' ? [message.method, message.uri] : [message.status, message.reason]
  return [kind, start, [...headers.entries()], body.toString('latin1')]
}

/** Reads every value of a message by every parser that might be asked to. */
function readAll(message: SipMessage): void {
  const { headers } = message
  if (message.kind === 'request') {
    const request = message
    accepted(() => checkRequest(request))
    accepted(() => createUasDialog(request, 'x'))
  }
  for (const read of [topVia, from, to, contact, cseq, event, expires, minExpires, maxForwards]) {
    accepted<unknown>(() => read(message))
  }
  for (const name of ['Require', 'Supported']) accepted(() => optionTags(message, name))
  accepted(() => entityTag(message, 'SIP-If-Match'))
  for (const [name, value] of headers.entries()) {
    accepted(() => headers.list(name))
    accepted(() => parseAuth(value))
    accepted(() => parseAuthenticationInfo(value))
    accepted(() => parseSubscriptionState(value))
    readAgain(value, parseVia, formatVia)
    readAgain(value, parseNameAddr, formatNameAddr)
    readAgain(value, parseSubscriptionState, formatSubscriptionState)
    readMechanisms(value)
  }
}

/** What was read and written is read as the same. */
function readAgain<T>(text: string, parse: (text: string) => T, format: (value: T) => string): void {
  const value = accepted(() => parse(text))
  if (value !== undefined) assert.deepEqual(parse(format(value)), value)
}

function readMechanisms(value: string): void {
  const mechanisms = accepted(() => parseSecurityMechanisms([value]))
  if (!mechanisms) return
  const again = parseSecurityMechanisms(mechanisms.map(formatSecurityMechanism))
  assert.ok(sameMechanisms(mechanisms, again))
  for (const offer of accepted(() => parseIpsecOffers(mechanisms)) ?? []) {
    assert.deepEqual(parseIpsecOffers(parseSecurityMechanisms([formatIpsecOffer(offer)])), [offer])
  }
}

/** Reads `bytes`, or what an error could read of it; counts which of the two. */
function exercise(bytes: Buffer): 'read' | 'refused' {
  try {
    const message = parseMessage(bytes)
    readAll(message)
    // What we write, others read as we read it.
    assert.deepEqual(content(parseMessage(serializeMessage(message))), content(message))
    return 'read'
  } catch (error) {
    assert.ok(error instanceof SipParseError, String((error as Error).stack))
    if (error.request) {
      readAll(error.request)
      const answer = createResponse(error.request, error.status, { toTag: 'x' })
      assert.deepEqual(content(parseMessage(serializeMessage(answer))), content(answer))
    }
    return 'refused'
  }
}

test('a mutated message is read or refused by a typed error, and what is read is written so that it is read again', () => {
  const seen = { read: 0, refused: 0 }
  fc.assert(
    fc.property(mutated, (bytes) => {
      seen[exercise(bytes)] += 1
    }),
    { seed: SEED, numRuns: 3000 },
  )
  assert.ok(seen.read > 300 && seen.refused > 300, JSON.stringify(seen))
})

test('any octets are read or refused by a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      exercise(Buffer.from(bytes))
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

/**
 * A quadratic parser takes minutes for what a linear one does in a few milliseconds: the bound tells the two apart on
 * any machine.
 */
const LINEAR_MS_MAX = 1_000
const LENGTH = 400_000

function takesLinearTime(name: string, read: () => unknown): void {
  const startMs = performance.now()
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof SipParseError || error instanceof SipSyntaxError, String(error))
  }
  const tookMs = performance.now() - startMs
  assert.ok(tookMs < LINEAR_MS_MAX, `${name} took ${tookMs} ms`)
}

const REPEATED = [
  ' ',
  '\t',
  '"',
  '\\',
  '\\"',
  ',',
  ';',
  ';a',
  ';a=',
  ';a="',
  ':',
  '<',
  '>',
  '<>',
  '@',
  '%',
  '%4',
  '=',
  'a',
  '[',
]

test('messages are read in time linear in their length', () => {
  const limits = { headerBytesMax: 2 * LENGTH, headersMax: LENGTH, bodyBytesMax: LENGTH }
  const fills = [
    ...REPEATED,
    '\r\n',
    '\r\n ',
    '\r\n  ',
    '\r',
    '\n',
    '\n ',
    '\r\n\r',
    'a:\r\n',
    'a:b\n',
    ' \r\n',
    'Via:,\r\n',
  ]
  for (const fill of fills) {
    const filled = fill.repeat(LENGTH / fill.length)
    for (const head of ['', 'OPTIONS ', 'OPTIONS sip:a SIP/2.0\r\n', 'OPTIONS sip:a SIP/2.0\r\nX: a', 'SIP/2.0 200 ']) {
      const bytes = Buffer.from(`${head}${filled}\r\n\r\n`, 'latin1')
      takesLinearTime(`${JSON.stringify(head + fill)} repeated`, () => parseMessage(bytes, limits))
      takesLinearTime(`${JSON.stringify(head + fill)} within limits`, () => parseMessage(bytes))
    }
  }
})

test('values are read in time linear in their length', () => {
  const heads = [
    '',
    '"',
    '<sip:',
    '<sip:a>',
    'sip:',
    'sip:a@b;',
    'SIP/2.0/UDP ',
    'SIP/2.0/UDP a',
    'Digest ',
    'a;b="',
    'a b',
  ]
  const parsers = [
    parseVia,
    parseNameAddr,
    parseSipUri,
    parseAuth,
    parseSubscriptionState,
    (text: string) => parseSecurityMechanisms([text]),
    (text: string) => sameSipUri(text, `${text} `),
  ]
  for (const fill of REPEATED) {
    const filled = fill.repeat(LENGTH / fill.length)
    for (const head of heads) {
      for (const parse of parsers) {
        takesLinearTime(`${parse.name} of ${head}${fill}`, () => parse(head + filled))
      }
    }
  }
})
