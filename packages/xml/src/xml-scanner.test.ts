import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlError, type XmlErrorCode } from './errors.ts'
import { XmlScanner } from './xml-scanner.ts'

const LIMITS = { bytesMax: 32_768, attributesMax: 32, bindingsMax: 32 }

/** Reads to the end and tells what there was. */
function read(text: string | Buffer): string {
  const xml = new XmlScanner(Buffer.from(text as string), LIMITS)
  let told = ''
  for (let token = xml.next(); token !== 'eof'; token = xml.next()) {
    if (token === 'text') told += `"${xml.text()}"`
    else told += `${token === 'start' ? '+' : '-'}{${xml.namespace}}${xml.localName}`
  }
  return told
}

function codeOf(text: string | Buffer): XmlErrorCode | undefined {
  try {
    read(text)
    return undefined
  } catch (error) {
    assert.ok(error instanceof XmlError, String(error))
    return error.code
  }
}

test('tells elements, text and namespaces in order (XML 1.0, Namespaces in XML 1.0)', () => {
  const cases: [string, string][] = [
    ['<a/>', '+{}a-{}a'],
    ['\ufeff<?xml version="1.0"?>\n<a></a >\n<!-- x -->', '+{}a-{}a'],
    ['<a xmlns="u"><b/><c xmlns=""/></a>', '+{u}a+{u}b-{u}b+{}c-{}c-{u}a'],
    ['<p:a xmlns:p="u" xmlns:q="v"><q:b xmlns:q="w"/><q:b/></p:a>', '+{u}a+{w}b-{w}b+{v}b-{v}b-{u}a'],
    ['<a>x<!--y-->z<![CDATA[<&]]>]] &gt;</a>', '+{}a"x""z""<&""]] >"-{}a'],
    ['<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x1F600;</a>', '+{}a"<&>"\'A\u{1f600}"-{}a'],
    ['<a>1\r\n2\r3</a>', '+{}a"1\n2\n3"-{}a'],
    ['<a xml:lang="en" b = \'"\'>\u00e9\u4e2d\u{1f600}</a>', '+{}a"\u00e9\u4e2d\u{1f600}"-{}a'],
    ['<a.b-c_1/>', '+{}a.b-c_1-{}a.b-c_1'],
  ]
  for (const [text, told] of cases) assert.equal(read(text), told, text)
})

test('gives attribute values normalised and by expanded name (XML 1.0 section 3.3.3)', () => {
  const text = '<a xmlns:p="u" b="1&#10;2\t3\r\n4&amp;" p:b="two" long="\u00e9"/>'
  const xml = new XmlScanner(Buffer.from(text), LIMITS)
  xml.next()
  assert.equal(xml.attribute('b'), '1\n2 3 4&')
  assert.equal(xml.attribute('b', 'u'), 'two')
  assert.equal(xml.attribute('b', 'v'), undefined)
  assert.equal(xml.attribute('c'), undefined)
  assert.equal(xml.attribute('long'), '\u00e9')
})

test('refuses what is not well-formed (XML 1.0)', () => {
  const cases = [
    '',
    ' ',
    'x',
    '<',
    '<a',
    '<a>',
    '<a></b>',
    '<a></ab>',
    '<ab></a>',
    '<a/><b/>',
    '<a/>x',
    'x<a/>',
    '</a>',
    '< a/>',
    '<a b/>',
    '<a b=c/>',
    '<a b="c/>',
    '<a b="<"/>',
    '<a b="1" b="2"/>',
    '<a b="1"c="2"/>',
    '<a / >',
    '<1a/>',
    '<a>&</a>',
    '<a>& </a>',
    '<a>&#;</a>',
    '<a>&#x;</a>',
    '<a>&#xg;</a>',
    '<a>&#0;</a>',
    '<a>&#x1F;</a>',
    '<a>&#xD800;</a>',
    '<a>&#xFFFE;</a>',
    '<a>&#x110000;</a>',
    '<a>&#00000000000000000065;</a>',
    '<a>]]></a>',
    '<a><!-- -- --></a>',
    '<a><!-- --->',
    '<a><!-- </a>',
    '<a><![CDATA[ </a>',
    '<![CDATA[x]]><a/>',
    '<a>\u0001</a>',
    '<a b="\u0008"/>',
    '<a><!--\u0000--></a>',
    '<a>\ufffe</a>',
    '<a>\uffff</a>',
    '<?xml version="1.1"?><a/>',
    '<?xml encoding="UTF-8"?><a/>',
    '<?xml version="1.0" standalone="maybe"?><a/>',
    '<?xml version="1.0"',
    '<!ELEMENT a ANY><a/>',
    '<\u00e9/>',
  ]
  for (const text of cases) assert.equal(codeOf(text), 'XML_MALFORMED', text)
})

test('refuses DOCTYPE, processing instructions and entities that need a declaration', () => {
  const cases = [
    '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    '<a>&e;</a>',
    '<a b="&e;"/>',
    '<a><?php x?></a>',
    ' <?xml version="1.0"?><a/>',
    '<?xml-stylesheet href="x"?><a/>',
  ]
  for (const text of cases) assert.equal(codeOf(text), 'XML_FORBIDDEN', text)
})

test('refuses other encodings (RFC 3863 section 4.1: UTF-8)', () => {
  const cases = [
    Buffer.from('<a>\u00e9</a>', 'latin1'),
    Buffer.from('<a/>', 'utf16le'),
    Buffer.from('<a>\xed\xa0\x80</a>', 'latin1'),
    Buffer.from('<a>\xc0\xaf</a>', 'latin1'),
    Buffer.from('<a>\xf4\x90\x80\x80</a>', 'latin1'),
    Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a/>'),
  ]
  // UTF-16 of ASCII is UTF-8 with zero octets: no name begins with one.
  for (const bytes of cases) assert.match(String(codeOf(bytes)), /XML_ENCODING|XML_MALFORMED/)
  assert.equal(codeOf(cases[0] as Buffer), 'XML_ENCODING')
  assert.equal(codeOf(cases[5] as Buffer), 'XML_ENCODING')
})

test('refuses names without a namespace to stand in (Namespaces in XML 1.0)', () => {
  const cases = [
    '<p:a/>',
    '<a p:b="1"/>',
    '<a><b xmlns:p="u"/><p:c/></a>',
    '<a xmlns:p=""/>',
    '<a xmlns:xml="u"/>',
    '<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>',
    '<a xmlns="http://www.w3.org/XML/1998/namespace"/>',
    '<a xmlns:xmlns="u"/>',
    '<a xmlns="http://www.w3.org/2000/xmlns/"/>',
    '<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>',
    '<p:q:a xmlns:p="u"/>',
    '<a xmlns:p="u"><p:/></a>',
    '<a xmlns:="u"/>',
    '<xmlns:a/>',
  ]
  for (const text of cases) assert.equal(codeOf(text), 'XML_NAMESPACE', text)
  assert.equal(codeOf('<a :b="1"/>'), 'XML_MALFORMED')
  assert.equal(codeOf('<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:id="x"/>'), undefined)
  assert.equal(codeOf('<a xmlns:p="u" p:b="1" b="2"/>'), undefined)
})

test('bounds octets, depth, attributes, declarations and names', () => {
  const nest = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth)
  const list = (count: number, name: string): string =>
    Array.from({ length: count }, (_, i) => ` ${name}${i}="u${i}"`).join('')
  assert.equal(codeOf(nest(64)), undefined)
  assert.equal(codeOf(nest(65)), 'XML_LIMIT')
  assert.equal(codeOf(`<a${list(32, 'b')}/>`), undefined)
  assert.equal(codeOf(`<a${list(33, 'b')}/>`), 'XML_LIMIT')
  assert.equal(codeOf(`<a${list(20, 'xmlns:p')}><b${list(12, 'xmlns:q')}/><b${list(12, 'xmlns:q')}/></a>`), undefined)
  assert.equal(codeOf(`<a${list(20, 'xmlns:p')}><b${list(13, 'xmlns:q')}/></a>`), 'XML_LIMIT')
  assert.equal(codeOf(`<a xmlns="${'u'.repeat(256)}"/>`), 'XML_LIMIT')
  const frame = '<a></a>'.length
  assert.equal(codeOf(`<a>${'x'.repeat(32_768 - frame)}</a>`), undefined)
  assert.equal(codeOf(`<a>${'x'.repeat(32_769 - frame)}</a>`), 'XML_TOO_LARGE')
})

test('says where: the offset counts octets', () => {
  assert.throws(
    () => read('<a>\u00e9</b>'),
    (error) => error instanceof XmlError && error.offset === 5 && error.detail === 'end tag of another element',
  )
})
