import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readWatcherinfo } from '@rollcall/pidf'
import { type PresencePolicy, plainDecision, type SubHandling } from '@rollcall/policy'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, BOB, resubscribe, subscribe } from '../testing/inputs.ts'
import type { Touched } from './apply.ts'
import type { Input } from './decide.ts'
import type { SubscribeInput } from './subscribe.ts'
import { DEFAULT_TERMS } from './terms.ts'
import { WinfoView } from './winfo-view.ts'

/*
 * RFC 3857 section 4.7.1: every state of a watcher's subscription, and everything that happens to it.
 */

const says = (handling: SubHandling): PresencePolicy => ({ decide: () => plainDecision(handling) })

/** What may happen; `first` is the SUBSCRIBE that made the subscription, if there was one. */
const HAPPENS = {
  'subscribe, allowed': (o) => o.run.do(subscribe({ policy: says('allow') })),
  'subscribe, blocked politely': (o) => o.run.do(subscribe({ policy: says('polite-block') })),
  'subscribe, to be confirmed': (o) => o.run.do(subscribe({ policy: says('confirm') })),
  'subscribe, blocked': (o) => o.run.do(subscribe({ policy: says('block'), tellsRefusal: true })),
  'fetch, allowed': (o) => o.run.do(subscribe({ policy: says('allow'), expiresSeconds: 0 })),
  'fetch, to be confirmed': (o) => o.run.do(subscribe({ policy: says('confirm'), expiresSeconds: 0 })),
  refresh: (o) => o.run.do(resubscribe(o.first, { policy: o.policy })),
  'refresh, blocked': (o) => o.run.do(resubscribe(o.first, { policy: says('block') })),
  unsubscribe: (o) => o.run.do(resubscribe(o.first, { policy: undefined, expiresSeconds: 0 })),
  'the rules allow': (o) => o.run.do(rules('allow')),
  'the rules block politely': (o) => o.run.do(rules('polite-block')),
  'the rules want a word': (o) => o.run.do(rules('confirm')),
  'the rules block': (o) => o.run.do(rules('block')),
  'it runs out': (o) => later(o.run, 3_600_000),
  'nobody decides': (o) => later(o.run, DEFAULT_TERMS.waitingMs),
  'nobody is there': (o) => o.run.do(ends(o.first, 'timeout')),
  'nobody answers': (o) => o.run.do(ends(o.first, 'giveup')),
  'its CSeqs are used up': (o) => o.run.do(ends(o.first, 'deactivated')),
  'its watcher is gone': (o) => o.run.do({ kind: 'end-watcher', subscriptionIds: [o.first.newTag] }),
} as const satisfies Record<string, (o: Stage) => { readonly touched: Touched }>

interface Stage {
  readonly run: ActorRun
  readonly first: SubscribeInput
  readonly policy: PresencePolicy
}

type What = keyof typeof HAPPENS

/** What the presentity is told of bob then, those who are there first. */
const MACHINE: Readonly<Record<'init' | 'pending' | 'active' | 'waiting', Readonly<Partial<Record<What, string>>>>> = {
  init: {
    'subscribe, allowed': 'active subscribe',
    'subscribe, blocked politely': 'active subscribe',
    'subscribe, to be confirmed': 'pending subscribe',
    'subscribe, blocked': 'terminated rejected',
    'fetch, allowed': 'terminated timeout',
    'fetch, to be confirmed': 'waiting timeout',
  },
  pending: {
    'subscribe, allowed': 'pending subscribe, active subscribe',
    'subscribe, blocked politely': 'pending subscribe, active subscribe',
    'subscribe, to be confirmed': 'pending subscribe, pending subscribe',
    'subscribe, blocked': 'pending subscribe, terminated rejected',
    'fetch, allowed': 'pending subscribe, terminated timeout',
    'fetch, to be confirmed': 'pending subscribe, waiting timeout',
    refresh: 'pending subscribe',
    'refresh, blocked': 'terminated rejected',
    unsubscribe: 'waiting timeout',
    'the rules allow': 'active approved',
    'the rules block politely': 'active approved',
    'the rules want a word': 'pending subscribe',
    'the rules block': 'terminated rejected',
    'it runs out': 'waiting timeout',
    'nobody decides': 'waiting timeout',
    'nobody is there': 'waiting timeout',
    'nobody answers': 'terminated giveup',
    'its CSeqs are used up': 'terminated deactivated',
    'its watcher is gone': 'waiting timeout',
  },
  active: {
    'subscribe, allowed': 'active subscribe, active subscribe',
    'subscribe, blocked politely': 'active subscribe, active subscribe',
    'subscribe, to be confirmed': 'active subscribe, pending subscribe',
    'subscribe, blocked': 'active subscribe, terminated rejected',
    'fetch, allowed': 'active subscribe, terminated timeout',
    'fetch, to be confirmed': 'active subscribe, waiting timeout',
    refresh: 'active subscribe',
    'refresh, blocked': 'terminated rejected',
    unsubscribe: 'terminated timeout',
    'the rules allow': 'active subscribe',
    'the rules block politely': 'active subscribe',
    // Choice: no other dialog is asked for, so it is as if he had just asked in this one.
    'the rules want a word': 'pending subscribe',
    'the rules block': 'terminated rejected',
    'it runs out': 'terminated timeout',
    'nobody decides': 'terminated timeout',
    'nobody is there': 'terminated timeout',
    'nobody answers': 'terminated giveup',
    'its CSeqs are used up': 'terminated deactivated',
    'its watcher is gone': 'terminated deactivated',
  },
  waiting: {
    // The place is not needed any more: what is there now says the same, or more.
    'subscribe, allowed': 'active subscribe, terminated giveup',
    'subscribe, blocked politely': 'active subscribe, terminated giveup',
    'subscribe, to be confirmed': 'pending subscribe, terminated giveup',
    'subscribe, blocked': 'terminated rejected',
    'fetch, allowed': 'terminated timeout, terminated giveup',
    'fetch, to be confirmed': 'waiting timeout, terminated giveup',
    refresh: 'waiting timeout',
    'refresh, blocked': 'waiting timeout',
    unsubscribe: 'waiting timeout',
    'the rules allow': 'terminated approved',
    'the rules block politely': 'terminated approved',
    'the rules want a word': 'waiting timeout',
    'the rules block': 'terminated rejected',
    'it runs out': 'waiting timeout',
    'nobody decides': 'terminated giveup',
    'nobody is there': 'waiting timeout',
    'nobody answers': 'waiting timeout',
    'its CSeqs are used up': 'waiting timeout',
    'its watcher is gone': 'waiting timeout',
  },
}

for (const [state, happens] of Object.entries(MACHINE)) {
  test(`${state}: whatever happens (RFC 3857 section 4.7.1)`, () => {
    for (const [what, expected] of Object.entries(happens)) {
      const stage = stageOf(state as keyof typeof MACHINE)
      const { touched } = HAPPENS[what as What](stage)
      assert.equal(shown(stage.run, touched), expected, what)
      assert.deepEqual(waitingIn(stage.run.reload()), waitingIn(stage.run.state), 'a new owner knows who waits')
    }
    const all = Object.keys(HAPPENS).length
    // Before there is a subscription nothing can happen to it.
    assert.equal(Object.keys(happens).length, state === 'init' ? 6 : all)
  })
}

test('what ended is forgotten once it is told (RFC 3858 section 4)', () => {
  for (const state of ['pending', 'active', 'waiting'] as const) {
    const stage = stageOf(state)
    HAPPENS['the rules block'](stage)
    assert.equal(shown(stage.run, undefined), '')
    assert.equal(stage.run.state.waiting, undefined)
  }
})

function stageOf(state: keyof typeof MACHINE): Stage {
  const run = new ActorRun()
  const policy = says(state === 'active' ? 'allow' : 'confirm')
  const first = subscribe({ policy })
  if (state !== 'init') run.do(first)
  if (state === 'waiting') run.do(resubscribe(first, { policy: undefined, expiresSeconds: 0 }))
  return { run, first, policy }
}

function rules(handling: SubHandling): Input {
  return { kind: 'policy', policy: says(handling), impus: [ALICE] }
}

function ends({ newTag }: SubscribeInput, reason: 'timeout' | 'giveup' | 'deactivated'): Input {
  return { kind: 'end', subscriptionId: newTag, reason, silent: reason !== 'deactivated' }
}

/** Time passes, an hour at most at once. */
function later(run: ActorRun, ms: number): { readonly touched: Touched } {
  run.nowMs += ms
  return run.do({ kind: 'expire' })
}

function shown(run: ActorRun, touched: Touched | undefined): string {
  const { watchers } = readWatcherinfo(WinfoView.of(run.state, touched).body(ALICE, 0, run.nowMs))
  assert.ok(watchers.every(({ uri }) => uri === BOB))
  return watchers.map(({ status, event }) => `${status} ${event}`).join(', ')
}

function waitingIn({ waiting }: ActorRun['state']) {
  return [...(waiting?.values() ?? [])]
}
