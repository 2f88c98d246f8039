import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { RulesEditError } from '../errors.ts'
import { HANDLINGS, type Handling, strengthOf } from './handling.ts'
import { planHandling, type RuleEdit } from './plan.ts'
import { isAbout, type RuleView, type WhoCondition } from './rules-view.ts'

const BOB = 'sip:bob@home.example'
const PEOPLE = [BOB, 'sip:carol@home.example', 'sip:dave@away.example', 'tel:+15550100']

/** What a server would do with a watcher; `holds` says whether conditions besides identity hold now. */
function handlingOf(rules: readonly RuleView[], identity: string, holds: boolean): Handling {
  const matching = rules
    .filter(({ when }) => when.length === 0 || holds)
    .filter(({ who }) => who.length === 0 || who.some((one) => isAbout(one, identity)))
  return matching.reduce<Handling>(
    (best, { handling }) => (strengthOf(handling) > strengthOf(best) ? handling : best),
    'block',
  )
}

/** A server with views in the place of XML: what an edit does there. */
function applyEdit(rules: readonly RuleView[], edit: RuleEdit): RuleView[] {
  const [, ruleStep = '', , , leafStep, exceptStep] = edit.steps
  const id = valueIn(ruleStep)
  const index = rules.findIndex((rule) => rule.id === id)
  const rule = rules[index]
  if (leafStep === undefined) {
    if (edit.kind === 'delete') return rules.filter((one) => one.id !== id)
    assert.equal(rule, undefined, 'a new rule has a new id')
    const handling = HANDLINGS.find((word) => edit.body.includes(`>${word}</pr:sub-handling>`)) ?? 'block'
    const who = [one(/<one id="([^"]*)"/.exec(edit.body.toString())?.[1] ?? '')]
    return [...rules, { id, handling, who, when: [], shows: [] }]
  }
  assert.ok(rule, 'the rule is there')
  return rules.with(index, { ...rule, who: numbered(changed(rule.who, edit, leafStep, exceptStep)) })
}

function changed(
  who: readonly WhoCondition[],
  edit: RuleEdit,
  leafStep: string,
  exceptStep: string | undefined,
): WhoCondition[] {
  const nth = Number(/\[(\d+)\]/.exec(leafStep)?.[1] ?? 0)
  if (edit.kind === 'delete') {
    const left = who.filter(({ kind, position }) => !(kind === 'one' && position.nth === nth))
    assert.equal(left.length, who.length - 1)
    assert.ok(left.length > 0, 'an identity condition has somebody in it')
    return left
  }
  if (exceptStep === undefined) return [...who, one(valueIn(leafStep))]
  return who.map((condition) =>
    condition.kind === 'many' && condition.position.nth === nth
      ? { ...condition, except: [...condition.except, { id: valueIn(exceptStep), domain: undefined }] }
      : condition,
  )
}

function valueIn(step: string): string {
  return /\[@id="([^"]*)"\]/.exec(step)?.[1] ?? ''
}

function one(id: string): WhoCondition {
  return { kind: 'one', id, position: { identity: 1, nth: 1, siblings: 1 } }
}

function numbered(who: readonly WhoCondition[]): WhoCondition[] {
  const counts = { one: 0, many: 0, other: 0 }
  return who.map((condition) => {
    counts[condition.kind] += 1
    return { ...condition, position: { identity: 1, nth: counts[condition.kind], siblings: who.length } }
  })
}

const anybody = fc.constantFrom(...PEOPLE)
const condition: fc.Arbitrary<WhoCondition> = fc.oneof(
  anybody.map(one),
  fc.record({ domain: fc.constantFrom(undefined, 'home.example'), except: fc.array(anybody, { maxLength: 2 }) }).map(
    ({ domain, except }): WhoCondition => ({
      kind: 'many',
      domain,
      except: except.map((id) => ({ id, domain: undefined })),
      position: { identity: 1, nth: 1, siblings: 1 },
    }),
  ),
)
const someRules = fc
  .array(
    fc.record({
      isOwn: fc.boolean(),
      handling: fc.constantFrom(...HANDLINGS),
      who: fc.array(condition, { minLength: 1, maxLength: 4 }),
      when: fc.constantFrom<string[]>([], [], ['sphere']),
    }),
    { maxLength: 5 },
  )
  .map((rules) =>
    rules.map(({ isOwn, handling, who, when }, at): RuleView => {
      const id = isOwn ? `rollcall-${handling}-${at}` : `rule-${at}`
      return { id, handling, who: numbered(who), when, shows: [] }
    }),
  )

test('whatever the rules are: one identity is handled as asked, in one step, and nobody else otherwise (RFC 4745 section 10.2)', () => {
  fc.assert(
    fc.property(someRules, fc.constantFrom(...HANDLINGS), (rules, wanted) => {
      const edits = planHandling(rules, BOB, wanted)
      let now: readonly RuleView[] = rules
      for (const holds of [true, false]) {
        now = rules
        const seen = [handlingOf(rules, BOB, holds)]
        for (const edit of edits) {
          now = applyEdit(now, edit)
          seen.push(handlingOf(now, BOB, holds))
        }
        assert.equal(seen.at(-1), wanted)
        const turns = seen.filter((handling, at) => handling !== seen[at - 1]).length - 1
        assert.ok(turns <= 1, `${seen.join(' → ')}`)
        for (const other of PEOPLE.slice(1))
          assert.equal(handlingOf(now, other, holds), handlingOf(rules, other, holds))
      }
      assert.deepEqual(planHandling(now, BOB, wanted), [], 'asked again, nothing is left to do')
    }),
    { seed: 470_001, numRuns: 3_000 },
  )
})

test('a stronger rule for everybody, known or not, leaves nobody out: it is told, not changed', () => {
  const rules: RuleView[] = [{ id: 'all', handling: 'allow', who: [], when: [], shows: [] }]
  assert.throws(() => planHandling(rules, BOB, 'block'), RulesEditError)
  assert.equal(planHandling(rules, BOB, 'allow').length, 1)
})

test('an id that somebody else took for another rule is left to him', () => {
  const rules: RuleView[] = [
    { id: 'rollcall-allow', handling: 'block', who: numbered([one(PEOPLE[1] ?? '')]), when: [], shows: [] },
  ]
  const [edit] = planHandling(rules, BOB, 'allow')
  assert.deepEqual(edit?.steps, ['cp:ruleset', 'cp:rule[@id="rollcall-allow-2"]'])
})
