import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanPidf } from '@rollcall/pidf'
import fc from 'fast-check'
import { filterPidf } from './filter-pidf.ts'
import { FilterablePidf } from './filterable-pidf.ts'
import { ALL_PERMITTED, type Permissions } from './permissions.ts'
import { compileRules } from './presence-rules.ts'
import { NO_CONTEXT, verified } from './testing/contexts.ts'
import { RICH_PIDF } from './testing/presence-document.ts'
import { ruleset } from './testing/write-rules.ts'

const FOO = 'ns="urn:vendor-specific:foo-namespace"'
/** Transformations, each of which lets something of the document out. */
const PROVISIONS: readonly string[] = [
  '<pr:provide-services><pr:all-services/></pr:provide-services>',
  '<pr:provide-services><pr:class>work</pr:class></pr:provide-services>',
  '<pr:provide-services><pr:service-uri-scheme>mailto</pr:service-uri-scheme></pr:provide-services>',
  '<pr:provide-persons><pr:all-persons/></pr:provide-persons>',
  '<pr:provide-devices><pr:deviceID>urn:uuid:48662e19</pr:deviceID></pr:provide-devices>',
  ...['activities', 'class', 'deviceID', 'mood', 'note', 'place-is', 'place-type', 'privacy', 'relationship', 'sphere']
    .concat('status-icon', 'time-offset')
    .map((name) => `<pr:provide-${name}>true</pr:provide-${name}>`),
  ...['bare', 'thresholds', 'full'].map((level) => `<pr:provide-user-input>${level}</pr:provide-user-input>`),
  ...['foo', 'whole'].map(
    (name) => `<pr:provide-unknown-attribute name="${name}" ${FOO}>true</pr:provide-unknown-attribute>`,
  ),
  ...['willingness', 'barring-state', 'network-availability'].map(
    (name) => `<opr:provide-${name}>1</opr:provide-${name}>`,
  ),
  '<opr:provide-geopriv>full</opr:provide-geopriv>',
  '<pr:provide-all-attributes/>',
]
const provisions = fc.uniqueArray(fc.constantFrom(...PROVISIONS), { maxLength: 12 })

/** Each provision is a rule of its own, so that combining is tried, too. */
function permissionsOf(provided: readonly string[]): Permissions {
  const rules = provided.map((provides, index) => ({ id: `r${index}`, handling: 'allow', provides }))
  const all = compileRules(ruleset({ id: 'base', handling: 'allow' }, ...rules))
  return all.decide(verified('sip:bob@example.com'), NO_CONTEXT).permissions
}

/** The elements of a document by path and name. */
function elementsOf(octets: Buffer): readonly string[] {
  const { tuples, persons, devices, notes, extensions } = scanPidf(octets)
  const names = [...extensions.map(({ localName }) => localName), ...notes.map(() => 'note')]
  for (const tuple of tuples)
    names.push(...tuple.statusExtensions.map(({ localName }) => `${tuple.id}/status/${localName}`))
  for (const part of [...tuples, ...persons, ...devices]) {
    names.push(part.id, ...part.extensions.map(({ localName }) => `${part.id}/${localName}`))
    names.push(...part.notes.map(() => `${part.id}/note`))
  }
  return names
}

test('what is filtered again by the same permissions stays as it is, if they still find it (RFC 5025 section 3.3)', () => {
  const property = fc.property(provisions, (provided) => {
    // Classes choose only as long as they are there.
    const permissions = permissionsOf([...provided, '<pr:provide-class>true</pr:provide-class>'])
    const once = filterPidf(RICH_PIDF, permissions)
    assert.deepEqual(filterPidf(once, permissions).toString(), once.toString())
  })
  fc.assert(property, { seed: 33, numRuns: 300, examples: [[['<pr:provide-user-input>bare</pr:provide-user-input>']]] })
})

test('more permissions never show less, and none shows what all do not (RFC 4745 section 10.1)', () => {
  const everything = elementsOf(RICH_PIDF)
  const property = fc.property(provisions, provisions, (some, others) => {
    const less = elementsOf(filterPidf(RICH_PIDF, permissionsOf(some)))
    const more = new Set(elementsOf(filterPidf(RICH_PIDF, permissionsOf([...some, ...others]))))
    for (const element of less) assert.ok(more.has(element), element)
    for (const element of more) assert.ok(everything.includes(element), element)
  })
  fc.assert(property, { seed: 34, numRuns: 300 })
})

test('what is withheld and what is left are the whole', () => {
  const document = new FilterablePidf(RICH_PIDF)
  const property = fc.property(provisions, (provided) => {
    const permissions = permissionsOf([...provided, '<pr:provide-user-input>full</pr:provide-user-input>'])
    const left = new Set(elementsOf(document.filter(permissions)))
    const withheld = document.withheld(permissions)
    const gone = new Set(withheld.map((one) => (one.in === 'document' ? one.attribute : one.id)))
    for (const element of elementsOf(document.filter(ALL_PERMITTED))) {
      const [id = '', name] = element.split(/\/(?:status\/)?/)
      const isTold =
        gone.has(id) && withheld.some((one) => one.attribute === undefined || [id, name].includes(one.attribute))
      assert.ok(left.has(element) || isTold, element)
    }
  })
  fc.assert(property, { seed: 35, numRuns: 200 })
})
