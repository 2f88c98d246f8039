import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseContentType } from '../fields/media-type.ts'
import { SipHeaders } from '../headers.ts'
import { refuses } from '../testing/same-again.ts'
import { type BodyPart, formatMultipart, parseMultipart } from './multipart.ts'

const MIXED = parseContentType('multipart/mixed;boundary="simple boundary"')

function read(body: string, contentType = MIXED): [[string, string][], string][] {
  return parseMultipart(Buffer.from(body, 'latin1'), contentType).map(({ headers, body }) => [
    [...headers.entries()].map(([name, value]) => [name, value]),
    body.toString('latin1'),
  ])
}

test('preamble and epilogue are left out, a part without header fields is one (the example of RFC 2046 section 5.1.1)', () => {
  const body = [
    'This is the preamble.  It is to be ignored, though it',
    '--simple boundary is no delimiter behind other text',
    '',
    '--simple boundary',
    '',
    'This is implicitly typed plain US-ASCII text.',
    'It does NOT end with a linebreak.',
    '--simple boundary',
    'Content-type: text/plain; charset=us-ascii',
    '',
    'This is explicitly typed plain US-ASCII text.',
    'It DOES end with a linebreak.',
    '',
    '--simple boundary--',
    '',
    'This is the epilogue.  It is also to be ignored.',
  ].join('\r\n')
  assert.deepEqual(read(body), [
    [[], 'This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.'],
    [
      [['Content-Type', 'text/plain; charset=us-ascii']],
      'This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n',
    ],
  ])
})

test('parts may be empty, or header fields alone (RFC 2046 section 5.1)', () => {
  assert.deepEqual(read('--simple boundary \t\r\n\r\n--simple boundary\r\nX-A: x\r\n b\r\n--simple boundary--'), [
    [[], ''],
    [[['X-A', 'x b']], ''],
  ])
  assert.deepEqual(read('--simple boundary\r\n--simple boundary\r\nX-A: x\r\n\r\n\r\n--simple boundary--x'), [
    [[], ''],
    [[['X-A', 'x']], ''],
  ])
})

test('octets come out as they went in, whatever they are (RFC 5621 section 3)', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
  const parts: BodyPart[] = [
    { headers: new SipHeaders([['Content-Type', 'application/octet-stream']]), body: all },
    { headers: new SipHeaders(), body: Buffer.from('\r\n\r\n--x\r\n') },
    { headers: new SipHeaders([['Content-ID', '<a@b>']]), body: Buffer.alloc(0) },
  ]
  const body = formatMultipart(parts, 'b1')
  const again = parseMultipart(body, parseContentType('multipart/related;boundary=b1'))
  assert.deepEqual(
    again.map(({ headers, body }) => [[...headers.entries()], body]),
    parts.map(({ headers, body }) => [[...headers.entries()], body]),
  )
  assert.deepEqual(formatMultipart(again, 'b1'), body)
})

test('a body in a body is read with its own boundary (RFC 2046 section 5.1)', () => {
  const inner = formatMultipart([{ headers: new SipHeaders(), body: Buffer.from('x') }], 'inner')
  const outer = formatMultipart(
    [{ headers: new SipHeaders([['Content-Type', 'multipart/mixed;boundary=inner']]), body: inner }],
    'outer',
  )
  const [part] = parseMultipart(outer, parseContentType('multipart/mixed;boundary=outer'))
  assert.ok(part)
  const [leaf] = parseMultipart(part.body, parseContentType(part.headers.get('Content-Type') ?? ''))
  assert.equal(leaf?.body.toString(), 'x')
})

test('a body that is no multipart is refused (RFC 2046 section 5.1)', () => {
  refuses('multipart', (text) => read(text), [
    '',
    'text',
    '--simple boundary\r\n\r\nx',
    '--simple boundary\r\n\r\nx\r\n--simple boundary',
    'x--simple boundary\r\n\r\n--simple boundary--',
    '--simple boundary--',
    '--simple boundary\r\nno colon\r\n\r\n--simple boundary--',
    `${'--simple boundary\r\n\r\n'.repeat(40)}--simple boundary--`,
    `--simple boundary\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n\r\n--simple boundary--`,
  ])
  const typed = (type: string) => () => read('--b\r\n\r\n--b--', parseContentType(type))
  refuses('multipart', (type) => typed(type)(), [
    'text/plain;boundary=b',
    'multipart/mixed',
    'multipart/mixed;boundary=""',
    'multipart/mixed;boundary="b "',
    'multipart/mixed;boundary="b\\"c"',
    `multipart/mixed;boundary=${'b'.repeat(71)}`,
  ])
})

test('a boundary that stands in a part is refused, not written (RFC 2046 section 5.1.1)', () => {
  const part = (body: string): BodyPart => ({ headers: new SipHeaders(), body: Buffer.from(body) })
  assert.throws(() => formatMultipart([part('a\r\n--b\r\n')], 'b'))
  assert.throws(() => formatMultipart([part('a')], 'b\r\nX: y'))
  assert.throws(() => formatMultipart([part('a')], ''))
})
