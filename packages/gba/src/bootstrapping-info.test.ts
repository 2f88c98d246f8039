import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { BootstrappingInfoError, readBootstrappingInfo, writeBootstrappingInfo } from './mod.ts'

const INFO = {
  btid: 'I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net',
  lifetimeMs: Date.UTC(2026, 10, 28, 12, 0, 0),
  currentTimeMs: Date.UTC(2026, 10, 28, 11, 0, 0),
}
const read = (text: string) => readBootstrappingInfo(Buffer.from(text))

/** Written from the facts of the clause: what a valid document is. */
const SCHEMA = `<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="uri:3gpp-gba" elementFormDefault="qualified">
  <xs:element name="BootstrappingInfo"><xs:complexType><xs:sequence>
    <xs:element name="btid" type="xs:string"/>
    <xs:element name="lifetime" type="xs:dateTime"/>
    <xs:element name="Extension" minOccurs="0"><xs:complexType><xs:sequence>
      <xs:any processContents="lax" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="currenttime" type="xs:dateTime"/>
</xs:schema>`

test('what is written is read (TS 24.109 annex C, TS 24.109 annex C.2)', () => {
  assert.deepEqual(read(writeBootstrappingInfo(INFO)), INFO)
})

test('xmllint finds what is written valid (TS 24.109 annex C.1)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-gba-'))
  try {
    writeFileSync(join(folder, 'info.xsd'), SCHEMA)
    writeFileSync(join(folder, 'info.xml'), writeBootstrappingInfo(INFO))
    execFileSync('xmllint', ['--noout', '--schema', join(folder, 'info.xsd'), join(folder, 'info.xml')], {
      stdio: 'pipe',
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('prefixes, fractions, comments, unknown parts and no Extension are taken (TS 24.109 annex C.1)', () => {
  const seen = read(
    '\ufeff<?xml version="1.0"?><!-- a --><g:BootstrappingInfo xmlns:g="uri:3gpp-gba" x="1"><g:btid> a&#x42;<![CDATA[=]]>@bsf </g:btid>' +
      '<g:lifetime>2026-11-28T13:00:00.25+01:00</g:lifetime><other xmlns="urn:x"><btid>no</btid></other></g:BootstrappingInfo>',
  )
  assert.deepEqual(seen, { btid: 'aB=@bsf', lifetimeMs: INFO.lifetimeMs + 250, currentTimeMs: undefined })
})

test('what is no such document is refused (TS 24.109 annex C)', () => {
  const whole = writeBootstrappingInfo(INFO)
  const bad = [
    '',
    whole.replace('uri:3gpp-gba', 'urn:other'),
    whole.replaceAll('btid>', 'id>'),
    whole.replace('2026-11-28T12', 'tomorrow'),
    whole.replace('</btid>', ''),
    whole.slice(0, -20),
    whole + whole.slice(whole.indexOf('<B')),
    `${whole}text`,
    whole.replace('<BootstrappingInfo', '<!DOCTYPE b [<!ENTITY e "x">]><BootstrappingInfo'),
    whole.replace('<btid>', '<btid>&e;'),
    whole.replace('<btid>', '<btid>&#x110000;'),
    whole.replace('<Extension>', '<a>'.repeat(20)),
    whole.replace('<Extension>', `<!--${' '.repeat(9000)}-->`),
  ]
  for (const text of bad) assert.throws(() => read(text), BootstrappingInfoError, text.slice(0, 200))
  assert.throws(() => readBootstrappingInfo(Buffer.from([0x3c, 0xff])), BootstrappingInfoError)
})

test('any octets give the document or the one error', () => {
  const pieces = [
    '<',
    '>',
    '/',
    '!--',
    '-->',
    '<![CDATA[',
    '&amp;',
    '&',
    '="',
    'btid',
    'xmlns',
    ' ',
    'uri:3gpp-gba',
    'é',
  ]
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...pieces), { maxLength: 200 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(text, (content) => {
      try {
        read(content)
      } catch (error) {
        assert.ok(error instanceof BootstrappingInfoError)
      }
    }),
    { seed: 4301, numRuns: 500 },
  )
})

test('the time to read grows with the length alone', () => {
  const worst = [
    '<a '.repeat(2700),
    `<a ${'a="" '.repeat(1600)}`,
    '<!--'.repeat(2000),
    '<'.repeat(8000),
    '<?'.repeat(4000),
  ]
  for (const text of worst) {
    const start = performance.now()
    assert.throws(() => read(text), BootstrappingInfoError)
    assert.ok(performance.now() - start < 500)
  }
})
