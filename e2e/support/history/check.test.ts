import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBlocked, checkLost, checkOrder, checkTold, checkUntouched } from './check.ts'
import { History, type NotifyEvent } from './history.ts'

const ALICE = 'sip:alice@example.com'
const BOB = 'sip:bob@example.com'
const MALLORY = 'sip:mallory@example.com'
const SLACK = { slackMs: 100 }

/** A history written by hand: `at` sets the time of what follows. */
function scene() {
  let nowMs = 0
  const history = new History(() => nowMs)
  return {
    history,
    at(ms: number): void {
      nowMs = ms
    },
    publish(state: number, from: number, to: number, outcome: 'ok' | 'refused' | 'unknown' = 'ok'): void {
      nowMs = from
      const end = history.begin({ kind: 'publish', presentity: ALICE, state })
      nowMs = to
      end(outcome)
    },
    block(watchers: readonly string[], from: number, to: number, outcome: 'ok' | 'refused' | 'unknown' = 'ok'): void {
      nowMs = from
      const end = history.begin({ kind: 'policy', presentity: ALICE, blocked: watchers })
      nowMs = to
      end(outcome)
    },
    subscribe(dialog: string, from: number, to: number, watcher = BOB): void {
      nowMs = from
      const end = history.begin({ kind: 'subscribe', presentity: ALICE, watcher, dialog })
      nowMs = to
      end('ok')
    },
    notify(at: number, over: Partial<NotifyEvent> = {}): void {
      nowMs = at
      history.notify({
        presentity: ALICE,
        watcher: BOB,
        dialog: 'd1',
        cseq: 1,
        branch: `b${at}`,
        subscriptionState: 'active',
        shows: 1,
        ...over,
      })
    },
  }
}

test('who is blocked and told a state of after the acknowledgement: a fault at once', () => {
  const s = scene()
  s.block([BOB], 10, 20)
  s.publish(1, 25, 30)
  s.notify(31, { shows: 1 })
  const [violation, ...others] = checkBlocked(s.history.events, SLACK)
  assert.equal(violation?.rule, 'told-though-blocked')
  assert.match(violation?.detail ?? '', /state 1 /)
  assert.deepEqual(others, [])
})

test('an older state may still be on its way for the time of the slack, and no longer', () => {
  const s = scene()
  s.publish(1, 0, 5)
  s.block([BOB], 10, 20)
  s.notify(100)
  assert.deepEqual(checkBlocked(s.history.events, SLACK), [])
  s.notify(121)
  assert.equal(checkBlocked(s.history.events, SLACK).length, 1)
})

test('another watcher, and a NOTIFY without content, are no fault', () => {
  const s = scene()
  s.block([MALLORY], 10, 20)
  s.publish(1, 25, 30)
  s.notify(200, { watcher: BOB })
  s.notify(201, { watcher: MALLORY, shows: undefined, subscriptionState: 'terminated' })
  assert.deepEqual(checkBlocked(s.history.events, SLACK), [])
})

test('from the begin of a change that lets in again nothing is claimed, whatever becomes of it', () => {
  for (const outcome of ['ok', 'refused', 'unknown'] as const) {
    const s = scene()
    s.block([BOB], 10, 20)
    s.block([], 300, 400, outcome)
    s.notify(310)
    assert.deepEqual(checkBlocked(s.history.events, SLACK), [], outcome)
  }
})

test('a change that blocks counts from its acknowledgement, and one without it does not count', () => {
  const s = scene()
  s.block([BOB], 10, 500, 'unknown')
  s.notify(400)
  s.notify(900)
  assert.deepEqual(checkBlocked(s.history.events, SLACK), [])
  s.block([BOB], 1_000, 1_010)
  s.notify(1_200)
  assert.equal(checkBlocked(s.history.events, SLACK).length, 1)
})

test('a document of no state counts as content', () => {
  const s = scene()
  s.block([BOB], 10, 20)
  s.notify(300, { shows: -1 })
  assert.equal(checkBlocked(s.history.events, SLACK).length, 1)
})

test('a SUBSCRIBE of somebody blocked that is accepted is a fault', () => {
  const s = scene()
  s.subscribe('before', 0, 30)
  s.block([BOB], 10, 20)
  s.subscribe('after', 25, 40)
  assert.deepEqual(
    checkBlocked(s.history.events, SLACK).map(({ rule }) => rule),
    ['accepted-though-blocked'],
  )
})

test('a look that shows less than was acknowledged, or more than was attempted, is a loss', () => {
  const s = scene()
  s.publish(1, 0, 1)
  s.publish(2, 2, 3)
  s.publish(3, 4, 5, 'unknown')
  for (const [shows, faults] of [
    [1, 1],
    [2, 0],
    [3, 0],
    [4, 1],
    [undefined, 1],
  ] as const) {
    assert.equal(checkLost(s.history.events, [{ presentity: ALICE, shows }]).length, faults, String(shows))
  }
})

test('each dialog that is there was told the newest state last; who left or was ended is not asked', () => {
  const s = scene()
  s.publish(1, 0, 1)
  s.subscribe('d1', 2, 3)
  s.notify(4, { shows: 1 })
  s.publish(2, 5, 6)
  assert.equal(checkTold(s.history.events)[0]?.rule, 'not-told')
  s.notify(7, { cseq: 2, shows: 2 })
  assert.deepEqual(checkTold(s.history.events), [])
  // What comes late, out of order, tells a watcher nothing.
  s.notify(8, { cseq: 1, shows: 1 })
  assert.deepEqual(checkTold(s.history.events), [])
  s.subscribe('d2', 9, 10)
  s.notify(11, { dialog: 'd2', subscriptionState: 'terminated', shows: undefined })
  s.subscribe('d3', 12, 13)
  s.at(14)
  s.history.begin({ kind: 'leave', dialog: 'd3' })('ok')
  assert.deepEqual(checkTold(s.history.events), [])
  s.subscribe('d4', 15, 16)
  assert.match(checkTold(s.history.events)[0]?.detail ?? '', /d4 was told state nothing/)
})

test('who watches somebody untouched is told nothing in that time, the same NOTIFY again apart', () => {
  const s = scene()
  s.notify(1, { branch: 'x' })
  s.notify(50, { branch: 'x' })
  const rules = { presentities: new Set([ALICE]), fromMs: 10, toMs: 100 }
  assert.deepEqual(checkUntouched(s.history.events, rules), [])
  s.notify(150, { branch: 'after' })
  assert.deepEqual(checkUntouched(s.history.events, rules), [])
  s.notify(60, { branch: 'y', cseq: 2 })
  assert.equal(checkUntouched(s.history.events, rules).length, 1)
  assert.deepEqual(checkUntouched(s.history.events, { ...rules, presentities: new Set([BOB]) }), [])
})

test('CSeqs of one owner grow; what an earlier owner sent may come late', () => {
  const stride = 0x1_0000
  const s = scene()
  s.notify(1, { cseq: 5 })
  s.notify(2, { cseq: stride + 1 })
  s.notify(3, { cseq: 6 })
  assert.deepEqual(checkOrder(s.history.events), [])
  s.notify(4, { cseq: stride + 3 })
  s.notify(5, { cseq: stride + 2 })
  assert.match(checkOrder(s.history.events)[0]?.detail ?? '', /does not fit/)
})

test('two NOTIFYs with one CSeq are a fault, the same one twice is none', () => {
  const s = scene()
  s.notify(1, { cseq: 1, branch: 'a' })
  s.notify(2, { cseq: 1, branch: 'a' })
  assert.deepEqual(checkOrder(s.history.events), [])
  s.notify(3, { cseq: 1, branch: 'b' })
  assert.equal(checkOrder(s.history.events).length, 1)
})

test('what a dialog is told does not go back, but for running out', () => {
  const s = scene()
  s.notify(1, { cseq: 1, shows: 4 })
  s.notify(2, { cseq: 2, shows: -1 })
  s.notify(3, { cseq: 3, shows: 4 })
  assert.deepEqual(checkOrder(s.history.events), [])
  s.notify(4, { cseq: 4, shows: 3 })
  assert.match(checkOrder(s.history.events)[0]?.detail ?? '', /was told state 3 .* after 4/)
})
