import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import fc from 'fast-check'
import { explainRules } from './explain.ts'
import type { DecisionContext } from './presence-policy.ts'
import { compileRules } from './presence-rules.ts'
import type { SubHandling } from './sub-handling.ts'
import { ruleset, type TestRule } from './testing/write-rules.ts'
import type { WatcherIdentity } from './watcher-identity.ts'

const USERS = ['alice', 'bob', 'carol', 'dave']
const DOMAINS = ['a.example', 'b.example', 'c.example']
const IDENTITIES = USERS.flatMap((user) => DOMAINS.map((domain) => `sip:${user}@${domain}`))
const HANDLINGS: readonly SubHandling[] = ['block', 'confirm', 'polite-block', 'allow']
const LIST = 'https://xcap.example/list'
const DAY_MS = 86_400_000

/** Conditions as data: the naive evaluator below reads them as the standard puts it, without index or sets. */
type Who =
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'many'; readonly domain?: string | undefined; readonly except: readonly string[] }
type Model =
  | { readonly kind: 'identity'; readonly who: readonly Who[] }
  | { readonly kind: 'sphere'; readonly value: string }
  | { readonly kind: 'validity'; readonly fromDay: number; readonly days: number }
  | { readonly kind: 'anonymous-request' | 'other-identity' | 'external-list' | 'unknown' }

interface ModelRule {
  readonly conditions: readonly Model[]
  readonly handling: SubHandling
  readonly provides: readonly string[]
}

const who: fc.Arbitrary<Who> = fc.oneof(
  fc.record({ kind: fc.constant('one' as const), id: fc.constantFrom(...IDENTITIES) }),
  fc.record({
    kind: fc.constant('many' as const),
    domain: fc.option(fc.constantFrom(...DOMAINS), { nil: undefined }),
    except: fc.array(fc.constantFrom(...IDENTITIES, ...DOMAINS), { maxLength: 2 }),
  }),
)
const plain: fc.Arbitrary<Model> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('identity' as const), who: fc.array(who, { maxLength: 3 }) }) },
  fc.record({ kind: fc.constant('sphere' as const), value: fc.constantFrom('work', 'home') }),
  fc.record({
    kind: fc.constant('validity' as const),
    fromDay: fc.integer({ min: 0, max: 9 }),
    days: fc.integer({ min: 0, max: 4 }),
  }),
  fc.constant({ kind: 'unknown' as const }),
)
const oma: fc.Arbitrary<Model> = fc.oneof(
  { weight: 3, arbitrary: plain },
  fc.record({ kind: fc.constantFrom('anonymous-request', 'other-identity', 'external-list') }),
)
const rulesOf = (condition: fc.Arbitrary<Model>): fc.Arbitrary<readonly ModelRule[]> =>
  fc.array(
    fc.record({
      conditions: fc.array(condition, { maxLength: 2 }),
      handling: fc.constantFrom(...HANDLINGS),
      provides: fc.uniqueArray(fc.constantFrom('activities', 'mood', 'note', 'class'), { maxLength: 3 }),
    }),
    { maxLength: 8 },
  )
const watchers: fc.Arbitrary<WatcherIdentity> = fc
  .tuple(
    fc.constantFrom('verified', 'pseudonymous', 'authenticated', 'unverified'),
    fc.uniqueArray(fc.constantFrom(...IDENTITIES), { minLength: 1, maxLength: 3 }),
    fc.boolean(),
  )
  .map(([kind, texts, isAnonymous]): WatcherIdentity => {
    const identities = texts.map(parseImpu)
    if (kind === 'unverified') return { kind }
    return kind === 'authenticated' ? { kind, identities, isAnonymous } : { kind, identities }
  })
const contexts: fc.Arbitrary<DecisionContext> = fc.record({
  nowMs: fc.integer({ min: 0, max: 12 * DAY_MS }),
  sphere: fc.constantFrom('work', 'home', undefined),
})
/** What is known of the one list. */
const listings = fc.option(fc.uniqueArray(fc.constantFrom(...IDENTITIES), { maxLength: 4 }), { nil: undefined })

test('the compiled rules decide as the standard reads, rule by rule (RFC 4745 section 10)', () => {
  const property = fc.property(rulesOf(plain), watchers, contexts, (rules, watcher, context) => {
    const decision = compileRules(documentOf(rules)).decide(watcher, context)
    const matching = rules.filter(({ conditions }) => conditions.every((one) => holds(one, watcher, context)))
    assert.equal(decision.handling, greatest(matching))
    const provided = decision.handling === 'allow' ? matching.flatMap(({ provides }) => provides) : []
    assert.deepEqual([...decision.permissions.attributes].sort(), [...new Set(provided)].sort())
  })
  fc.assert(property, { seed: 4745, numRuns: 1_500 })
})

test('OMA’s order never gives more than all matching rules together, and names come first', () => {
  const property = fc.property(rulesOf(oma), watchers, contexts, listings, (rules, watcher, context, listed) => {
    const lists = { contains: (_: string, identity: Impu) => listed?.includes(identity) }
    const compiled = compileRules(documentOf(rules), { lists })
    const { decision, rules: verdicts } = explainRules(compiled, watcher, context)
    const matching = rules.filter(({ conditions }) => conditions.every((one) => holds(one, watcher, context, listed)))
    assert.ok(weight(decision.handling) <= weight(greatest(matching)))
    // What the verdicts say together is the decision.
    const counting = verdicts.filter(({ verdict }) => verdict === 'counts' || verdict === 'confirms')
    const said = Math.max(0, ...counting.map((one) => ('handling' in one ? weight(one.handling) : 0)))
    assert.equal(weight(decision.handling), said)
    // A list that is not there is never better for the watcher than any content that it could have.
    if (listed !== undefined) return
    const withList = (content: readonly string[]) =>
      compileRules(documentOf(rules), { lists: { contains: (_, identity) => content.includes(identity) } })
    const asUnlisted = withList([]).decide(watcher, context)
    if (decision.handling === 'allow') {
      const asListed = withList(IDENTITIES).decide(watcher, context)
      assert.deepEqual([asListed.handling, asUnlisted.handling], ['allow', 'allow'])
    }
  })
  fc.assert(property, { seed: 5025, numRuns: 1_500 })
})

test('until the next change that a decision names, it stands (RFC 4745 section 7.4)', () => {
  const property = fc.property(
    rulesOf(plain),
    watchers,
    contexts,
    fc.double({ min: 0, max: 1, noNaN: true }),
    (...all) => {
      const [rules, watcher, context, part] = all
      const compiled = compileRules(documentOf(rules))
      const { nextChangeMs = 20 * DAY_MS, usesSphere, ...decision } = compiled.decide(watcher, context)
      const nowMs = Math.min(nextChangeMs - 1, Math.floor(context.nowMs + part * (nextChangeMs - context.nowMs)))
      const sphere = usesSphere ? context.sphere : 'anything'
      const { handling, permissions, matched } = compiled.decide(watcher, { nowMs, sphere })
      assert.deepEqual({ handling, permissions, matched }, decision)
    },
  )
  fc.assert(property, { seed: 73, numRuns: 1_000 })
})

function weight(handling: SubHandling): number {
  return HANDLINGS.indexOf(handling)
}

function greatest(rules: readonly ModelRule[]): SubHandling {
  return HANDLINGS[Math.max(0, ...rules.map(({ handling }) => weight(handling)))] ?? 'block'
}

function holds(model: Model, watcher: WatcherIdentity, context: DecisionContext, listed?: readonly string[]): boolean {
  const isNamed = watcher.kind === 'verified' || watcher.kind === 'authenticated'
  const identities: readonly string[] = isNamed ? watcher.identities : []
  switch (model.kind) {
    case 'identity':
      return model.who.some((one) => isAbout(one, identities))
    case 'sphere':
      return context.sphere === model.value
    case 'validity': {
      const fromMs = model.fromDay * DAY_MS
      return context.nowMs >= fromMs && context.nowMs < fromMs + model.days * DAY_MS
    }
    case 'anonymous-request':
      return watcher.kind === 'pseudonymous'
    case 'other-identity':
      return isNamed
    case 'external-list':
      return identities.some((identity) => listed?.includes(identity))
    case 'unknown':
      return false
  }
}

function isAbout(one: Who, identities: readonly string[]): boolean {
  if (one.kind === 'one') return identities.includes(one.id)
  const isOut = identities.some((identity) =>
    one.except.some((out) => identity === out || identity.endsWith(`@${out}`)),
  )
  if (isOut || identities.length === 0) return false
  return one.domain === undefined || identities.some((identity) => identity.endsWith(`@${one.domain}`))
}

function documentOf(rules: readonly ModelRule[]): Buffer {
  return ruleset(
    ...rules.map(
      ({ conditions, handling, provides }, index): TestRule => ({
        id: `r${index}`,
        conditions: conditions.map(conditionText).join(''),
        handling,
        provides: provides.map((name) => `<pr:provide-${name}>true</pr:provide-${name}>`).join(''),
      }),
    ),
  )
}

function conditionText(model: Model): string {
  switch (model.kind) {
    case 'identity':
      return `<identity>${model.who.map(whoText).join('')}</identity>`
    case 'sphere':
      return `<sphere value="${model.value}"/>`
    case 'validity': {
      const iso = (day: number) => new Date(day * DAY_MS).toISOString()
      return `<validity><from>${iso(model.fromDay)}</from><until>${iso(model.fromDay + model.days)}</until></validity>`
    }
    case 'external-list':
      return `<ocp:external-list><ocp:entry anc="${LIST}"/></ocp:external-list>`
    case 'anonymous-request':
    case 'other-identity':
      return `<ocp:${model.kind}/>`
    case 'unknown':
      return '<x:unknown xmlns:x="urn:x"/>'
  }
}

function whoText(one: Who): string {
  if (one.kind === 'one') return `<one id="${one.id}"/>`
  const except = one.except.map((out) => `<except ${out.startsWith('sip:') ? 'id' : 'domain'}="${out}"/>`).join('')
  return `<many${one.domain === undefined ? '' : ` domain="${one.domain}"`}>${except}</many>`
}
