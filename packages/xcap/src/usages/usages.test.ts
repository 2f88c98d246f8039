import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Shelf } from '../testing/harness.ts'
import { directoryDocument } from './directory.ts'
import { PIDF_MANIPULATION_USAGE } from './pidf-manipulation.ts'
import { OMA_PRESENCE_RULES_USAGE, PRESENCE_RULES_USAGE } from './presence-rules.ts'
import { capsDocument, XCAP_CAPS_USAGE } from './xcap-caps.ts'

const ruleset = (inner: string): string =>
  '<cp:ruleset xmlns:cp="urn:ietf:params:xml:ns:common-policy" xmlns="urn:ietf:params:xml:ns:pres-rules" ' +
  `xmlns:ocp="urn:oma:xml:xdm:common-policy" xmlns:x="urn:x">${inner}</cp:ruleset>`
const rule = (inner: string, id = 'a'): string => ruleset(`<cp:rule id="${id}">${inner}</cp:rule>`)
const conditions = (inner: string): string => rule(`<cp:conditions>${inner}</cp:conditions>`)

/** Documents that are valid, and ones that are not: judged by our validator and by libxml2. */
const VALID: readonly string[] = [
  ruleset(''),
  rule(''),
  rule('<cp:conditions/><cp:actions/><cp:transformations/>'),
  conditions(
    '<cp:identity><cp:one id="sip:bob@example.com"/><cp:many domain="example.com"><cp:except id="sip:c@example.com"/></cp:many></cp:identity>',
  ),
  conditions('<cp:identity><cp:many/><x:other/></cp:identity><cp:sphere value="work"/>'),
  conditions(
    '<cp:validity><cp:from>2026-01-01T00:00:00Z</cp:from><cp:until>2026-02-01T00:00:00+01:00</cp:until></cp:validity>',
  ),
  rule('<cp:actions><sub-handling>polite-block</sub-handling><x:other/></cp:actions>'),
  rule(
    '<cp:transformations><provide-services><service-uri-scheme>sip</service-uri-scheme><class>friends</class></provide-services>' +
      '<provide-persons><all-persons/></provide-persons><provide-activities>true</provide-activities>' +
      '<provide-user-input>bare</provide-user-input><provide-unknown-attribute name="foo" ns="urn:x">true</provide-unknown-attribute>' +
      '</cp:transformations>',
  ),
]
const INVALID: readonly string[] = [
  '<ruleset/>',
  ruleset('<cp:rules/>'),
  rule('', '1a'),
  ruleset('<cp:rule/>'),
  rule('<cp:actions/><cp:conditions/>'),
  rule('text'),
  conditions('<cp:identity/>'),
  conditions('<cp:identity><cp:one/></cp:identity>'),
  conditions('<cp:sphere/>'),
  conditions('<cp:validity><cp:from>2026-01-01T00:00:00Z</cp:from></cp:validity>'),
  conditions('<cp:validity><cp:from>now</cp:from><cp:until>then</cp:until></cp:validity>'),
  rule('<cp:transformations><provide-activities>maybe</provide-activities></cp:transformations>'),
  rule('<cp:transformations><provide-user-input>some</provide-user-input></cp:transformations>'),
  rule('<cp:actions><sub-handling>perhaps</sub-handling></cp:actions>'),
  rule(
    '<cp:transformations><provide-unknown-attribute ns="urn:x">true</provide-unknown-attribute></cp:transformations>',
  ),
]

test('presence rules are valid as RFC 4745 section 13 and RFC 5025 section 7 have it', () => {
  for (const usage of [PRESENCE_RULES_USAGE, OMA_PRESENCE_RULES_USAGE]) {
    const name = usage === PRESENCE_RULES_USAGE ? 'index' : 'pres-rules'
    for (const text of VALID) assert.equal(new Shelf(usage, undefined, name).put(undefined, text), '201', text)
    for (const text of INVALID) {
      assert.equal(new Shelf(usage, undefined, name).put(undefined, text), '409 schema-validation-error', text)
    }
    const twice = ruleset('<cp:rule id="a"/><cp:rule id="a"/>')
    assert.equal(new Shelf(usage, undefined, name).put(undefined, twice), '409 schema-validation-error')
    // White space around an id is none of it.
    const again = ruleset('<cp:rule id="a"/><cp:rule id=" a"/>')
    assert.equal(new Shelf(usage, undefined, name).put(undefined, again), '409 schema-validation-error')
    const many = ruleset(Array.from({ length: 1_001 }, (_, i) => `<cp:rule id="r${i}"/>`).join(''))
    assert.equal(new Shelf(usage, undefined, name).put(undefined, many), '409 constraint-failure')
  }
})

test('presence rules are an application usage of XCAP (RFC 5025 section 9, RFC 5025 section 9.1, RFC 5025 section 9.3, RFC 5025 section 9.4, RFC 5025 section 9.7)', () => {
  const { auid, defaultNamespace, mediaType, trees } = PRESENCE_RULES_USAGE
  assert.deepEqual(
    [auid, defaultNamespace, mediaType, trees],
    ['pres-rules', 'urn:ietf:params:xml:ns:pres-rules', 'application/auth-policy+xml', ['users']],
  )
  const named = (name: string): string => new Shelf(PRESENCE_RULES_USAGE, undefined, name).put(undefined, ruleset(''))
  assert.deepEqual([named('index'), named('other')], ['201', '404'])
})

test('each usage has an AUID, a default namespace, a schema, names for documents and a policy of its own (RFC 4825 section 5, RFC 4825 section 5.1, RFC 4825 section 5.2, RFC 4825 section 5.3, RFC 4825 section 5.5)', () => {
  const usages = [PRESENCE_RULES_USAGE, OMA_PRESENCE_RULES_USAGE, PIDF_MANIPULATION_USAGE, XCAP_CAPS_USAGE]
  assert.equal(new Set(usages.map(({ auid }) => auid)).size, usages.length)
  for (const usage of usages) {
    assert.ok(usage.namespaces.includes(usage.defaultNamespace), usage.auid)
    assert.ok(!usage.hasDocument('no-such-name'), usage.auid)
  }
})

test('what a schema leaves open may be of any namespace that we do not know, and of none that we do (RFC 4825 section 8.2.5, RFC 4825 section 5.8, RFC 5025 section 8)', () => {
  const put = (inner: string): string => new Shelf(PRESENCE_RULES_USAGE).put(undefined, rule(inner))
  assert.equal(put('<cp:actions><x:any><x:thing/></x:any></cp:actions>'), '201')
  assert.equal(put('<cp:transformations><x:any/><ocp:any/></cp:transformations>'), '201')
  for (const inner of ['<any/>', '<cp:any/>', '<provide-weather>true</provide-weather>']) {
    assert.equal(put(`<cp:actions>${inner}</cp:actions>`), '409 schema-validation-error', inner)
    assert.equal(put(`<cp:transformations>${inner}</cp:transformations>`), '409 schema-validation-error', inner)
  }
})

test('a change of one element leaves the document valid, or is not made (RFC 4825 section 8.2.5)', () => {
  const shelf = new Shelf(PRESENCE_RULES_USAGE, rule('<cp:actions><sub-handling>allow</sub-handling></cp:actions>'))
  const query = '?xmlns(cp=urn:ietf:params:xml:ns:common-policy)'
  const handling = `cp:ruleset/cp:rule[@id="a"]/cp:actions/sub-handling${query}`
  assert.equal(shelf.put(handling, '<sub-handling>block</sub-handling>'), '200')
  assert.equal(shelf.put(handling, '<sub-handling>perhaps</sub-handling>'), '409 schema-validation-error')
  assert.equal(shelf.put(`cp:ruleset/cp:rule[@id="b"]${query}`, '<cp:rule id="b"/>'), '201')
  assert.equal(shelf.put(`cp:ruleset/cp:rule[@id="b"]/@id${query}`, 'a'), '409 cannot-insert')
  assert.equal(shelf.delete(`cp:ruleset/cp:rule[@id="b"]/@id${query}`), '409 schema-validation-error')
  assert.equal(shelf.get(handling), '<sub-handling>block</sub-handling>')
})

test('an OMA rule says in one way whom it is about', () => {
  const one = '<cp:identity><cp:many/></cp:identity>'
  const put = (inner: string): string =>
    new Shelf(OMA_PRESENCE_RULES_USAGE, undefined, 'pres-rules').put(undefined, conditions(inner))
  assert.equal(put('<ocp:other-identity/>'), '201')
  assert.equal(put('<ocp:external-list><ocp:entry anc="https://x.example/l"/></ocp:external-list>'), '201')
  assert.equal(put(`${one}<ocp:other-identity/>`), '409 constraint-failure')
})

test('hard state is presence of the user whose tree it is in (RFC 4827)', () => {
  const pidf = (entity: string, inner = ''): string =>
    `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${entity}"><tuple id="a"><status/></tuple>${inner}</presence>`
  const put = (text: string): string => new Shelf(PIDF_MANIPULATION_USAGE).put(undefined, text)
  assert.equal(put(pidf('sip:alice@example.com')), '201')
  assert.equal(put(pidf('pres:alice@EXAMPLE.com')), '201')
  assert.equal(put(pidf('sip:bob@example.com')), '409 constraint-failure')
  assert.equal(put(pidf('sip:alice@example.com', '<tuple/>')), '409 schema-validation-error')
  assert.equal(put('<presence xmlns="urn:ietf:params:xml:ns:pidf"/>'), '409 schema-validation-error')
})

test('what a server can do is named, its own document among it (RFC 4825 section 12)', () => {
  const text = capsDocument([PRESENCE_RULES_USAGE, XCAP_CAPS_USAGE]).toString()
  assert.match(text, /<auids><auid>pres-rules<\/auid><auid>xcap-caps<\/auid><\/auids><extensions><\/extensions>/)
  assert.match(text, /<namespace>urn:ietf:params:xml:ns:common-policy<\/namespace>/)
})

test('a directory has a folder for each usage', () => {
  const entry = (auid: string, name: string) => ({ auid, uri: `https://x.example/${name}?a&b`, etag: 'e"1', size: 7 })
  assert.match(
    directoryDocument([entry('a', 'one'), entry('b', 'two'), entry('a', 'three')]).toString(),
    /<folder auid="a"><entry uri="https:\/\/x\.example\/one\?a&amp;b" etag="e&quot;1" size="7"\/><entry .*three.*<\/folder><folder auid="b">/,
  )
})

/** RFC 4745 section 13, as far as it is looked at here, from its facts: order, cardinality, types. */
const COMMON_POLICY_XSD = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:cp="urn:ietf:params:xml:ns:common-policy"
  targetNamespace="urn:ietf:params:xml:ns:common-policy" elementFormDefault="qualified">
 <xs:import namespace="urn:ietf:params:xml:ns:pres-rules" schemaLocation="pres-rules.xsd"/>
 <xs:element name="ruleset"><xs:complexType><xs:sequence>
  <xs:element name="rule" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
   <xs:element name="conditions" minOccurs="0"><xs:complexType><xs:choice minOccurs="0" maxOccurs="unbounded">
    <xs:element name="identity"><xs:complexType><xs:choice maxOccurs="unbounded">
     <xs:element name="one"><xs:complexType><xs:sequence><xs:any namespace="##other" processContents="lax" minOccurs="0"/></xs:sequence>
      <xs:attribute name="id" type="xs:anyURI" use="required"/></xs:complexType></xs:element>
     <xs:element name="many"><xs:complexType><xs:choice minOccurs="0" maxOccurs="unbounded">
      <xs:element name="except"><xs:complexType><xs:attribute name="domain" type="xs:string"/><xs:attribute name="id" type="xs:anyURI"/></xs:complexType></xs:element>
      <xs:any namespace="##other" processContents="lax"/></xs:choice><xs:attribute name="domain" type="xs:string"/></xs:complexType></xs:element>
     <xs:any namespace="##other" processContents="lax"/></xs:choice></xs:complexType></xs:element>
    <xs:element name="sphere"><xs:complexType><xs:attribute name="value" type="xs:string" use="required"/></xs:complexType></xs:element>
    <xs:element name="validity"><xs:complexType><xs:sequence maxOccurs="unbounded">
     <xs:element name="from" type="xs:dateTime"/><xs:element name="until" type="xs:dateTime"/></xs:sequence></xs:complexType></xs:element>
    <xs:any namespace="##other" processContents="lax"/></xs:choice></xs:complexType></xs:element>
   <xs:element name="actions" type="cp:extensible" minOccurs="0"/>
   <xs:element name="transformations" type="cp:extensible" minOccurs="0"/>
  </xs:sequence><xs:attribute name="id" type="xs:ID" use="required"/></xs:complexType></xs:element>
 </xs:sequence></xs:complexType></xs:element>
 <xs:complexType name="extensible"><xs:sequence><xs:any namespace="##other" processContents="lax" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
</xs:schema>`

/** RFC 5025 section 7, likewise. */
const PRES_RULES_XSD = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:pr="urn:ietf:params:xml:ns:pres-rules"
  targetNamespace="urn:ietf:params:xml:ns:pres-rules" elementFormDefault="qualified">
 <xs:element name="sub-handling"><xs:simpleType><xs:restriction base="xs:token">
  <xs:enumeration value="block"/><xs:enumeration value="confirm"/><xs:enumeration value="polite-block"/><xs:enumeration value="allow"/>
 </xs:restriction></xs:simpleType></xs:element>
 <xs:element name="provide-activities" type="xs:boolean"/>
 <xs:element name="provide-user-input"><xs:simpleType><xs:restriction base="xs:string">
  <xs:enumeration value="false"/><xs:enumeration value="bare"/><xs:enumeration value="thresholds"/><xs:enumeration value="full"/>
 </xs:restriction></xs:simpleType></xs:element>
 <xs:element name="provide-unknown-attribute"><xs:complexType><xs:simpleContent><xs:extension base="xs:boolean">
  <xs:attribute name="name" type="xs:string" use="required"/><xs:attribute name="ns" type="xs:string" use="required"/>
 </xs:extension></xs:simpleContent></xs:complexType></xs:element>
</xs:schema>`

function hasXmllint(): boolean {
  try {
    execFileSync('xmllint', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('libxml2 with the schemas judges the same documents valid and invalid (xmllint)', {
  skip: hasXmllint() ? false : 'xmllint is not installed',
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-xcap-'))
  try {
    writeFileSync(join(folder, 'common-policy.xsd'), COMMON_POLICY_XSD)
    writeFileSync(join(folder, 'pres-rules.xsd'), PRES_RULES_XSD)
    const isValid = (text: string): boolean => {
      writeFileSync(join(folder, 'document.xml'), text)
      try {
        execFileSync(
          'xmllint',
          ['--noout', '--schema', join(folder, 'common-policy.xsd'), join(folder, 'document.xml')],
          {
            stdio: 'ignore',
          },
        )
        return true
      } catch {
        return false
      }
    }
    for (const text of VALID) assert.equal(isValid(text), true, text)
    for (const text of INVALID) assert.equal(isValid(text), false, text)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
