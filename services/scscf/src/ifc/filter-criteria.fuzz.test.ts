import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DefaultHandling,
  ProfilePartIndicator,
  type ServicePointTrigger,
  type SessionCase,
} from '@rollcall/proto-gen/cx'
import fc from 'fast-check'
import { compileProfile, nextMatch } from './filter-criteria.ts'
import type { RequestFacts } from './service-point-trigger.ts'

const SEED = 29_228

const METHODS = ['SUBSCRIBE', 'PUBLISH', 'REGISTER']
const EVENTS = ['presence', 'reg', 'dialog']
const CASES = [1, 2, 3, 4, 5] as SessionCase[]

type Trigger = NonNullable<ServicePointTrigger['trigger']>

const trigger: fc.Arbitrary<Trigger> = fc.oneof(
  fc.constantFrom(...METHODS).map((value): Trigger => ({ $case: 'method', value })),
  fc.constantFrom(...CASES).map((value): Trigger => ({ $case: 'sessionCase', value })),
  fc
    .constantFrom('', ...EVENTS)
    .map((content): Trigger => ({ $case: 'sipHeader', value: { header: 'Event', content } })),
)

const spt: fc.Arbitrary<ServicePointTrigger> = fc.record({
  trigger,
  conditionNegated: fc.boolean(),
  group: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
  registrationTypes: fc.constant([]),
})

const facts: fc.Arbitrary<RequestFacts> = fc.record({
  method: fc.constantFrom(...METHODS),
  requestUri: fc.constant('sip:alice@ims.example.com'),
  sessionCase: fc.constantFrom(...CASES),
  headers: fc.option(fc.constantFrom(...EVENTS), { nil: undefined }).map((event): [string, string][] => {
    return event === undefined ? [] : [['Event', event]]
  }),
})

/** What one trigger says, by the words of the annex. */
function holds({ trigger, conditionNegated }: ServicePointTrigger, given: RequestFacts): boolean {
  const [event] = [...given.headers]
  let isMet = false
  if (trigger?.$case === 'method') isMet = trigger.value === given.method
  if (trigger?.$case === 'sessionCase') isMet = trigger.value === given.sessionCase
  if (trigger?.$case === 'sipHeader') isMet = event?.[1].includes(trigger.value.content) ?? false
  return conditionNegated ? !isMet : isMet
}

/** Group by group, counting: nothing of the code that is tested. */
function naive(spts: readonly ServicePointTrigger[], isCnf: boolean, given: RequestFacts): boolean {
  let metGroups = 0
  let groups = 0
  for (let number = 0; number <= 3; number++) {
    const members = spts.filter(({ group }) => group.includes(number))
    if (members.length === 0) continue
    groups += 1
    const met = members.filter((member) => holds(member, given)).length
    if (isCnf ? met > 0 : met === members.length) metGroups += 1
  }
  return isCnf ? metGroups === groups : metGroups > 0
}

test('any trigger point says what a naive reading of it says (TS 29.228 annexes B.2.2 and B.2.3)', () => {
  fc.assert(
    fc.property(fc.array(spt, { minLength: 1, maxLength: 8 }), fc.boolean(), facts, (spts, isCnf, given) => {
      const { criteria } = compileProfile({
        publicIdentities: [],
        canonicalImpu: '',
        initialFilterCriteria: [
          {
            priority: 1,
            triggerPoint: { conditionTypeCnf: isCnf, spt: spts },
            applicationServer: {
              serverName: 'sip:as.example.com;lr',
              defaultHandling: DefaultHandling.DEFAULT_HANDLING_SESSION_CONTINUED,
              serviceInfo: '',
              includeRegisterRequest: false,
              includeRegisterResponse: false,
            },
            profilePartIndicator: ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED,
          },
        ],
      })
      assert.equal(nextMatch(criteria, 0, given) !== undefined, naive(spts, isCnf, given))
    }),
    { seed: SEED, numRuns: 3_000 },
  )
})
