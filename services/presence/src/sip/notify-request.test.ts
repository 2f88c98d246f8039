import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { parseMessage, SipSyntaxError, serializeMessage } from '@rollcall/sip'
import fc from 'fast-check'
import { packDialog, type SubscriptionDialog } from '../actor/packed-dialog.ts'
import { dialogOf, emptyState, type Subscription } from '../actor/state.ts'
import { PresenceView } from '../actor/view.ts'
import { WinfoView } from '../actor/winfo-view.ts'
import type { Notice } from '../partition/notice.ts'
import { ALICE, keptSubscription, subscribe } from '../testing/inputs.ts'
import { messageNotify } from '../testing/message-notify.ts'
import { partitionContact, partitionOfContact } from './contact.ts'
import { checkNotifyPath, type NotifyFields, nextHop, writeNotify } from './notify-request.ts'

const FIELDS: NotifyFields = {
  cseq: 7,
  partition: 3,
  transport: 'TLS',
  host: 'presence.ims.example.com',
  branch: 'z9hG4bK1',
  nowMs: 1_000,
}

function notice(
  over: Partial<Omit<Notice, 'subscription'>> & { readonly subscription?: Partial<Subscription> } = {},
): Notice {
  const { dialog, resource, watcher } = subscribe()
  const packed = packDialog({ ...dialog, callId: 'call', remoteTag: 'remote' }, { resource, watcher })
  return {
    presentity: ALICE,
    ended: undefined,
    view: new PresenceView(emptyState(ALICE), 0),
    cause: { sequence: 1n, traceparent: '', isSubscribe: false },
    oldestSequence: 1n,
    ...over,
    subscription: keptSubscription({ eventId: '4', resource, watcher, dialog: packed, ...over.subscription }),
  }
}

function written(of: Notice, fields: NotifyFields = FIELDS): string[] {
  return writeNotify(of, dialogOf(of.subscription), fields).toString().split('\r\n')
}

test('a NOTIFY has all that RFC 6665 section 4.2.2 and RFC 3261 section 12.2.1.1 ask for', () => {
  assert.deepEqual(written(notice()).slice(0, 13), [
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
    'Content-Length: 197',
  ])
})

test('the state of the subscription is told: pending without a body, terminated with its reason (RFC 6665 section 4.1.3)', () => {
  const pending = written(notice({ subscription: { handling: 'confirm' } }))
  assert.ok(pending.includes('Subscription-State: pending;expires=60'))
  assert.ok(!pending.some((line) => line.startsWith('Content-Type')))
  const rejected = written(notice({ ended: 'rejected' }))
  assert.ok(rejected.includes('Subscription-State: terminated;reason=rejected'))
  assert.deepEqual(rejected.slice(-3), ['Content-Length: 0', '', ''])
  const timeout = written(notice({ ended: 'timeout' }))
  assert.ok(timeout.includes('Subscription-State: terminated;reason=timeout'))
  assert.notEqual(timeout.at(-1), '')
})

test('watcher information has its media type, and a version that grows as the CSeq does (RFC 3857 section 4.5, RFC 3858 section 4)', () => {
  const view = WinfoView.of(emptyState(ALICE))
  const winfo = written(notice({ view, subscription: { eventPackage: 'presence.winfo', eventId: '' } }))
  assert.ok(winfo.includes('Event: presence.winfo'))
  assert.ok(winfo.includes('Content-Type: application/watcherinfo+xml'))
  assert.match(winfo.join('\n'), / version="6" state="full"/)
})

test('what is written is octet for octet what the serializer makes of the same message', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,20}$/)
  const word = fc.stringMatching(/^[A-Za-z0-9.!%*_+@-]{1,30}$/)
  const uri = fc.stringMatching(
    /^sip:[a-z0-9.+&=-]{1,12}@[a-z][a-z0-9]{0,8}(\.[a-z]{2,5})?(:[1-9][0-9]{1,3})?(;[a-z]{1,4}(=[a-z0-9]{1,4})?)?$/,
  )
  const route = fc.oneof(
    uri.map((text) => `<${text}>`),
    uri.map((text) => `<${text.replace(/;[^@]*$/, '')};lr>`),
    uri.map((text) => `"a, <;lr>" <${text.replace(/;[^@]*$/, '')};lr=on>;x=y`),
  )
  const dialog: fc.Arbitrary<SubscriptionDialog> = fc.record({
    callId: word,
    remoteTag: token,
    localUri: fc.oneof(fc.constant<string>(ALICE), uri),
    remoteUri: fc.oneof(fc.constant<string>('sip:bob@ims.example.com'), uri),
    remoteTarget: uri,
    routeSet: fc.array(route, { maxLength: 4 }),
    remoteCseq: fc.nat(),
  })
  const view = fc.constantFrom(new PresenceView(emptyState(ALICE), 0), WinfoView.of(emptyState(ALICE)))
  let reached = 0
  fc.assert(
    fc.property(
      dialog,
      fc.record({
        id: token,
        eventId: fc.oneof(fc.constant(''), token),
        handling: fc.constantFrom('allow', 'confirm', 'polite-block', 'block'),
        expiresAtMs: fc.nat(10_000_000),
        watcher: fc.constantFrom<readonly Impu[]>([], ['sip:bob@ims.example.com' as Impu]),
      }),
      view,
      fc.constantFrom(undefined, 'timeout', 'rejected', 'giveup', 'deactivated'),
      fc.record({ cseq: fc.integer({ min: 1, max: 0x7fff_ffff }), branch: token, nowMs: fc.nat(10_000_000) }),
      (of, subscription, seen, ended, fields) => {
        try {
          checkNotifyPath(of.remoteTarget, of.routeSet)
        } catch (error) {
          assert.ok(error instanceof SipSyntaxError)
          return
        }
        reached += 1
        const { watcher } = subscription
        const eventPackage = seen instanceof WinfoView ? 'presence.winfo' : 'presence'
        const one = notice({
          ended,
          view: seen,
          subscription: { ...subscription, eventPackage, dialog: packDialog(of, { resource: ALICE, watcher }) },
        })
        assert.deepEqual({ ...dialogOf(one.subscription), remoteCseq: 0 }, { ...of, remoteCseq: 0 })
        const all = { ...FIELDS, ...fields }
        const octets = writeNotify(one, dialogOf(one.subscription), all)
        assert.equal(octets.toString('latin1'), serializeMessage(messageNotify(one, all)).toString('latin1'))
        assert.equal(serializeMessage(parseMessage(octets)).toString('latin1'), octets.toString('latin1'))
      },
    ),
    { seed: 6665, numRuns: 2_000 },
  )
  assert.ok(reached > 1_000, `${reached} dialogs were tried`)
})

test('the next hop is the topmost Route, else the target (readings, SIP hop 2)', () => {
  const remoteTarget = 'sip:bob@10.0.0.1:5061'
  const routed = nextHop({ remoteTarget, routeSet: ['<sip:a@one.example.com;lr>', '<sip:two.example.com;lr>'] })
  assert.deepEqual([routed.host, routed.port], ['one.example.com', undefined])
  const direct = nextHop({ remoteTarget, routeSet: [] })
  assert.deepEqual([direct.host, direct.port], ['10.0.0.1', 5_061])
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
