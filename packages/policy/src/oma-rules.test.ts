import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import { explainRules } from './explain.ts'
import { compileRules, type PresenceRules } from './presence-rules.ts'
import { NO_CONTEXT, verified } from './testing/contexts.ts'
import { one, PROVIDE_ALL, ruleset } from './testing/write-rules.ts'

const ROOT = 'https://xcap.example.com/resource-lists/users/sip:alice@example.com/index/~~/resource-lists/list'
const GRANTED = `${ROOT}%5b@name=%22oma_grantedcontacts%22%5d`
const BLOCKED = `${ROOT}%5b@name=%22oma_blockedcontacts%22%5d`
const list = (anchor: string) => `<ocp:external-list><ocp:entry anc="${anchor}"/></ocp:external-list>`
const [bob, carol, dave] = ['sip:bob@example.com', 'sip:carol@example.com', 'sip:dave@example.com'] as const

/** The rules that a phone puts when it is new. */
const PHONE = ruleset(
  { id: 'wp_prs_allow_own', conditions: one('sip:alice@example.com'), handling: 'allow', provides: PROVIDE_ALL },
  { id: 'wp_prs_grantedcontacts', conditions: list(GRANTED), handling: 'allow', provides: PROVIDE_ALL },
  { id: 'wp_prs_blockedcontacts', conditions: list(BLOCKED), handling: 'block' },
  { id: 'wp_prs_unlisted', conditions: '<ocp:other-identity/>', handling: 'allow', provides: PROVIDE_ALL },
  { id: 'wp_prs_block_anonymous', conditions: '<ocp:anonymous-request/>', handling: 'block' },
)

function phone(lists: Readonly<Record<string, readonly string[]>>): PresenceRules {
  return compileRules(PHONE, { lists: { contains: (anchor, identity: Impu) => lists[anchor]?.includes(identity) } })
}

const decide = (rules: PresenceRules, ...identities: string[]) => rules.decide(verified(...identities), NO_CONTEXT)

test('lists name the watcher, other-identity is for whom no rule names (OMA XDM)', () => {
  const rules = phone({ [GRANTED]: [bob], [BLOCKED]: [carol] })
  assert.deepEqual(decide(rules, bob).matched, [{ ruleId: 'wp_prs_grantedcontacts', handling: 'allow' }])
  assert.deepEqual(decide(rules, carol).matched, [{ ruleId: 'wp_prs_blockedcontacts', handling: 'block' }])
  assert.deepEqual(decide(rules, dave).matched, [{ ruleId: 'wp_prs_unlisted', handling: 'allow' }])
  assert.deepEqual(rules.listAnchors, new Set([GRANTED, BLOCKED]))
  const anonymous = rules.decide({ kind: 'pseudonymous', identities: [parseImpu(bob)] }, NO_CONTEXT)
  assert.deepEqual(anonymous.matched, [{ ruleId: 'wp_prs_block_anonymous', handling: 'block' }])
})

test('while a list is missing its rule lets nobody in, and the rest no further than pending', () => {
  const rules = phone({ [GRANTED]: [bob] })
  assert.equal(decide(rules, bob).handling, 'allow', 'a list that is there names him')
  assert.equal(decide(rules, carol).handling, 'confirm', 'she might be on the other')
  assert.equal(decide(compileRules(PHONE), bob).handling, 'confirm')
  const person = '<pr:provide-persons><pr:all-persons/></pr:provide-persons>'
  const others = { id: 'others', conditions: '<ocp:other-identity/>', handling: 'allow', provides: PROVIDE_ALL }
  const missing = { id: 'list', conditions: list(GRANTED), handling: 'block' }
  const open = compileRules(ruleset(others, missing, { id: 'all', handling: 'allow', provides: person }))
  assert.equal(decide(open, bob).handling, 'allow', 'by the rule for everybody')
  assert.deepEqual([decide(open, bob).permissions.persons, decide(open, bob).permissions.services], ['all', new Set()])
  assert.equal(decide(compileRules(PHONE), 'sip:alice@example.com').handling, 'allow')
  assert.equal(
    decide(compileRules(ruleset({ id: 'r', conditions: list(GRANTED), handling: 'allow' })), bob).handling,
    'block',
  )
})

test('with OMA’s conditions a rule that names the watcher comes before one about many (OMA XDM)', () => {
  const named = { id: 'named', conditions: one(bob), handling: 'block' }
  const many = { id: 'many', conditions: '<identity><many domain="example.com"/></identity>', handling: 'allow' }
  const others = { id: 'others', conditions: '<ocp:other-identity/>', handling: 'confirm' }
  assert.equal(decide(compileRules(ruleset(named, many)), bob).handling, 'allow', 'RFC 4745 alone')
  const rules = compileRules(ruleset(named, many, others))
  assert.equal(decide(rules, bob).handling, 'block')
  assert.equal(decide(rules, carol).handling, 'allow')
  assert.equal(decide(rules, 'tel:+15550101').handling, 'confirm')
  const everybody = compileRules(ruleset(named, many, others, { id: 'all', handling: 'polite-block' }))
  assert.equal(decide(everybody, bob).handling, 'polite-block', 'a rule without conditions always applies')
})

test('an anonymous watcher is none of many and none of the others, also where a rule asks for both', () => {
  const anonymous = { kind: 'pseudonymous', identities: [parseImpu(bob)] } as const
  for (const who of ['<ocp:other-identity/>', '<identity><many/></identity>', list(GRANTED), one(bob)]) {
    const rules = compileRules(ruleset({ id: 'r', conditions: `<ocp:anonymous-request/>${who}`, handling: 'allow' }))
    assert.equal(rules.decide(anonymous, NO_CONTEXT).handling, 'block', who)
    assert.equal(decide(rules, bob).handling, 'block', who)
  }
})

test('an explanation says of each rule why it counts or not, and how they combined', () => {
  const rules = compileRules(
    ruleset(
      { id: 'named', conditions: one(bob), handling: 'confirm' },
      { id: 'many', conditions: '<identity><many/></identity>', handling: 'allow' },
      { id: 'work', conditions: `${one(bob)}<sphere value="work"/>`, handling: 'allow' },
      { id: 'list', conditions: list(BLOCKED), handling: 'allow' },
      { id: 'others', conditions: '<ocp:other-identity/>', handling: 'allow' },
      { id: 'weather', conditions: '<x:fine xmlns:x="urn:x"/>', handling: 'allow' },
    ),
  )
  const explained = explainRules(rules, verified(bob), NO_CONTEXT)
  assert.deepEqual(explained.rules, [
    { ruleId: 'named', verdict: 'counts', handling: 'confirm' },
    { ruleId: 'many', verdict: 'overruled', handling: 'allow' },
    { ruleId: 'work', verdict: 'does-not-apply', because: 'sphere' },
    { ruleId: 'list', verdict: 'list-unknown' },
    { ruleId: 'others', verdict: 'overruled', handling: 'allow' },
    { ruleId: 'weather', verdict: 'does-not-apply', because: 'unknown' },
  ])
  assert.equal(
    explained.combined,
    'named (confirm) → confirm, the greatest of all that match; ' +
      'many (allow), others (allow): overruled by a rule that names the watcher more closely',
  )
  assert.equal(explained.decision.handling, 'confirm')
  const other = explainRules(rules, verified(carol), NO_CONTEXT)
  assert.match(other.combined, /^many \(confirm\): a list is missing that could name the watcher/)
  const nobody = explainRules(rules, { kind: 'unverified' }, NO_CONTEXT)
  assert.equal(nobody.combined, 'no rule matches: block')
  assert.deepEqual(nobody.rules[0], { ruleId: 'named', verdict: 'does-not-apply', because: 'identity' })
})
