import type { Endpoint } from '../addresses.ts'
import { median } from '../report/statistics.ts'
import { closedLoop, type EndOperation, quantilesMs } from './closed-loop.ts'
import { Dialogs } from './dialogs.ts'
import { PublishMessages, SubscribeMessages } from './load-messages.ts'
import { probe } from './probe.ts'
import { cseqOf, ifMatchLineOf, isNotify, serialOf, writeOk } from './read-message.ts'
import { Requests } from './requests.ts'
import { UdpSockets } from './udp-sockets.ts'
import type { FanoutWork, LoadReport, NotifiedReport, ProbeReport, PublishWork, SubscribeWork, Work } from './work.ts'

/** Bursts of NOTIFYs are spread over these. */
const SOCKETS = 8
const SLOTS = 1_024
/** Serial numbers below are dialogs'. */
const PUBLISH_SERIALS_FROM = 5e9
/** A NOTIFY of the load is shorter. */
const ANSWER_OCTETS_MAX = 4_096
/** A fan-out, or a first NOTIFY, that is not complete by then is a failure: the server has given up on repeating, too. */
const NOTIFIED_MS_MAX = 40_000

/** Watchers who must be told, and when they were. */
interface Waiting {
  left: number
  readonly told: (atMs: number) => void
}

/** A SIP user agent of many watchers and presentities that costs next to nothing. */
export class Load implements Disposable {
  readonly #sockets: UdpSockets
  readonly #requests: Requests
  readonly #publishMessages: PublishMessages
  readonly #subscribeMessages: SubscribeMessages
  readonly #dialogs = new Dialogs()
  readonly #entityTags = new Map<number, Buffer>()
  readonly #refused = new Set<number>()
  readonly #answer = Buffer.alloc(ANSWER_OCTETS_MAX)
  readonly #firstNotifies = new Map<number, () => void>()
  readonly #fanouts = new Map<number, Waiting>()
  #notified = new Map<number, number>()
  #publishSerial = PUBLISH_SERIALS_FROM

  private constructor(sockets: UdpSockets, address: string, run: string) {
    this.#sockets = sockets
    this.#requests = new Requests(sockets, SLOTS, { address, port: 9 })
    this.#publishMessages = new PublishMessages(address, run)
    this.#subscribeMessages = new SubscribeMessages(address, run)
    sockets.onMessage((message, socket, port, from) => {
      if (!this.#requests.take(message) && isNotify(message)) this.#notify(message, socket, { address: from, port })
    })
  }

  static async open(address: string, run: string): Promise<Load> {
    return new Load(await UdpSockets.open(address, SOCKETS), address, run)
  }

  /** Does the work and reports. One at a time. */
  async run(work: Work): Promise<LoadReport | ProbeReport | NotifiedReport> {
    switch (work.kind) {
      case 'publish':
        return await this.#counted(() => this.#publishAll(work))
      case 'subscribe':
        return await this.#counted(() => this.#subscribeAll(work))
      case 'fanout':
        return await this.#counted(() => this.#fanout(work))
      case 'probe':
        return await probe(work, (presentity, o, done) => this.#publish(work.server, presentity, done, o.resendEachMs))
      case 'notified':
        return this.#takeNotified()
    }
  }

  [Symbol.dispose](): void {
    this.#requests[Symbol.dispose]()
    this.#sockets[Symbol.dispose]()
  }

  async #counted(run: () => Promise<Omit<LoadReport, 'resent' | 'repeated'>>): Promise<LoadReport> {
    const before = { resent: this.#requests.resent, repeated: this.#dialogs.repeated }
    const report = await run()
    return {
      ...report,
      resent: this.#requests.resent - before.resent,
      repeated: this.#dialogs.repeated - before.repeated,
    }
  }

  #publishAll({ server, presentities, outstanding, until }: PublishWork) {
    if (outstanding > presentities.count) throw new RangeError('more is outstanding than there are presentities')
    // A presentity has one PUBLISH under way at a time, as its user agent would: a ring of those that are idle.
    const idle = Uint32Array.from({ length: presentities.count }, (_, i) => presentities.first + i)
    let taken = 0
    let given = 0
    return closedLoop({ outstanding, until }, (end) => {
      const presentity = idle[taken++ % idle.length] ?? 0
      const sentMs = this.#publish(server, presentity, (status) => {
        idle[given++ % idle.length] = presentity
        end(status === 200 ? { latencyMs: performance.now() - sentMs } : { failure: String(status) })
      })
    })
  }

  #subscribeAll({ server, presentities, outstanding, until }: SubscribeWork) {
    let started = 0
    return closedLoop({ outstanding, until }, (end) => {
      const presentity = presentities.first + (started++ % presentities.count)
      this.#subscribe(server, presentity, end)
    })
  }

  #subscribe(server: Endpoint, presentity: number, end: EndOperation): void {
    const serial = this.#dialogs.open(presentity)
    let left = 2
    const half = (): void => {
      left -= 1
      if (left > 0) return
      clearTimeout(timer)
      end({ latencyMs: performance.now() - sentMs })
    }
    const fail = (failure: string): void => {
      clearTimeout(timer)
      this.#firstNotifies.delete(serial)
      this.#dialogs.refused(serial)
      end({ failure })
    }
    const timer = setTimeout(fail, NOTIFIED_MS_MAX, 'no NOTIFY')
    this.#firstNotifies.set(serial, half)
    const sentMs = this.#requests.send({
      server,
      serial,
      write: (into, numbers) => this.#subscribeMessages.write(into, presentity, numbers),
      done: (status) => (status === 200 || status === 202 ? half() : fail(String(status))),
    })
  }

  async #fanout({ server, presentity, until }: FanoutWork) {
    const watchers = this.#dialogs.watchersOf(presentity)
    const latenciesMs: number[] = []
    const allMs: number[] = []
    const loop = await closedLoop({ outstanding: 1, until }, (end) => {
      let left = watchers + 1
      const part = (): void => {
        left -= 1
        if (left > 0) return
        clearTimeout(timer)
        this.#fanouts.delete(presentity)
        allMs.push(performance.now() - sentMs)
        end({ latencyMs: performance.now() - sentMs })
      }
      const fail = (failure: string): void => {
        clearTimeout(timer)
        this.#fanouts.delete(presentity)
        end({ failure })
      }
      const timer = setTimeout(fail, NOTIFIED_MS_MAX, 'not all told')
      this.#fanouts.set(presentity, {
        left: watchers,
        told: (atMs) => {
          latenciesMs.push(atMs - sentMs)
          part()
        },
      })
      const sentMs = this.#publish(server, presentity, (status) => (status === 200 ? part() : fail(String(status))))
    })
    return { ...loop, operations: loop.operations * watchers, ...quantilesMs(latenciesMs), allMs: median(allMs) }
  }

  #publish(server: Endpoint, presentity: number, done: (status: number) => void, resendEachMs?: number): number {
    return this.#requests.send({
      server,
      serial: this.#publishSerial++,
      write: (into, numbers) =>
        this.#publishMessages.write(into, presentity, numbers, this.#entityTags.get(presentity)),
      done: (status, response) => {
        this.#noteEntityTag(presentity, status, response)
        done(status)
      },
      ...(resendEachMs === undefined ? {} : { resendEachMs }),
    })
  }

  /**
   * Refused once (412), a modification is tried again: Kamailio answers before its transaction commits, so the next one
   * may come too early. Refused twice, the server does not know the publication (any more).
   */
  #noteEntityTag(presentity: number, status: number, response: Buffer | undefined): void {
    const line = response && status === 200 ? ifMatchLineOf(response) : undefined
    if (line) {
      this.#entityTags.set(presentity, line)
      this.#refused.delete(presentity)
    } else if (status === 412) {
      if (this.#refused.delete(presentity)) this.#entityTags.delete(presentity)
      else this.#refused.add(presentity)
    }
  }

  #notify(message: Buffer, socket: number, from: Endpoint): void {
    this.#sockets.send(socket, this.#answer, writeOk(this.#answer, message), from)
    const serial = serialOf(message)
    const presentity = this.#dialogs.notified(serial, cseqOf(message))
    if (presentity === undefined) return
    const first = this.#firstNotifies.get(serial)
    if (first) {
      this.#firstNotifies.delete(serial)
      first()
      return
    }
    this.#notified.set(presentity, (this.#notified.get(presentity) ?? 0) + 1)
    const waiting = this.#fanouts.get(presentity)
    if (waiting && waiting.left > 0) {
      waiting.left -= 1
      waiting.told(performance.now())
    }
  }

  #takeNotified(): NotifiedReport {
    const byPresentity = [...this.#notified]
    this.#notified = new Map()
    return {
      byPresentity,
      total: byPresentity.reduce((sum, [, notifies]) => sum + notifies, 0),
      repeated: this.#dialogs.repeated,
    }
  }
}
