import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PresencePolicy, plainDecision, type SubHandling } from '@rollcall/policy'
import fc from 'fast-check'
import { ActorRun } from '../testing/actor-run.ts'
import {
  ALICE,
  ALICES_POLICY,
  BOB,
  CAROL,
  NO_BODY,
  pidf,
  publish,
  registration,
  resubscribe,
  subscribe,
} from '../testing/inputs.ts'
import type { PresentityState } from './state.ts'
import type { SubscribeInput } from './subscribe.ts'

const SEED = 3903
const CONFIRM: PresencePolicy = { decide: () => plainDecision('confirm') }
const HANDLINGS: readonly SubHandling[] = ['allow', 'block', 'confirm', 'polite-block']

/** A step of a random life; numbers choose among what is there. */
type Step =
  | { readonly do: 'publish' | 'modify' | 'refresh' | 'remove'; readonly pick: number; readonly seconds: number }
  | { readonly do: 'subscribe' | 'fetch' | 'winfo'; readonly pick: number; readonly seconds: number }
  | { readonly do: 'resubscribe' | 'unsubscribe' | 'end'; readonly pick: number; readonly seconds: number }
  | { readonly do: 'policy' | 'wait' | 'register' | 'deregister'; readonly pick: number; readonly seconds: number }

const steps = fc.array(
  fc.record({
    do: fc.constantFrom<Step['do']>(
      ...(['publish', 'modify', 'refresh', 'remove', 'subscribe', 'fetch', 'winfo'] as const),
      ...(['resubscribe', 'unsubscribe', 'end', 'policy', 'wait', 'wait', 'register', 'deregister'] as const),
    ),
    pick: fc.nat(20),
    seconds: fc.constantFrom(60, 90, 3_600),
  }),
  { minLength: 1, maxLength: 40 },
)

/** What a client may rely on, kept apart from the code under test: tag → when it runs out. */
class Promises {
  readonly publications = new Map<string, number>()
  readonly subscriptions = new Map<string, number>()

  forget(nowMs: number): void {
    for (const map of [this.publications, this.subscriptions]) {
      for (const [key, expiresAtMs] of map) if (expiresAtMs <= nowMs) map.delete(key)
    }
  }
}

test('nothing answered 2xx is lost: what the log gives back is what was promised (decision 002)', () => {
  fc.assert(
    fc.property(steps, (life) => {
      const run = new ActorRun()
      const promised = new Promises()
      const dialogs: SubscribeInput[] = []
      let cseq = 1
      for (const step of life) {
        act(run, promised, dialogs, step, ++cseq)
        run.do({ kind: 'expire' })
        promised.forget(run.nowMs)
        assert.deepEqual([...run.state.publications.keys()].sort(), [...promised.publications.keys()].sort())
        assert.deepEqual([...run.state.subscriptions.keys()].sort(), [...promised.subscriptions.keys()].sort())
        assert.deepEqual(contentsOf(run.reload()), contentsOf(run.state), 'a new owner knows all that the old one knew')
      }
    }),
    { seed: SEED, numRuns: 400 },
  )
})

function contentsOf({ publications, subscriptions, waiting, ...rest }: PresentityState) {
  const lists = { publications, subscriptions, waiting }
  const contents = Object.entries(lists).map(([name, list]) => [name, [...(list?.values() ?? [])]] as const)
  return { ...Object.fromEntries(contents), hasWaiting: waiting !== undefined, ...rest }
}

function act(run: ActorRun, promised: Promises, dialogs: SubscribeInput[], step: Step, cseq: number): void {
  promised.forget(run.nowMs)
  const { pick, seconds } = step
  const tags = [...promised.publications.keys()]
  const entityTag = tags[pick % Math.max(1, tags.length)]
  const dialog = dialogs[pick % Math.max(1, dialogs.length)]
  const untilMs = run.nowMs + seconds * 1_000
  switch (step.do) {
    case 'wait':
      run.nowMs += pick * 10_000
      return
    case 'publish': {
      const input = publish({ expiresSeconds: seconds, body: pidf(`note ${pick}`) })
      if (run.status(input) === 200) promised.publications.set(input.newEntityTag, untilMs)
      else assert.equal(promised.publications.size, 16)
      return
    }
    case 'modify':
    case 'refresh': {
      const body = step.do === 'refresh' ? NO_BODY : pidf('changed')
      const input = publish({ entityTag: entityTag ?? 'never', expiresSeconds: seconds, body })
      assert.equal(run.status(input), entityTag ? 200 : 412)
      if (!entityTag) return
      promised.publications.delete(entityTag)
      promised.publications.set(input.newEntityTag, untilMs)
      return
    }
    case 'remove':
      assert.equal(run.status(publish({ entityTag: entityTag ?? 'never', expiresSeconds: 0 })), entityTag ? 200 : 412)
      if (entityTag) promised.publications.delete(entityTag)
      return
    case 'subscribe':
    case 'fetch':
    case 'winfo': {
      const eventPackage = step.do === 'winfo' ? 'presence.winfo' : 'presence'
      const watcher = step.do === 'winfo' ? [ALICE] : [pick % 2 === 0 ? BOB : CAROL]
      const policy = pick % 3 === 0 ? CONFIRM : ALICES_POLICY
      const input = subscribe({ eventPackage, watcher, policy, expiresSeconds: step.do === 'fetch' ? 0 : seconds })
      assert.equal(run.status(input), 200)
      if (step.do === 'fetch') return
      dialogs.push(input)
      promised.subscriptions.set(input.newTag, untilMs)
      return
    }
    case 'resubscribe':
    case 'unsubscribe': {
      if (!dialog) return
      const isThere = promised.subscriptions.has(dialog.newTag)
      const expiresSeconds = step.do === 'unsubscribe' ? 0 : seconds
      assert.equal(run.status(resubscribe(dialog, { cseq, expiresSeconds })), isThere ? 200 : 481)
      if (!isThere) return
      if (step.do === 'unsubscribe') promised.subscriptions.delete(dialog.newTag)
      else promised.subscriptions.set(dialog.newTag, untilMs)
      return
    }
    case 'end':
      if (!dialog) return
      run.do({ kind: 'end', subscriptionId: dialog.newTag, reason: 'giveup', silent: true })
      promised.subscriptions.delete(dialog.newTag)
      return
    case 'register':
    case 'deregister': {
      const expiresSeconds = step.do === 'register' ? seconds : 0
      assert.equal(run.status(registration({ toldAtMs: run.nowMs, expiresSeconds })), 200)
      return
    }
    case 'policy': {
      const handling = HANDLINGS[pick % HANDLINGS.length] ?? 'allow'
      run.do({ kind: 'policy', policy: { decide: () => plainDecision(handling) }, impus: [ALICE] })
      if (handling !== 'block') return
      for (const { newTag, watcher } of dialogs) if (!watcher.includes(ALICE)) promised.subscriptions.delete(newTag)
      return
    }
  }
}
