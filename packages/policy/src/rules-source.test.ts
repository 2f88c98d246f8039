import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseXml } from '@rollcall/xml'
import fc from 'fast-check'
import { RULES_LIMITS } from './limits.ts'
import { compileRules, type PresenceRules } from './presence-rules.ts'
import type { ReadRules } from './rules-source.ts'
import { NO_CONTEXT, verified } from './testing/contexts.ts'
import { one, ruleset, type TestRule } from './testing/write-rules.ts'

const WATCHERS = ['a', 'b', 'c', 'd'].map((user) => `sip:${user}@example.com`)
const rule = (user: string, handling: string): TestRule => ({
  id: `${user}-${handling}`,
  conditions: one(`sip:${user}@example.com`),
  handling,
})
const read = (octets: Buffer): ReadRules => ({ octets, root: parseXml(octets, RULES_LIMITS) })
const decisions = (rules: PresenceRules): unknown => WATCHERS.map((one) => rules.decide(verified(one), NO_CONTEXT))

/** How many of the rules are the very ones of `previous`. */
const takenOver = (rules: PresenceRules, previous: PresenceRules): number =>
  rules.rules.filter((one) => previous.rules.includes(one)).length

test('the next version of a document takes over what did not change', () => {
  const rules = Array.from({ length: 50 }, (_, i) => rule(`u${i}`, 'allow'))
  const before = compileRules(ruleset(...rules))
  const changed = rules.with(25, rule('u25', 'block'))
  const after = compileRules(read(ruleset(...changed)), { previous: before })
  assert.equal(takenOver(after, before), 49)
  assert.equal(after.decide(verified('sip:u25@example.com'), NO_CONTEXT).handling, 'block')
  assert.equal(after.decide(verified('sip:u26@example.com'), NO_CONTEXT).handling, 'allow')
  const more = compileRules(read(ruleset(...changed, rule('new', 'allow'))), { previous: after })
  assert.deepEqual([takenOver(more, after), more.rules.length], [50, 51])
  assert.equal(takenOver(compileRules(read(ruleset()), { previous: more }), more), 0)
})

test('a document that is the same is not read again, with another one beside it', () => {
  const [kept, changing] = [ruleset(rule('a', 'allow')), ruleset(rule('b', 'block'))]
  const before = compileRules([kept, changing])
  const after = compileRules([kept, read(ruleset(rule('b', 'allow')))], { previous: before })
  assert.equal(after.sources[0], before.sources[0])
  assert.deepEqual(decisions(after), decisions(compileRules([kept, ruleset(rule('b', 'allow'))])))
})

test('under another root tag nothing means what it did', () => {
  const text = ruleset(rule('a', 'allow')).toString()
  const other = Buffer.from(text.replace('xmlns:pr="urn:ietf:params:xml:ns:pres-rules"', 'xmlns:pr="urn:other"'))
  const before = compileRules(Buffer.from(text))
  const after = compileRules(read(other), { previous: before })
  assert.equal(takenOver(after, before), 0)
  assert.equal(after.decide(verified('sip:a@example.com'), NO_CONTEXT).handling, 'block')
})

test('whatever the version before was, decisions are those of the document alone', () => {
  const some = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('allow', 'block', 'confirm', 'polite-block')),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(some, some, some, (old, next, third) => {
      let previous: PresenceRules | undefined
      for (const version of [old, next, third]) {
        const octets = ruleset(...version.map(([user, handling]) => rule(user, handling)))
        const rules = compileRules(read(octets), { previous })
        assert.deepEqual(decisions(rules), decisions(compileRules(octets)))
        previous = rules
      }
    }),
    { seed: 4745, numRuns: 500 },
  )
})
