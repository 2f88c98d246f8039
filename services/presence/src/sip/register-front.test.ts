import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { createEnvelope, type HopReply, type Metrics, type Role, startSpan } from '@rollcall/runtime'
import { parseMessage, type SipRequest, serializeMessage } from '@rollcall/sip'
import type { WatcherDigest } from '../digest/watcher-digest.ts'
import { PresenceEvents } from '../events.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { OwnedRequest } from '../partition/owner-context.ts'
import type { GoneWatcher } from '../registration/watcher-ends.ts'
import type { UserData } from '../sh/user-data.ts'
import { ALICE, ALICE_TEL, ALICES_POLICY } from '../testing/inputs.ts'
import { registerRequest } from '../testing/requests.ts'
import { SipFront } from './front.ts'
import { IncomingRequest } from './incoming-request.ts'
import type { OwnerFinder } from './owner-finder.ts'

const HOST = 'presence.ims.example.com'
const NOW_MS = 1_700_000_000_000
const USER: UserData = {
  canonical: ALICE,
  partition: 3,
  impus: [ALICE_TEL],
  policy: ALICES_POLICY,
  revision: 1n,
}

/** The front, with an owner who grants everything and replicas that end what they are told to. */
function create(o: { ended?: number | undefined; isKnown?: boolean; answerStatus?: number } = { ended: 0 }) {
  const asked: OwnedRequest[] = []
  const gone: GoneWatcher[] = []
  const metrics = { counter: () => ({ add: () => {} }) } as unknown as Metrics
  const owner = {
    request: (request: OwnedRequest, listener) => {
      asked.push(request)
      listener.answer({ status: o.answerStatus ?? 200, headers: [], toTag: 't' })
    },
  } satisfies Pick<PartitionOwner, 'request'>
  const finder = {
    ofUser: (_, __, goOn, ifUnknown) => {
      if (o.isKnown === false) ifUnknown?.()
      else goOn(USER, owner as unknown as PartitionOwner)
    },
  } as Pick<OwnerFinder, 'ofUser'> as OwnerFinder
  const clock = new VirtualClock(NOW_MS)
  const front = new SipFront({
    host: HOST,
    xcapRoot: 'https://xcap.ims.example.com/',
    clock,
    random: seededRandom('register-front'),
    events: new PresenceEvents({ metrics, audit: () => {} }),
    hashIdentity: (identity) => identity,
    isOpen: () => true,
    finder,
    digest: {} as WatcherDigest,
    ends: {
      endEverywhere: async (watcher) => {
        gone.push(watcher)
        return o.ended
      },
    },
  })
  const receive = async (request: SipRequest, envelope: { receivedAtMs?: bigint } = {}, role: Role = 'scscf') => {
    let status = 0
    const reply: HopReply = (sip) => {
      const answer = parseMessage(sip)
      status = answer.kind === 'response' ? answer.status : 0
    }
    const message = {
      sip: serializeMessage(request),
      envelope: createEnvelope({ deadlineMs: 5_000, ...envelope }),
      span: startSpan('SIP REGISTER'),
    }
    front.onRequest(message, { role, spiffeId: '' }, reply)
    await new Promise((resolve) => setImmediate(resolve))
    return status
  }
  return { front, asked, gone, receive }
}

test('a 200 to an end means that what the user watched has ended, by all of its names (TS 24.229 clause 5.7.1.1)', async () => {
  const { receive, gone, asked } = create({ ended: 3 })
  assert.equal(await receive(registerRequest({ expires: '0' }), { receivedAtMs: BigInt(NOW_MS - 70) }), 200)
  assert.deepEqual(gone, [{ impus: [ALICE, ALICE_TEL], beforeMs: NOW_MS - 70 }])
  assert.equal(asked.length, 1)
  // A registration ends nothing.
  assert.equal(await receive(registerRequest()), 200)
  assert.equal(gone.length, 1)
})

test('while not everything has ended the S-CSCF is told to come again', async () => {
  const { receive } = create({ ended: undefined })
  assert.equal(await receive(registerRequest({ expires: '0' })), 503)
  assert.equal(await receive(registerRequest()), 200)
})

test('what is refused ends nothing', async () => {
  const { receive, gone } = create({ ended: 0, answerStatus: 500 })
  assert.equal(await receive(registerRequest({ expires: '0' })), 500)
  assert.deepEqual(gone, [])
})

test('a clock of the S-CSCF that is ahead ends nothing that is made from now on', async () => {
  const { receive, gone, asked } = create()
  await receive(registerRequest({ expires: '0' }), { receivedAtMs: BigInt(NOW_MS + 5_000) })
  assert.equal(gone[0]?.beforeMs, NOW_MS)
  // One that says nothing of when: now.
  await receive(registerRequest({ expires: '0' }))
  assert.equal(gone[1]?.beforeMs, NOW_MS)
  assert.equal(asked[1]?.input.kind === 'register' && asked[1].input.toldAtMs, NOW_MS)
})

test('of a user who is unknown by now the end is heard, and a registration refused', async () => {
  const { receive, gone } = create({ ended: 0, isKnown: false })
  assert.equal(await receive(registerRequest({ expires: '0' })), 200)
  assert.deepEqual(gone[0]?.impus, [ALICE])
  assert.equal(await receive(registerRequest()), 404)
})

test('nobody but an S-CSCF says who is registered, least of all plain SIP', async () => {
  const { front, receive, asked } = create()
  for (const role of ['pcscf', 'presence', 'operator'] as const) {
    assert.equal(await receive(registerRequest(), {}, role), 403)
  }
  const metrics = { counter: () => ({ add: () => {} }) } as unknown as Metrics
  let status = 0
  front.take(
    new IncomingRequest(registerRequest(), {
      envelope: createEnvelope({ assertedIdentities: [ALICE] }),
      span: startSpan('SIP REGISTER'),
      random: seededRandom('plain'),
      events: new PresenceEvents({ metrics, audit: () => {} }),
      host: HOST,
      reply: (_, answered) => {
        status = answered
      },
    }),
  )
  assert.equal(status, 403)
  assert.deepEqual(asked, [])
})
