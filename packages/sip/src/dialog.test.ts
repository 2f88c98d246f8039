import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  advanceDialog,
  createDialogRequest,
  createUacDialog,
  createUacDialogFromNotify,
  createUasDialog,
  type Dialog,
  dialogMatches,
  withTarget,
} from './dialog.ts'
import { SipSyntaxError } from './errors.ts'
import { createResponse, type SipRequest } from './message.ts'
import { parseMessage } from './parse-message.ts'
import { serializeMessage } from './serialize-message.ts'
import { SUBSCRIBE, wire } from './vectors/messages.ts'

const RECORDED = ['<sip:token@pcscf-0.pcscf.ims.example.com;lr>', '<sip:127.0.0.1:15064;lr>']

function subscribe(head = SUBSCRIBE): SipRequest {
  return parseMessage(wire(head)) as SipRequest
}

function notify(lines = ''): SipRequest {
  const head = `NOTIFY sip:alice@127.0.1.1:15066 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:15064;branch=z9hG4bKn1
Record-Route: <sip:a;lr>
Record-Route: <sip:b;lr>
From: <sip:bob@ims.example.com>;tag=notifier
To: <sip:alice@ims.example.com>;tag=1928301774
Call-ID: a84b4c76e66710@127.0.1.1
CSeq: 65536 NOTIFY
Contact: <sip:presence-3@presence.ims.example.com>${lines}`
  return subscribe(head)
}

const UAS: Dialog = {
  callId: 'a84b4c76e66710@127.0.1.1',
  localTag: 'notifier',
  remoteTag: '1928301774',
  localUri: 'sip:bob@ims.example.com',
  remoteUri: 'sip:alice@ims.example.com',
  remoteTarget: 'sip:alice@127.0.1.1:15066',
  routeSet: RECORDED,
  localCseq: 0,
  remoteCseq: 314159,
}

test('the notifier keeps the recorded route in its order (RFC 3261 section 12.1.1)', () => {
  assert.deepEqual(createUasDialog(subscribe(), 'notifier'), UAS)
})

test('the subscriber takes the recorded route in reverse (RFC 3261 section 12.1.2)', () => {
  const response = createResponse(subscribe(), 200, {
    toTag: 'notifier',
    headers: [
      ['Record-Route', RECORDED.join(', ')],
      ['Contact', '<sip:presence-3@presence.ims.example.com>'],
    ],
  })
  assert.deepEqual(createUacDialog(subscribe(), response), {
    callId: UAS.callId,
    localTag: UAS.remoteTag,
    remoteTag: UAS.localTag,
    localUri: UAS.remoteUri,
    remoteUri: UAS.localUri,
    remoteTarget: 'sip:presence-3@presence.ims.example.com',
    routeSet: RECORDED.toReversed(),
    localCseq: 314159,
    remoteCseq: 0,
  })
})

test('a NOTIFY before the 200 makes the same dialog, with its own route in its order (RFC 6665 section 4.4.1)', () => {
  const dialog = createUacDialogFromNotify(subscribe(), notify())
  assert.equal(dialog.remoteTag, 'notifier')
  assert.equal(dialog.localTag, '1928301774')
  assert.deepEqual(dialog.routeSet, ['<sip:a;lr>', '<sip:b;lr>'])
  assert.equal(dialog.remoteCseq, 65536)
  assert.equal(dialog.localCseq, 314159)
  assert.ok(dialogMatches(dialog, notify()))
})

test('a dialog has both tags and one Contact, or is none (RFC 3261 section 12.1)', () => {
  // RFC 3261 section 8.1.1.8
  const without = (name: string): SipRequest => {
    const request = subscribe()
    request.headers.remove(name)
    return request
  }
  assert.throws(() => createUasDialog(without('Contact'), 'x'), SipSyntaxError)
  assert.throws(() => createUasDialog(subscribe(`${SUBSCRIBE}\nContact: <sip:b>`), 'x'), SipSyntaxError)
  assert.throws(() => createUasDialog(subscribe(SUBSCRIBE.replace(';tag=1928301774', '')), 'x'), SipSyntaxError)
  assert.throws(() => createUacDialog(subscribe(), createResponse(subscribe(), 200)), SipSyntaxError)
  assert.throws(() => createUasDialog(subscribe(SUBSCRIBE.replace(/Contact: .*/, 'Contact: *')), 'x'), SipSyntaxError)
})

test('a request belongs to a dialog by Call-ID and both tags (RFC 3261 section 12.2.2)', () => {
  const dialog = createUacDialogFromNotify(subscribe(), notify())
  assert.ok(dialogMatches(dialog, notify()))
  for (const [header, value] of [
    ['Call-ID', 'other'],
    ['From', '<sip:bob@ims.example.com>;tag=other'],
    ['To', '<sip:alice@ims.example.com>'],
  ] as const) {
    const request = notify()
    request.headers.set(header, value)
    assert.ok(!dialogMatches(dialog, request), header)
  }
})

test('a request in the dialog goes the recorded way (RFC 3261 section 12.2.1.1)', () => {
  // With 70 hops to go: RFC 3261 section 8.1.1.6.
  assert.equal(
    serializeMessage(createDialogRequest(UAS, 'NOTIFY', 65536)).toString('latin1'),
    wire(`NOTIFY sip:alice@127.0.1.1:15066 SIP/2.0
Route: <sip:token@pcscf-0.pcscf.ims.example.com;lr>
Route: <sip:127.0.0.1:15064;lr>
Max-Forwards: 70
From: <sip:bob@ims.example.com>;tag=notifier
To: <sip:alice@ims.example.com>;tag=1928301774
Call-ID: a84b4c76e66710@127.0.1.1
CSeq: 65536 NOTIFY
Content-Length: 0`).toString('latin1'),
  )
  const direct = createDialogRequest({ ...UAS, routeSet: [] }, 'NOTIFY', 1)
  assert.equal(direct.uri, UAS.remoteTarget)
  assert.equal(direct.headers.has('Route'), false)
})

test('a strict router becomes the Request-URI, the target the last Route (RFC 3261 section 12.2.1.1)', () => {
  const routeSet = ['<sip:strict.example.com;method=INVITE;x=y?a=b>', '<sip:loose.example.com;lr>']
  const request = createDialogRequest({ ...UAS, routeSet }, 'NOTIFY', 1)
  assert.equal(request.uri, 'sip:strict.example.com;x=y')
  assert.deepEqual(request.headers.list('Route'), ['<sip:loose.example.com;lr>', `<${UAS.remoteTarget}>`])
})

test('a CSeq from 2^31 on is refused (RFC 3261 section 8.1.1.5)', () => {
  assert.equal(createDialogRequest(UAS, 'NOTIFY', 2 ** 31 - 1).headers.get('CSeq'), '2147483647 NOTIFY')
  for (const cseq of [2 ** 31, -1, 1.5, Number.NaN]) {
    assert.throws(() => createDialogRequest(UAS, 'NOTIFY', cseq), SipSyntaxError)
  }
})

test('a request of higher CSeq is in order and moves the target; others are not (RFC 3261 section 12.2.2)', () => {
  // SUBSCRIBE and NOTIFY both refresh it: RFC 6665 section 4.1.2.1.
  const first = createUacDialogFromNotify(subscribe(), notify())
  const inOrder = notify()
  inOrder.headers.set('CSeq', '65540 NOTIFY')
  inOrder.headers.set('Contact', '<sip:presence-4@presence.ims.example.com>')
  const next = advanceDialog(first, inOrder)
  assert.ok(next)
  assert.equal(next.remoteCseq, 65540)
  assert.equal(next.remoteTarget, 'sip:presence-4@presence.ims.example.com')
  assert.deepEqual(next.routeSet, first.routeSet)
  assert.equal(advanceDialog(next, notify()), undefined)
  assert.equal(advanceDialog(next, inOrder), undefined)
  // Before the first request any number is in order.
  assert.equal(advanceDialog({ ...first, remoteCseq: 0 }, notify())?.remoteCseq, 65536)
})

test('the target stays when a message has no Contact (RFC 3261 section 12.2.1.2)', () => {
  assert.equal(withTarget(UAS, createResponse(subscribe(), 200)), UAS)
  assert.equal(withTarget(UAS, subscribe()), UAS)
  assert.equal(withTarget(UAS, notify()).remoteTarget, 'sip:presence-3@presence.ims.example.com')
})

test('a dialog is a plain value: JSON gives it back', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(UAS)), UAS)
})
