import { closedLoop, type EndOperation, quantilesMs } from '../load/closed-loop.ts'
import { readDigits } from '../load/digits.ts'
import { cseqOf, ifMatchLineOf, serialOf } from '../load/read-message.ts'
import type { LoadReport } from '../load/work.ts'
import { median } from '../report/statistics.ts'
import { writePublish, writeSubscribe } from './access-messages.ts'
import type { AccessNetwork } from './access-network.ts'
import type { AccessUe } from './access-ue.ts'
import type { AccessWork, Ues } from './access-work.ts'

/** A NOTIFY that has not come by then is lost: the Presence Server has given it up, too. */
const TOLD_MS_MAX = 40_000
const CHANGE = Buffer.from('change ')

type LoopReport = Omit<LoadReport, 'resent' | 'repeated'>

interface Subscription {
  readonly watcher: number
  readonly presentity: number
  lastCseq: number
  /** Told of the first NOTIFY. */
  first: (() => void) | undefined
}

/** Watchers who are still to be told of a change. */
interface Change {
  readonly presentity: number
  readonly told: () => void
}

/** Many UEs that register, publish, watch and answer NOTIFYs, and see to it that every answer is right. */
export class AccessLoad {
  readonly #net: AccessNetwork
  readonly #entityTags = new Map<number, Buffer>()
  readonly #subscriptions = new Map<number, Subscription>()
  readonly #watchers = new Map<number, number>()
  readonly #changes = new Map<number, Change>()
  #serial = 0
  #change = 0
  #repeated = 0
  readonly #wrong: Record<string, number> = {}

  constructor(net: AccessNetwork) {
    this.#net = net
    net.onNotify = (notify, ue) => this.#notified(notify, ue)
  }

  /** Does the work and reports. One at a time. */
  async run(work: AccessWork): Promise<LoadReport> {
    const before = { resent: this.#net.requests.resent, repeated: this.#repeated, wrong: { ...this.#wrong } }
    const report = await this.#do(work)
    const wrong = Object.entries(this.#wrong).map(([why, count]) => [why, count - (before.wrong[why] ?? 0)] as const)
    return {
      ...report,
      failures: { ...report.failures, ...Object.fromEntries(wrong.filter(([, count]) => count > 0)) },
      resent: this.#net.requests.resent - before.resent,
      repeated: this.#repeated - before.repeated,
    }
  }

  #do(work: AccessWork): Promise<LoopReport> {
    switch (work.kind) {
      case 'register':
        return this.#each(work, (ue, end) => {
          ue.register((status, why) => end(status === 200 && !why ? undefined : (why ?? String(status))))
        })
      case 'publish':
        return this.#each(work, (ue, end) => this.#publish(ue, end))
      case 'subscribe':
        return this.#each(work, (ue, end) => {
          const next = work.ues.first + ((ue.user.number - work.ues.first + 1) % work.ues.count)
          this.#subscribe(ue, work.presentity ?? next, end)
        })
      case 'fanout':
        return this.#fanout(work)
    }
  }

  /** A closed loop over UEs, of which each has one operation under way at a time. */
  #each(
    { ues, outstanding, until }: Exclude<AccessWork, { kind: 'fanout' }>,
    start: (ue: AccessUe, end: (failure?: string) => void) => void,
  ): Promise<LoopReport> {
    const idle = idleRing(ues)
    return closedLoop({ outstanding: Math.min(outstanding, ues.count), until }, (end) => {
      const number = idle.take()
      const beginMs = performance.now()
      start(this.#net.ue(number), (failure) => {
        idle.give(number)
        end(failure === undefined ? { latencyMs: performance.now() - beginMs } : { failure })
      })
    })
  }

  /** PUBLISHes; done when it was answered and all watchers were told. */
  #publish(ue: AccessUe, end: (failure?: string) => void, toldOne?: () => void): void {
    const presentity = ue.user.number
    const watchers = this.#watchers.get(presentity) ?? 0
    this.#change += 1
    const change = this.#change
    let left = watchers + 1
    const finish = (failure?: string): void => {
      clearTimeout(timer)
      this.#changes.delete(change)
      end(failure)
    }
    const part = (): void => {
      left -= 1
      if (left === 0) finish()
    }
    const timer = setTimeout(finish, TOLD_MS_MAX, 'not all told')
    this.#changes.set(change, {
      presentity,
      told: () => {
        toldOne?.()
        part()
      },
    })
    this.#request(
      ue,
      (branch) => writePublish(ue.user, ue.granted, { branch, change, ifMatch: this.#entityTags.get(presentity) }),
      (status, response) => {
        const tag = status === 200 && response ? ifMatchLineOf(response) : undefined
        if (tag) this.#entityTags.set(presentity, tag)
        if (tag) part()
        else finish(status === 200 ? 'no entity-tag' : String(status))
      },
    )
  }

  #subscribe(ue: AccessUe, presentity: number, end: (failure?: string) => void): void {
    this.#serial += 1
    const serial = this.#serial
    let left = 2
    const finish = (failure?: string): void => {
      clearTimeout(timer)
      if (failure === undefined) this.#watchers.set(presentity, (this.#watchers.get(presentity) ?? 0) + 1)
      else this.#subscriptions.delete(serial)
      end(failure)
    }
    const part = (): void => {
      left -= 1
      if (left === 0) finish()
    }
    const timer = setTimeout(finish, TOLD_MS_MAX, 'no NOTIFY')
    this.#subscriptions.set(serial, { watcher: ue.user.number, presentity, lastCseq: 0, first: part })
    const { impu } = this.#net.ue(presentity).user
    this.#request(
      ue,
      (branch) => writeSubscribe(ue.user, ue.granted, { branch, serial, presentity: impu }),
      (status) => (status === 200 ? part() : finish(String(status))),
    )
  }

  async #fanout(work: Extract<AccessWork, { kind: 'fanout' }>): Promise<LoopReport> {
    const watchers = this.#watchers.get(work.presentity) ?? 0
    const ue = this.#net.ue(work.presentity)
    const latenciesMs: number[] = []
    const allMs: number[] = []
    const loop = await closedLoop({ outstanding: 1, until: work.until }, (end: EndOperation) => {
      const beginMs = performance.now()
      const sinceMs = (): number => performance.now() - beginMs
      this.#publish(
        ue,
        (failure) => {
          allMs.push(sinceMs())
          end(failure === undefined ? { latencyMs: sinceMs() } : { failure })
        },
        () => latenciesMs.push(sinceMs()),
      )
    })
    return { ...loop, operations: loop.operations * watchers, ...quantilesMs(latenciesMs), allMs: median(allMs) }
  }

  #request(ue: AccessUe, write: (branch: number) => Buffer, done: (status: number, response?: Buffer) => void): void {
    const { requests } = this.#net
    const branch = requests.nextBranch()
    const octets = write(branch)
    requests.start(branch, () => ue.send(octets), done)
  }

  /** A NOTIFY that was answered already. What is in it must be the presentity's newest, and for this watcher. */
  #notified(notify: Buffer, ue: AccessUe): void {
    const subscription = this.#subscriptions.get(serialOf(notify))
    if (!subscription || subscription.watcher !== ue.user.number) {
      this.#isWrong('NOTIFY of no dialog')
      return
    }
    const cseq = cseqOf(notify)
    if (cseq <= subscription.lastCseq) {
      this.#repeated += 1
      return
    }
    subscription.lastCseq = cseq
    const { presentity } = subscription
    if (!notify.includes(`entity="${this.#net.ue(presentity).user.impu}"`)) {
      this.#isWrong('NOTIFY of another')
      return
    }
    if (subscription.first) {
      const { first } = subscription
      subscription.first = undefined
      first()
      return
    }
    const at = notify.indexOf(CHANGE)
    const change = this.#changes.get(at < 0 ? 0 : readDigits(notify, at + CHANGE.length, 10))
    if (change?.presentity === presentity) change.told()
    else this.#isWrong('NOTIFY of an old state')
  }

  #isWrong(why: string): void {
    this.#wrong[why] = (this.#wrong[why] ?? 0) + 1
  }
}

/** UEs that have nothing under way, in turn. */
function idleRing({ first, count }: Ues): { take: () => number; give: (number: number) => void } {
  const idle = Uint32Array.from({ length: count }, (_, i) => first + i)
  let taken = 0
  let given = 0
  return {
    take: () => idle[taken++ % count] ?? first,
    give: (number) => {
      idle[given++ % count] = number
    },
  }
}
