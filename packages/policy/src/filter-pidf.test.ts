import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { closedPidf, scanPidf } from '@rollcall/pidf'
import { filterPidf, politeDocument } from './filter-pidf.ts'
import { FilterablePidf } from './filterable-pidf.ts'
import { ALL_PERMITTED, NOTHING_PERMITTED, type Permissions } from './permissions.ts'
import { compileRules } from './presence-rules.ts'
import { NO_CONTEXT, verified } from './testing/contexts.ts'
import { RICH_PIDF } from './testing/presence-document.ts'
import { ruleset } from './testing/write-rules.ts'

const EVERYTHING_CHOSEN =
  '<pr:provide-services><pr:all-services/></pr:provide-services><pr:provide-persons><pr:all-persons/>' +
  '</pr:provide-persons><pr:provide-devices><pr:all-devices/></pr:provide-devices>'

/** The permissions of one rule that provides this. */
function providing(provides: string): Permissions {
  const rules = compileRules(ruleset({ id: 'r', handling: 'allow', provides }))
  return rules.decide(verified('sip:bob@example.com'), NO_CONTEXT).permissions
}

/** What is left of the document, read back. */
function left(provides: string) {
  return scanPidf(filterPidf(RICH_PIDF, providing(provides)))
}

/** Names of the elements that are left inside of tuples, persons, devices and beside them. */
function namesLeft(provides: string): readonly string[] {
  const { tuples, persons, devices, notes, extensions } = left(provides)
  const names = [...extensions.map(({ localName }) => localName), ...notes.map(() => 'root note')]
  for (const { statusExtensions } of tuples) names.push(...statusExtensions.map(({ localName }) => localName))
  for (const one of [...tuples, ...persons, ...devices]) {
    names.push(...one.extensions.map(({ localName }) => localName), ...one.notes.map(() => 'note'))
  }
  return names
}

test('who may see everything gets the same octets', () => {
  assert.equal(filterPidf(RICH_PIDF, ALL_PERMITTED), RICH_PIDF)
  assert.equal(providing(`${EVERYTHING_CHOSEN}<pr:provide-all-attributes/>`), ALL_PERMITTED)
})

test('rules that provide nothing leave an empty document (RFC 5025 section 3.3)', () => {
  const text = filterPidf(RICH_PIDF, NOTHING_PERMITTED).toString()
  assert.equal(
    text,
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
      '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.com"></presence>',
  )
})

test('services are chosen by URI, scheme, id, class and OMA’s service-id (RFC 5025 section 3.3.1, RFC 5025 section 3.3.1.3)', () => {
  const cases: readonly [string, readonly string[]][] = [
    ['<pr:all-services/>', ['t-p1-sip1', 'mail']],
    ['', []],
    ['<pr:service-uri>SIP:alice@PC.example.com</pr:service-uri>', ['t-p1-sip1']],
    ['<pr:service-uri>sip:alice@pc.example.com;transport=tcp</pr:service-uri>', []],
    ['<pr:service-uri>mailto:alice@example.com</pr:service-uri>', []],
    ['<pr:service-uri-scheme>MAILTO</pr:service-uri-scheme>', ['mail']],
    [
      '<pr:service-uri-scheme>sip</pr:service-uri-scheme><pr:service-uri-scheme>mailto</pr:service-uri-scheme>',
      ['t-p1-sip1', 'mail'],
    ],
    ['<pr:occurrence-id>mail</pr:occurrence-id>', ['mail']],
    ['<pr:occurrence-id>sip1</pr:occurrence-id>', ['t-p1-sip1']],
    ['<pr:class>work</pr:class>', ['t-p1-sip1']],
    ['<pr:class>home &amp; more</pr:class>', ['mail']],
    ['<opr:service-id>org.example:chat</opr:service-id>', ['t-p1-sip1']],
    ['<pr:deviceID>urn:uuid:48662e19</pr:deviceID><x:any xmlns:x="urn:x">work</x:any>', []],
  ]
  for (const [choice, expected] of cases) {
    const { tuples, persons, devices } = left(`<pr:provide-services>${choice}</pr:provide-services>`)
    assert.deepEqual(
      tuples.map(({ id }) => id),
      expected,
      choice,
    )
    assert.deepEqual([persons.length, devices.length], [0, 0])
  }
})

test('persons and devices are chosen by id, class and deviceID (RFC 5025 section 3.3.1.1, RFC 5025 section 3.3.1.2)', () => {
  const person = (choice: string) => left(`<pr:provide-persons>${choice}</pr:provide-persons>`).persons.length
  const device = (choice: string) => left(`<pr:provide-devices>${choice}</pr:provide-devices>`).devices.length
  assert.deepEqual([person('<pr:all-persons/>'), person('<pr:occurrence-id>me</pr:occurrence-id>')], [1, 1])
  assert.deepEqual(
    [person('<pr:class>calendar</pr:class>'), person('<pr:class>work</pr:class>'), person('')],
    [1, 0, 0],
  )
  assert.deepEqual([device('<pr:all-devices/>'), device('<pr:occurrence-id>pc</pr:occurrence-id>')], [1, 1])
  assert.deepEqual([device('<pr:deviceID>urn:uuid:48662e19</pr:deviceID>'), device('<pr:class>x</pr:class>')], [1, 0])
})

test('inside of what is chosen each attribute needs its own transformation, and there is every one (RFC 5025 section 3.3.2, RFC 5025 section 5)', () => {
  const core = ['service-description']
  const cases: readonly [string, readonly string[]][] = [
    ['', core],
    // RFC 5025 section 3.3.2.1
    ['<pr:provide-activities>true</pr:provide-activities>', [...core, 'activities']],
    ['<pr:provide-activities>false</pr:provide-activities>', core],
    // RFC 5025 section 3.3.2.2
    ['<pr:provide-class>1</pr:provide-class>', ['class', ...core, 'class', 'class']],
    // RFC 5025 section 3.3.2.3
    ['<pr:provide-deviceID>true</pr:provide-deviceID>', [...core, 'deviceID']],
    // RFC 5025 section 3.3.2.4
    ['<pr:provide-mood>true</pr:provide-mood>', [...core, 'mood']],
    // RFC 5025 section 3.3.2.5
    ['<pr:provide-place-is>true</pr:provide-place-is>', [...core, 'place-is']],
    // RFC 5025 section 3.3.2.6
    ['<pr:provide-place-type>true</pr:provide-place-type>', [...core, 'place-type']],
    // RFC 5025 section 3.3.2.7
    ['<pr:provide-privacy>true</pr:provide-privacy>', ['privacy', ...core]],
    // RFC 5025 section 3.3.2.8
    ['<pr:provide-relationship>true</pr:provide-relationship>', ['relationship', ...core]],
    // RFC 5025 section 3.3.2.10
    ['<pr:provide-status-icon>true</pr:provide-status-icon>', ['status-icon', ...core]],
    // RFC 5025 section 3.3.2.9
    ['<pr:provide-sphere>true</pr:provide-sphere>', [...core, 'sphere']],
    // RFC 5025 section 3.3.2.11
    ['<pr:provide-time-offset>true</pr:provide-time-offset>', [...core, 'time-offset']],
    ['<pr:provide-user-input>bare</pr:provide-user-input>', ['user-input', ...core]],
    ['<pr:provide-user-input>some</pr:provide-user-input>', core],
    // RFC 5025 section 3.3.2.13
    ['<pr:provide-note>true</pr:provide-note>', ['root note', ...core, 'note', 'note', 'note']],
    ['<opr:provide-willingness>true</opr:provide-willingness>', ['willingness', ...core, 'overriding-willingness']],
    ['<opr:provide-network-availability>true</opr:provide-network-availability>', [...core, 'network-availability']],
    ['<opr:provide-session-participation>true</opr:provide-session-participation>', ['session-participation', ...core]],
    ['<opr:provide-registration-state>true</opr:provide-registration-state>', ['registration-state', ...core]],
    ['<opr:provide-barring-state>true</opr:provide-barring-state>', ['barring-state', ...core]],
    ['<opr:provide-geopriv>full</opr:provide-geopriv>', ['geopriv', ...core]],
    ['<opr:provide-geopriv>false</opr:provide-geopriv>', core],
    ['<pr:provide-willingness>true</pr:provide-willingness>', core],
    ['<pr:provide-weather>true</pr:provide-weather>', core],
  ]
  for (const [provides, expected] of cases)
    assert.deepEqual(namesLeft(EVERYTHING_CHOSEN + provides), expected, provides)
})

test('an unknown attribute needs a rule that names it, by namespace and name (RFC 5025 section 3.3.2.14)', () => {
  const unknown = (name: string, ns: string, text = 'true') =>
    namesLeft(
      `${EVERYTHING_CHOSEN}<pr:provide-unknown-attribute name="${name}" ns="${ns}">${text}</pr:provide-unknown-attribute>`,
    )
  const core = ['service-description']
  assert.deepEqual(unknown('foo', 'urn:vendor-specific:foo-namespace'), [...core.slice(0, 1), 'foo'])
  assert.deepEqual(unknown('whole', 'urn:vendor-specific:foo-namespace'), ['whole', ...core])
  assert.deepEqual(unknown('homepage', 'urn:ietf:params:xml:ns:pidf:cipid'), [...core, 'homepage'])
  assert.deepEqual(unknown('service-class', 'urn:ietf:params:xml:ns:pidf:rpid'), ['service-class', ...core])
  assert.deepEqual(unknown('foo', 'urn:other'), core)
  assert.deepEqual(unknown('foo', 'urn:vendor-specific:foo-namespace', 'false'), core)
  assert.deepEqual(unknown('activities', 'urn:ietf:params:xml:ns:pidf:rpid'), core, 'a known one is not unknown')
})

test('provide-all-attributes gives all, the unknown too, of what is chosen (RFC 5025 section 3.3.2.15)', () => {
  const provides = '<pr:provide-persons><pr:all-persons/></pr:provide-persons><pr:provide-all-attributes/>'
  const { tuples, persons, devices } = left(provides)
  assert.deepEqual([tuples.length, persons.length, devices.length], [0, 1, 0])
  assert.equal(persons[0]?.extensions.length, 9)
})

test('user-input comes in four sizes (RFC 5025 section 3.3.2.12)', () => {
  const element = (level: string) => {
    const provides = `${EVERYTHING_CHOSEN}<pr:provide-user-input>${level}</pr:provide-user-input>`
    return /<[^<]*user-input.*user-input>/s.exec(filterPidf(RICH_PIDF, providing(provides)).toString())?.[0]
  }
  const rpid = 'xmlns="urn:ietf:params:xml:ns:pidf:rpid"'
  assert.equal(element('false'), undefined)
  assert.equal(element('bare'), `<user-input ${rpid}>idle</user-input>`)
  assert.equal(element('thresholds'), `<user-input ${rpid} idle-threshold="600">idle</user-input>`)
  assert.equal(
    element('full'),
    '<r:user-input idle-threshold="600" last-input="2026-01-01T10:00:00Z" id="ui">idle</r:user-input>',
  )
})

test('what goes out always: id, status, contact and timestamp of a service; nothing between elements', () => {
  const text = filterPidf(RICH_PIDF, providing(EVERYTHING_CHOSEN)).toString()
  const { tuples } = scanPidf(Buffer.from(text))
  assert.equal(tuples[0]?.basic, 'open')
  assert.ok(tuples[0]?.contact && tuples[0].timestamp)
  for (const secret of ['hiding', 'desk', 'resting', 'secret', 'foo', 'rpid', 'geopriv10', 'cipid']) {
    assert.ok(!text.includes(secret), secret)
  }
})

test('what is left is valid by the schemas’ order, as xmllint reads it', (t) => {
  const provides = [
    EVERYTHING_CHOSEN,
    `${EVERYTHING_CHOSEN}<pr:provide-note>true</pr:provide-note><pr:provide-mood>true</pr:provide-mood>`,
    `${EVERYTHING_CHOSEN}<pr:provide-user-input>bare</pr:provide-user-input><opr:provide-geopriv>full</opr:provide-geopriv>`,
  ]
  for (const one of provides) {
    const { status, stderr, error } = spawnSync('xmllint', ['--noout', '-'], {
      input: filterPidf(RICH_PIDF, providing(one)),
    })
    if (error) return t.skip('xmllint is not installed')
    assert.equal(status, 0, stderr.toString())
  }
})

test('a document read once is filtered once for each set of permissions', () => {
  const document = new FilterablePidf(RICH_PIDF)
  const [some, same] = [providing(EVERYTHING_CHOSEN), providing(EVERYTHING_CHOSEN)]
  assert.equal(some, same)
  assert.equal(document.filter(some), document.filter(same))
  assert.ok(!document.filter(NOTHING_PERMITTED).equals(document.filter(some)))
})

test('what is withheld is told, by whom it belongs to', () => {
  const document = new FilterablePidf(RICH_PIDF)
  assert.deepEqual(document.withheld(ALL_PERMITTED), [])
  const permissions = providing(
    '<pr:provide-services><pr:service-uri-scheme>mailto</pr:service-uri-scheme></pr:provide-services>' +
      '<pr:provide-devices><pr:all-devices/></pr:provide-devices><pr:provide-note>true</pr:provide-note>',
  )
  assert.deepEqual(document.withheld(permissions), [
    { in: 'service', id: 't-p1-sip1' },
    { in: 'service', id: 'mail', attribute: 'class' },
    { in: 'person', id: 'me' },
    { in: 'device', id: 'pc', attribute: 'network-availability' },
    { in: 'document', id: '', attribute: 'whole' },
  ])
})

test('the politely blocked see one closed service, as of one who publishes nothing (RFC 5025 section 3.2.1)', () => {
  assert.deepEqual(politeDocument('sip:alice@example.com', 'network'), closedPidf('sip:alice@example.com'))
  const { tuples, persons, devices, notes } = scanPidf(politeDocument('sip:alice@example.com', 'away'))
  assert.deepEqual([tuples[0]?.id, tuples[0]?.basic, tuples.length], ['away', 'closed', 1])
  assert.equal(persons.length + devices.length + notes.length, 0)
})
