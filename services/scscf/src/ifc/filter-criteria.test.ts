import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  RegistrationType,
  type ServicePointTrigger,
  SessionCase,
} from '@rollcall/proto-gen/cx'
import { allMatches, compileProfile, nextMatch } from './filter-criteria.ts'
import type { RequestFacts } from './service-point-trigger.ts'

type Trigger = NonNullable<ServicePointTrigger['trigger']>

const METHOD = (value: string): Trigger => ({ $case: 'method', value })
const CASE = (value: SessionCase): Trigger => ({ $case: 'sessionCase', value })
const HEADER = (header: string, content = ''): Trigger => ({ $case: 'sipHeader', value: { header, content } })
const URI = (value: string): Trigger => ({ $case: 'requestUri', value })
const SDP = (line: string, content = ''): Trigger => ({ $case: 'sessionDescription', value: { line, content } })

function spt(trigger: Trigger | undefined, group: number[] = [0], conditionNegated = false): ServicePointTrigger {
  return { trigger, group, conditionNegated, registrationTypes: [] }
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
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
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

test('two triggers as CNF and DNF, each negated or not, in one group or two: the whole truth table (TS 29.228 annex B.2.3)', () => {
  const yes = METHOD('SUBSCRIBE')
  const no = METHOD('PUBLISH')
  // first, second as they are after their negation; in one group and in two.
  const rows: [boolean, boolean, { one: [cnf: boolean, dnf: boolean]; two: [cnf: boolean, dnf: boolean] }][] = [
    [true, true, { one: [true, true], two: [true, true] }],
    [true, false, { one: [true, false], two: [false, true] }],
    [false, true, { one: [true, false], two: [false, true] }],
    [false, false, { one: [false, false], two: [false, false] }],
  ]
  for (const [first, second, expected] of rows) {
    for (const isFirstNegated of [false, true]) {
      for (const isSecondNegated of [false, true]) {
        const triggers = (groups: [number, number]) => [
          spt(first === isFirstNegated ? no : yes, [groups[0]], isFirstNegated),
          spt(second === isSecondNegated ? no : yes, [groups[1]], isSecondNegated),
        ]
        const row = `${first} ${second}, negated ${isFirstNegated} ${isSecondNegated}`
        for (const [cnf, at] of [
          [true, 0],
          [false, 1],
        ] as const) {
          assert.equal(matches(criteria(triggers([0, 0]), { cnf })), expected.one[at], `${row}, one group, cnf ${cnf}`)
          assert.equal(matches(criteria(triggers([3, 7]), { cnf })), expected.two[at], `${row}, two groups, cnf ${cnf}`)
        }
      }
    }
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

test('a header trigger finds a header field by its compact form as well (RFC 3261 section 7.3.3)', () => {
  assert.ok(matches(criteria([spt(HEADER('o', '^presence$'))])))
  assert.ok(matches(criteria([spt(HEADER('^(T|X-Other)$'))])))
  assert.ok(!matches(criteria([spt(HEADER('k'))])))
  assert.ok(matches(criteria([not(HEADER('k'))])))
})

test('a session description trigger looks at the lines of SDP alone, content or not (TS 29.228 annex F)', () => {
  const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nm=audio 49170 RTP/AVP 0\r\na=sendrecv\r\n'
  const facts = { sessionDescriptions: () => [sdp] }
  const rows: [Trigger, boolean][] = [
    [SDP('m'), true],
    [SDP('m', '^audio'), true],
    [SDP('m', '^video'), false],
    [SDP('a|m', 'RTP/AVP'), true],
    [SDP('b'), false],
    [SDP('o', '^- 1 1 IN IP4 192\\.0\\.2\\.1$'), true],
    // The letter as a whole: nothing in the middle of another line.
    [SDP('audio'), false],
  ]
  for (const [index, [trigger, expected]] of rows.entries()) {
    assert.equal(matches(criteria([spt(trigger)]), facts), expected, `row ${index}`)
    assert.equal(matches(criteria([not(trigger)]), facts), !expected, `row ${index}, negated`)
  }
  assert.ok(!matches(criteria([spt(SDP('m'))])))
  assert.ok(matches(criteria([not(SDP('m'))])))
})

test('a registration type narrows a REGISTER, and is not ignored (a known mistake of other stacks)', () => {
  const { REGISTRATION_TYPE_INITIAL, REGISTRATION_TYPE_RE_REGISTRATION, REGISTRATION_TYPE_DE_REGISTRATION } =
    RegistrationType
  const all = [REGISTRATION_TYPE_INITIAL, REGISTRATION_TYPE_RE_REGISTRATION, REGISTRATION_TYPE_DE_REGISTRATION]
  const of = (registrationTypes: RegistrationType[]) => criteria([{ ...spt(METHOD('REGISTER')), registrationTypes }])
  for (const registrationType of all) {
    const facts = { method: 'REGISTER', registrationType }
    for (const wanted of all) assert.equal(matches(of([wanted]), facts), wanted === registrationType)
    // None is any; two are either.
    assert.ok(matches(of([]), facts))
    const either: RegistrationType[] = [REGISTRATION_TYPE_INITIAL, REGISTRATION_TYPE_DE_REGISTRATION]
    assert.equal(matches(of(either), facts), either.includes(registrationType))
    const negated = criteria([{ ...not(METHOD('REGISTER')), registrationTypes: [REGISTRATION_TYPE_INITIAL] }])
    assert.equal(matches(negated, facts), registrationType !== REGISTRATION_TYPE_INITIAL)
  }
})

test('a REGISTER goes to every criterion that it meets, in their order (TS 24.229 clause 5.4.1.7)', () => {
  const { criteria: compiled } = compile(
    criteria([spt(METHOD('REGISTER'))], { priority: 9, serverName: 'sip:last;lr' }),
    criteria([spt(METHOD('PUBLISH'))], { priority: 5, serverName: 'sip:never;lr' }),
    criteria([not(METHOD('PUBLISH'))], { priority: 1, serverName: 'sip:first;lr' }),
  )
  const met = allMatches(compiled, { ...SUBSCRIBE, method: 'REGISTER' })
  assert.deepEqual(
    met.map(({ serverName }) => serverName),
    ['sip:first;lr', 'sip:last;lr'],
  )
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

test('criteria are evaluated by ascending priority, and evaluation goes on behind the last match (TS 23.218 clause 5.2)', () => {
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
    criteria([spt(SDP(''))], { priority: 7 }),
    criteria([{ ...spt(METHOD('PUBLISH')), registrationTypes: [1] }], { priority: 8 }),
    criteria([{ ...spt(METHOD('REGISTER')), registrationTypes: [0] }], { priority: 9 }),
    criteria([spt(SDP('m', '('))], { priority: 10 }),
  )
  assert.deepEqual(
    compiled.map(({ serverName }) => serverName),
    ['sip:good;lr'],
  )
  assert.deepEqual(
    skipped.map(({ priority }) => priority),
    [1, 2, 3, 4, 5, 7, 8, 9, 10],
  )
})
