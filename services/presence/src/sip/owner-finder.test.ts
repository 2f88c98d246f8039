import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '@rollcall/core'
import { createEnvelope, type ForwardRequest, type Metrics, startSpan } from '@rollcall/runtime'
import { parseMessage, type SipResponse, serializeMessage } from '@rollcall/sip'
import { PresenceEvents } from '../events.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { UserData } from '../sh/user-data.ts'
import { ALICE, ALICES_POLICY } from '../testing/inputs.ts'
import { publishRequest } from '../testing/requests.ts'
import { IncomingRequest } from './incoming-request.ts'
import { OwnerFinder } from './owner-finder.ts'

const PARTITION = 3
const OWNER = {} as PartitionOwner
const NEXT_OWNER = {} as PartitionOwner

function user(revision: bigint): UserData {
  return { canonical: ALICE, partition: PARTITION, impus: [ALICE], policy: ALICES_POLICY, revision }
}

/** A finder with everything around it played. */
function stage() {
  const answers: SipResponse[] = []
  const misdirected: (boolean | undefined)[] = []
  const routed: ForwardRequest[] = []
  const fetches: ((user: UserData | undefined) => void)[] = []
  const world = { owner: OWNER as PartitionOwner | undefined, known: user(1n) as UserData | 'missing' }
  const finder = new OwnerFinder({
    users: {
      peek: () => world.known,
      fetch: () => new Promise((resolve) => void fetches.push(resolve)),
    },
    partitions: {
      isOpen: true,
      has: (partition) => partition < 16,
      partitionOf: () => PARTITION,
      ownerOf: () => world.owner,
    },
    forwarder: { route: (request) => void routed.push(request) },
  })
  const metrics = { counter: () => ({ add: () => {} }) } as unknown as Metrics
  const incoming = (): IncomingRequest => {
    const request = publishRequest()
    return new IncomingRequest(request, {
      envelope: createEnvelope(),
      span: startSpan('SIP PUBLISH'),
      random: seededRandom('finder'),
      events: new PresenceEvents({ metrics, audit: () => {} }),
      host: 'presence.ims.example.com',
      origin: {
        sip: serializeMessage(request),
        branch: 'z9hG4bK1',
        from: 'scscf',
        deadlineMs: () => 32_000,
        reply: () => {},
      },
      reply: (sip, _, envelope) => {
        answers.push(parseMessage(sip) as SipResponse)
        misdirected.push(envelope?.misdirected)
      },
    })
  }
  return { finder, world, answers, misdirected, routed, fetches, incoming }
}

test('what is served here goes on at once, with what is known of the user', () => {
  const { finder, incoming, routed } = stage()
  const found: unknown[] = []
  finder.ofUser(incoming(), ALICE, ({ revision }, owner) => void found.push(revision, owner))
  finder.ofPartition(incoming(), PARTITION, (owner) => void found.push(owner))
  assert.deepEqual(found, [1n, OWNER, OWNER])
  assert.equal(routed.length, 0)
})

test('what waited for its partition goes on with what is known of the user then, not before', () => {
  const { finder, world, incoming, routed } = stage()
  world.owner = undefined
  const found: unknown[] = []
  finder.ofUser(incoming(), ALICE, ({ revision }, owner) => void found.push(revision, owner))
  assert.deepEqual(
    routed.map(({ partition, from }) => [partition, from]),
    [[PARTITION, 'scscf']],
  )
  assert.deepEqual(found, [])
  world.owner = OWNER
  world.known = user(2n)
  routed[0]?.here()
  assert.deepEqual(found, [2n, OWNER])
})

test('nobody serves it: 503, by which another replica knows that it may try elsewhere', () => {
  const { finder, world, incoming, routed, answers, misdirected } = stage()
  world.owner = undefined
  finder.ofUser(incoming(), ALICE, () => assert.fail('nobody is here'))
  routed[0]?.unavailable('second-forward', createEnvelope({ misdirected: true }))
  assert.deepEqual([answers[0]?.status, misdirected[0]], [503, true])
  assert.ok(answers[0]?.headers.has('Retry-After'))
})

test('a partition that there is not has no dialogs', () => {
  const { finder, world, incoming, answers } = stage()
  world.owner = undefined
  finder.ofPartition(incoming(), 16, () => assert.fail('there is none'))
  assert.equal(answers[0]?.status, 481)
})

test('a request whose owner loses the partition is brought to the next one, once', () => {
  const { finder, world, incoming, routed, answers } = stage()
  const owners: PartitionOwner[] = []
  const request = incoming()
  finder.ofUser(request, ALICE, (_, owner) => void owners.push(owner))
  world.owner = undefined
  request.unavailable('partition-lost')
  assert.deepEqual([routed.length, answers.length], [1, 0])
  world.owner = NEXT_OWNER
  routed[0]?.here()
  assert.deepEqual([owners.length, owners[1] === NEXT_OWNER], [2, true])
  request.unavailable('partition-lost')
  assert.deepEqual([routed.length, answers[0]?.status], [1, 503])
})

test('whatever else keeps an owner from answering is told at once', () => {
  for (const reason of [
    'store-away',
    'store-full',
    'overload',
    'lease-ended',
    'partition-full',
    'policy-stale',
  ] as const) {
    const { finder, incoming, routed, answers } = stage()
    const request = incoming()
    finder.ofUser(request, ALICE, () => {})
    request.unavailable(reason)
    assert.deepEqual([routed.length, answers[0]?.status], [0, 503], reason)
  }
})

test('so many requests wait for the HSS; more are refused before it is asked', async () => {
  const { finder, world, incoming, fetches, answers } = stage()
  world.known = 'missing'
  for (let n = 0; n < 4_096; n++) finder.withUser(incoming(), ALICE, () => {})
  assert.deepEqual([fetches.length, answers.length], [4_096, 0])
  finder.withUser(incoming(), ALICE, () => assert.fail('it does not wait'))
  assert.deepEqual([fetches.length, answers[0]?.status], [4_096, 503])
  for (const answer of fetches.splice(0)) answer(user(1n))
  await new Promise((resolve) => setImmediate(resolve))
  finder.withUser(incoming(), ALICE, () => {})
  assert.equal(fetches.length, 1)
})
