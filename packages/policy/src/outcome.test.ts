import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImpu } from '@rollcall/core'
import { listPolicy } from './list-policy.ts'
import type { PresencePolicy } from './presence-policy.ts'
import { compileRules } from './presence-rules.ts'
import { type SubscribeOutcome, subscribeOutcome } from './subscribe-outcome.ts'
import { NO_CONTEXT, verified } from './testing/contexts.ts'
import { one, PROVIDE_ALL, ruleset } from './testing/write-rules.ts'
import { nameForPresentity, type WatcherIdentity } from './watcher-identity.ts'

const BOB = 'sip:bob@ims.example.com'
const CAROL = 'sip:carol@ims.example.com'
const BOBS = [parseImpu(BOB), parseImpu('tel:+15550101')]

/** Kinds of identity. Bob is named by rules, carol by none. */
const WATCHERS = {
  'verified bob': verified(...BOBS),
  'verified carol': verified(CAROL),
  'pseudonymous bob': { kind: 'pseudonymous', identities: BOBS },
  'authenticated bob': { kind: 'authenticated', identities: BOBS, isAnonymous: false },
  'authenticated bob, anonymous': { kind: 'authenticated', identities: BOBS, isAnonymous: true },
  'unverified, claims bob': { kind: 'unverified', claimed: BOB },
} as const satisfies Record<string, WatcherIdentity>

const OMA_LISTS = '<ocp:external-list><ocp:entry anc="https://xcap.example.com/blocked"/></ocp:external-list>'
const bob = one(BOB)
const everyone = '<identity><many/></identity>'

const rules = (conditions: string | undefined, handling: string): PresencePolicy =>
  compileRules(
    ruleset({ id: 'r', ...(conditions === undefined ? {} : { conditions }), handling, provides: PROVIDE_ALL }),
  )

const phone = compileRules(
  ruleset(
    { id: 'wp_prs_granted', conditions: bob, handling: 'allow', provides: PROVIDE_ALL },
    { id: 'wp_prs_unlisted', conditions: '<ocp:other-identity/>', handling: 'confirm' },
    { id: 'wp_prs_block_anonymous', conditions: '<ocp:anonymous-request/>', handling: 'block' },
  ),
)

type Row = readonly [SubscribeOutcome, SubscribeOutcome, SubscribeOutcome, SubscribeOutcome, SubscribeOutcome]

/** Outcomes of the watchers above, in their order; that of the unverified is always the challenge. Pseudonymous and blocked is one, too. */
const TABLE: readonly (readonly [string, PresencePolicy, Row])[] = [
  ['no rule at all', compileRules(ruleset()), ['refused', 'refused', 'challenged', 'refused', 'refused']],
  ['bob allowed', rules(bob, 'allow'), ['active', 'refused', 'challenged', 'active', 'active']],
  ['bob by tel', rules(one('tel:+1-555-0101'), 'allow'), ['active', 'refused', 'challenged', 'active', 'active']],
  ['bob to confirm', rules(bob, 'confirm'), ['pending', 'refused', 'challenged', 'pending', 'pending']],
  ['bob politely', rules(bob, 'polite-block'), ['polite', 'refused', 'challenged', 'polite', 'polite']],
  ['bob blocked', rules(bob, 'block'), ['refused', 'refused', 'challenged', 'refused', 'refused']],
  ['everyone allowed', rules(everyone, 'allow'), ['active', 'active', 'challenged', 'active', 'active']],
  [
    'all but bob',
    rules(`<identity><many><except id="${BOB}"/></many></identity>`, 'allow'),
    ['refused', 'active', 'challenged', 'refused', 'refused'],
  ],
  ['no conditions', rules(undefined, 'allow'), ['active', 'active', 'active', 'active', 'active']],
  [
    'anonymous requests',
    rules('<ocp:anonymous-request/>', 'allow'),
    ['refused', 'refused', 'active', 'refused', 'refused'],
  ],
  ['all others', rules('<ocp:other-identity/>', 'confirm'), ['pending', 'pending', 'challenged', 'pending', 'pending']],
  ['a list not there', rules(OMA_LISTS, 'allow'), ['refused', 'refused', 'challenged', 'refused', 'refused']],
  ['a phone’s rules', phone, ['active', 'pending', 'challenged', 'active', 'active']],
  [
    'provisioned, default allow',
    listPolicy({ defaultAllow: true, allow: [], block: [parseImpu(CAROL)] }),
    ['active', 'refused', 'challenged', 'active', 'active'],
  ],
  [
    'provisioned, default block',
    listPolicy({ defaultAllow: false, allow: [parseImpu('tel:+15550101')], block: [] }),
    ['active', 'refused', 'challenged', 'active', 'active'],
  ],
]

for (const [name, policy, row] of TABLE) {
  test(`identity and policy give the outcome: ${name} (RFC 5025 section 3.2.1, RFC 5025 section 3.1.1.1)`, () => {
    const expected: readonly SubscribeOutcome[] = [...row, 'challenged']
    const outcomes = Object.values(WATCHERS).map((watcher: WatcherIdentity) => {
      const decision = policy.decide(watcher, NO_CONTEXT)
      return subscribeOutcome(watcher, decision)
    })
    assert.deepEqual(outcomes, expected)
  })
}

test('who is not allowed may see nothing, whatever rules provide (RFC 5025 section 3.3)', () => {
  for (const [, policy] of TABLE) {
    for (const watcher of Object.values(WATCHERS)) {
      const { handling, permissions } = policy.decide(watcher, NO_CONTEXT)
      assert.equal(permissions.isAll, handling === 'allow')
      if (handling !== 'allow') assert.equal(permissions.services === 'all' || permissions.services.size, 0)
    }
  }
})

test('the presentity learns no name of a watcher who asks for privacy (RFC 3323 section 4.1)', () => {
  assert.deepEqual(Object.values(WATCHERS).map(nameForPresentity), [BOB, CAROL, undefined, BOB, undefined, undefined])
})
