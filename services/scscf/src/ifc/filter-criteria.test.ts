import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type ServicePointTrigger,
  SessionCase,
} from '@rollcall/proto-gen/cx'
import { compileProfile, nextMatch } from './filter-criteria.ts'
import type { RequestFacts } from './service-point-trigger.ts'

type Trigger = NonNullable<ServicePointTrigger['trigger']>

const METHOD = (value: string): Trigger => ({ $case: 'method', value })
const CASE = (value: SessionCase): Trigger => ({ $case: 'sessionCase', value })
const HEADER = (header: string, content = ''): Trigger => ({ $case: 'sipHeader', value: { header, content } })
const URI = (value: string): Trigger => ({ $case: 'requestUri', value })

function spt(trigger: Trigger | undefined, group: number[] = [0], conditionNegated = false): ServicePointTrigger {
  return { trigger, group, conditionNegated }
}

function not(trigger: Trigger, group: number[] = [0]): ServicePointTrigger {
  return spt(trigger, group, true)
}

interface CriteriaOptions {
  readonly cnf?: boolean
  readonly priority?: number
  readonly part?: ProfilePartIndicator
  readonly serverName?: string
}

function criteria(triggers: ServicePointTrigger[] | undefined, options: CriteriaOptions = {}): InitialFilterCriteria {
  return {
    priority: options.priority ?? 0,
    triggerPoint: triggers && { conditionTypeCnf: options.cnf ?? true, spt: triggers },
    applicationServer: {
      serverName: options.serverName ?? 'sip:as.example.com;lr',
      defaultHandling: DefaultHandling.DEFAULT_HANDLING_SESSION_CONTINUED,
    },
    profilePartIndicator: options.part ?? ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED,
  }
}

function compile(...given: InitialFilterCriteria[]) {
  return compileProfile({ publicIdentities: [], initialFilterCriteria: given, canonicalImpu: '' })
}

const SUBSCRIBE: RequestFacts = {
  method: 'SUBSCRIBE',
  requestUri: 'sip:alice@ims.example.com',
  headers: [
    ['Event', 'presence'],
    ['To', '<sip:alice@ims.example.com>'],
    ['Accept-Contact', '*;audio'],
  ],
  sessionCase: SessionCase.SESSION_CASE_ORIGINATING,
}

function matches(given: InitialFilterCriteria, facts: Partial<RequestFacts> = {}): boolean {
  return nextMatch(compile(given).criteria, 0, { ...SUBSCRIBE, ...facts }) !== undefined
}

test('a criterion without a trigger point always matches (TS 29.228 annex B.2.2)', () => {
  assert.ok(matches(criteria(undefined)))
})

test('CNF is OR inside a group and AND between groups, DNF the reverse (TS 29.228 annex B.2.2)', () => {
  const yes = METHOD('SUBSCRIBE')
  const no = METHOD('PUBLISH')
  const rows: [ServicePointTrigger[], boolean, boolean][] = [
    // triggers, as CNF, as DNF
    [[spt(yes)], true, true],
    [[spt(no)], false, false],
    [[spt(yes), spt(no)], true, false],
    [[spt(yes, [0]), spt(no, [1])], false, true],
    [[spt(yes, [0]), spt(yes, [1])], true, true],
    // one trigger in two groups
    [[spt(yes, [0, 1]), spt(no, [0]), spt(no, [1])], true, false],
    [[spt(no, [0, 1]), spt(yes, [0]), spt(no, [1])], false, false],
    // no group given: the first
    [[spt(yes, []), spt(no, [0])], true, false],
  ]
  for (const [index, [triggers, asCnf, asDnf]] of rows.entries()) {
    assert.equal(matches(criteria(triggers, { cnf: true })), asCnf, `row ${index} as CNF`)
    assert.equal(matches(criteria(triggers, { cnf: false })), asDnf, `row ${index} as DNF`)
  }
})

test('a method is compared exactly, no prefix and no other case (a known mistake of other stacks)', () => {
  for (const method of ['SUBSCRIB', 'SUBSCRIBER', 'subscribe', '']) assert.ok(!matches(criteria([spt(METHOD(method))])))
  assert.ok(matches(criteria([not(METHOD('PUBLISH'))])))
})

test('a header trigger without content asks for presence, negated for absence (a known mistake of other stacks)', () => {
  assert.ok(matches(criteria([spt(HEADER('Event'))])))
  assert.ok(!matches(criteria([not(HEADER('Event'))])))
  assert.ok(matches(criteria([not(HEADER('Privacy'))])))
  assert.ok(!matches(criteria([spt(HEADER('Privacy'))])))
})

test('a header trigger looks at whole names in any case and at each value', () => {
  assert.ok(matches(criteria([spt(HEADER('event', '^presence$'))])))
  assert.ok(!matches(criteria([spt(HEADER('Contact'))])))
  assert.ok(matches(criteria([spt(HEADER('Accept-.*'))])))
  const headers: RequestFacts['headers'] = [
    ['Event', 'reg'],
    ['Event', 'presence.winfo'],
  ]
  assert.ok(matches(criteria([spt(HEADER('Event', '^presence(\\.winfo)?$'))]), { headers }))
  assert.ok(!matches(criteria([not(HEADER('Event', 'winfo'))]), { headers }))
})

test('a Request-URI trigger is tested on host and port or on the number (TS 29.228 annex F)', () => {
  const rows: [string, string, boolean][] = [
    ['^ims\\.example\\.com$', 'sip:alice@ims.example.com', true],
    ['^ims\\.example\\.com$', 'sip:alice@ims.example.com;user=phone', true],
    ['^ims\\.example\\.com:5070$', 'sip:alice@ims.example.com:5070', true],
    ['alice', 'sip:alice@ims.example.com', false],
    ['^sip:alice@', 'sip:alice@ims.example.com', true],
    ['^\\+1555', 'tel:+15550100;phone-context=x', true],
    ['phone-context', 'tel:+15550100;phone-context=x', false],
    ['^tel:\\+1555', 'tel:+15550100', true],
  ]
  for (const [expression, requestUri, expected] of rows) {
    assert.equal(matches(criteria([spt(URI(expression))]), { requestUri }), expected, `${expression} on ${requestUri}`)
  }
})

test('each session case is itself alone: 2 and 3 are not swapped, 4 is known (a known mistake of other stacks)', () => {
  const cases = [
    SessionCase.SESSION_CASE_ORIGINATING,
    SessionCase.SESSION_CASE_TERMINATING_REGISTERED,
    SessionCase.SESSION_CASE_TERMINATING_UNREGISTERED,
    SessionCase.SESSION_CASE_ORIGINATING_UNREGISTERED,
    SessionCase.SESSION_CASE_ORIGINATING_CDIV,
  ]
  for (const wanted of cases) {
    for (const sessionCase of cases) {
      assert.equal(matches(criteria([spt(CASE(wanted))]), { sessionCase }), wanted === sessionCase)
    }
  }
})

test('the profile part decides before the triggers (a known mistake of other stacks)', () => {
  const registered = criteria(undefined, { part: ProfilePartIndicator.PROFILE_PART_INDICATOR_REGISTERED })
  const unregistered = criteria(undefined, { part: ProfilePartIndicator.PROFILE_PART_INDICATOR_UNREGISTERED })
  const rows: [SessionCase, boolean][] = [
    [SessionCase.SESSION_CASE_ORIGINATING, true],
    [SessionCase.SESSION_CASE_TERMINATING_REGISTERED, true],
    [SessionCase.SESSION_CASE_ORIGINATING_CDIV, true],
    [SessionCase.SESSION_CASE_TERMINATING_UNREGISTERED, false],
    [SessionCase.SESSION_CASE_ORIGINATING_UNREGISTERED, false],
  ]
  for (const [sessionCase, isRegistered] of rows) {
    assert.equal(matches(registered, { sessionCase }), isRegistered)
    assert.equal(matches(unregistered, { sessionCase }), !isRegistered)
    assert.ok(matches(criteria(undefined), { sessionCase }))
  }
})

test('criteria are evaluated by ascending priority, and evaluation goes on behind the last match', () => {
  const { criteria: compiled } = compile(
    criteria(undefined, { priority: 20, serverName: 'sip:second;lr' }),
    criteria([spt(METHOD('PUBLISH'))], { priority: 15, serverName: 'sip:never;lr' }),
    criteria(undefined, { priority: 10, serverName: 'sip:first;lr' }),
  )
  const first = nextMatch(compiled, 0, SUBSCRIBE)
  assert.equal(first?.criterion.serverName, 'sip:first;lr')
  const second = nextMatch(compiled, first?.nextIndex ?? 0, SUBSCRIBE)
  assert.equal(second?.criterion.serverName, 'sip:second;lr')
  assert.equal(nextMatch(compiled, second?.nextIndex ?? 0, SUBSCRIBE), undefined)
})

test('a broken criterion is left out, and only that one', () => {
  const { criteria: compiled, skipped } = compile(
    criteria([spt(HEADER('Event', '('))], { priority: 1 }),
    criteria([spt(undefined)], { priority: 2 }),
    criteria([], { priority: 3 }),
    criteria(undefined, { priority: 4, serverName: '' }),
    criteria([spt(CASE(SessionCase.SESSION_CASE_UNSPECIFIED))], { priority: 5 }),
    criteria(undefined, { priority: 6, serverName: 'sip:good;lr' }),
  )
  assert.deepEqual(
    compiled.map(({ serverName }) => serverName),
    ['sip:good;lr'],
  )
  assert.deepEqual(
    skipped.map(({ priority }) => priority),
    [1, 2, 3, 4, 5],
  )
})
