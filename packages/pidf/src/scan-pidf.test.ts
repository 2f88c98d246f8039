import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlError, type XmlErrorCode } from '@rollcall/xml'
import { scanPidf } from './scan-pidf.ts'
import { GOOD } from './vectors/documents.ts'

const ROOT = 'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:x="urn:x"'
const wrap = (content: string): Buffer => Buffer.from(`<presence ${ROOT} entity="sip:a@b">${content}</presence>`)
const STATUS = '<status><basic>open</basic></status>'

function codeOf(bytes: Buffer): XmlErrorCode | undefined {
  try {
    scanPidf(bytes)
    return undefined
  } catch (error) {
    assert.ok(error instanceof XmlError, String(error))
    return error.code
  }
}

test('reads each document that is right (RFC 3863 section 4, RFC 4479 section 4)', () => {
  for (const [name, text] of Object.entries(GOOD)) assert.doesNotThrow(() => scanPidf(Buffer.from(text)), name)
})

test('tells tuples, notes, persons and devices, and keeps the rest as octets', () => {
  const bytes = Buffer.from(GOOD['person before tuples, as some clients send it'] ?? '')
  const document = scanPidf(bytes)
  const [person] = document.persons
  assert.equal(document.entity, 'sip:alice@ims.example.com')
  assert.equal(person?.timestamp?.atMs, Date.UTC(2026, 10, 25, 12))
  assert.deepEqual(
    person?.extensions.map(({ localName }) => localName),
    ['activities', 'mood'],
  )
  const mood = person?.extensions[1]
  assert.equal(bytes.toString('utf8', mood?.start, mood?.end), '<rpid:mood><rpid:happy/></rpid:mood>')
  assert.deepEqual(mood?.bindings, [{ prefix: 'rpid', uri: 'urn:ietf:params:xml:ns:pidf:rpid' }])
  assert.equal(document.devices[0]?.deviceId, 'urn:uuid:48662e19-5fbf-43fc-a2fd-d23002787599')
  assert.equal(document.tuples[0]?.basic, 'open')
  assert.equal(document.tuples[0]?.id, '1')
  assert.equal(document.tuples[0]?.extensions.length, 2)
})

test('an element tells the declarations it leans on, not its own', () => {
  const { extensions } = scanPidf(wrap('<x:a xmlns:y="urn:y" y:b="1"><dm:c/></x:a>'))
  assert.deepEqual(extensions[0]?.bindings, [
    { prefix: 'x', uri: 'urn:x' },
    { prefix: 'dm', uri: 'urn:ietf:params:xml:ns:pidf:data-model' },
  ])
})

test('the order of children is free on input', () => {
  const tuple = `<tuple id="a"><timestamp>2026-01-01T00:00:00Z</timestamp><note>n</note><contact>c</contact>${STATUS}</tuple>`
  assert.equal(codeOf(wrap(`<x:y/><note>n</note>${tuple}`)), undefined)
})

test('refuses other structures (RFC 3863 section 4.1, RFC 4479 section 3)', () => {
  const cases = [
    `<tuple>${STATUS}</tuple>`,
    `<tuple id="">${STATUS}</tuple>`,
    '<tuple id="a"/>',
    '<tuple id="a"><note>n</note></tuple>',
    `<tuple id="a">${STATUS}${STATUS}</tuple>`,
    `<tuple id="a">${STATUS}<contact>c</contact><contact>d</contact></tuple>`,
    `<tuple id="a">${STATUS}<timestamp>2026-01-01T00:00:00Z</timestamp><timestamp>2026-01-01T00:00:00Z</timestamp></tuple>`,
    `<tuple id="a">${STATUS}<timestamp>yesterday</timestamp></tuple>`,
    `<tuple id="a">${STATUS}<contact priority="1.5">c</contact></tuple>`,
    `<tuple id="a">${STATUS}<contact><x:y/></contact></tuple>`,
    `<tuple id="a">${STATUS}<basic>open</basic></tuple>`,
    `<tuple id="a">${STATUS}text</tuple>`,
    `<tuple id="a">${STATUS}</tuple><tuple id="a">${STATUS}</tuple>`,
    `<tuple id="a">${STATUS}</tuple><dm:person id="a"/>`,
    '<tuple id="a"><status><basic>away</basic></status></tuple>',
    '<tuple id="a"><status><basic>open</basic><basic>open</basic></status></tuple>',
    '<tuple id="a"><status><note>n</note></status></tuple>',
    '<status/>',
    'text',
    '<![CDATA[ ]]>',
    '<note><x:y/></note>',
    '<y xmlns=""/>',
    `<tuple id="a">${STATUS}<y xmlns=""/></tuple>`,
    '<dm:person/>',
    '<dm:person id="a"><dm:deviceID>d</dm:deviceID></dm:person>',
    '<dm:person id="a"><dm:other/></dm:person>',
    '<dm:device id="a"/>',
    '<dm:device id="a"><dm:deviceID> </dm:deviceID></dm:device>',
    '<dm:device id="a"><dm:deviceID>d</dm:deviceID><dm:deviceID>e</dm:deviceID></dm:device>',
  ]
  for (const content of cases) assert.equal(codeOf(wrap(content)), 'XML_STRUCTURE', content)
  const roots = [
    '<presence entity="sip:a@b"/>',
    '<presence xmlns="urn:ietf:params:xml:ns:pidf"/>',
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity=" "/>',
    '<tuple xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"/>',
  ]
  for (const text of roots) assert.equal(codeOf(Buffer.from(text)), 'XML_STRUCTURE', text)
})

test('bounds ids', () => {
  assert.equal(codeOf(wrap(`<tuple id="${'a'.repeat(255)}">${STATUS}</tuple>`)), undefined)
  assert.equal(codeOf(wrap(`<tuple id="${'a'.repeat(256)}">${STATUS}</tuple>`)), 'XML_LIMIT')
})
