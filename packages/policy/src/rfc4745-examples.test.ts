import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules, type PresenceRules } from './presence-rules.ts'
import { at, matches, matching, NO_CONTEXT, verified } from './testing/contexts.ts'
import { one, PROVIDE_ALL, ruleset, type TestRule } from './testing/write-rules.ts'

/** What an example of RFC 4745 says, in a document of our own: one rule, and what its conditions are. */
const exampleOf = (conditions: string, id = 'f3g44r1'): PresenceRules =>
  compileRules(ruleset({ id, conditions, handling: 'allow' }))
const EVENING = '<validity><from>2003-12-24T17:00:00+01:00</from><until>2003-12-24T19:00:00+01:00</until></validity>'

test('the example of all but some, at work and for an evening (RFC 4745 section 7.1.3)', () => {
  const rules = exampleOf(
    '<sphere value="work"/><identity><many><except domain="example.com"/><except domain="example.org"/>' +
      '<except id="sip:alice@bad.example.net"/><except id="sip:bob@good.example.net"/>' +
      `<except id="tel:+1-212-555-1234"/><except id="sip:alice@example.com"/></many></identity>${EVENING}`,
  )
  const evening = at('2003-12-24T18:00:00+01:00', 'work')
  const seen = (identity: string, context = evening): boolean => matching(rules, verified(identity), context).length > 0
  for (const identity of ['sip:alice@good.example.net', 'sip:bob@bad.example.net', 'tel:+12125551235'])
    assert.ok(seen(identity), identity)
  const excepted = [
    'sip:alice@example.com',
    'sip:x@example.org',
    'sip:alice@bad.example.net',
    'sip:bob@good.example.net',
  ]
  for (const identity of [...excepted, 'tel:+12125551234']) assert.ok(!seen(identity), identity)
  assert.ok(!seen('sip:carol@example.net', at('2003-12-24T19:00:00+01:00', 'work')))
  assert.ok(!seen('sip:carol@example.net', at('2003-12-24T18:00:00+01:00', 'home')))
})

test('an identity is a whole URI: one names exactly one, and an exception takes out exactly one (RFC 4745 section 7.2)', () => {
  const except =
    '<identity><many domain="example.com"><except id="sip:alice@example.com"/><except id="sip:bob@example.com"/></many></identity>'
  for (const [user, isThere] of [
    ['carol', true],
    ['alice', false],
    ['bob', false],
    ['alice2', true],
  ] as const) {
    assert.equal(matches(except, verified(`sip:${user}@example.com`)), isThere, user)
    assert.equal(matches(one('sip:carol@example.com'), verified(`sip:${user}@example.com`)), user === 'carol', user)
  }
})

test('the example of spheres: each rule by its own, one by either of two (RFC 4745 section 7.3)', () => {
  const rule = (id: string, user: string, sphere: string): TestRule => ({
    id,
    conditions: `<sphere value="${sphere}"/>${one(user)}`,
    handling: 'allow',
  })
  const [andrew, allison, john] = ['sip:andrew@example.com', 'sip:allison@example.com', 'sip:john@doe.example.com']
  const rules = compileRules(
    ruleset(rule('f3g44r2', andrew, 'work'), rule('y6y55r2', allison, 'home'), rule('z6y55r2', john, 'home work')),
  )
  const holding = (sphere: string): readonly string[] =>
    [andrew, allison, john].flatMap((watcher) => matching(rules, verified(watcher), { nowMs: 0, sphere }))
  assert.deepEqual(holding('work'), ['f3g44r2', 'z6y55r2'])
  assert.deepEqual(holding('home'), ['y6y55r2', 'z6y55r2'])
  assert.deepEqual(holding('travel'), [])
})

test('the example of a whole rule: one watcher, at work, for an evening (RFC 4745 section 12)', () => {
  const rules = exampleOf(`${one('sip:bob@example.com')}<sphere value="work"/>${EVENING}`)
  const bob = verified('sip:bob@example.com')
  assert.deepEqual(matching(rules, bob, at('2003-12-24T17:00:00+01:00', 'work')), ['f3g44r1'])
  assert.deepEqual(matching(rules, bob, at('2003-12-24T16:59:59+01:00', 'work')), [])
  assert.deepEqual(matching(rules, bob, at('2003-12-24T18:00:00+01:00', 'home')), [])
  assert.deepEqual(matching(rules, verified('sip:alice@example.com'), at('2003-12-24T18:00:00+01:00', 'work')), [])
})

test('a rule is known by its id, and two of one id in two documents stay two (RFC 4745 section 6.1)', () => {
  const bob = 'sip:bob@example.com'
  const document = (handling: string): Buffer => ruleset({ id: 'a', conditions: one(bob), handling })
  const { matched } = compileRules([document('confirm'), document('block')]).decide(verified(bob), NO_CONTEXT)
  assert.deepEqual(matched, [
    { ruleId: 'a', handling: 'confirm' },
    { ruleId: 'a', handling: 'block' },
  ])
})

test('actions and transformations permit and never deny: a rule that matches takes nothing away (RFC 4745 section 8, RFC 4745 section 9)', () => {
  const bob = 'sip:bob@example.com'
  const generous: TestRule = { id: 'a', conditions: one(bob), handling: 'allow', provides: PROVIDE_ALL }
  const before = compileRules(ruleset(generous)).decide(verified(bob), NO_CONTEXT)
  for (const other of [
    { id: 'b', conditions: one(bob) },
    { id: 'b', conditions: one(bob), handling: 'block' },
    { id: 'b', conditions: one(bob), handling: 'polite-block', provides: '<pr:provide-mood>false</pr:provide-mood>' },
  ]) {
    const after = compileRules(ruleset(other, generous)).decide(verified(bob), NO_CONTEXT)
    assert.deepEqual([after.handling, after.permissions], [before.handling, before.permissions])
  }
})

/** Times of the example of RFC 4745 section 10.3. */
const [A1, A2, A3] = ['2003-12-24T17:00:00+01:00', '2003-12-24T21:00:00+01:00', '2003-12-24T23:30:00+01:00']
const [B1, B2] = ['2003-12-22T17:00:00+01:00', '2003-12-23T17:00:00+01:00']

test('the worked example: which rules match, and what they give together (RFC 4745 section 10.3, RFC 4745 section 10.1, RFC 4745 section 10.2)', () => {
  // X, a truth, is an attribute here; Y, the greater the more, sub-handling; Z, by levels, user-input.
  const truth = (x: boolean | undefined): string =>
    x === undefined ? '' : `<pr:provide-activities>${x}</pr:provide-activities>`
  const level = { '-': 'bare', o: 'thresholds', '+': 'full' } as const
  const rows = [
    ['1', 'bob', 'home', A1, A2, true, 'polite-block', 'o'],
    ['2', 'alice', 'work', A1, A2, false, 'confirm', '+'],
    ['3', 'bob', 'work', A1, A2, true, 'block', '-'],
    ['4', 'tom', 'work', A1, A2, true, 'confirm', '+'],
    ['5', 'bob', 'work', A1, A3, undefined, 'allow', 'o'],
    ['6', 'bob', 'work', B1, B2, false, 'polite-block', '-'],
  ] as const
  const rules = compileRules(
    ruleset(
      ...rows.map(([id, who, sphere, from, until, x, y, z]) => ({
        id,
        conditions:
          `${one(`sip:${who}@example.com`)}<sphere value="${sphere}"/>` +
          `<validity><from>${from}</from><until>${until}</until></validity>`,
        handling: y,
        provides: `${truth(x)}<pr:provide-user-input>${level[z]}</pr:provide-user-input>`,
      })),
    ),
  )
  const decision = rules.decide(verified('sip:bob@example.com'), at('2003-12-24T17:15:00+01:00', 'work'))
  assert.deepEqual(
    decision.matched.map(({ ruleId }) => ruleId),
    ['3', '5'],
  )
  assert.equal(decision.handling, 'allow')
  assert.deepEqual([...decision.permissions.attributes], ['activities'])
  assert.equal(decision.permissions.userInput, 'thresholds')
})

test('sets that rules give are united, and equal permissions are one object (RFC 4745 section 10.2)', () => {
  const bob = 'sip:bob@example.com'
  const rule = (id: string, name: string): TestRule => ({
    id,
    conditions: one(bob),
    handling: 'allow',
    provides: `<pr:provide-services><pr:class>${name}</pr:class></pr:provide-services>`,
  })
  const rules = compileRules(ruleset(rule('a', 'red'), rule('b', 'green'), rule('c', 'red')))
  const { permissions } = rules.decide(verified(bob), NO_CONTEXT)
  assert.deepEqual(permissions.services, new Set(['class red', 'class green']))
  assert.equal(permissions, rules.decide(verified(bob), { nowMs: 1, sphere: 'work' }).permissions)
})
