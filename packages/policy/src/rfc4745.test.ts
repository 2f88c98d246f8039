import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RulesError } from './errors.ts'
import { compileRules } from './presence-rules.ts'
import { at, matches, NO_CONTEXT, verified } from './testing/contexts.ts'
import { one, PROVIDE_ALL, ruleset, type TestRule } from './testing/write-rules.ts'

test('one matches its identity in whatever form it is written, and no other (RFC 4745 section 7.1.2, RFC 5025 section 3.1.1.2)', () => {
  const identity = one('sip:Alice@Example.com:5060', 'tel:+1-212-555-1234', 'mailto:bob@example.net')
  assert.ok(matches(identity, verified('sip:Alice@example.com')))
  assert.ok(matches(identity, verified('tel:+12125551234')))
  assert.ok(matches(one('pres:alice@example.com'), verified('sip:alice@example.com')))
  assert.ok(!matches(identity, verified('sip:alice@example.com')), 'the user part has case')
  assert.ok(!matches(identity, verified('sip:bob@example.net')))
  assert.ok(matches(identity, verified('sip:bob@example.net', 'tel:+12125551234')), 'one identity is enough')
  assert.ok(!matches('<identity/>', verified('sip:bob@example.net')), 'an empty identity is nobody’s')
})

test('many with a domain is of exactly this domain, without regard to case (RFC 4745 section 7.1.3)', () => {
  const many = '<identity><many domain="Example.COM"/></identity>'
  assert.ok(matches(many, verified('sip:alice@example.com')))
  assert.ok(matches(many, verified('sip:alice@example.com:5070')))
  assert.ok(!matches(many, verified('sip:alice@sub.example.com')), 'no suffixes')
  assert.ok(!matches(many, verified('sip:alice@notexample.com')))
  assert.ok(!matches(many, verified('tel:+12125551234')), 'a number is in no domain')
  const umlaut = '<identity><many domain="B\u00fccher.example"/></identity>'
  assert.ok(matches(umlaut, verified('sip:alice@xn--bcher-kva.example')), 'by what stands for it in DNS')
  assert.ok(!matches(umlaut, verified('sip:alice@bucher.example')))
  const root = '<identity><many domain="b\u00fccher.example\u3002"/></identity>'
  assert.ok(matches(root, verified('sip:alice@xn--bcher-kva.example')), 'the root of other scripts is a root')
})

test('what is more than a domain is none, in whatever script (RFC 4745 section 7.1.3)', () => {
  const host = verified('sip:alice@evil.example')
  for (const more of ['\u00fc@', '\u00fc:x@'])
    assert.ok(!matches(`<identity><many domain="${more}evil.example"/></identity>`, host))
  for (const more of ['/\u00fc', '?\u00fc', '#\u00fc', ':5060#\u00fc', '\\\u00fc', '%00\u00fc']) {
    assert.ok(!matches(`<identity><many domain="evil.example${more}"/></identity>`, host), more)
  }
  const digits = '<identity><many domain="\uff11\uff12\uff17.\uff11"/></identity>'
  assert.ok(!matches(digits, verified('sip:alice@127.0.0.1')))
})

test('an exception whose domain is none lets nobody in by its condition (RFC 4745 section 7.1.3)', () => {
  const many = (domain: string): string => `<identity><many><except domain="${domain}"/></many></identity>`
  const host = verified('sip:alice@evil.example')
  const unreadable = ['j\u00fcrgen@evil.example', 'evil.example/x', 'evil.example:5060', 'evil.example \u00fc', '', ' ']
  for (const domain of [...unreadable, '\uff11\uff12\uff17.\uff11', '[evil.example]'])
    assert.ok(!matches(many(domain), host), domain)
  for (const domain of ['evil.example', 'Evil.Example.', 'evil\u3002example'])
    assert.ok(!matches(many(domain), host), domain)
  for (const domain of ['good.example', 'b\u00fccher.example\u3002', '[2001:db8::1]', '192.0.2.1'])
    assert.ok(matches(many(domain), host), domain)
})

test('except takes out by domain and by identity (RFC 4745 section 7.1.3)', () => {
  const many =
    '<identity><many><except domain="example.com"/><except id="sip:alice@bad.example.net"/>' +
    '<except id="sip:bob@good.example.net"/></many></identity>'
  assert.ok(matches(many, verified('sip:carol@good.example.net')))
  assert.ok(matches(many, verified('tel:+12125551234')))
  assert.ok(!matches(many, verified('sip:carol@example.com')))
  assert.ok(!matches(many, verified('sip:alice@bad.example.net')))
  assert.ok(!matches(many, verified('tel:+12125551234', 'sip:bob@good.example.net')), 'one excepted name is enough')
  const ofDomain = '<identity><many domain="example.com"><except id="sip:joe@example.com"/></many></identity>'
  assert.ok(matches(ofDomain, verified('sip:alice@example.com')))
  assert.ok(!matches(ofDomain, verified('sip:joe@example.com')))
})

test('an exception that cannot be read takes out everybody (RFC 4745 section 7.1)', () => {
  for (const except of ['<except/>', '<except id="sip:@"/>', '<x:but xmlns:x="urn:x" id="sip:a@b"/>']) {
    assert.ok(!matches(`<identity><many>${except}</many></identity>`, verified('sip:alice@example.com')), except)
  }
  const narrowed = '<identity><one id="sip:alice@example.com"><x:only xmlns:x="urn:x"/></one></identity>'
  assert.ok(!matches(narrowed, verified('sip:alice@example.com')))
})

test('sphere holds when it is the presentity’s, and not while hers is unknown (RFC 4745 section 7.3)', () => {
  const sphere = '<sphere value="work"/>'
  const anyone = verified('sip:alice@example.com')
  assert.ok(matches(sphere, anyone, { nowMs: 0, sphere: 'work' }))
  assert.ok(!matches(sphere, anyone, { nowMs: 0, sphere: 'home' }))
  assert.ok(!matches(sphere, anyone, NO_CONTEXT))
  assert.ok(matches('<sphere value="WORK"/>', anyone, { nowMs: 0, sphere: 'Work' }), 'in any case')
  for (const one of ['home', 'work'])
    assert.ok(matches('<sphere value=" home  work "/>', anyone, { nowMs: 0, sphere: one }))
  assert.ok(!matches('<sphere value="home work"/>', anyone, { nowMs: 0, sphere: 'home work' }))
  assert.ok(!matches('<sphere value=" "/>', anyone, { nowMs: 0, sphere: '' }))
  const rules = compileRules(ruleset({ id: 'r', conditions: one('sip:bob@example.com') + sphere, handling: 'allow' }))
  assert.ok(rules.decide(verified('sip:bob@example.com'), NO_CONTEXT).usesSphere)
  assert.ok(!rules.decide(anyone, NO_CONTEXT).usesSphere)
})

const VALIDITY =
  '<validity><from>2003-08-15T10:20:00.000-05:00</from><until>2003-09-15T10:20:00.000-05:00</until>' +
  '<from>2003-10-01T00:00:00Z</from><until>2003-10-02T00:00:00Z</until></validity>'

test('validity holds from each from up to, not including, its until (RFC 4745 section 7.4)', () => {
  const anyone = verified('sip:alice@example.com')
  const cases: readonly [string, boolean][] = [
    ['2003-08-15T15:19:59.999Z', false],
    ['2003-08-15T15:20:00.000Z', true],
    ['2003-09-15T15:19:59.999Z', true],
    ['2003-09-15T15:20:00.000Z', false],
    ['2003-10-01T12:00:00Z', true],
    ['2003-10-02T00:00:00Z', false],
  ]
  for (const [time, expected] of cases) assert.equal(matches(VALIDITY, anyone, at(time)), expected, time)
  for (const bad of ['', '<from>2003-08-15T10:20:00Z</from>', '<from>1</from><until>2</until>']) {
    assert.ok(!matches(`<validity>${bad}</validity>`, anyone, at('2003-08-15T15:20:00.000Z')), bad)
  }
  const zoneless = '<validity><from>2003-08-15T10:20:00</from><until>2030-08-15T10:20:00</until></validity>'
  assert.ok(!matches(zoneless, anyone, at('2004-01-01T00:00:00Z')), 'no zone, no instant')
})

test('a decision says until when it stands: the next begin or end of a validity (RFC 4745 section 7.4, RFC 5025 section 4)', () => {
  const bob = verified('sip:bob@example.com')
  const rules = compileRules(ruleset({ id: 'r', conditions: one('sip:bob@example.com') + VALIDITY, handling: 'allow' }))
  const next = (time: string): number | undefined => rules.decide(bob, at(time)).nextChangeMs
  assert.equal(next('2003-01-01T00:00:00Z'), Date.parse('2003-08-15T15:20:00Z'))
  assert.equal(next('2003-08-15T15:20:00Z'), Date.parse('2003-09-15T15:20:00Z'))
  assert.equal(next('2003-09-15T15:20:00Z'), Date.parse('2003-10-01T00:00:00Z'))
  assert.equal(next('2003-10-02T00:00:00Z'), undefined)
  assert.equal(rules.decide(verified('sip:eve@example.com'), at('2003-01-01T00:00:00Z')).nextChangeMs, undefined)
})

test('all conditions must hold, and one that nobody knows never does (RFC 4745 section 6.2)', () => {
  const bob = verified('sip:bob@example.com')
  const time = at('2003-09-01T00:00:00Z', 'work')
  const all = `${one('sip:bob@example.com')}<sphere value="work"/>${VALIDITY}`
  assert.ok(matches(all, bob, time))
  assert.ok(!matches(all, verified('sip:eve@example.com'), time))
  assert.ok(!matches(all, bob, { ...time, sphere: 'home' }))
  assert.ok(!matches(all, bob, at('2003-12-01T00:00:00Z', 'work')))
  assert.ok(!matches(`${all}<x:weather xmlns:x="urn:x">fine</x:weather>`, bob, time))
  assert.ok(!matches(`${one('sip:bob@example.com')}<identity><many domain="other.example"/></identity>`, bob))
  assert.ok(!matches('<ocp:media-list/>', bob))
})

test('the documents of both AUIDs are one set of rules, rules of equal ids among them', () => {
  const bob = 'sip:bob@example.com'
  const person = '<pr:provide-persons><pr:all-persons/></pr:provide-persons>'
  const service = '<pr:provide-services><pr:all-services/></pr:provide-services>'
  const rules = compileRules([
    ruleset({ id: 'a', conditions: one(bob), handling: 'confirm', provides: person }),
    ruleset({ id: 'a', conditions: one(bob), handling: 'allow', provides: service }),
    ruleset({ id: 'a', conditions: one('sip:eve@example.com'), handling: 'allow', provides: service }),
  ])
  const { permissions } = rules.decide(verified(bob), NO_CONTEXT)
  assert.deepEqual([permissions.persons, permissions.services], ['all', 'all'])
  const eve = rules.decide(verified('sip:eve@example.com'), NO_CONTEXT).permissions
  assert.deepEqual([eve.persons, eve.services], [new Set(), 'all'])
})

test('a rule without conditions always applies, one without actions gives nothing (RFC 4745 section 7)', () => {
  const anyone = verified('sip:alice@example.com')
  const decide = (rule: TestRule) => compileRules(ruleset(rule)).decide(anyone, NO_CONTEXT).handling
  assert.equal(decide({ id: 'r', handling: 'allow' }), 'allow')
  assert.equal(decide({ id: 'r', conditions: '', handling: 'confirm' }), 'confirm')
  assert.equal(decide({ id: 'r', provides: PROVIDE_ALL }), 'block')
  assert.equal(decide({ id: 'r', handling: 'sure' }), 'block', 'an action that is not understood')
})

test('what is no rules document is refused', () => {
  const refuses = (text: string, code: string) =>
    assert.throws(
      () => compileRules(Buffer.from(text)),
      (error) => error instanceof RulesError && error.code === code,
    )
  refuses('<ruleset', 'RULES_MALFORMED')
  refuses('<!DOCTYPE r><ruleset xmlns="urn:ietf:params:xml:ns:common-policy"/>', 'RULES_MALFORMED')
  refuses('<ruleset/>', 'RULES_STRUCTURE')
  refuses('<ruleset xmlns="urn:ietf:params:xml:ns:common-policy"><rule/></ruleset>', 'RULES_STRUCTURE')
  const many = '<rule id="r"/>'.repeat(4_097)
  refuses(`<ruleset xmlns="urn:ietf:params:xml:ns:common-policy">${many}</ruleset>`, 'RULES_LIMIT')
  assert.throws(() => compileRules([3_000, 2_000].map((n) => ruleset(...Array(n).fill({ id: 'r' })))), RulesError)
})
