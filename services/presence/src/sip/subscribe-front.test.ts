import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { createEnvelope, type Metrics, startSpan } from '@rollcall/runtime'
import { serializeMessage } from '@rollcall/sip'
import { WatcherDigest } from '../digest/watcher-digest.ts'
import { PresenceEvents } from '../events.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { OwnedRequest } from '../partition/owner-context.ts'
import type { UserData } from '../sh/user-data.ts'
import { ALICE, ALICE_TEL, ALICES_POLICY, BOB } from '../testing/inputs.ts'
import { PlayedPasswords } from '../testing/played-passwords.ts'
import { subscribeRequest } from '../testing/requests.ts'
import { SipFront } from './front.ts'
import type { OwnerFinder } from './owner-finder.ts'

const USER: UserData = { canonical: ALICE, partition: 3, impus: [ALICE_TEL], policy: ALICES_POLICY, revision: 1n }

/** What a SUBSCRIBE of bob with these lines of Privacy asks the owner. */
function askedWith(...privacy: readonly string[]): OwnedRequest['input'] {
  const asked: OwnedRequest[] = []
  const metrics = { counter: () => ({ add: () => {} }) } as unknown as Metrics
  const owner = {
    partition: 3,
    request: (request: OwnedRequest, listener) => {
      asked.push(request)
      listener.answer({ status: 200, headers: [], toTag: 't' })
    },
  } satisfies Pick<PartitionOwner, 'partition' | 'request'>
  const finder = {
    ofUser: (_, __, goOn) => goOn(USER, owner as unknown as PartitionOwner),
  } as Pick<OwnerFinder, 'ofUser'> as OwnerFinder
  const clock = new VirtualClock(1_700_000_000_000)
  const random = seededRandom('subscribe-front')
  const front = new SipFront({
    host: 'presence.ims.example.com',
    xcapRoot: 'https://xcap.ims.example.com/',
    clock,
    random,
    events: new PresenceEvents({ metrics, audit: () => {} }),
    hashIdentity: (identity) => identity,
    isOpen: () => true,
    finder,
    digest: new WatcherDigest({
      realm: 'ims.example.com',
      algorithms: ['SHA-256'],
      clock,
      random,
      passwords: new PlayedPasswords([]),
    }),
    ends: { endEverywhere: async () => 0 },
  })
  const request = subscribeRequest({ headers: privacy.map((line) => ['Privacy', line] as const) })
  const envelope = createEnvelope({ deadlineMs: 5_000, assertedIdentities: [BOB] })
  const message = { sip: serializeMessage(request), envelope, span: startSpan('SIP SUBSCRIBE') }
  front.onRequest(message, { role: 'scscf', spiffeId: '' }, () => {})
  const [only] = asked
  assert.ok(only, 'the owner is asked')
  return only.input
}

/** Has the watcher no name, to rules and to the presentity? */
function isHiddenWith(...privacy: readonly string[]): boolean {
  const input = askedWith(...privacy)
  assert.ok(input.kind === 'subscribe')
  // Who it is stays known: the subscription is still its own, and nobody else's.
  assert.deepEqual(input.watcher, [BOB])
  return input.isHidden
}

test('a watcher who asks for privacy hides, however he spells it (RFC 3323 section 4.2, RFC 3325 section 9.3)', () => {
  for (const lines of [
    ['id'],
    ['ID'],
    ['header;id;critical'],
    ['critical; id'],
    ['user'],
    ['header'],
    ['session', 'id'],
  ]) {
    assert.ok(isHiddenWith(...lines), lines.join(' and '))
  }
})

test('a wish for privacy that nobody can read hides, it does not show (RFC 3325 section 7)', () => {
  for (const line of ['user,id', '"id"', 'id=1', 'i d', 'none;id', 'none, id']) assert.ok(isHiddenWith(line), line)
})

test('a watcher who asks for none, or for what is not his name, has one', () => {
  for (const lines of [[], ['none'], ['session'], ['session;critical']]) {
    assert.ok(!isHiddenWith(...lines), lines.join(' and '))
  }
})
