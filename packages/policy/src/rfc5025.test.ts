import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanPidf } from '@rollcall/pidf'
import { filterPidf } from './filter-pidf.ts'
import { compileRules } from './presence-rules.ts'
import { NO_CONTEXT, verified } from './testing/contexts.ts'
import { RICH_PIDF } from './testing/presence-document.ts'
import { one, ruleset } from './testing/write-rules.ts'

/** What the example of RFC 5025 section 6 says, written by us: one watcher, two schemes, activities, bare user-input. */
const EXAMPLE = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<c:ruleset xmlns="urn:ietf:params:xml:ns:pres-rules" xmlns:p="urn:ietf:params:xml:ns:pres-rules"
    xmlns:c="urn:ietf:params:xml:ns:common-policy">
  <c:rule id="a">
    <c:conditions><c:identity><c:one id="sip:user@example.com"/></c:identity></c:conditions>
    <c:actions><p:sub-handling>allow</p:sub-handling></c:actions>
    <c:transformations>
      <p:provide-services>
        <p:service-uri-scheme>sip</p:service-uri-scheme>
        <p:service-uri-scheme>mailto</p:service-uri-scheme>
      </p:provide-services>
      <p:provide-persons><p:all-persons/></p:provide-persons>
      <p:provide-activities>true</p:provide-activities>
      <p:provide-user-input>bare</p:provide-user-input>
      <p:provide-unknown-attribute ns="urn:vendor-specific:foo-namespace" name="foo">true</p:provide-unknown-attribute>
    </c:transformations>
  </c:rule>
</c:ruleset>`)

test('the example: one watcher sees services by scheme, activities, idle or not, and foo (RFC 5025 section 6, RFC 5025 section 3)', () => {
  const rules = compileRules(EXAMPLE)
  const decision = rules.decide(verified('sip:user@example.com'), NO_CONTEXT)
  assert.equal(decision.handling, 'allow')
  assert.deepEqual(decision.matched, [{ ruleId: 'a', handling: 'allow' }])
  const { tuples, persons, devices, notes } = scanPidf(filterPidf(RICH_PIDF, decision.permissions))
  const names = [...tuples, ...persons].flatMap((part) => part.extensions.map(({ localName }) => localName))
  assert.deepEqual(names, ['user-input', 'service-description', 'foo', 'activities'])
  assert.deepEqual([tuples.length, persons.length, devices.length, notes.length], [2, 1, 0, 0])
})

test('whom no rule of the example names is blocked (RFC 5025 section 3.2.1)', () => {
  const decision = compileRules(EXAMPLE).decide(verified('sip:other@example.com'), NO_CONTEXT)
  assert.deepEqual([decision.handling, decision.matched], ['block', []])
})

test('sub-handling is read by name and, of old documents, by weight (RFC 5025 section 3.2.1)', () => {
  const cases = { block: 'block', confirm: 'confirm', 'polite-block': 'polite-block', allow: 'allow' } as const
  const weights = { '0': 'block', '10': 'confirm', '20': 'polite-block', '30': 'allow', '40': 'block' } as const
  for (const [text, expected] of Object.entries({ ...cases, ...weights, ' allow\n': 'allow', Allow: 'block' })) {
    const rules = compileRules(ruleset({ id: 'r', handling: text }))
    assert.equal(rules.decide(verified('sip:user@example.com'), NO_CONTEXT).handling, expected, text)
  }
  const twice = ruleset({ id: 'r', handling: 'allow</pr:sub-handling><pr:sub-handling>confirm' })
  assert.equal(compileRules(twice).decide(verified('sip:user@example.com'), NO_CONTEXT).handling, 'confirm')
})

test('of several rules the greatest sub-handling counts, also over a block (RFC 5025 section 3.2.1)', () => {
  const rules = compileRules(
    ruleset(
      { id: 'domain', conditions: '<identity><many domain="example.com"/></identity>', handling: 'polite-block' },
      { id: 'friend', conditions: one('sip:user@example.com'), handling: 'allow' },
      { id: 'foe', conditions: one('sip:user@example.com', 'sip:foe@example.com'), handling: 'block' },
    ),
  )
  const decide = (user: string) => rules.decide(verified(`sip:${user}@example.com`), NO_CONTEXT).handling
  assert.deepEqual([decide('user'), decide('foe'), decide('third')], ['allow', 'polite-block', 'polite-block'])
})
