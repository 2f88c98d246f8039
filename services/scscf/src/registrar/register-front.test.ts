import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, seededRandom, VirtualClock } from '@rollcall/core'
import { createEnvelope, type Role } from '@rollcall/runtime'
import { createRequest, parseAuth, type SipRequest, type SipResponse } from '@rollcall/sip'
import type { RequestKey } from '@rollcall/store'
import { ALICE, nonceOf, PCSCF_HOST, PHONE, REALM, vector } from '../testing/fixtures.ts'
import type { AcceptedAnswer, RegisterAnswer } from './attempt.ts'
import { RegisterAnswers } from './register-answers.ts'
import { RegisterFront } from './register-front.ts'

function createFront(options: { accepted?: (key: RequestKey) => AcceptedAnswer | undefined } = {}) {
  const clock = new VirtualClock()
  const random = seededRandom('front')
  const state = { handled: 0, refused: [] as string[], brought: [] as Impu[], misdirected: 0 }
  let resolve: ((answer: RegisterAnswer) => void) | undefined
  const registers = new RegisterAnswers({
    clock,
    random,
    realm: REALM,
    registrar: {
      handle: () => {
        state.handled++
        return new Promise((done) => {
          resolve = done
        })
      },
    },
    accepted: options.accepted ?? (() => undefined),
    answers: { retainMs: 128_000, entriesMax: 10 },
  })
  const front = new RegisterFront({
    rules: { realm: REALM, expiresSecondsMin: 60 },
    bring: (_incoming, impu, here) => {
      state.brought.push(impu)
      here({ registers })
    },
    refuse: (_incoming, { reason }) => state.refused.push(reason),
  })
  const answer = async (given: RegisterAnswer): Promise<void> => {
    resolve?.(given)
    await new Promise((next) => setImmediate(next))
  }
  const receive = (request: SipRequest, role: Role = 'pcscf'): SipResponse[] => {
    const responses: SipResponse[] = []
    front.receive({
      request,
      octets: Buffer.alloc(0),
      branch: 'b',
      envelope: createEnvelope(),
      role,
      traceparent: '',
      deadlineAtMs: 0,
      reply: (response, o) => {
        responses.push(response)
        if (o?.isMisdirected) state.misdirected++
      },
      pass: () => {},
    })
    return responses
  }
  return { clock, state, answer, receive }
}

function sip(hopBranch = 'p', cseq = 1): SipRequest {
  return createRequest('REGISTER', `sip:${REALM}`, [
    ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bK${hopBranch}`],
    ['Via', 'SIP/2.0/UDP 127.0.1.1:15060;branch=z9hG4bKu'],
    ['From', `<${ALICE}>;tag=f`],
    ['To', `<${ALICE}>`],
    ['Call-ID', 'call-1'],
    ['CSeq', `${cseq} REGISTER`],
    ['Contact', '<sip:127.0.1.1:15060>'],
    ['Path', `<sip:token@${PCSCF_HOST};lr>`],
    ['Authorization', `Digest username="${PHONE}",realm="${REALM}",nonce="",uri="sip:${REALM}",response=""`],
  ])
}

const CHALLENGE: RegisterAnswer = {
  kind: 'challenge',
  challenge: { nonce: nonceOf(vector('a')), algorithm: 'AKAv1-MD5', vector: vector('a') },
}

test('a challenge holds what the UE and what the P-CSCF needs (TS 24.229 clause 7.2A.1)', async () => {
  const { answer, receive } = createFront()
  const responses = receive(sip())
  await answer(CHALLENGE)
  const [response] = responses
  assert.equal(response?.status, 401)
  const { scheme, params } = parseAuth(response.headers.get('WWW-Authenticate') ?? '')
  assert.equal(scheme, 'Digest')
  const values = Object.fromEntries([...params].map(([name, { value }]) => [name, value]))
  assert.deepEqual(values, {
    realm: REALM,
    nonce: nonceOf(vector('a')),
    algorithm: 'AKAv1-MD5',
    qop: 'auth',
    ck: vector('a').ck.reveal().toString('hex'),
    ik: vector('a').ik.reveal().toString('hex'),
  })
  assert.equal(params.get('algorithm')?.quoted, false)
  assert.match(response.headers.get('To') ?? '', /;tag=/)
})

test('CK and IK are for a P-CSCF alone: nobody else may send REGISTER', () => {
  for (const role of ['scscf', 'presence', 'hss', 'operator'] as const) {
    const { state, receive } = createFront()
    receive(sip(), role)
    assert.deepEqual(state.refused, ['peer-role'])
    assert.equal(state.handled, 0)
  }
})

test('a second arrival waits for the answer of the first, and one after it gets it again', async () => {
  const { state, answer, receive } = createFront()
  const first = receive(sip('p1'))
  const second = receive(sip('p2'))
  await answer(CHALLENGE)
  const third = receive(sip('p3'))
  assert.equal(state.handled, 1)
  for (const [responses, branch] of [
    [first, 'p1'],
    [second, 'p2'],
    [third, 'p3'],
  ] as const) {
    assert.equal(responses.length, 1)
    assert.equal(responses[0]?.headers.get('WWW-Authenticate'), first[0]?.headers.get('WWW-Authenticate'))
    assert.equal(responses[0]?.headers.get('To'), first[0]?.headers.get('To'))
    // Each goes back by its own Via.
    assert.match(responses[0]?.headers.list('Via')[0] ?? '', new RegExp(branch))
  }
})

test('an answer is given again for as long as a retransmission may come, and no longer', async () => {
  const { clock, state, answer, receive } = createFront()
  receive(sip())
  await answer(CHALLENGE)
  clock.advance(127_999)
  receive(sip())
  assert.equal(state.handled, 1)
  clock.advance(1)
  receive(sip())
  assert.equal(state.handled, 2)
})

test('another request of the same UE is another request', async () => {
  const { state, answer, receive } = createFront()
  receive(sip('p', 1))
  await answer(CHALLENGE)
  receive(sip('p', 2))
  assert.equal(state.handled, 2)
})

test('a 503 says when to come again, and a retransmission has another chance', async () => {
  const { state, answer, receive } = createFront()
  const responses = receive(sip())
  await answer({ kind: 'refused', reason: 'hss-unavailable' })
  assert.equal(responses[0]?.status, 503)
  assert.match(responses[0]?.headers.get('Retry-After') ?? '', /^[1-8]$/)
  receive(sip())
  assert.equal(state.handled, 2)
})

test('a 200 brings what was decided', async () => {
  const { answer, receive } = createFront()
  const responses = receive(sip())
  await answer({ kind: 'accepted', answer: { toTag: 'tag-1', headers: [['Service-Route', '<sip:x;lr>']] } })
  assert.equal(responses[0]?.status, 200)
  assert.equal(responses[0]?.headers.get('Service-Route'), '<sip:x;lr>')
  assert.match(responses[0]?.headers.get('To') ?? '', /;tag=tag-1$/)
})

test('it is brought to who owns the registration of the identity in To', () => {
  const { state, receive } = createFront()
  receive(sip())
  assert.deepEqual(state.brought, [ALICE])
})

test('a 200 that an owner before gave is given again', () => {
  const accepted = { toTag: 'before', headers: [['Service-Route', '<sip:x;lr>']] } as const
  const { state, receive } = createFront({ accepted: () => accepted })
  const [response] = receive(sip())
  assert.equal(response?.status, 200)
  assert.match(response?.headers.get('To') ?? '', /;tag=before$/)
  assert.equal(state.handled, 0)
})

test('who no longer owns the registration says that another replica may do better', async () => {
  const { state, answer, receive } = createFront()
  const responses = receive(sip())
  await answer({ kind: 'refused', reason: 'not-served-here' })
  assert.equal(responses[0]?.status, 503)
  assert.equal(state.misdirected, 1)
  receive(sip('q', 2))
  await answer({ kind: 'refused', reason: 'hss-unavailable' })
  assert.equal(state.misdirected, 1)
})
