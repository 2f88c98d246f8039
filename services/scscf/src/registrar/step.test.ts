import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestPassword, encodeAuts } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import {
  ALICE_PROFILE,
  answer,
  BOB,
  contact,
  digest,
  nonceOf,
  profile,
  REALM,
  register,
  vector,
} from '../testing/fixtures.ts'
import type { Attempt, AttemptEffect, AttemptInput, AttemptRules, BoundInstance } from './attempt.ts'
import type { ReceivedDigest, RegisterRequest } from './register-request.ts'
import { step } from './step.ts'

const RULES: AttemptRules = { realm: REALM, repeatsMax: 2, algorithm: 'AKAv1-MD5' }
const KEY = 'key'

/** What an IMPI has bound on `instance`: the contact that the fixtures ask for. */
function boundOn(instance: string | undefined): BoundInstance | undefined {
  return instance === undefined ? undefined : { instance, uris: ['sip:alice@127.0.1.1:15066'] }
}

/** Runs inputs one after the other and keeps the state. */
class Life {
  attempt: Attempt | undefined
  readonly #rules: AttemptRules

  constructor(rules: AttemptRules = RULES) {
    this.#rules = rules
  }

  input(input: AttemptInput): readonly AttemptEffect[] {
    const { attempt, effects } = step(this.attempt, input, KEY, this.#rules)
    this.attempt = attempt
    return effects
  }

  register(request: RegisterRequest, instance?: string): readonly AttemptEffect[] {
    return this.input({ kind: 'register', request, bound: boundOn(instance) })
  }

  authorized(instance?: string): readonly AttemptEffect[] {
    const bound = boundOn(instance)
    return this.input({ kind: 'authorized', outcome: { kind: 'success' }, bound })
  }

  /** From a fresh REGISTER to its 401. */
  challenge(seed: string, request = register()): void {
    this.register(request)
    this.authorized()
    this.fetched(seed)
  }

  fetched(seed: string): readonly AttemptEffect[] {
    return this.input({ kind: 'fetched', outcome: { kind: 'success', vector: vector(seed) } })
  }
}

/** What was decided, in words. */
function words(effects: readonly AttemptEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.kind !== 'answer') return effect.kind === 'report' ? `report ${effect.type}` : effect.kind
    return effect.answer.kind === 'refused' ? `refuse ${effect.answer.reason}` : effect.answer.kind
  })
}

test('a REGISTER without protection is authorized, then challenged (TS 24.229 clause 5.4.1.2.1)', () => {
  const life = new Life()
  assert.deepEqual(words(life.register(register())), ['authorize'])
  assert.deepEqual(words(life.authorized()), ['fetch'])
  const effects = life.fetched('a')
  assert.deepEqual(words(effects), ['challenge'])
  const [challenge] = effects
  assert.ok(challenge?.kind === 'answer' && challenge.answer.kind === 'challenge')
  assert.equal(challenge.answer.challenge.nonce, nonceOf(vector('a')))
  assert.equal(life.attempt?.phase.kind, 'challenged')
})

test('the right RES over a security association registers (TS 24.229 clause 5.4.1.2.2)', () => {
  const life = new Life()
  life.challenge('a')
  assert.deepEqual(words(life.register(answer(vector('a')))), ['verified', 'assign'])
  const effects = life.input({ kind: 'assigned', outcome: { kind: 'success', profile: ALICE_PROFILE } })
  assert.deepEqual(words(effects), ['bind'])
  const stored = life.input({ kind: 'stored', outcome: { kind: 'accepted', answer: { toTag: 't', headers: [] } } })
  assert.deepEqual(words(stored), ['accepted'])
  assert.equal(life.attempt, undefined)
})

test('qop may be auth, auth-int or missing, and the algorithm is written in any case (RFC 3310 section 3.3)', () => {
  const body = Buffer.from('body')
  for (const changes of [
    {},
    { qop: 'auth-int', body },
    { qop: undefined, nc: undefined, cnonce: undefined },
    { algorithm: 'akav1-md5' },
    { algorithm: undefined },
  ]) {
    const life = new Life()
    life.challenge('a')
    const nonce = nonceOf(vector('a'))
    const authorization = { kind: 'response', nonce, digest: digest(nonce, vector('a').xres, changes) } as const
    assert.deepEqual(words(life.register(answer(vector('a'), { authorization }))), ['verified', 'assign'])
  }
})

test('a wrong answer ends the attempt and is told to the HSS (TS 24.229 clause 5.4.1.2.3)', () => {
  const nonce = nonceOf(vector('a'))
  const right = digest(nonce, vector('a').xres)
  const rows = [
    { ...right, response: digest(nonce, new Secret(Buffer.alloc(8))).response },
    { ...right, response: right.response.slice(1) },
    { ...right, realm: 'elsewhere.example' },
    { ...right, algorithm: 'MD5' },
    { ...right, algorithm: 'AKAv2-MD5' },
    { ...right, qop: 'auth-conf' },
    { ...right, cnonce: undefined },
    { ...right, username: 'mallory@example.com' },
    { ...right, uri: 'sip:elsewhere.example' },
  ]
  for (const received of rows) {
    const life = new Life()
    life.challenge('a')
    const request = answer(vector('a'), { authorization: { kind: 'response', nonce, digest: received } })
    assert.deepEqual(words(life.register(request)), ['refuse wrong-res', 'report failure'])
    assert.equal(life.attempt, undefined)
  }
})

test('with AKAv2-MD5 the password is made of RES, IK and CK; AKAv1 is no answer to it (RFC 4169 section 3, TS 24.229 clause 5.4.1.2.1A)', () => {
  const rules: AttemptRules = { ...RULES, algorithm: 'AKAv2-MD5' }
  const { xres, ik, ck } = vector('a')
  const nonce = nonceOf(vector('a'))
  const password = digestPassword('AKAv2-MD5', { res: xres, ik, ck })
  const decide = (received: ReceivedDigest): string[] => {
    const life = new Life(rules)
    life.challenge('a')
    const phase = life.attempt?.phase
    assert.ok(phase?.kind === 'challenged' && phase.challenge.algorithm === 'AKAv2-MD5')
    return words(life.register(answer(vector('a'), { authorization: { kind: 'response', nonce, digest: received } })))
  }
  for (const algorithm of ['AKAv2-MD5', 'akav2-md5', undefined]) {
    assert.deepEqual(decide(digest(nonce, password, { algorithm })), ['verified', 'assign'])
  }
  // XRES as the password; and the right password under the other name, which the UE was not asked for.
  for (const received of [
    digest(nonce, xres, { algorithm: 'AKAv2-MD5' }),
    digest(nonce, xres, { algorithm: 'AKAv1-MD5' }),
    digest(nonce, password, { algorithm: 'AKAv1-MD5' }),
  ]) {
    assert.deepEqual(decide(received), ['refuse wrong-res', 'report failure'])
  }
})

test('RES in the clear is not looked at: the UE is challenged again, at most twice (TS 24.229 clause 5.4.1.2.3A)', () => {
  const life = new Life()
  life.challenge('a')
  for (const [seed, cseq] of [
    ['b', 2],
    ['c', 3],
  ] as const) {
    const before = vector(seed === 'b' ? 'a' : 'b')
    assert.deepEqual(words(life.register(answer(before, { isProtected: false, cseq }))), ['fetch'])
    assert.deepEqual(words(life.fetched(seed)), ['challenge'])
  }
  const effects = life.register(answer(vector('c'), { isProtected: false, cseq: 4 }))
  assert.deepEqual(words(effects), ['refuse challenge-limit', 'report failure'])
})

test('AUTS is taken without protection and without a response, and twice at most (a known mistake of other stacks)', () => {
  const life = new Life()
  life.challenge('a')
  const auts = Buffer.from('0123456789abcd')
  for (const [seed, cseq] of [
    ['b', 2],
    ['c', 3],
    [undefined, 4],
  ] as const) {
    const before = vector(seed === 'b' ? 'a' : seed === 'c' ? 'b' : 'c')
    const authorization = { kind: 'resynchronise', nonce: nonceOf(before), auts: encodeAuts(auts) } as const
    const effects = life.register(register({ cseq, authorization }))
    if (seed === undefined) {
      assert.deepEqual(words(effects), ['refuse challenge-limit', 'report failure'])
      return
    }
    const [fetch] = effects
    assert.ok(fetch?.kind === 'fetch')
    assert.deepEqual(fetch.resync, Buffer.concat([before.rand, auts]))
    life.fetched(seed)
  }
})

test('AUTS for a nonce that we did not issue resynchronises nothing (TS 33.102 clause 6.3.5)', () => {
  const authorization = {
    kind: 'resynchronise',
    nonce: nonceOf(vector('x')),
    auts: encodeAuts(Buffer.alloc(14)),
  } as const
  const fresh = new Life()
  assert.deepEqual(words(fresh.register(register({ authorization }))), ['authorize'])
  const pending = new Life()
  pending.challenge('a')
  const [fetch] = pending.register(register({ cseq: 2, authorization }))
  assert.ok(fetch?.kind === 'fetch' && fetch.resync === undefined)
})

test('an AUTS that is none is a bad request, and the challenge still counts', () => {
  const life = new Life()
  life.challenge('a')
  const authorization = { kind: 'resynchronise', nonce: nonceOf(vector('a')), auts: 'AAAA' } as const
  assert.deepEqual(words(life.register(register({ cseq: 2, authorization }))), ['refuse auts-malformed'])
  assert.deepEqual(words(life.register(answer(vector('a'), { cseq: 3 }))), ['verified', 'assign'])
})

test('a nonce and nothing beside it is a MAC failure: the attempt has failed (TS 24.229 clause 5.1.1.5.3)', () => {
  const life = new Life()
  life.challenge('a')
  const authorization = { kind: 'no-response', nonce: nonceOf(vector('a')) } as const
  assert.deepEqual(words(life.register(register({ cseq: 2, authorization }))), ['refuse mac-failure', 'report failure'])
})

test('a stale nonce is challenged anew, with what it answered not looked at', () => {
  const life = new Life()
  life.challenge('b')
  assert.deepEqual(words(life.register(answer(vector('a')))), ['fetch'])
  assert.deepEqual(words(life.fetched('c')), ['challenge'])
  assert.deepEqual(words(life.register(answer(vector('c'), { cseq: 3 }))), ['verified', 'assign'])
})

test('without a pending challenge a protected REGISTER is challenged too: each re-registration runs AKA', () => {
  const life = new Life()
  assert.deepEqual(words(life.register(answer(vector('old')), 'urn:gsma:imei:1')), ['authorize'])
  assert.deepEqual(words(life.authorized('urn:gsma:imei:1')), ['fetch'])
})

test('a UE that begins anew replaces its attempt; one that counts backwards is out of order', () => {
  const life = new Life()
  life.challenge('a')
  assert.deepEqual(words(life.register(register({ cseq: 1 }))), ['refuse out-of-order'])
  assert.deepEqual(words(life.register(register({ cseq: 2 }))), ['authorize'])
  life.authorized()
  life.fetched('b')
  assert.deepEqual(words(life.register(answer(vector('a'), { cseq: 3 }))), ['fetch'])
})

test('while one REGISTER is being worked on, another one of the attempt waits its turn', () => {
  const life = new Life()
  life.register(register())
  assert.deepEqual(words(life.register(register({ cseq: 2 }))), ['refuse attempt-busy'])
  assert.deepEqual(words(life.authorized()), ['fetch'])
})

test('an answer for another IMPU than the one that was authorized is authorized first', () => {
  const life = new Life()
  life.challenge('a')
  assert.deepEqual(words(life.register(answer(vector('a'), { impu: BOB }))), ['authorize'])
  const outcome = { kind: 'refused', reason: 'identities-dont-match' } as const
  assert.deepEqual(words(life.input({ kind: 'authorized', outcome, bound: undefined })), [
    'refuse identities-dont-match',
  ])
})

test('de-registration over the security association of a registration needs no challenge (TS 24.229 clause 5.4.1.4)', () => {
  const life = new Life()
  life.register(answer(vector('old'), { expiresSeconds: 0 }), 'urn:gsma:imei:1')
  assert.deepEqual(words(life.authorized('urn:gsma:imei:1')), ['unbind'])
  const effects = life.input({ kind: 'stored', outcome: { kind: 'accepted', answer: { toTag: 't', headers: [] } } })
  assert.deepEqual(words(effects), ['accepted'])
})

test('who de-registers is let go, also when the HSS has lost him', () => {
  const outcome = { kind: 'refused', reason: 'identity-not-registered' } as const
  const life = new Life()
  life.register(answer(vector('old'), { expiresSeconds: 0 }), 'urn:gsma:imei:1')
  const bound = { instance: 'urn:gsma:imei:1', uris: ['sip:alice@127.0.1.1:15066'] }
  assert.deepEqual(words(life.input({ kind: 'authorized', outcome, bound })), ['unbind'])
  const unknown = new Life()
  unknown.register(answer(vector('old'), { expiresSeconds: 0 }))
  assert.deepEqual(words(unknown.input({ kind: 'authorized', outcome, bound: undefined })), [
    'refuse identity-not-registered',
  ])
})

test('de-registration without protection is challenged: nobody else can end a registration', () => {
  const life = new Life()
  life.register(register({ expiresSeconds: 0 }), 'urn:gsma:imei:1')
  assert.deepEqual(words(life.authorized('urn:gsma:imei:1')), ['fetch'])
  life.fetched('a')
  const effects = life.register(answer(vector('a'), { expiresSeconds: 0 }), 'urn:gsma:imei:1')
  assert.deepEqual(words(effects), ['verified', 'unbind'])
})

test('one IMPI on two UEs at once is refused, and only who authenticated learns it (readings)', () => {
  const life = new Life()
  life.challenge('a')
  const request = answer(vector('a'), { contact: contact('urn:gsma:imei:2') })
  assert.deepEqual(words(life.register(request, 'urn:gsma:imei:1')), ['verified', 'refuse other-instance'])
})

test('a set without an identity that may be used is not registered', () => {
  const life = new Life()
  life.challenge('a')
  life.register(answer(vector('a')))
  const outcome = { kind: 'success', profile: profile(`!${BOB}`) } as const
  assert.deepEqual(words(life.input({ kind: 'assigned', outcome })), ['refuse barred'])
})

test('what the HSS refuses is refused, and an HSS that is away means 503', () => {
  const refused = { kind: 'refused', reason: 'user-unknown' } as const
  const away = { kind: 'unavailable' } as const
  for (const [outcome, expected] of [
    [refused, 'refuse user-unknown'],
    [away, 'refuse hss-unavailable'],
  ] as const) {
    const authorizing = new Life()
    authorizing.register(register())
    assert.deepEqual(words(authorizing.input({ kind: 'authorized', outcome, bound: undefined })), [expected])
    const fetching = new Life()
    fetching.register(register())
    fetching.authorized()
    assert.deepEqual(words(fetching.input({ kind: 'fetched', outcome })), [expected])
    const assigning = new Life()
    assigning.challenge('a')
    assigning.register(answer(vector('a')))
    assert.deepEqual(words(assigning.input({ kind: 'assigned', outcome })), [expected])
    for (const life of [authorizing, fetching, assigning]) assert.equal(life.attempt, undefined)
  }
})

test('reg-await-auth ends what waits for the UE, and nothing else (TS 24.229 table 7.8.1)', () => {
  const life = new Life()
  life.challenge('a')
  assert.deepEqual(words(life.input({ kind: 'timed-out' })), ['report timeout'])
  assert.equal(life.attempt, undefined)
  const answered = new Life()
  answered.challenge('a')
  answered.register(answer(vector('a')))
  assert.deepEqual(words(answered.input({ kind: 'timed-out' })), [])
  assert.equal(answered.attempt?.phase.kind, 'assigning')
})

test('over its security associations a UE registers its bound contact and no other (TS 24.229 clause 5.4.1.2.2)', () => {
  const other = contact('urn:gsma:imei:1', 'sip:alice@127.0.1.1:16000')
  const rows: [Partial<RegisterRequest>, string[]][] = [
    [{ contact: other }, ['refuse contact-unbound']],
    [{ contact: other, isProtected: false }, ['authorize']],
    [{ contact: { ...other, hasRegId: true } as RegisterRequest['contact'] }, ['authorize']],
    [{ contact: other, expiresSeconds: 0 }, ['authorize']],
    [{ contact: { kind: 'all' }, expiresSeconds: 0 }, ['authorize']],
    [{ contact: contact('urn:gsma:imei:1', 'sip:alice@127.0.1.1:15066;ob') }, ['authorize']],
    [{ contact: contact('urn:gsma:imei:2', 'sip:alice@127.0.1.9') }, ['authorize']],
  ]
  for (const [changes, expected] of rows) {
    const request = register({ isProtected: true, ...changes })
    assert.deepEqual(words(new Life().register(request, 'urn:gsma:imei:1')), expected, JSON.stringify(changes))
  }
  assert.deepEqual(words(new Life().register(register({ isProtected: true, contact: other }))), ['authorize'])
})
