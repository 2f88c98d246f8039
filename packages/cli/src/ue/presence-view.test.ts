import assert from 'node:assert/strict'
import test from 'node:test'
import { writePidf, writeWatcherinfo } from '@rollcall/pidf'
import type { Notification } from '@rollcall/ue'
import { timeOfDay } from '../printable.ts'
import { viewDocuments, viewPresence, viewWinfo } from './presence-view.ts'

const ALICE = 'sip:alice@ims.example'
const AT_MS = Date.UTC(2026, 10, 25, 12)

function notification(o: Partial<Notification>): Notification {
  return {
    state: 'active',
    reason: undefined,
    retryAfterSeconds: undefined,
    body: Buffer.alloc(0),
    contentType: undefined,
    cseq: 1,
    receivedAtMs: AT_MS,
    setId: 'ue-1',
    ...o,
  }
}

test('shows state, notes and activities', () => {
  const body = writePidf({ entity: ALICE, tupleId: 'a', basic: 'open', note: 'At lunch', activities: ['meal'] })
  const { text, json } = viewPresence(ALICE, notification({ body }))
  assert.equal(text, `${timeOfDay(AT_MS)} ${ALICE}\n  open    "At lunch"\n  doing   meal`)
  assert.equal(json.state, 'active')
  assert.equal((json.presence as { tuples: { basic: string }[] }).tuples[0]?.basic, 'open')
})

test("control characters in somebody's note do not reach the terminal", () => {
  const body = writePidf({ entity: ALICE, tupleId: 'a', basic: 'open', note: 'x\u009b31m\u202ey' })
  assert.equal(viewPresence(ALICE, notification({ body })).text.split('\n')[1], '  open    "x\ufffd31m\ufffdy"')
})

test('a document that cannot be read is told, and is no error', () => {
  const { text } = viewPresence(ALICE, notification({ body: Buffer.from('<a') }))
  assert.match(text, /a document that cannot be read/)
})

test('the end of a subscription is told with its reason', () => {
  const { text, json } = viewPresence(ALICE, notification({ state: 'terminated', reason: 'noresource' }))
  assert.equal(text, `${timeOfDay(AT_MS)} ${ALICE} (terminated: noresource)`)
  assert.equal(json.reason, 'noresource')
})

test('shows who watches', () => {
  const watcher = {
    id: 'w',
    uri: 'sip:bob@ims.example',
    status: 'active',
    event: 'subscribe',
    expirationSeconds: 60,
  } as const
  const info = { version: 0, state: 'full', resource: ALICE, eventPackage: 'presence' } as const
  const full = viewWinfo(ALICE, notification({ body: writeWatcherinfo({ ...info, watchers: [watcher] }) }))
  assert.equal(full.text.split('\n')[1], '  active     sip:bob@ims.example (subscribe, 60 s left)')
  const empty = viewWinfo(ALICE, notification({ body: writeWatcherinfo({ ...info, watchers: [] }) }))
  assert.equal(empty.text.split('\n')[1], '  nobody watches')
})

test('shows which documents there are and what became of each (RFC 5874 section 3)', () => {
  const body = Buffer.from(
    '<xcap-diff xmlns="urn:ietf:params:xml:ns:xcap-diff" xcap-root="https://xcap.example/">' +
      '<document sel="pres-rules/users/sip:alice@example.com/index" new-etag="a"/>' +
      '<document sel="pres-rules/users/sip:alice@example.com/x&#10;y" new-etag="b" previous-etag="a"/>' +
      '<document sel="pidf-manipulation/users/sip:alice@example.com/index" previous-etag="c"/></xcap-diff>',
  )
  const shown = viewDocuments(ALICE, notification({ body }))
  assert.deepEqual(shown.text.split('\n').slice(1), [
    '  pres-rules/users/sip:alice@example.com/index is "a"',
    '  pres-rules/users/sip:alice@example.com/x\uFFFDy is "b", was "a"',
    '  pidf-manipulation/users/sip:alice@example.com/index is gone',
  ])
  const none = Buffer.from('<xcap-diff xmlns="urn:ietf:params:xml:ns:xcap-diff" xcap-root="https://xcap.example/"/>')
  assert.match(viewDocuments(ALICE, notification({ body: none })).text, /\n {2}no documents$/)
  assert.match(viewDocuments(ALICE, notification({ body: Buffer.from('<a>') })).text, /cannot be read/)
})
