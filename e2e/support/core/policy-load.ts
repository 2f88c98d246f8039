import { setTimeout as delay } from 'node:timers/promises'
import { PolicyEffect } from '@rollcall/proto-gen/admin'
import { RpcError } from '@rollcall/runtime'
import type { History } from '../history/history.ts'
import type { TestNetwork } from '../network.ts'
import type { Dice } from '../seeds.ts'
import type { CoreClient } from './core-client.ts'
import { CorePublication, CoreSubscription } from './core-presence.ts'
import { CoreUe } from './core-ue.ts'
import { RulesOverUt } from './rules-over-ut.ts'

/** Presentities whose policy changes all the time, and who watches each. */
const PRESENTITIES = 8
const WATCHERS_EACH = 4
/** Between two states, and two tries of a watcher. */
const PUBLISH_PAUSE_MS = 20
const WATCH_PAUSE_MS = 40
/**
 * Between two changes of one policy: some follow each other closely, and most leave a time in which it is certain who is
 * blocked.
 */
const POLICY_PAUSE_MS_MAX = 1_200
/** Of what a watcher does while it is told, so often it leaves of its own will. */
const LEAVE_PERCENT = 4
/**
 * At so many NOTIFYs a watcher begins to be busy, and answers 503 for a while: what it is to be told waits at the owner, which
 * then has something to say when it is cut off.
 */
const BUSY_PERCENT = 15
const BUSY_MS_MAX = 9_000
const GIVE_UP_MS = 10_000
const POLL_MS = 50

/** One presentity with everybody around it. */
interface Circle {
  readonly publication: CorePublication
  readonly watchers: readonly CoreUe[]
  /** The presentity sets rules itself; without it an operator sets her policy. */
  readonly rules: RulesOverUt | undefined
  /** Changes of its policy that were acknowledged. */
  changes: number
}

/**
 * Presentities that publish all the time while their watchers are blocked and let in again: by an operator, and for every second
 * one by rules that she puts over Ut herself.
 */
export class PolicyLoad implements AsyncDisposable {
  readonly #network: TestNetwork
  readonly #client: CoreClient
  readonly #circles: readonly Circle[]
  #running: Promise<void>[] = []
  #isStopped = true

  private constructor(network: TestNetwork, client: CoreClient, circles: readonly Circle[]) {
    this.#network = network
    this.#client = client
    this.#circles = circles
  }

  static async prepare(network: TestNetwork, client: CoreClient): Promise<PolicyLoad> {
    const users = await network.coreUsers('policy', PRESENTITIES * (1 + WATCHERS_EACH), 300_000)
    const ues = users.map((user) => new CoreUe(client, user))
    const circles: Circle[] = []
    for (let number = 0; number < PRESENTITIES; number++) {
      const [presentity, ...watchers] = ues.splice(0, 1 + WATCHERS_EACH)
      if (!presentity) throw new Error('nobody is there')
      const rules = number % 2 === 0 ? await RulesOverUt.open(network, presentity.user) : undefined
      circles.push({ publication: new CorePublication(presentity), watchers, rules, changes: 0 })
    }
    return new PolicyLoad(network, client, circles)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { rules } of this.#circles) await rules?.[Symbol.asyncDispose]()
  }

  get history(): History {
    return this.#client.history
  }

  get changes(): number {
    return this.#circles.reduce((sum, { changes }) => sum + changes, 0)
  }

  start(dice: Dice): void {
    this.#isStopped = false
    this.#running = this.#circles.flatMap((circle) => [
      this.#publish(circle),
      this.#change(circle, dice),
      ...circle.watchers.map((ue) => this.#watch(ue, circle, dice)),
    ])
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#running)
  }

  /** Waits until each policy has changed `each` more times. */
  async progress(each: number, timeoutMs: number): Promise<void> {
    const wanted = this.#circles.map(({ changes }) => changes + each)
    const endMs = performance.now() + timeoutMs
    while (this.#circles.some(({ changes }, i) => changes < (wanted[i] ?? 0))) {
      if (performance.now() > endMs) {
        const done = this.#circles.map(({ changes }, i) => `${changes} of ${wanted[i]}`).join(', ')
        throw new Error(`waited ${timeoutMs} ms in vain for changes of policies: ${done}`)
      }
      await delay(POLL_MS)
    }
  }

  get #isOn(): boolean {
    return !this.#isStopped && !this.#client.isClosed
  }

  async #publish({ publication }: Circle): Promise<void> {
    while (this.#isOn) {
      await publication.publish({ giveUpMs: GIVE_UP_MS })
      await delay(PUBLISH_PAUSE_MS)
    }
  }

  /** Sets one policy after the other, each until it is acknowledged: before that nobody can say what holds. */
  async #change(circle: Circle, dice: Dice): Promise<void> {
    const { impu } = circle.publication.ue.user
    while (this.#isOn) {
      const blocked = circle.watchers.map(({ user }) => user.impu).filter(() => dice.percent(50))
      const end = this.history.begin({ kind: 'policy', presentity: impu, blocked })
      const isInForce = await (circle.rules ? this.#put(circle.rules, blocked) : this.#set(impu, blocked))
      end(isInForce ? 'ok' : 'unknown')
      if (isInForce) circle.changes += 1
      await delay(dice.between(0, POLICY_PAUSE_MS_MAX))
    }
  }

  /** Gives whether it is in force; false only when the load ended before. */
  async #set(impu: string, block: readonly string[]): Promise<boolean> {
    for (;;) {
      try {
        const policy = { defaultAllow: true, allow: [], block: [...block] }
        const { effect } = await this.#network.operator.setPresencePolicy(impu, policy)
        if (effect !== PolicyEffect.POLICY_EFFECT_IN_FORCE) throw new Error('the HSS tells no Presence Server')
        return true
      } catch (error) {
        if (!(error instanceof RpcError)) throw error
        if (!this.#isOn) return false
      }
      await delay(WATCH_PAUSE_MS)
    }
  }

  /** As `#set`, by rules of the presentity's own. */
  async #put(rules: RulesOverUt, blocked: readonly string[]): Promise<boolean> {
    while (!(await rules.block(blocked))) {
      if (!this.#isOn) return false
      await delay(WATCH_PAUSE_MS)
    }
    return true
  }

  /** Subscribes whenever it is not told, and comes back when it is refused. */
  async #watch(ue: CoreUe, { publication }: Circle, dice: Dice): Promise<void> {
    let open: CoreSubscription | undefined
    while (this.#isOn) {
      if (!open || open.isTerminated) {
        const o = { giveUpMs: GIVE_UP_MS, isBusy: busyAtTimes(dice) }
        const { subscription, status } = await CoreSubscription.open(ue, publication.ue.user.impu, o)
        open = status === 200 ? subscription : undefined
      } else if (dice.percent(LEAVE_PERCENT)) {
        const status = await open.leave({ giveUpMs: GIVE_UP_MS })
        if (status === 200 || status === 481) open = undefined
      }
      await delay(WATCH_PAUSE_MS)
    }
  }
}

/** Whether one is busy now, for whom it may concern. */
function busyAtTimes(dice: Dice): () => boolean {
  let busyUntilMs = 0
  return () => {
    const nowMs = performance.now()
    if (nowMs > busyUntilMs && dice.percent(BUSY_PERCENT)) busyUntilMs = nowMs + dice.between(0, BUSY_MS_MAX)
    return nowMs < busyUntilMs
  }
}
