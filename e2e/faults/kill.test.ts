import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'
import type { ServiceName } from '@rollcall/deploy/local/stack.ts'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import {
  NoAnswerError,
  NotRegisteredError,
  type Publication,
  PublicationRefusedError,
  type Subscription,
  SubscriptionRefusedError,
  type Ue,
} from '@rollcall/ue'
import { impuOf } from '../story/world.ts'
import { REALM, TestNetwork } from '../support/network.ts'

/** Retransmissions of one request go on for 64*T1: long enough for a process to come back in between. */
const T1_MS = 150
/** Operations before the kill and after the return: enough that the kill falls amid some. */
const OPERATIONS_EACH_SIDE = 15

let network: TestNetwork
let phone: Publisher
let bobPublisher: Publisher
let watcher: Watcher

/** Publishes one state after the other, and remembers which ones were answered 2xx. */
class Publisher {
  readonly ue: Ue
  readonly registrations: () => number
  publication: Publication | undefined
  acknowledged = -1
  attempted = -1
  refused = 0
  unanswered = 0
  anew = 0
  #isStopped = false
  #work: Promise<void> | undefined

  constructor(ue: Ue, registrations: () => number) {
    this.ue = ue
    this.registrations = registrations
  }

  start(): void {
    this.#isStopped = false
    this.#work = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#work
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.attempted += 1
      const body = writePidf({ entity: this.ue.identity, tupleId: 'a', basic: 'open', note: `state ${this.attempted}` })
      try {
        if (this.publication) await this.publication.modify(body)
        else {
          this.publication = await this.ue.publish({ body })
          this.anew += 1
        }
        this.acknowledged = this.attempted
      } catch (error) {
        this.#note(error)
        await pause(100)
      }
    }
  }

  #note(error: unknown): void {
    if (error instanceof PublicationRefusedError && error.status === 412) this.publication = undefined
    else if (error instanceof PublicationRefusedError && error.status === 503) this.refused += 1
    else if (error instanceof NoAnswerError) this.unanswered += 1
    else if (!(error instanceof NotRegisteredError)) throw error
  }
}

/** Subscribes and unsubscribes again and again beside one subscription that stays. */
class Watcher {
  readonly ue: Ue
  accepted = 0
  #isStopped = false
  #work: Promise<void> | undefined

  constructor(ue: Ue) {
    this.ue = ue
  }

  start(): void {
    this.#isStopped = false
    this.#work = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#work
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const subscription = await this.ue.subscribe({ uri: impuOf('carol', REALM) })
        this.accepted += 1
        await subscription.unsubscribe()
      } catch (error) {
        const isExpected =
          error instanceof NoAnswerError ||
          error instanceof NotRegisteredError ||
          (error instanceof SubscriptionRefusedError && [503, 481].includes(error.status))
        if (!isExpected) throw error
        await pause(100)
      }
    }
  }
}

/** Between two attempts of a client that was told to come back later; nothing is synchronised by it. */
async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

async function open(name: 'alice-phone' | 'bob' | 'carol'): Promise<{ ue: Ue; registrations: () => number }> {
  let registrations = 0
  const ue = await network.ue(name, {
    settings: { aliveCheckMs: 1_000 },
    onEvent: (event) => {
      if (event.kind === 'registered') registrations += 1
    },
  })
  await ue.register()
  return { ue, registrations: () => registrations }
}

before(async () => {
  network = await TestNetwork.start({ block: 10, t1Ms: T1_MS })
  const alice = await open('alice-phone')
  phone = new Publisher(alice.ue, alice.registrations)
  const bob = await open('bob')
  bobPublisher = new Publisher(bob.ue, bob.registrations)
  const carol = await open('carol')
  watcher = new Watcher(carol.ue)
})

after(async () => {
  await network?.[Symbol.asyncDispose]()
})

/**
 * Newest state in a notification's document; -1 when there is none. A publisher whose request nobody answered publishes
 * anew, and its earlier publication stands beside until it runs out (RFC 3903 section 4.4).
 */
function stateIn(body: Buffer): number {
  const notes = readPidfSummary(body).tuples.flatMap((tuple) => tuple.notes)
  return Math.max(-1, ...notes.map((note) => Number(/state (\d+)/.exec(String(note))?.[1] ?? -1)))
}

/** Reads notifications until one shows a state that was acknowledged last, or a later one. */
async function shows(subscription: Subscription, atLeast: number): Promise<number> {
  for (;;) {
    const notification = await subscription.next(20_000)
    const state = notification.body.length > 0 ? stateIn(notification.body) : -1
    if (state >= atLeast) return state
  }
}

async function killAndReturn(victim: ServiceName | 'nats'): Promise<void> {
  if (victim === 'nats') {
    await network.stack.nats.kill('SIGKILL')
    await network.stack.nats.start()
    return
  }
  const service = network.stack.service(victim)
  await service.kill('SIGKILL')
  service.spawn()
  await service.ready()
}

for (const victim of ['presence', 'scscf', 'hss', 'nats', 'pcscf'] as const) {
  test(`kill -9 of ${victim} amid PUBLISH and SUBSCRIBE loses nothing answered 2xx and makes nothing twice`, async () => {
    const publishers = [phone, bobPublisher]
    const registrationsBefore = publishers.map((publisher) => publisher.registrations())
    const staying = await watcher.ue.subscribe({ uri: phone.ue.identity })
    const begin = publishers.map((publisher) => publisher.acknowledged)
    const unansweredBefore = publishers.map((publisher) => publisher.unanswered)
    const subscribedBefore = watcher.accepted
    for (const worker of [...publishers, watcher]) worker.start()
    const grown = (from: readonly number[]) => () =>
      publishers.every((publisher, i) => publisher.acknowledged >= (from[i] ?? 0) + OPERATIONS_EACH_SIDE)
    await waitUntil('both publish', grown(begin), 30_000)
    await killAndReturn(victim)
    const atReturn = publishers.map((publisher) => publisher.acknowledged)
    const subscribedAtReturn = watcher.accepted
    await waitUntil(`both publish after the return of ${victim}`, grown(atReturn), 60_000)
    await waitUntil('somebody subscribes again', () => watcher.accepted > subscribedAtReturn, 60_000)
    for (const worker of [...publishers, watcher]) await worker.stop()
    assert.ok(watcher.accepted > subscribedBefore)

    for (const [i, publisher] of publishers.entries()) {
      // Every acknowledged state, or one that came after it, is what a watcher is told.
      const fetched = await watcher.ue.fetch({ uri: publisher.ue.identity })
      const state = stateIn(fetched.body)
      assert.ok(
        state >= publisher.acknowledged && state <= publisher.attempted,
        `told ${state}, acknowledged ${publisher.acknowledged}, attempted ${publisher.attempted}`,
      )
      const presentity = await network.operator.getPresentity(publisher.ue.identity)
      assert.equal(presentity.publications.length, publisher.anew, 'nothing was made twice')
      if (victim === 'pcscf') assert.ok(publisher.registrations() > (registrationsBefore[i] ?? 0), 'registered anew')
      else {
        assert.equal(publisher.registrations(), registrationsBefore[i], 'no UE registers anew')
        assert.equal(publisher.unanswered, unansweredBefore[i], 'a retransmission across the crash is answered')
      }
    }
    // The dialog made before goes on, and tells the newest state.
    await shows(staying, phone.acknowledged)
    await staying.unsubscribe()
    await waitUntil('no dialog is left behind', async () => {
      const presentity = await network.operator.getPresentity(phone.ue.identity)
      return presentity.subscriptions.length === 0
    })
    assert.deepEqual(network.unexpectedEnds, [])
  })
}
