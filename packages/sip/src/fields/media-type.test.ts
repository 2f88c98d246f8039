import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuses, sameAgain } from '../testing/same-again.ts'
import {
  accepts,
  formatContentType,
  mediaTypeParam,
  parseAccept,
  parseContentDisposition,
  parseContentType,
} from './media-type.ts'

test('Content-Type is type, subtype and parameters (the examples of RFC 3261 section 20.15)', () => {
  assert.equal(formatContentType(parseContentType('application/sdp')), 'application/sdp')
  const html = parseContentType('Text/HTML ; Charset=ISO-8859-4')
  assert.deepEqual(html, { type: 'text', subtype: 'html', params: new Map([['charset', 'ISO-8859-4']]) })
  assert.equal(sameAgain(html, formatContentType, parseContentType), 'text/html;charset=ISO-8859-4')
  assert.equal(mediaTypeParam(parseContentType('multipart/mixed;boundary="a b"'), 'boundary'), 'a b')
  refuses('Content-Type', parseContentType, ['', 'text', 'text/', '/html', 'text html', 'text/html;', 'a/b, c/d'])
})

test('Content-Disposition says what a body is for (the example of RFC 3261 section 20.11)', () => {
  const session = parseContentDisposition('session')
  assert.deepEqual([session.type, session.handling], ['session', 'required'])
  assert.equal(parseContentDisposition('Render;HANDLING=Optional').handling, 'optional')
  refuses('Content-Disposition', parseContentDisposition, ['', ';handling=optional', 'a b'])
})

test('Accept lists ranges; the most specific one decides (the example of RFC 3261 section 20.1)', () => {
  const ranges = parseAccept(['application/sdp;level=1, application/x-private, text/html'])
  assert.ok(accepts(ranges, 'application/sdp') && accepts(ranges, 'TEXT/html'))
  assert.ok(!accepts(ranges, 'application/pidf+xml') && !accepts(ranges, 'text'))
  // RFC 2616 section 14.1; a SUBSCRIBE without Accept: RFC 6665 section 3.1.3.
  const some = parseAccept(['text/*;q=0.5', 'text/plain;q=0', '*/*;q=0.1'])
  assert.deepEqual(
    ['text/html', 'text/plain', 'application/sdp'].map((type) => accepts(some, type)),
    [true, false, true],
  )
  assert.deepEqual(parseAccept(['']), [])
  assert.ok(!accepts([], 'application/sdp'))
  refuses('Accept', (text) => parseAccept([text]), ['text', 'text/', '*/html', 'text/html;q=2', 'text/html,'])
})
