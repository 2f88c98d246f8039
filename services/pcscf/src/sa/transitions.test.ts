import assert from 'node:assert/strict'
import test from 'node:test'
import { decideSaSets, type SaInput, setInForce } from './decide-sa-sets.ts'
import type { SaLifetimes, SaSet } from './sa-set.ts'

// The life of SA sets as TS 33.203 clause 7.4 and TS 24.229 clauses 5.2.2.2 and 5.2.5 lay it down, one row an event.

const LIFETIMES: SaLifetimes = { temporaryMs: 240_000, graceMs: 128_000, beyondRegistrationMs: 30_000 }
const PHONE = 'alice phone'
const NOW = 10_000_000
const HOUR_MS = 3_600_000

function set(id: string, state: SaSet['state'], o: Partial<SaSet> = {}): SaSet {
  const isProven = state === 'established' || state === 'old'
  return {
    id,
    state,
    attempt: `attempt of ${id}`,
    contact: isProven ? PHONE : undefined,
    origin: undefined,
    isInUse: isProven,
    expiresAtMs: NOW + HOUR_MS,
    ...o,
  }
}

const CURRENT = set('current', 'established')
const OLD = set('old', 'old')
const INITIAL = set('initial', 'temporary', { expiresAtMs: NOW + 240_000 })
const RENEWED = set('renewed', 'temporary', { contact: PHONE, origin: 'current', expiresAtMs: NOW + 240_000 })
const FRESH = set('fresh', 'established', { isInUse: false })
const OTHERS = set('others', 'established', { contact: 'alice tablet' })

interface Row {
  readonly event: string
  readonly before: readonly SaSet[]
  readonly input: SaInput
  /** Each set that is left: state, `in use`, and milliseconds until its end. */
  readonly after: Readonly<Record<string, string>>
  /** The set that a request to the UE goes out in. */
  readonly inForce: string | undefined
}

const GRANT = { contact: PHONE, grantedMs: 600_000 }
const GRANTED = '630000'

const ROWS: readonly Row[] = [
  {
    event: '401 with Security-Server: a temporary set for reg-await-auth, beside what is there',
    before: [CURRENT],
    input: { kind: 'challenged', id: 'new', attempt: 'b', origin: 'current' },
    after: { current: 'established in use 3600000', new: 'temporary 240000' },
    inForce: 'current',
  },
  {
    event: '401 while a temporary set exists: it is replaced',
    before: [CURRENT, RENEWED],
    input: { kind: 'challenged', id: 'new', attempt: 'b', origin: 'current' },
    after: { current: 'established in use 3600000', new: 'temporary 240000' },
    inForce: 'current',
  },
  {
    event: '401 with old, established and temporary there: never more than three',
    before: [OLD, CURRENT, RENEWED],
    input: { kind: 'challenged', id: 'new', attempt: 'b', origin: 'current' },
    after: { old: 'old in use 3600000', current: 'established in use 3600000', new: 'temporary 240000' },
    inForce: 'current',
  },
  {
    event: '401 of an initial registration: no earlier set of the UE is touched',
    before: [OLD, CURRENT],
    input: { kind: 'challenged', id: 'new', attempt: 'b', origin: undefined },
    after: { old: 'old in use 3600000', current: 'established in use 3600000', new: 'temporary 240000' },
    inForce: 'current',
  },
  {
    event: '200 to SM7 of an initial registration: in use at once, all earlier sets of this UE are deleted',
    before: [OLD, CURRENT, OTHERS, INITIAL],
    input: { kind: 'authenticated', id: 'initial', ...GRANT },
    after: { others: 'established in use 3600000', initial: `established in use ${GRANTED}` },
    inForce: 'initial',
  },
  {
    event: '200 to SM7 of a re-authentication: the set of SM1 becomes old, all other earlier ones are deleted',
    before: [OLD, CURRENT, OTHERS, RENEWED],
    input: { kind: 'authenticated', id: 'renewed', ...GRANT },
    after: { current: 'old in use 3600000', others: 'established in use 3600000', renewed: 'established 3600000' },
    inForce: 'current',
  },
  {
    event: '200 to SM7 with a longer registration: the new set lives 30 s beyond it',
    before: [CURRENT, RENEWED],
    input: { kind: 'authenticated', id: 'renewed', contact: PHONE, grantedMs: 2 * HOUR_MS },
    after: { current: 'old in use 3600000', renewed: 'established 7230000' },
    inForce: 'current',
  },
  {
    event: 'first message on the new set: it is taken into use, the old one is cut to 64*T1',
    before: [OLD, FRESH],
    input: { kind: 'used', id: 'fresh' },
    after: { old: 'old in use 128000', fresh: 'established in use 3600000' },
    inForce: 'fresh',
  },
  {
    event: 'first message on the new set: an old one that ends sooner is not prolonged',
    before: [set('old', 'old', { expiresAtMs: NOW + 5 }), FRESH],
    input: { kind: 'used', id: 'fresh' },
    after: { old: 'old in use 5', fresh: 'established in use 3600000' },
    inForce: 'fresh',
  },
  {
    event: 'a message on the old set: nothing',
    before: [OLD, FRESH],
    input: { kind: 'used', id: 'old' },
    after: { old: 'old in use 3600000', fresh: 'established 3600000' },
    inForce: 'old',
  },
  {
    event: 'the old set’s lifetime ends: deleted',
    before: [set('old', 'old', { expiresAtMs: NOW }), FRESH],
    input: { kind: 'elapsed' },
    after: { fresh: 'established 3600000' },
    inForce: 'fresh',
  },
  {
    event: 'SM7 fails: the temporary set is cut to 64*T1 and serves nothing, the old one stays',
    before: [CURRENT, RENEWED],
    input: { kind: 'failed', id: 'renewed' },
    after: { current: 'established in use 3600000', renewed: 'closing 128000' },
    inForce: 'current',
  },
  {
    event: 'the temporary lifetime ends without SM7: deleted',
    before: [CURRENT, set('renewed', 'temporary', { contact: PHONE, expiresAtMs: NOW })],
    input: { kind: 'elapsed' },
    after: { current: 'established in use 3600000' },
    inForce: 'current',
  },
  {
    event: 'the REGISTER is sent anew within one attempt: its temporary set goes, no other',
    before: [CURRENT, INITIAL, RENEWED],
    input: { kind: 'restarted', attempt: INITIAL.attempt },
    after: { current: 'established in use 3600000', renewed: 'temporary 240000' },
    inForce: 'current',
  },
  {
    event: '200 without challenge: the set that it came on lives 30 s beyond the registration, or as long as before',
    before: [CURRENT],
    input: { kind: 'refreshed', id: 'current', grantedMs: 2 * HOUR_MS },
    after: { current: 'established in use 7230000' },
    inForce: 'current',
  },
  {
    event: '200 without challenge and with less time: the set is not shortened',
    before: [CURRENT],
    input: { kind: 'refreshed', id: 'current', grantedMs: 60_000 },
    after: { current: 'established in use 3600000' },
    inForce: 'current',
  },
  {
    event:
      'all identities deregistered: every set of this contact is cut to 64*T1, to carry the 200, and serves nothing',
    before: [OLD, CURRENT, OTHERS],
    input: { kind: 'deregistered', contact: PHONE, id: undefined },
    after: { old: 'closing in use 128000', current: 'closing in use 128000', others: 'established in use 3600000' },
    inForce: undefined,
  },
  {
    event: 'deregistered by SM7: the temporary set carries the 200 as well',
    before: [CURRENT, set('sm7', 'temporary')],
    input: { kind: 'deregistered', contact: PHONE, id: 'sm7' },
    after: { current: 'closing in use 128000', sm7: 'closing 128000' },
    inForce: undefined,
  },
  {
    event: 'the UE comes from another address: its old sets go with the success of its initial registration',
    before: [CURRENT, set('moved', 'temporary', { attempt: 'from elsewhere' })],
    input: { kind: 'authenticated', id: 'moved', ...GRANT },
    after: { moved: `established in use ${GRANTED}` },
    inForce: 'moved',
  },
  {
    event: 'an event of a set that is gone: nothing',
    before: [CURRENT],
    input: { kind: 'authenticated', id: 'gone', ...GRANT },
    after: { current: 'established in use 3600000' },
    inForce: 'current',
  },
]

for (const { event, before, input, after, inForce } of ROWS) {
  test(`${event} (TS 33.203 clause 7.4, TS 24.229 clause 5.2.2.2)`, () => {
    const { sets, effects } = decideSaSets(before, input, NOW, LIFETIMES)
    const states = sets.map(({ id, state, isInUse, expiresAtMs }) => {
      return [id, `${state}${isInUse ? ' in use' : ''} ${expiresAtMs - NOW}`] as const
    })
    assert.deepEqual(Object.fromEntries(states), after)
    assert.equal(setInForce(sets, PHONE, NOW)?.id, inForce)
    const removed = effects.flatMap((effect) => (effect.kind === 'remove' ? [effect.set.id] : []))
    const gone = before.filter(({ id }) => !sets.some((left) => left.id === id)).map(({ id }) => id)
    assert.deepEqual(removed.sort(), gone.sort(), 'the back end is told of each that went')
  })
}
