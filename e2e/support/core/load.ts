import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { checkLost, checkOrder, checkTold, checkUntouched, type Look, type Violation } from '../history/check.ts'
import type { TestNetwork } from '../network.ts'
import type { CoreClient } from './core-client.ts'
import { CorePublication, CoreSubscription } from './core-presence.ts'
import { CoreUe } from './core-ue.ts'

/** Who takes part. */
export interface LoadShape {
  /** They publish one state after the other, and each is watched. */
  readonly publishers: number
  readonly watchersEach: number
  /** They subscribe to a publisher and unsubscribe, again and again. */
  readonly visitors: number
  /** They register again and again; only behind a P-CSCF. */
  readonly registrants: number
  /** They published once and are watched; nothing happens to them. */
  readonly idle: number
  /** Between two operations of one of them. */
  readonly pauseMs: number
}

export const FAULT_LOAD: LoadShape = {
  publishers: 16,
  watchersEach: 2,
  visitors: 6,
  registrants: 4,
  idle: 6,
  pauseMs: 25,
}

/** An operation that was refused is tried again after this; what a 503 asks for would take longer than the test. */
const REFUSED_PAUSE_MS = 100
/** So long an operation may take: a process comes back, an election ends. */
const GIVE_UP_MS = 30_000
/** What is durable is told within this when all is well again; a NOTIFY that was refused waits some seconds. */
const TOLD_MS_MAX = 20_000
const POLL_MS = 50
const FAILURES_SPELT_MAX = 20
/** Two watermarks' time (ARCHITECTURE, decision 4). */
const SETTLE_MS = 2_500

/** One who does something again and again, and how often it went well. */
interface Worker {
  readonly name: string
  readonly step: () => Promise<number>
  /** Answers that are part of its life, besides 200. */
  readonly expected: ReadonlySet<number>
  done: number
}

/** Hundreds of operations a second of played UEs, and what must hold of them afterwards. */
export class CoreLoad {
  readonly #network: TestNetwork
  readonly #client: CoreClient
  readonly #shape: LoadShape
  readonly #publications: CorePublication[] = []
  readonly #idle = new Set<string>()
  readonly #standing: CoreSubscription[] = []
  readonly #workers: Worker[] = []
  /** Who looks, at the end. */
  readonly #eye: CoreUe
  /** Answers that no fault explains. */
  readonly surprises: string[] = []
  /** The first operations that were not answered 2xx, with when that was. */
  readonly firstFailures: string[] = []
  /** Operations that were not answered 2xx, by status; 0 for those that nobody answered. */
  readonly failures = new Map<number, number>()
  /** Longest time from a request to its 2xx. */
  slowestMs = 0
  #running: Promise<void>[] = []
  #isStopped = true
  #quietFromMs = 0

  private constructor(network: TestNetwork, client: CoreClient, shape: LoadShape, eye: CoreUe) {
    this.#network = network
    this.#client = client
    this.#shape = shape
    this.#eye = eye
  }

  /** Provisions everybody, registers them, and sets up who watches whom. */
  static async prepare(network: TestNetwork, client: CoreClient, shape: LoadShape = FAULT_LOAD): Promise<CoreLoad> {
    const registrants = client.role === 'pcscf' ? shape.registrants : 0
    const watchers = shape.publishers * shape.watchersEach
    const total = shape.publishers + watchers + shape.visitors + registrants + 2 * shape.idle + 1
    const users = await network.coreUsers(`${client.role}-load`, total, client.role === 'pcscf' ? 0 : 100_000)
    const ues = users.map((user) => new CoreUe(client, user))
    if (client.role === 'pcscf') await Promise.all(ues.map((ue) => must(ue.register(), 'REGISTER')))
    const take = (count: number): CoreUe[] => ues.splice(0, count)
    const [eye] = take(1)
    if (!eye) throw new Error('nobody is there')
    const load = new CoreLoad(network, client, shape, eye)
    const publishers = take(shape.publishers)
    await load.#publish(publishers)
    await load.#watch(take(watchers), publishers)
    const idle = take(shape.idle)
    for (const ue of idle) load.#idle.add(ue.user.impu)
    await load.#publishOnce(idle)
    await load.#watch(take(shape.idle), idle)
    for (const ue of take(shape.visitors)) load.#visit(ue, publishers)
    for (const ue of take(registrants)) load.#register(ue)
    await load.#settle()
    return load
  }

  get client(): CoreClient {
    return this.#client
  }

  get publications(): readonly CorePublication[] {
    return this.#publications
  }

  /** Operations that were answered 2xx. */
  get done(): number {
    return this.#workers.reduce((sum, { done }) => sum + done, 0)
  }

  start(): void {
    this.#isStopped = false
    this.#quietFromMs = performance.now()
    this.failures.clear()
    this.firstFailures.length = 0
    this.slowestMs = 0
    this.#running = this.#workers.map((worker) => this.#run(worker))
  }

  /** Ends after the operations that are under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#running)
  }

  /** Waits until everybody has done `each` more operations. */
  async progress(each: number, timeoutMs: number): Promise<void> {
    const wanted = this.#workers.map(({ done }) => done + each)
    const endMs = performance.now() + timeoutMs
    for (;;) {
      const late = this.#workers.filter(({ done }, i) => done < (wanted[i] ?? 0))
      if (late.length === 0) return
      if (performance.now() > endMs) {
        const names = late.map(({ name, done }) => `${name} (${done} done)`).join(', ')
        throw new Error(
          `waited ${timeoutMs} ms in vain: these go on: ${names}; answers ${JSON.stringify([...this.failures])}`,
        )
      }
      await delay(POLL_MS)
    }
  }

  /**
   * What must hold once the load has stopped and everything runs: nothing lost, nothing twice, the newest state told,
   * nothing told of who is idle.
   */
  async check(): Promise<Violation[]> {
    const { history } = this.#client
    const toMs = performance.now()
    const looks: Look[] = []
    for (const { ue } of this.#publications)
      looks.push({ presentity: ue.user.impu, shows: await this.#look(ue.user.impu) })
    const endMs = performance.now() + TOLD_MS_MAX
    let untold = checkTold(history.events)
    while (untold.length > 0 && performance.now() < endMs) {
      await delay(POLL_MS)
      untold = checkTold(history.events)
    }
    const lost = (detail: string): Violation => ({ rule: 'lost', detail })
    return [
      ...checkLost(history.events, looks),
      ...this.#publications.flatMap(({ losses }) => losses.map(lost)),
      ...this.surprises.map(lost),
      ...untold,
      // What an earlier round found is told there.
      ...checkOrder(history.events).filter(({ at }) => at?.kind === 'notify' && at.atMs >= this.#quietFromMs),
      ...checkUntouched(history.events, { presentities: this.#idle, fromMs: this.#quietFromMs, toMs }),
      ...(await this.#twice()),
    ]
  }

  /** Lets an owner note that the idle ones are told: it does so with what it appends, once a second. */
  async #settle(): Promise<void> {
    const endMs = performance.now() + SETTLE_MS
    this.start()
    while (performance.now() < endMs) await this.progress(1, SETTLE_MS)
    await this.stop()
  }

  /** Nothing was made twice: a request that came again got the first answer, also across a crash. */
  async #twice(): Promise<Violation[]> {
    const violations: Violation[] = []
    for (const { ue, anew } of this.#publications) {
      const { publications } = await this.#network.operator.getPresentity(ue.user.impu)
      if (publications.length <= anew) continue
      const detail = `${ue.user.impu} has ${publications.length} publications, ${anew} were made`
      violations.push({ rule: 'lost', detail })
    }
    return violations
  }

  /** What somebody sees who has not watched before. */
  async #look(presentity: string): Promise<number | undefined> {
    const endMs = performance.now() + GIVE_UP_MS
    for (;;) {
      const { subscription, status } = await CoreSubscription.open(this.#eye, presentity, { expires: 0 })
      if (status === 200) {
        while (!subscription.isTerminated && performance.now() < endMs) await delay(5)
        return subscription.shows
      }
      if (performance.now() > endMs) throw new Error(`nobody can look at ${presentity}: ${status}`)
      await delay(REFUSED_PAUSE_MS)
    }
  }

  async #publish(ues: readonly CoreUe[]): Promise<void> {
    for (const ue of ues) {
      const publication = new CorePublication(ue)
      this.#publications.push(publication)
      this.#add(`${ue.user.name} publishes`, () => publication.publish({ giveUpMs: GIVE_UP_MS }), [412])
      await must(publication.publish(), 'PUBLISH')
    }
  }

  async #publishOnce(ues: readonly CoreUe[]): Promise<void> {
    for (const ue of ues) await must(new CorePublication(ue).publish(), 'PUBLISH')
  }

  async #watch(watchers: readonly CoreUe[], presentities: readonly CoreUe[]): Promise<void> {
    for (const [i, ue] of watchers.entries()) {
      const presentity = presentities[i % presentities.length]
      if (!presentity) return
      const { subscription, status } = await CoreSubscription.open(ue, presentity.user.impu)
      if (status !== 200) throw new Error(`SUBSCRIBE was answered ${status}`)
      this.#standing.push(subscription)
      while (subscription.shows === undefined) await delay(2)
    }
  }

  #visit(ue: CoreUe, publishers: readonly CoreUe[]): void {
    let visited = 0
    let open: CoreSubscription | undefined
    let isSure = true
    const step = async (): Promise<number> => {
      if (open) {
        const left = await open.leave({ giveUpMs: GIVE_UP_MS })
        // A dialog that was left, though the answer did not come, is not known any more.
        if (left === 481 && isSure) this.surprises.push(`${ue.user.name} left a dialog that was answered 200: 481`)
        isSure = left === 200 || left === 481
        if (isSure) open = undefined
        return left
      }
      const presentity = publishers[visited++ % publishers.length]
      if (!presentity) throw new Error('nobody is there to visit')
      const { subscription, status } = await CoreSubscription.open(ue, presentity.user.impu, { giveUpMs: GIVE_UP_MS })
      if (status === 200) open = subscription
      return status
    }
    this.#add(`${ue.user.name} visits`, step, [481])
  }

  #register(ue: CoreUe): void {
    // While replicas are in doubt whose it is, what one challenged comes to the other.
    const step = async (): Promise<number> => (await ue.register({ giveUpMs: GIVE_UP_MS }))?.status ?? 0
    this.#add(`${ue.user.name} registers`, step, [401])
  }

  #add(name: string, step: () => Promise<number>, expected: readonly number[]): void {
    this.#workers.push({ name, step, expected: new Set(expected), done: 0 })
  }

  async #run(worker: Worker): Promise<void> {
    while (!this.#isStopped && !this.#client.isClosed) {
      const beginMs = performance.now()
      const status = await worker.step()
      if (status === 200) {
        worker.done += 1
        this.slowestMs = Math.max(this.slowestMs, performance.now() - beginMs)
        await delay(this.#shape.pauseMs)
        continue
      }
      this.failures.set(status, (this.failures.get(status) ?? 0) + 1)
      if (this.firstFailures.length < FAILURES_SPELT_MAX) {
        const [beganMs, tookMs] = [beginMs - this.#quietFromMs, performance.now() - beginMs].map(Math.round)
        this.firstFailures.push(`${worker.name} after ${beganMs} ms: ${status} in ${tookMs} ms`)
      }
      // Nobody answered, or a node was away: everything else says that something is forgotten.
      const isExplained = status === 0 || status >= 500 || status === 408 || worker.expected.has(status)
      if (!isExplained) this.surprises.push(`${worker.name} was answered ${status}`)
      await delay(REFUSED_PAUSE_MS)
    }
  }
}

async function must(step: Promise<number | { readonly status: number } | undefined>, what: string): Promise<void> {
  const answer = await step
  const status = typeof answer === 'object' ? answer.status : (answer ?? 0)
  if (status !== 200) throw new Error(`${what} was answered ${status}`)
}
