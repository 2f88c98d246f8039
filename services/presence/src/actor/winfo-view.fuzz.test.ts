import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImpu } from '@rollcall/core'
import { readWatcherinfo, type Watcher, WatcherTable } from '@rollcall/pidf'
import { plainDecision, type SubHandling, type WatcherIdentity } from '@rollcall/policy'
import fc from 'fast-check'
import type { Notice } from '../partition/notice.ts'
import { ToldDialogs } from '../partition/told-dialogs.ts'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, keptSubscription, resubscribe, subscribe } from '../testing/inputs.ts'
import type { Touched } from './apply.ts'
import type { SubscribeInput } from './subscribe.ts'
import { WinfoView } from './winfo-view.ts'

const SEED = 3858
const GONE_MAX = 100
const HANDLINGS: readonly SubHandling[] = ['allow', 'confirm', 'polite-block', 'block']

/** Something happens to alice's watchers, and then perhaps her phone is told of it. */
const step = fc.record({
  do: fc.constantFrom(...(['subscribe', 'subscribe', 'fetch', 'leave', 'end', 'rules', 'wait', 'refused'] as const)),
  who: fc.nat(9),
  handling: fc.constantFrom(...HANDLINGS),
  isHidden: fc.boolean(),
  tell: fc.constantFrom(...(['arrives', 'arrives', 'is lost', 'its answer is lost', 'later', 'is asked for'] as const)),
})

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** alice's phone, and what the notifier knows of it. */
class Phone {
  readonly table = new WatcherTable()
  readonly #told = new ToldDialogs()
  readonly #subscription = keptSubscription({ eventPackage: 'presence.winfo', watcher: [ALICE] })
  #version = -1
  #unsaid: WinfoView | undefined
  #isAsked = true

  tell(view: WinfoView, how: Step['tell'], nowMs: number): boolean {
    const untold = this.#unsaid ? view.replacing(this.#unsaid, GONE_MAX) : view
    this.#unsaid = untold
    if (how === 'later') return false
    this.#isAsked ||= how === 'is asked for'
    const sent = this.#told.sending(this.#noticeOf(untold), this.#isAsked)
    this.#isAsked = false
    this.#version += 1
    const body = untold.body(ALICE, this.#version, nowMs, sent.told)
    if (how === 'is lost') return false
    assert.equal(this.table.take(readWatcherinfo(body)), 'taken', 'nothing is ever missing')
    if (how === 'its answer is lost') return false
    this.#told.arrived(sent)
    this.#unsaid = undefined
    return true
  }

  #noticeOf(view: WinfoView): Notice {
    const cause = { sequence: 1n, traceparent: '', isSubscribe: false }
    return { presentity: ALICE, subscription: this.#subscription, ended: undefined, view, cause, oldestSequence: 1n }
  }
}

test('who adds up what is told in parts has the list that is told as a whole (RFC 3858 section 4)', () => {
  const life = fc.record({ crowd: fc.constantFrom(0, 0, 0, 247), steps: fc.array(step, { maxLength: 30 }) })
  fc.assert(
    fc.property(life, ({ crowd, steps }) => {
      const run = new ActorRun()
      const dialogs: SubscribeInput[] = []
      for (let i = 0; i < crowd; i++) dialogs.push(asks(run, i + 100, 'allow', false).input)
      const phone = new Phone()
      for (const one of steps) {
        const touched = act(run, dialogs, one)
        const view = WinfoView.of(run.state, touched)
        if (!phone.tell(view, one.tell, run.nowMs)) continue
        const whole = readWatcherinfo(WinfoView.of(run.state).body(ALICE, 0, run.nowMs))
        assert.deepEqual(listOf(phone.table.whole?.watchers ?? []), listOf(whole.watchers))
        assert.ok(whole.watchers.length <= 250)
      }
    }),
    { seed: SEED, numRuns: 300 },
  )
})

/** Those who are there, in no order; for how long is of the moment. */
function listOf(watchers: readonly Watcher[]): string[] {
  const there = watchers.filter(({ status }) => status !== 'terminated')
  return there.map(({ id, uri, status, event }) => `${id} ${uri} ${status} ${event}`).sort()
}

function act(
  run: ActorRun,
  dialogs: SubscribeInput[],
  { do: what, who, handling, isHidden }: Step,
): Touched | undefined {
  const dialog = dialogs[(who * 7) % Math.max(1, dialogs.length)]
  switch (what) {
    case 'subscribe':
    case 'fetch': {
      const { input, touched } = asks(run, who, handling, isHidden, what === 'fetch' ? 0 : 60 + who)
      dialogs.push(input)
      return touched
    }
    case 'refused':
      return asks(run, who, 'block', isHidden).touched
    case 'leave':
      return dialog && run.do(resubscribe(dialog, { policy: undefined, expiresSeconds: 0, cseq: 100 })).touched
    case 'end':
      return dialog && run.do({ kind: 'end', subscriptionId: dialog.newTag, reason: 'giveup', silent: true }).touched
    case 'rules': {
      // One of four says something else.
      const policy = {
        decide: (watcher: WatcherIdentity) => {
          const isOne = 'identities' in watcher && watcher.identities[0]?.startsWith(`sip:w${who}@`)
          return plainDecision(isOne ? handling : (HANDLINGS[who % 3] ?? 'allow'))
        },
      }
      return run.do({ kind: 'policy', policy, impus: [ALICE] }).touched
    }
    case 'wait':
      run.nowMs += who === 9 ? 260_000_000 : who * 10_000
      return run.do({ kind: 'expire' }).touched
  }
}

function asks(run: ActorRun, who: number, handling: SubHandling, isHidden: boolean, expiresSeconds = 3_600) {
  const watcher = [parseImpu(`sip:w${who}@ims.example.com`)]
  const policy = { decide: () => plainDecision(handling) }
  const input = subscribe({ watcher, policy, isHidden, expiresSeconds, tellsRefusal: true })
  return { input, touched: run.do(input).touched }
}
