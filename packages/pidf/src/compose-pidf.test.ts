import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedPidf, composePidf, type Publication } from './compose-pidf.ts'
import { NOTIFIED_LIMITS } from './limits.ts'
import { readPidfSummary } from './pidf-summary.ts'
import { scanPidf } from './scan-pidf.ts'

const ENTITY = 'sip:alice@ims.example.com'
const NAMESPACES = 'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"'

function publication(id: string, receivedAtMs: number, content: string, declarations = NAMESPACES): Publication {
  const text = `<presence xmlns="urn:ietf:params:xml:ns:pidf" ${declarations} entity="sip:x@y">${content}</presence>`
  return { id, receivedAtMs, document: scanPidf(Buffer.from(text)) }
}

function compose(...publications: Publication[]): string {
  const text = composePidf(ENTITY, publications).toString()
  assert.doesNotThrow(() => scanPidf(Buffer.from(text), NOTIFIED_LIMITS), text)
  return text.slice(text.indexOf('<presence'))
}

const tuple = (id: string, basic = 'open'): string =>
  `<tuple id="${id}"><status><basic>${basic}</basic></status></tuple>`

test('unites the tuples of all publications under ids of their own (readings, Presence 4)', () => {
  const text = compose(publication('1', 1, tuple('a'), ''), publication('2', 2, tuple('a', 'closed') + tuple('b'), ''))
  assert.equal(
    text,
    `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${ENTITY}">` +
      tuple('t-1-a') +
      tuple('t-2-a', 'closed') +
      tuple('t-2-b') +
      '</presence>',
  )
})

test('an id is stable over modifications, and an NCName whatever the client chose (XML Schema, xs:ID)', () => {
  const ids = (text: string): string[] => [...text.matchAll(/ id="([^"]*)"/g)].map((match) => String(match[1]))
  const first = ids(
    compose(publication('1', 1, tuple('7 up') + tuple('7_up') + tuple('\u00e9') + tuple('x'.repeat(255)))),
  )
  const second = ids(compose(publication('1', 9, tuple('7 up') + tuple('new') + tuple('7_up'))))
  assert.equal(second[0], first[0])
  assert.equal(second[2], first[1])
  assert.equal(new Set(first).size, first.length)
  for (const id of first) assert.match(id, /^[A-Za-z_][A-Za-z0-9_.-]*$/)
})

test('emits children in the order of the schema, whatever order came in (RFC 3863 section 4.4)', () => {
  const text = compose(
    publication(
      '1',
      1,
      `<rpid:x/><dm:person id="p"><dm:note>pn</dm:note><rpid:mood/></dm:person><note>n</note>` +
        `<tuple id="a"><timestamp>2026-01-01T00:00:00Z</timestamp><note>tn</note><contact>c</contact><rpid:class>k</rpid:class>` +
        '<status><rpid:s/><basic>open</basic></status></tuple>',
    ),
  )
  const order = [...text.matchAll(/<([a-z:]+)/g)].map((match) => match[1])
  assert.deepEqual(
    order,
    'presence tuple status basic rpid:s rpid:class contact note timestamp note dm:person rpid:mood dm:note rpid:x'.split(
      ' ',
    ),
  )
})

test('copies what it does not know octet for octet, with the declarations it leans on', () => {
  const odd = "<x:odd  a='1'\n\tx:b=\"&#x41;\" ><![CDATA[<]]><y:e xmlns:y='urn:y'/><!-- kept --></x:odd >"
  const text = compose(publication('1', 1, `<tuple id="a"><status/>${odd}</tuple>`, 'xmlns:x="urn:x?a=1&amp;b"'))
  assert.ok(text.includes(odd))
  assert.ok(text.includes('xmlns:x="urn:x?a=1&amp;b"'))
})

test('a prefix that two publications bind differently stays true in both', () => {
  const text = compose(
    publication('1', 1, '<x:a/>', 'xmlns:x="urn:one"'),
    publication('2', 2, '<x:a b="1"/><x:a x:c="2"/>', 'xmlns:x="urn:two"'),
  )
  const { extensions } = scanPidf(Buffer.from(text), NOTIFIED_LIMITS)
  assert.deepEqual(
    extensions.map(({ namespace }) => namespace),
    ['urn:one', 'urn:two', 'urn:two'],
  )
  assert.ok(text.includes('<x:a xmlns:x="urn:two" b="1"/>'))
})

test('an element without namespace inside of another, and one of another default, keep theirs', () => {
  const other =
    '<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"><x:z xmlns:x="urn:x"><q/></x:z><w xmlns="urn:w"><v/></w></p:presence>'
  const text = compose({ id: '1', receivedAtMs: 1, document: scanPidf(Buffer.from(other)) })
  assert.ok(text.includes('<x:z xmlns="" xmlns:x="urn:x"><q/></x:z><w xmlns="urn:w"><v/></w>'))
})

test('merges persons: the newest element of each name wins (readings, Presence 4; RFC 4479 section 3.2)', () => {
  const person = (content: string, at = ''): string =>
    `<dm:person id="p">${content}${at && `<dm:timestamp>${at}</dm:timestamp>`}</dm:person>`
  const text = compose(
    publication(
      '1',
      30,
      person('<rpid:mood><rpid:sad/></rpid:mood><dm:note>old</dm:note>', '1970-01-01T00:00:00.010Z'),
    ),
    publication(
      '2',
      20,
      person('<rpid:mood><rpid:happy/></rpid:mood><rpid:sphere/><dm:note xml:lang="de">neu</dm:note>'),
    ),
  )
  assert.equal(text.match(/<dm:person/g)?.length, 1)
  assert.ok(text.includes('<rpid:mood><rpid:happy/></rpid:mood><rpid:sphere/>'))
  assert.ok(!text.includes('sad'))
  assert.ok(text.includes('<dm:note>old</dm:note><dm:note xml:lang="de">neu</dm:note>'))
})

test('elements of one name in the newest person stay together', () => {
  const text = compose(
    publication('1', 1, '<dm:person id="p"><rpid:mood id="m0"/></dm:person>'),
    publication('2', 2, '<dm:person id="p"><rpid:mood id="m1"/><rpid:mood id="m2"/></dm:person>'),
  )
  assert.ok(text.includes('<rpid:mood id="m1"/><rpid:mood id="m2"/>'))
  assert.ok(!text.includes('m0'))
})

test('devices of one deviceID are one device (RFC 4479 section 3.4)', () => {
  const device = (id: string, deviceId: string, content = ''): string =>
    `<dm:device id="${id}">${content}<dm:deviceID>${deviceId}</dm:deviceID></dm:device>`
  const text = compose(
    publication(
      '1',
      1,
      device('d', 'urn:device:1', '<rpid:user-input>active</rpid:user-input>') + device('e', 'mac:2'),
    ),
    publication('2', 2, device('d', ' urn:device:1 ', '<rpid:user-input>idle</rpid:user-input>')),
  )
  assert.equal(text.match(/<dm:device /g)?.length, 2)
  assert.ok(text.includes('<rpid:user-input>idle</rpid:user-input>'))
  assert.ok(!text.includes('active'))
})

test('notes of the root: of each language the newest (RFC 3863 section 4.1.6)', () => {
  const text = compose(
    publication('1', 2, '<note>late</note>'),
    publication('2', 1, '<note>early</note><note xml:lang="fr">t\u00f4t</note>'),
  )
  assert.ok(text.includes('<note>late</note>'))
  assert.ok(text.includes('t\u00f4t'))
  assert.ok(!text.includes('early'))
})

test('no publication left: one tuple, closed, of a stable id (readings, Presence 4)', () => {
  assert.deepEqual(composePidf(ENTITY, []), closedPidf(ENTITY))
  const summary = readPidfSummary(closedPidf('sip:"a&b"@c'))
  assert.equal(summary.entity, 'sip:"a&b"@c')
  assert.deepEqual(
    summary.tuples.map(({ id, basic }) => [id, basic]),
    [['network', 'closed']],
  )
})

test('what would be too long for a SIP body loses its oldest publications', () => {
  const long = `<note>${'x'.repeat(30_000)}</note>`
  const text = compose(
    publication('1', 1, `<tuple id="old"><status/>${long}</tuple>`),
    publication('2', 3, `<tuple id="new"><status/>${long}</tuple>`),
    publication('3', 2, `<tuple id="mid"><status/>${long}</tuple>`),
  )
  assert.deepEqual(
    scanPidf(Buffer.from(text), NOTIFIED_LIMITS).tuples.map(({ id }) => id),
    ['t-2-new', 't-3-mid'],
  )
})

test('what the network knows is one tuple of a stable id, beside all publications or alone (readings, Presence 4)', () => {
  const composed = (basic: 'open' | 'closed' | undefined, ...publications: Publication[]): string[] => {
    const bytes = composePidf(ENTITY, publications, basic)
    assert.doesNotThrow(() => scanPidf(bytes, NOTIFIED_LIMITS))
    return readPidfSummary(bytes).tuples.map(({ id, basic: told }) => `${id} ${told}`)
  }
  const published = publication('1', 1, tuple('a'))
  assert.deepEqual(composed(undefined, published), ['t-1-a open'])
  assert.deepEqual(composed('open', published), ['t-1-a open', 'network open'])
  assert.deepEqual(composed('closed', published), ['t-1-a open', 'network closed'])
  assert.deepEqual(composed('open'), ['network open'])
  assert.deepEqual(composePidf(ENTITY, [], 'closed'), closedPidf(ENTITY))
})
