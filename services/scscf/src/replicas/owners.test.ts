import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, seededRandom, VirtualClock } from '@rollcall/core'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createEnvelope, type ForwardRequest, type HopRequest, type HopResult, type HopTarget } from '@rollcall/runtime'
import { createResponse, parseMessage, type SipRequest, serializeMessage } from '@rollcall/sip'
import type { Whereabouts } from '@rollcall/store'
import { request } from '../session/testing/harness.ts'
import { Forwarder, type ForwardOutcome } from '../sip/forwarder.ts'
import type { Incoming } from '../sip/incoming.ts'
import { ALICE, BOB, SCSCF_HOST } from '../testing/fixtures.ts'
import { Owners } from './owners.ts'
import type { ServedPartition } from './served-partition.ts'

const PARTITION = 7
const OCTETS = Buffer.from('as it came')
const VOUCHED = {
  accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
  impi: '',
  assertedIdentities: [BOB as string],
}

function setUp(o: { isJoined?: boolean; isLive?: boolean; place?: Whereabouts['kind'] } = {}) {
  const clock = new VirtualClock()
  const state = { isLive: o.isLive ?? true, isServed: true, place: o.place ?? 'here' }
  const routed: ForwardRequest[] = []
  const sent: { to: HopTarget; request: HopRequest; on: (result: HopResult) => void }[] = []
  const refused: string[] = []
  const passed: string[] = []
  const member = {
    replica: 'scscf-1',
    incarnation: '1',
    target: '127.0.0.1:2',
    state: 'serving',
    held: new Map(),
  } as const
  const whereIs = (): Whereabouts => (state.place === 'at' ? { kind: 'at', member } : { kind: state.place })
  const owners = new Owners({
    clock,
    host: SCSCF_HOST,
    replica: 'scscf-0',
    view: {
      isJoined: o.isJoined ?? true,
      get isLive() {
        return state.isLive
      },
      whereIs,
      member: (replica) => (replica === 'scscf-1' ? member : undefined),
    },
    partitions: {
      get: () => (state.isServed ? ({ number: PARTITION } as ServedPartition) : undefined),
      partitionOf: () => PARTITION,
    },
    identities: { peek: (impu) => (impu === ALICE ? PARTITION : undefined), resolve: async () => PARTITION },
    replicas: {
      route(request) {
        routed.push(request)
        if (state.place === 'here') request.here()
      },
    },
    peers: { send: (to, message, on) => sent.push({ to, request: message, on }) },
    forwarder: new Forwarder({
      clock,
      random: seededRandom('owners'),
      host: SCSCF_HOST,
      hop: { has: () => true, send: () => {} },
    }),
    refuse: (_incoming, { reason }) => refused.push(reason),
  })
  const incoming = (envelope: Partial<Envelope> = {}): Incoming => ({
    request: request('SUBSCRIBE'),
    octets: OCTETS,
    branch: 'z9hG4bKp',
    envelope: createEnvelope(envelope),
    role: 'pcscf',
    traceparent: 'trace',
    deadlineAtMs: clock.monotonic() + 8_000,
    reply: () => {},
    pass: (sip) => passed.push(sip.toString('latin1')),
  })
  const served: number[] = []
  const here = (partition: unknown): void => {
    served.push((partition as ServedPartition).number)
  }
  return { clock, state, owners, routed, sent, refused, passed, incoming, served, here }
}

test('what belongs here goes on here, at once when it is known whose it is', async () => {
  const { owners, incoming, served, here } = setUp()
  const done = owners.bring(incoming(), ALICE, here)
  assert.deepEqual(served, [PARTITION])
  await done
  await owners.bring(incoming(), BOB, here)
  assert.deepEqual(served, [PARTITION, PARTITION])
})

test('what goes wrong here is for who brought it', async () => {
  const { owners, incoming } = setUp()
  const failure = new Error('malformed')
  await assert.rejects(
    owners.bring(incoming(), ALICE, async () => {
      throw failure
    }),
    failure,
  )
})

test('before the store is open, without a lease, or without the partition nobody is served', async () => {
  for (const [options, isServed, reason] of [
    [{ isJoined: false }, true, 'store-unavailable'],
    [{ isLive: false }, true, 'lease-ended'],
    [{}, false, 'not-served-here'],
  ] as const) {
    const { owners, incoming, served, here, refused, state } = setUp(options)
    state.isServed = isServed
    await owners.bring(incoming(), ALICE, here)
    assert.deepEqual(served, [])
    assert.deepEqual(refused, [reason])
    await owners.bringOnward(
      { incoming: incoming(), request: request('SUBSCRIBE'), vouched: VOUCHED, on: () => {} },
      ALICE,
      here,
    )
    assert.deepEqual(served, [])
    assert.deepEqual(refused, [reason, reason])
  }
})

test('what another replica owns goes there as it came, from whom it came, and its answer comes back as it is', async () => {
  const { owners, incoming, routed, passed, served, here } = setUp({ place: 'at' })
  const done = owners.bring(incoming({ impi: 'bob' }), ALICE, here)
  const [first] = routed
  assert.ok(first)
  assert.equal(first.sip, OCTETS)
  assert.equal(first.partition, PARTITION)
  assert.equal(first.branch, 'z9hG4bKp')
  assert.equal(first.from, 'pcscf')
  assert.equal(first.envelope.impi, 'bob')
  assert.equal(first.deadlineMs, 8_000)
  first.reply(Buffer.from('answer'))
  await done
  assert.deepEqual(passed, ['answer'])
  assert.deepEqual(served, [])
})

test('a request that finds no owner is refused, each time with its reason', async () => {
  const { owners, incoming, routed, refused, here } = setUp({ place: 'moving' })
  for (const why of ['moving', 'no-peer', 'no-answer', 'parked-full', 'second-forward'] as const) {
    const done = owners.bring(incoming(), ALICE, here)
    routed.at(-1)?.unavailable(why, createEnvelope())
    await done
  }
  assert.deepEqual(refused, ['partition-moving', 'owner-away', 'next-hop-silent', 'overload', 'not-served-here'])
})

test('a leg of ours goes to its owner as a request of this node, and comes back without its Via', async () => {
  const { owners, incoming, routed, here } = setUp({ place: 'at' })
  const outcomes: ForwardOutcome[] = []
  const own = request('SUBSCRIBE', { route: [] })
  const done = owners.bringOnward(
    { incoming: incoming(), request: own, vouched: VOUCHED, on: (outcome) => outcomes.push(outcome) },
    ALICE,
    here,
  )
  await new Promise((next) => setImmediate(next))
  const [first] = routed
  assert.ok(first)
  assert.equal(first.from, 'scscf')
  assert.deepEqual(first.envelope.assertedIdentities, [BOB])
  assert.equal(first.envelope.impi, '')
  assert.equal(first.envelope.traceparent, 'trace')
  const onward = parseMessage(first.sip) as SipRequest
  assert.deepEqual(onward.headers.list('Route'), [`<sip:term@${SCSCF_HOST};lr>`])
  assert.equal(onward.headers.list('Via').length, own.headers.list('Via').length + 1)
  assert.match(onward.headers.list('Via')[0] ?? '', new RegExp(`${SCSCF_HOST};branch=${first.branch}$`))
  // The request itself is as it was: it may go on here yet.
  assert.ok(!own.headers.has('Route'))
  first.reply(serializeMessage(createResponse(onward, 200, { toTag: 'as' })))
  await done
  const [outcome] = outcomes
  assert.ok(outcome?.kind === 'response')
  assert.equal(outcome.response.headers.list('Via').length, own.headers.list('Via').length)
})

test('a leg that waited for its partition goes on here when it arrives', async () => {
  const { owners, state, incoming, routed, served, here } = setUp({ place: 'moving' })
  const done = owners.bringOnward(
    { incoming: incoming(), request: request('SUBSCRIBE'), vouched: VOUCHED, on: () => {} },
    ALICE,
    here,
  )
  await new Promise((next) => setImmediate(next))
  state.place = 'here'
  routed[0]?.here()
  await done
  assert.deepEqual(served, [PARTITION])
})

test('a leg that finds no owner has failed, and default handling is for who sent it', async () => {
  const { owners, incoming, routed, refused, here } = setUp({ place: 'moving' })
  const outcomes: ForwardOutcome[] = []
  const done = owners.bringOnward(
    { incoming: incoming(), request: request('SUBSCRIBE'), vouched: VOUCHED, on: (outcome) => outcomes.push(outcome) },
    ALICE,
    here,
  )
  await new Promise((next) => setImmediate(next))
  routed[0]?.unavailable('moving', createEnvelope())
  await done
  assert.deepEqual(outcomes, [{ kind: 'failed', reason: 'partition-moving' }])
  assert.deepEqual(refused, [])
})

test('what a replica remembers is brought to it by name, once, with the role of whom it is from', () => {
  const { owners, incoming, sent, passed, refused } = setUp()
  assert.ok(owners.bringTo('scscf-1', { ...incoming(), role: 'presence' }))
  const [first] = sent
  assert.deepEqual(first?.to, { target: '127.0.0.1:2', role: 'scscf' })
  assert.equal(first.request.sip, OCTETS)
  assert.ok(first.request.envelope.forwarded)
  assert.equal(first.request.envelope.forwardedRole, 'presence')
  first.on({ kind: 'response', sip: Buffer.from('answer'), envelope: undefined, status: 200 })
  assert.deepEqual(passed, ['answer'])
  first.on({ kind: 'unreachable' })
  first.on({ kind: 'timeout' })
  assert.deepEqual(refused, ['owner-away', 'next-hop-silent'])
  assert.ok(!owners.bringTo('scscf-9', incoming()))
  assert.ok(!owners.bringTo('scscf-0', incoming()))
  assert.ok(!owners.bringTo('scscf-1', incoming({ forwarded: true, forwardedRole: 'presence' })))
  assert.equal(sent.length, 1)
})

test('what a partition holds is told while it is here and the lease is live', () => {
  const { owners, state } = setUp()
  const of = (): unknown => owners.servedHere(ALICE as Impu)
  assert.ok(of())
  state.isLive = false
  assert.equal(of(), undefined)
  state.isLive = true
  state.place = 'moving'
  assert.equal(of(), undefined)
})
