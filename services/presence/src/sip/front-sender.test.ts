import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { type AuditEvent, createEnvelope, type Metrics, type Role, startSpan } from '@rollcall/runtime'
import { parseMessage, serializeMessage } from '@rollcall/sip'
import type { WatcherDigest } from '../digest/watcher-digest.ts'
import { PresenceEvents } from '../events.ts'
import { publishRequest } from '../testing/requests.ts'
import { SipFront } from './front.ts'
import type { OwnerFinder } from './owner-finder.ts'

/** What the front answers a PUBLISH of this peer, while the store is away: 503 when it would be looked at. */
function answerTo(role: Role, envelope: { forwarded?: boolean; forwardedRole?: string } = {}) {
  const audited: AuditEvent[] = []
  const metrics = { counter: () => ({ add: () => {} }) } as unknown as Metrics
  const front = new SipFront({
    host: 'presence.ims.example.com',
    xcapRoot: 'https://xcap.ims.example.com/',
    clock: new VirtualClock(),
    random: seededRandom('front'),
    events: new PresenceEvents({ metrics, audit: (event) => audited.push(event) }),
    hashIdentity: (identity) => identity,
    isOpen: () => false,
    finder: {} as OwnerFinder,
    digest: {} as WatcherDigest,
    ends: { endEverywhere: async () => 0 },
  })
  let status = 0
  const message = {
    sip: serializeMessage(publishRequest()),
    envelope: createEnvelope(envelope),
    span: startSpan('SIP PUBLISH'),
  }
  front.onRequest(message, { role, spiffeId: '' }, (sip) => {
    const answer = parseMessage(sip)
    status = answer.kind === 'response' ? answer.status : 0
  })
  return { status, audited: audited.map(({ event, reason }) => `${event} ${reason}`) }
}

test('an S-CSCF is believed, and so is a replica that hands on what an S-CSCF sent it (decisions 7 and 11)', () => {
  assert.deepEqual(answerTo('scscf'), { status: 503, audited: [] })
  assert.equal(answerTo('presence', { forwarded: true, forwardedRole: 'scscf' }).status, 503)
})

test('nobody else is: not a replica by itself, nor whatever claims to have been forwarded', () => {
  const refused = { status: 403, audited: ['hop.denied peer-role'] }
  assert.deepEqual(answerTo('pcscf'), refused)
  assert.deepEqual(answerTo('pcscf', { forwarded: true, forwardedRole: 'scscf' }), refused)
  assert.deepEqual(answerTo('presence'), refused)
  assert.deepEqual(answerTo('presence', { forwardedRole: 'scscf' }), refused)
  assert.deepEqual(answerTo('presence', { forwarded: true, forwardedRole: 'pcscf' }), refused)
  assert.deepEqual(answerTo('presence', { forwarded: true }), refused)
})
