import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import {
  ALICE_IMPI,
  FIRST_END,
  NONCE,
  register,
  SECOND_END,
  securityClient,
  subscribe,
  UE,
} from '../testing/messages.ts'
import { challengeHeader, grantHeaders, Rig } from '../testing/rig.ts'

// Whoever knows a user's IMPI can send REGISTERs with it. None may harm what the user has (readings, Access 2).

/** Right in every digit, as if overheard: but not in the SA that its challenge made. */
const RIGHT_ANSWER = `nonce="${NONCE}",response="6629fae49393a05397450978507c4ef1",algorithm=AKAv1-MD5`

/** One REGISTER of an attacker's, and what the core says to it. */
const FORGED = fc.record({
  address: fc.constantFrom(UE, '127.0.1.66', '127.0.1.67'),
  port: fc.integer({ min: 1, max: 65_535 }),
  callId: fc.constantFrom('register-call', 'again', 'forged-1', 'forged-2', 'forged-3', 'forged-4', 'forged-5'),
  authorization: fc.constantFrom(undefined, RIGHT_ANSWER, `nonce="${NONCE}",response="",auts="AAAAAAAAAAAAAAAAAAA="`),
  expires: fc.constantFrom(0, 600_000),
  end: fc.constantFrom(FIRST_END, SECOND_END, { spiC: 7, spiS: 8, portC: 41_000, portS: 41_001 }),
  answer: fc.constantFrom(401, 403, 200, 504, 0),
  waitMs: fc.constantFrom(0, 100, 1_000),
})

test('whatever REGISTERs come with a registered user’s IMPI, user, sets and token stay, and he can register again (TS 33.203 clause 7.4.2)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(FORGED, { minLength: 1, maxLength: 40 }), async (attack) => {
      const rig = new Rig()
      const set = await rig.register()
      const { token } = rig
      for (const { address, port, callId, authorization, expires, end, answer, waitMs } of attack) {
        const before = rig.coreRequests.length
        const headers: [string, string][] = [['Security-Client', securityClient(end)]]
        rig.unprotected(register({ callId, authorization, expires, headers }), { address, port })
        const came = rig.coreRequests[before]
        if (came && answer > 0) came.respond(answer, answer === 401 ? [challengeHeader()] : grantHeaders())
        await rig.settle()
        rig.clock.advance(waitMs)
      }
      assert.deepEqual(rig.context.sets.find(set.id), set)
      assert.equal(rig.context.contacts.size, 1)
      assert.equal(rig.changes.length, 1)
      assert.ok(rig.context.attempts.size <= 4)
      rig.protected(set, subscribe())
      assert.deepEqual(rig.coreRequest.envelope.impi, ALICE_IMPI)
      rig.coreRequest.respond(200)
      // Again in the SA: no flood has a say in it.
      const second = await rig.challenge({ on: set, end: SECOND_END, callId: 'owner', cseq: 5 })
      rig.answerChallenge(second, { end: SECOND_END, callId: 'owner', cseq: 6 })
      rig.coreRequest.respond(200, grantHeaders())
      await rig.settle()
      assert.equal(rig.answer.status, 200)
      assert.equal(rig.context.sets.find(second.id)?.state, 'established')
      assert.equal(rig.token, token)
    }),
    { seed: 24229, numRuns: 60 },
  )
})

test('a user who lost his keys registers anew from his address, whatever strangers have pending (readings, Access 2)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(FORGED, { maxLength: 30 }), async (attack) => {
      const rig = new Rig()
      await rig.register()
      for (const { address, port, callId, end, answer } of attack) {
        if (address === UE) continue
        const before = rig.coreRequests.length
        rig.unprotected(register({ callId, headers: [['Security-Client', securityClient(end)]] }), { address, port })
        const came = rig.coreRequests[before]
        if (came) came.respond(answer === 401 ? 401 : 403, [challengeHeader()])
        await rig.settle()
      }
      const fresh = await rig.register({ callId: 'restarted', end: SECOND_END })
      assert.equal(rig.context.sets.find(fresh.id)?.isInUse, true)
    }),
    { seed: 33203, numRuns: 60 },
  )
})

test('behind one address, who floods at the source’s rate leaves the user the time to answer his challenge (readings, Access 2)', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_SOURCE_BURST: 100 })
  await rig.register()
  let calls = 0
  const flood = async (): Promise<void> => {
    calls += 1
    const end = { spiC: 10 * calls, spiS: 10 * calls + 1, portC: 42_000 + calls, portS: 43_000 }
    await rig.challenge({ callId: `flood-${calls}`, end, source: { address: UE, port: 1_000 + calls } })
  }
  for (let n = 0; n < 4; n++) await flood()
  const fresh = await rig.challenge({ callId: 'owner', end: SECOND_END })
  const { securityServer } = rig
  assert.equal(rig.answer.status, 401)
  for (let n = 0; n < 3; n++) {
    await flood()
    rig.clock.advance(1_000)
  }
  rig.answerChallenge(fresh, { callId: 'owner', end: SECOND_END, verify: securityServer })
  const answer = rig.coreRequest
  // While the answer is at the core nothing takes its place.
  for (let n = 0; n < 6; n++) await flood()
  answer.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.context.sets.find(fresh.id)?.state, 'established')
  assert.ok(rig.context.attempts.size <= 4)
})

test('a UE that begins again and again replaces its own attempts first, not a stranger’s nor another’s', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_SOURCE_BURST: 100 })
  await rig.register()
  const end = (n: number) => ({ spiC: 100 + n, spiS: 200 + n, portC: 42_000 + n, portS: 43_000 })
  for (let n = 0; n < 3; n++) {
    await rig.challenge({ callId: `neighbour-${n}`, end: end(n), source: { address: UE, port: 9_000 + n } })
  }
  for (let n = 3; n < 8; n++) await rig.challenge({ callId: `own-${n}`, end: end(n) })
  const left = rig.context.sets.setsOf(rig.newestSet().impi).filter(({ state }) => state === 'temporary')
  assert.deepEqual(
    left.map(({ remote }) => remote.spiC),
    [100, 101, 102, 107],
  )
})

test('however many strangers begin, who is registered can register again in his SA', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_PENDING_REGISTRATIONS_MAX: 1 })
  const set = await rig.register()
  for (let n = 0; n < 100; n++) {
    const source = { address: `127.0.3.${n}`, port: 1 }
    const headers: [string, string][] = [['Security-Client', securityClient(FIRST_END)]]
    rig.unprotected(register({ impi: `${n}@x.org`, callId: `c${n}`, headers }), source)
  }
  rig.unprotected(register({ impi: 'late@x.org', headers: [['Security-Client', securityClient(FIRST_END)]] }), {
    address: '127.0.4.1',
    port: 1,
  })
  assert.equal(rig.answer.status, 503)
  assert.equal(rig.refusals('attempts-full'), 1)
  await rig.challenge({ on: set, end: SECOND_END, callId: 'again', cseq: 5 })
  assert.equal(rig.answer.status, 401)
})

test('an answer that is right but does not come in the SA of its challenge proves nothing (TS 33.203 clause 6.1.1)', async () => {
  const rig = new Rig()
  const set = await rig.challenge()
  rig.unprotected(
    register({ cseq: 2, authorization: RIGHT_ANSWER, headers: [['Security-Client', securityClient(FIRST_END)]] }),
    {
      address: '127.0.1.66',
      port: 5,
    },
  )
  assert.match(rig.coreRequest.request.headers.get('Authorization') ?? '', /integrity-protected="no"/)
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.answer.status, 500)
  rig.answerChallenge(set)
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.context.sets.find(set.id)?.state, 'established')
})
