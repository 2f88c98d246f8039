import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpi, parseImpu } from '@rollcall/core'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import { listPolicy, RulesError } from '@rollcall/policy'
import { Documents } from '../actor/documents.ts'
import { emptyState, type PresentityState } from '../actor/state.ts'
import { keptSubscription } from '../testing/inputs.ts'
import { explainWatcher, sessionsOf, watchingAs } from './why.ts'

const ALICE = parseImpu('sip:alice@home.example')
const BOB = parseImpu('sip:bob@home.example')
const USER = {
  canonical: ALICE,
  partition: 0,
  impus: [ALICE, parseImpu('tel:+15550100')],
  policy: listPolicy({ defaultAllow: true, allow: [], block: [BOB] }),
  revision: 1n,
}
const WATCHER = { kind: 'verified', identities: [BOB] } as const
const NOW_MS = Date.UTC(2027, 0, 31, 12)

function ruleset(...rules: string[]): Buffer {
  return Buffer.from(
    '<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">' +
      `${rules.join('')}</ruleset>`,
  )
}

function rule(id: string, conditions: string, handling: string, shows = ''): string {
  return (
    `<rule id="${id}"><conditions><identity><one id="${BOB}"/></identity>${conditions}</conditions>` +
    `<actions><pr:sub-handling>${handling}</pr:sub-handling></actions>` +
    `<transformations>${shows}</transformations></rule>`
  )
}

const SERVICES = '<pr:provide-services><pr:all-services/></pr:provide-services>'

function stateWith(rules?: Buffer): PresentityState {
  const body = writePidf({ entity: ALICE, tupleId: 'phone', basic: 'open', note: 'At lunch', timestampMs: NOW_MS })
  const publication = {
    number: 1,
    entityTag: 'a',
    expiresAtMs: NOW_MS + 60_000,
    receivedAtMs: NOW_MS,
    body: body.toString('latin1'),
  }
  const documents = new Documents()
  if (rules) documents.set('pres-rules index', { octets: rules, etag: 'e' })
  const state = emptyState(ALICE)
  state.publications.set(publication)
  state.documents = documents
  return state
}

test("without rules the operator's policy counts, and says so", () => {
  const { decision, document } = explainWatcher({ user: USER, state: stateWith(), watcher: WATCHER, nowMs: NOW_MS })
  assert.deepEqual(
    [decision.handling, decision.source, decision.rules, document.length],
    ['block', 'provisioned', [], 0],
  )
})

test('rules say which of them count, and what of the document is withheld (RFC 4745 section 10, RFC 5025 section 3.3)', () => {
  const validity = '<validity><from>2027-01-31T20:00:00Z</from><until>2027-01-31T23:00:00Z</until></validity>'
  const state = stateWith(ruleset(rule('friends', '', 'allow', SERVICES), rule('night', validity, 'polite-block')))
  const { decision, document } = explainWatcher({ user: USER, state, watcher: WATCHER, nowMs: NOW_MS })
  assert.deepEqual([decision.handling, decision.source], ['allow', 'rules'])
  assert.deepEqual(
    decision.rules.map(({ ruleId, verdict, because }) => [ruleId, verdict, because]),
    [
      ['friends', 'counts', ''],
      ['night', 'does-not-apply', 'validity'],
    ],
  )
  assert.equal(Number(decision.nextChangeMs), Date.UTC(2027, 0, 31, 20))
  assert.ok(
    decision.withheld.some(({ attribute }) => attribute === 'note'),
    JSON.stringify(decision.withheld),
  )
  assert.deepEqual(readPidfSummary(document).tuples[0]?.notes, [])
})

test('other rules, another time and a hidden name are tried, and nothing changes', () => {
  const state = stateWith(ruleset(rule('friends', '', 'allow', SERVICES)))
  const tried = (o: { rules?: Buffer; watcher?: Parameters<typeof explainWatcher>[0]['watcher'] }) =>
    explainWatcher({ user: USER, state, watcher: WATCHER, nowMs: NOW_MS, ...o })
  const polite = tried({ rules: ruleset(rule('no', '', 'polite-block')) })
  assert.equal(polite.decision.handling, 'polite-block')
  assert.ok(readPidfSummary(polite.document).tuples.every(({ basic }) => basic === 'closed'))
  assert.equal(tried({ watcher: { kind: 'pseudonymous', identities: [BOB] } }).decision.handling, 'block')
  assert.throws(() => tried({ rules: Buffer.from('<a/>') }), RulesError)
  assert.equal(tried({}).decision.handling, 'allow')
})

test('who has proved his name is known by it, and by whose password he did (RFC 5025 section 3.1.1)', () => {
  const state = stateWith(ruleset(rule('friends', '', 'allow', SERVICES)))
  const impi = parseImpi('001010000000003@home.example')
  state.subscriptions.set(keptSubscription({ watcher: [BOB], isHidden: true, proof: { impi, algorithm: 'SHA-256' } }))
  const known = sessionsOf(state, [BOB]).map((one) => [one.identityKind, one.assertedBy, one.impi, one.algorithm])
  assert.deepEqual(known, [['authenticated', '', impi, 'SHA-256']])
  const watcher = watchingAs(state, [BOB])
  assert.deepEqual(watcher, { kind: 'authenticated', identities: [BOB], isAnonymous: true })
  assert.equal(explainWatcher({ user: USER, state, watcher, nowMs: NOW_MS }).decision.handling, 'allow')
  assert.deepEqual(watchingAs(stateWith(), [BOB]), WATCHER)
})

test('who watches himself sees everything', () => {
  const watcher = { kind: 'verified', identities: [parseImpu('tel:+15550100')] } as const
  const state = stateWith(ruleset())
  const { decision, document } = explainWatcher({ user: USER, state, watcher, nowMs: NOW_MS })
  assert.deepEqual([decision.handling, decision.source, decision.withheld], ['allow', 'own', []])
  assert.deepEqual(readPidfSummary(document).tuples[0]?.notes, ['At lunch'])
})
