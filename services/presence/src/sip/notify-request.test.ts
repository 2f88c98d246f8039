import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipSyntaxError, serializeMessage } from '@rollcall/sip'
import { emptyState } from '../actor/state.ts'
import { PresenceView, WinfoView } from '../actor/view.ts'
import type { Notice } from '../partition/notice.ts'
import { ALICE, subscribe } from '../testing/inputs.ts'
import { partitionContact, partitionOfContact } from './contact.ts'
import { checkNotifyPath, createNotify, nextHop } from './notify-request.ts'

const FIELDS = { cseq: 7, partition: 3, host: 'presence.ims.example.com', branch: 'z9hG4bK1', nowMs: 1_000 }

function notice(
  over: Partial<Omit<Notice, 'subscription'>> & { readonly subscription?: Partial<Notice['subscription']> } = {},
): Notice {
  const { dialog, resource, watcher } = subscribe()
  return {
    presentity: ALICE,
    ended: undefined,
    view: new PresenceView(emptyState(ALICE)),
    cause: { sequence: 1n, traceparent: '', isSubscribe: false },
    oldestSequence: 1n,
    ...over,
    subscription: {
      id: 'local',
      eventPackage: 'presence',
      eventId: '4',
      resource,
      watcher,
      handling: 'allow',
      watcherEvent: 'subscribe',
      startedAtMs: 0,
      expiresAtMs: 61_000,
      dialog: { ...dialog, callId: 'call', remoteTag: 'remote' },
      notifyBase: { cseq: 0, ownerOrdinal: 1 },
      traceparent: '',
      ...over.subscription,
    },
  }
}

test('a NOTIFY has all that RFC 6665 section 4.2.2 and RFC 3261 section 12.2.1.1 ask for', () => {
  const lines = serializeMessage(createNotify(notice(), FIELDS)).toString().split('\r\n')
  assert.deepEqual(lines.slice(0, 13), [
    'NOTIFY sip:bob@127.0.1.3:15064 SIP/2.0',
    'Via: SIP/2.0/TLS presence.ims.example.com;branch=z9hG4bK1',
    'Route: <sip:term@scscf.ims.example.com;lr>',
    'Max-Forwards: 70',
    'From: <sip:alice@ims.example.com>;tag=local',
    'To: <sip:bob@ims.example.com>;tag=remote',
    'Call-ID: call',
    'CSeq: 7 NOTIFY',
    'Contact: <sip:presence-3@presence.ims.example.com>',
    'Event: presence;id=4',
    'Subscription-State: active;expires=60',
    'Content-Type: application/pidf+xml',
    'Content-Length: 196',
  ])
})

test('the state of the subscription is told: pending without a body, terminated with its reason (RFC 6665 section 4.1.3)', () => {
  const pending = createNotify(notice({ subscription: { handling: 'confirm' } }), FIELDS)
  assert.equal(pending.headers.get('Subscription-State'), 'pending;expires=60')
  assert.ok(!pending.headers.has('Content-Type'))
  const rejected = createNotify(notice({ ended: 'rejected' }), FIELDS)
  assert.equal(rejected.headers.get('Subscription-State'), 'terminated;reason=rejected')
  assert.equal(rejected.body.length, 0)
  const timeout = createNotify(notice({ ended: 'timeout' }), FIELDS)
  assert.equal(timeout.headers.get('Subscription-State'), 'terminated;reason=timeout')
  assert.ok(timeout.body.length > 0)
})

test('watcher information has a version that grows as the CSeq does (RFC 3858 section 4)', () => {
  const view = WinfoView.of(emptyState(ALICE))
  const winfo = createNotify(notice({ view, subscription: { eventPackage: 'presence.winfo', eventId: '' } }), FIELDS)
  assert.equal(winfo.headers.get('Event'), 'presence.winfo')
  assert.equal(winfo.headers.get('Content-Type'), 'application/watcherinfo+xml')
  assert.match(winfo.body.toString(), / version="6" state="full"/)
})

test('the next hop is the topmost Route, else the target (readings, SIP hop 2)', () => {
  assert.equal(
    nextHop('sip:bob@10.0.0.1:5060', ['<sip:a@one.example.com;lr>', '<sip:two.example.com;lr>']),
    'one.example.com',
  )
  assert.equal(nextHop('sip:bob@10.0.0.1:5060', []), '10.0.0.1')
})

test('a way that no NOTIFY can go is refused before anything is stored', () => {
  assert.doesNotThrow(() => checkNotifyPath('sip:bob@127.0.1.3', ['<sip:a@b;lr>', '<sip:c>']))
  for (const [target, route] of [
    ['tel:+15550101', '<sip:a@b;lr>'],
    ['http://b', '<sip:a@b;lr>'],
    ['sip:bob@b', '<tel:+1>'],
    ['sip:bob@b', 'nonsense'],
  ] as const) {
    assert.throws(() => checkNotifyPath(target, [route]), SipSyntaxError)
  }
})

test('our Contact names the partition (readings, SIP hop 4)', () => {
  assert.equal(partitionOfContact('sip:presence-12@presence.x', 'presence.x'), 12)
  assert.equal(partitionOfContact(partitionContact(0, 'presence.x').slice(1, -1), 'presence.x'), 0)
  for (const uri of ['sip:presence-1@other.x', 'sip:presence-01@presence.x', 'sip:presence.x', 'tel:+1', 'sip:']) {
    assert.equal(partitionOfContact(uri, 'presence.x'), undefined, uri)
  }
})
