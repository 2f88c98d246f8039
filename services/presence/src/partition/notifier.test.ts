import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { emptyState, type Subscription } from '../actor/state.ts'
import { PresenceView } from '../actor/view.ts'
import { ALICE, keptSubscription } from '../testing/inputs.ts'
import { PlayedLease } from '../testing/played-lease.ts'
import type { Notice } from './notice.ts'
import { Notifier } from './notifier.ts'
import { type NotifyOutcome, notifyOutcome } from './notify-outcome.ts'

interface Sent {
  readonly notice: Notice
  readonly sequence: bigint
  readonly cseq: number
  readonly mayLeave: () => boolean
  readonly done: (outcome: NotifyOutcome) => void
}

function stage(o: { readonly base?: number; readonly intervalMs?: number } = {}) {
  const clock = new VirtualClock()
  const sent: Sent[] = []
  const ends: string[] = []
  const strides: number[] = []
  const lease = new PlayedLease()
  let subscription: Subscription | undefined = keptSubscription({
    id: 'sub',
    notifyBase: { cseq: o.base ?? 0, ownerOrdinal: 1 },
  })
  const own = (): Subscription => subscription ?? keptSubscription({ id: 'sub' })
  const notifier = new Notifier({
    clock,
    lease,
    graceMs: 300_000,
    intervalMs: { presence: o.intervalMs ?? 0, 'presence.winfo': 0, 'xcap-diff': 0 },
    ownerOrdinal: 1,
    send: (notice, cseq, mayLeave, done) =>
      void sent.push({ notice, sequence: notice.cause.sequence, cseq, mayLeave, done }),
    current: () => subscription,
    onEnd: (_, why) => void ends.push(why),
    onStride: (_, cseq) => void strides.push(cseq),
    onOutcome: () => {},
  })
  const offer = (sequence: number, over: Partial<Notice> = {}): void =>
    notifier.offer({
      presentity: ALICE,
      subscription: own(),
      ended: undefined,
      view: new PresenceView(emptyState(ALICE), 0),
      cause: { sequence: BigInt(sequence), traceparent: '', isSubscribe: false },
      oldestSequence: BigInt(sequence),
      ...over,
    })
  const answer = (outcome: NotifyOutcome): void => sent.at(-1)?.done(outcome)
  const moveBase = (cseq: number): void => {
    subscription = { ...own(), notifyBase: { cseq, ownerOrdinal: 1 } }
  }
  const become = (handling: Subscription['handling'] | undefined): void => {
    subscription = handling && { ...own(), handling }
  }
  return { clock, lease, sent, ends, strides, notifier, offer, answer, moveBase, become }
}

test('one NOTIFY is under way in a dialog; the newest state follows it (RFC 3856 section 6.10)', () => {
  const { sent, offer, answer, notifier } = stage()
  for (const sequence of [1, 2, 3, 4]) offer(sequence)
  assert.deepEqual(
    sent.map(({ sequence }) => sequence),
    [1n],
  )
  assert.equal(notifier.backlog.oldestSequence, 1n)
  answer('delivered')
  assert.deepEqual(
    sent.map(({ sequence, cseq }) => [sequence, cseq]),
    [
      [1n, 1],
      [4n, 2],
    ],
  )
  assert.equal(notifier.backlog.oldestSequence, 2n, 'the newest stands for all since')
  answer('delivered')
  assert.equal(notifier.size, 0)
  assert.equal(notifier.backlog.oldestSequence, undefined)
})

test('a watcher out of reach is tried after 1, 2, 4 … 60 s with the newest state (readings, Presence 1)', () => {
  const { clock, sent, offer, answer, ends, notifier } = stage()
  offer(1)
  const waits: number[] = []
  let lastMs = clock.monotonic()
  for (let i = 0; i < 9; i++) {
    const before = sent.length
    answer('unreachable')
    if (i === 2) offer(2)
    while (sent.length === before) clock.advance(100)
    waits.push(clock.monotonic() - lastMs)
    lastMs = clock.monotonic()
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  assert.equal(sent.at(-1)?.sequence, 2n)
  assert.equal(notifier.backlog.oldestSequence, undefined, 'who is out of reach holds up nobody')
  assert.deepEqual([notifier.backlog.late.size, notifier.backlog.late.oldestSequence], [1, 1n])
  clock.advance(60_000)
  answer('unreachable')
  assert.deepEqual(ends, ['giveup'])
})

test('a watcher who subscribes again is tried at once', () => {
  const { clock, sent, offer, answer } = stage()
  offer(1)
  for (const _ of [1, 2, 3]) {
    answer('unreachable')
    clock.advance(4_000)
  }
  answer('unreachable')
  const before = sent.length
  offer(2, { cause: { sequence: 2n, traceparent: '', isSubscribe: true } })
  assert.equal(sent.length, before + 1)
})

test('after the last NOTIFY of a dialog there is no other', () => {
  const { sent, offer, answer, notifier } = stage()
  offer(1)
  offer(2, { ended: 'timeout' })
  offer(3)
  answer('delivered')
  answer('delivered')
  assert.deepEqual(
    sent.map(({ sequence }) => sequence),
    [1n, 2n],
  )
  assert.equal(notifier.size, 0)
})

test('what a watcher refuses is not sent again, what comes after it is (RFC 5057 section 5.1)', () => {
  const { sent, offer, answer, ends } = stage()
  offer(1)
  offer(2)
  answer('refused')
  assert.deepEqual(
    sent.map(({ sequence }) => sequence),
    [1n, 2n],
  )
  assert.deepEqual(ends, [])
})

test('final responses mean what RFC 6665 section 4.2.2 and readings say', () => {
  for (const status of [200, 202]) assert.equal(notifyOutcome(status), 'delivered')
  for (const status of [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]) {
    assert.equal(notifyOutcome(status), 'gone')
  }
  for (const status of [408, 503]) assert.equal(notifyOutcome(status), 'unreachable')
  for (const status of [400, 403, 500, 513, 603]) assert.equal(notifyOutcome(status), 'refused')
})

test('a fan-out is sent in turns, and no more at once than the hop should carry', () => {
  const clock = new VirtualClock()
  const done: ((outcome: NotifyOutcome) => void)[] = []
  const notifier = new Notifier({
    clock,
    lease: new PlayedLease(),
    graceMs: 1,
    intervalMs: { presence: 0, 'presence.winfo': 0, 'xcap-diff': 0 },
    ownerOrdinal: 1,
    send: (_, __, ___, finished) => void done.push(finished),
    current: ({ subscription }) => subscription,
    onEnd: () => {},
    onStride: () => {},
    onOutcome: () => {},
  })
  const view = new PresenceView(emptyState(ALICE), 0)
  for (let i = 0; i < 2_000; i++) {
    const subscription = keptSubscription({ id: `s${i}` })
    const cause = { sequence: 1n, traceparent: '', isSubscribe: false }
    notifier.offer({ presentity: ALICE, subscription, ended: undefined, view, cause, oldestSequence: 1n })
  }
  assert.ok(done.length <= 64, 'the rest waits for its turn')
  for (let i = 0; i < 40; i++) clock.advance(1)
  assert.equal(done.length, 512)
  for (let i = 0; i < 2_000; i++) {
    done[i]?.('delivered')
    clock.advance(1)
  }
  assert.equal(done.length, 2_000)
  assert.equal(notifier.size, 0)
})

test('a dialog near its stride asks for a new base and goes on; without one it waits at the end', () => {
  const { sent, offer, answer, strides, moveBase, clock } = stage()
  const tell = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const before = sent.length
      offer(i)
      clock.advance(1)
      if (sent.length > before) answer('delivered')
    }
  }
  tell(40_000)
  assert.deepEqual(strides, [32_768])
  moveBase(32_768)
  tell(40_000)
  assert.deepEqual(strides, [32_768, 65_536])
  tell(40_000)
  assert.equal(sent.at(-1)?.cseq, 32_768 + 65_535, 'CSeqs of the next owner are not touched')
  moveBase(65_536)
  clock.advance(60_000)
  assert.equal(sent.at(-1)?.cseq, 32_768 + 65_536)
})

test('a dialog whose CSeqs are used up ends, and its watcher makes a new one (RFC 3261 section 8.1.1.5)', () => {
  const { offer, ends, sent } = stage({ base: 0x8000_0000 - 0x2_0000 })
  offer(1)
  assert.deepEqual(ends, ['deactivated'])
  assert.equal(sent.length, 0)
  offer(2, { ended: 'deactivated' })
  assert.equal(sent.length, 1)
})

test('a change is told at once, what changes within the interval is told merged when it is over (RFC 3856 section 6.10)', () => {
  const { clock, sent, offer, answer, notifier } = stage({ intervalMs: 1_000 })
  offer(1)
  answer('delivered')
  clock.advance(100)
  for (const sequence of [2, 3, 4]) offer(sequence)
  assert.equal(notifier.backlog.oldestSequence, 2n, 'what rests is not told yet')
  clock.advance(899)
  assert.equal(sent.length, 1)
  clock.advance(1)
  assert.deepEqual(
    sent.map(({ sequence }) => sequence),
    [1n, 4n],
  )
  answer('delivered')
  clock.advance(1_000)
  assert.equal(notifier.size, 0, 'a dialog that has rested is not kept')
  offer(5)
  assert.equal(sent.length, 3, 'after quiet times a change is told at once')
})

test('who subscribes again, or leaves, is told at once, however often (RFC 6665 section 4.2.1.3)', () => {
  const { sent, offer, answer, notifier } = stage({ intervalMs: 1_000 })
  offer(1)
  answer('delivered')
  for (const sequence of [2, 3]) {
    offer(sequence, { cause: { sequence: BigInt(sequence), traceparent: '', isSubscribe: true } })
    answer('delivered')
  }
  offer(4)
  assert.equal(sent.length, 3, 'a change still rests')
  offer(5, { ended: 'timeout' })
  assert.equal(sent.at(-1)?.sequence, 5n)
  answer('delivered')
  assert.equal(notifier.size, 0)
})

test('an answer that takes longer than the interval holds up the next change, and no longer', () => {
  const { clock, sent, offer, answer } = stage({ intervalMs: 1_000 })
  offer(1)
  offer(2)
  clock.advance(5_000)
  assert.equal(sent.length, 1)
  answer('delivered')
  assert.equal(sent.length, 2)
})

test('without the lease nothing is sent; with it what waits is, and no failure is counted (decision 3)', () => {
  const { clock, lease, sent, offer, answer, notifier } = stage()
  lease.isLive = false
  for (const sequence of [1, 2]) offer(sequence)
  clock.advance(60_000)
  assert.equal(sent.length, 0)
  lease.isLive = true
  assert.deepEqual(
    sent.map(({ sequence }) => sequence),
    [2n],
  )
  lease.isLive = false
  assert.equal(sent[0]?.mayLeave(), false)
  answer('withdrawn')
  assert.equal(notifier.backlog.late.size, 0)
  lease.isLive = true
  assert.equal(sent.length, 2)
})

test('what its watcher may not see any more is held back, and what comes in its place is told', () => {
  const { sent, offer, answer, become, notifier } = stage()
  offer(1)
  become('polite-block')
  assert.equal(sent[0]?.mayLeave(), false)
  answer('withdrawn')
  assert.equal(sent.length, 1)
  assert.equal(notifier.backlog.oldestSequence, 1n, 'no watermark passes it by')
  offer(2)
  assert.deepEqual([sent.length, sent[1]?.notice.subscription.handling, sent[1]?.mayLeave()], [2, 'polite-block', true])
})

test('what waited while its watcher was decided anew is not sent as it was', () => {
  const { lease, sent, offer, become } = stage()
  lease.isLive = false
  offer(1)
  become(undefined)
  lease.isLive = true
  assert.equal(sent.length, 0)
  offer(2, { ended: 'rejected' })
  assert.deepEqual(
    sent.map(({ notice }) => notice.ended),
    ['rejected'],
  )
})

test('a dialog that is gone is told nothing more, also what was under way', () => {
  const { clock, sent, offer, answer, notifier, ends } = stage()
  offer(1)
  offer(2)
  notifier.drop('sub')
  answer('unreachable')
  clock.advance(120_000)
  assert.deepEqual([sent.length, notifier.size, ends.length, notifier.backlog.oldestSequence], [1, 0, 0, undefined])
})

test('what is told of a subscription whose dialog is gone, before it has ended, goes on with the CSeqs', () => {
  const { sent, offer, answer, ends } = stage()
  offer(1)
  answer('gone')
  offer(2)
  assert.deepEqual(ends, ['gone'])
  assert.equal((sent[1]?.cseq ?? 0) - (sent[0]?.cseq ?? 0), 1)
})

test('watchers who are silent do not hold up the others', () => {
  const clock = new VirtualClock()
  const done: ((outcome: NotifyOutcome) => void)[] = []
  const notifier = new Notifier({
    clock,
    lease: new PlayedLease(),
    graceMs: 300_000,
    intervalMs: { presence: 0, 'presence.winfo': 0, 'xcap-diff': 0 },
    ownerOrdinal: 1,
    send: (_, __, ___, finished) => void done.push(finished),
    current: ({ subscription }) => subscription,
    onEnd: () => {},
    onStride: () => {},
    onOutcome: () => {},
  })
  const view = new PresenceView(emptyState(ALICE), 0)
  for (let i = 0; i < 20_000; i++) {
    const subscription = keptSubscription({ id: `s${i}` })
    const cause = { sequence: 1n, traceparent: '', isSubscribe: false }
    notifier.offer({ presentity: ALICE, subscription, ended: undefined, view, cause, oldestSequence: 1n })
  }
  for (let second = 0; second < 3; second++) for (let i = 0; i < 100; i++) clock.advance(10)
  assert.ok(done.length > 1_500 && done.length <= 2_048, `${done.length}`)
  for (let second = 0; second < 30; second++) for (let i = 0; i < 100; i++) clock.advance(10)
  assert.equal(done.length, 8_192, 'so many are unanswered at most')
})
