import type { Clock } from '@rollcall/core'
import type { Counter, GaugeHandle, Metrics } from '../metrics.ts'
import type { Role } from '../roles.ts'
import { Deadlines } from './deadlines.ts'
import { createEnvelope } from './envelope.ts'
import type { ForwardFailure, ForwardRequest, PartitionPlace } from './forward-request.ts'
import type { HopPeerSender } from './peers.ts'
import type { HopResult } from './result.ts'
import { type Routed, RoutedRequests } from './routed-requests.ts'

/** A hand-over takes a fraction of a second, a take-over from a lost replica two to three. */
const PARK_MS = 4_000
/** At the receiver of a forwarded request: the sender looks again meanwhile better than this one waits. */
const FORWARDED_PARK_MS = 1_000
const PARKED_MAX = 10_000
const PARKED_OCTETS_MAX = 64 * 1024 * 1024
/** A replica that was away, or did not serve it, is asked again after 50, 100, 200 … ms, if nobody tells of a change. */
const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 800
/**
 * Of a request that is at one replica while its partition has gone to another: an owner that hands over in peace answers
 * what it has within this time; one that hangs, or was cut off, never does.
 */
const LEFT_BEHIND_MS = 500
/** So much earlier than the sender this one stops waiting, so that its answer still finds it. */
const SLACK_MS = 250
const DEADLINE_MS_MIN = 100

export interface ReplicaForwarderOptions {
  /** Of this service. */
  readonly role: Role
  readonly peers: HopPeerSender
  readonly clock: Clock
  readonly metrics: Metrics
  readonly whereIs: (partition: number) => PartitionPlace
  /** Calls back whenever a partition may have changed its place, until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void
  /** How long a request waits for its partition in all. */
  readonly parkMs?: number
  /** Requests that wait at once. */
  readonly parkedMax?: number
}

/**
 * Brings a request to the replica that owns its partition: it is served here, or forwarded once, or it waits while the
 * partition changes hands. Who gets a forwarded request and does not own the partition says so (`misdirected`), and the
 * first replica looks again.
 *
 * @see ARCHITECTURE, decision 11
 */
export class ReplicaForwarder implements Disposable {
  readonly #o: ReplicaForwarderOptions
  readonly #parkMs: number
  readonly #parkedMax: number
  readonly #deadlines: Deadlines<Routed>
  readonly #parked = new RoutedRequests()
  /** What was forwarded and not answered. */
  readonly #sent = new RoutedRequests()
  readonly #byBranch = new Map<string, Routed>()
  readonly #forget: () => void
  readonly #gauge: GaugeHandle
  readonly #answered: Counter
  #parkedCount = 0
  #parkedOctets = 0

  constructor(o: ReplicaForwarderOptions) {
    this.#o = o
    this.#parkMs = o.parkMs ?? PARK_MS
    this.#parkedMax = o.parkedMax ?? PARKED_MAX
    this.#deadlines = new Deadlines(o.clock, (routed) => this.#lookAgain(routed))
    this.#forget = o.onChange(() => this.#changed())
    this.#gauge = o.metrics.gauge('rollcall_hop_parked', {}, () => this.#parkedCount)
    this.#answered = o.metrics.counter('rollcall_hop_forwarded_total', { outcome: 'response' })
  }

  /** Requests that wait for their partition. */
  get parked(): number {
    return this.#parkedCount
  }

  /** Serves, forwards or parks a request. `here` may be called before this returns, the others never are. */
  route(request: ForwardRequest): void {
    const place = this.#o.whereIs(request.partition)
    if (place.kind === 'here') {
      request.here()
      return
    }
    const known = this.#byBranch.get(request.branch)
    if (known) {
      this.#join(known, request)
      return
    }
    const routed = this.#routed(request)
    this.#byBranch.set(request.branch, routed)
    this.#go(routed, place)
  }

  /** Gives up everything that waits, and listens no more. */
  [Symbol.dispose](): void {
    this.#forget()
    for (const [, waiting] of this.#parked.entries()) for (const routed of waiting) this.#fail(routed, routed.why)
    this.#deadlines.clear()
    this.#gauge.release()
  }

  #routed(request: ForwardRequest): Routed {
    const nowMs = this.#o.clock.monotonic()
    const dueMs = nowMs + request.deadlineMs - SLACK_MS
    const parkMs = request.envelope.forwarded ? Math.min(FORWARDED_PARK_MS, this.#parkMs) : this.#parkMs
    return {
      request,
      again: [],
      giveUpAtMs: Math.min(nowMs + parkMs, dueMs),
      dueMs,
      retryMs: RETRY_MS_MIN,
      isParked: false,
      isEnded: false,
      isWatched: false,
      sentTo: new Set(),
      target: '',
      why: request.envelope.forwarded ? 'second-forward' : 'moving',
      tick: 0,
    }
  }

  #join(routed: Routed, request: ForwardRequest): void {
    // Two requests with one branch are somebody's mistake: the second must not get the answer to the first.
    // guard: same-branch — another request with the same branch must not get the first one’s answer
    if (routed.request.sip.equals(request.sip)) routed.again.push(request)
    else this.#refuse(request, 'no-peer')
  }

  #go(routed: Routed, place: PartitionPlace): void {
    switch (place.kind) {
      case 'here':
        this.#end(routed)
        for (const arrival of arrivals(routed)) arrival.here()
        return
      case 'at':
        // Whoever holds it has said so before it served: that it is not here is certain, and waiting does not help.
        // guard: second-forward — two replicas that disagree must not send a request round and round
        if (routed.request.envelope.forwarded) this.#fail(routed, 'second-forward')
        else this.#forward(routed, place.member.target)
        return
      case 'moving':
        this.#park(routed, routed.giveUpAtMs)
        return
    }
  }

  #forward(routed: Routed, target: string): void {
    const { request, dueMs } = routed
    const { sip, branch, from } = request
    const envelope = { ...request.envelope, forwarded: true, forwardedRole: from }
    const deadlineMs = Math.max(DEADLINE_MS_MIN, Math.round(dueMs - this.#o.clock.monotonic()))
    const to = { target, role: this.#o.role }
    routed.target = target
    this.#sent.add(routed)
    // It is there already: it went elsewhere, and its partition came back.
    if (routed.sentTo.has(target)) return
    routed.sentTo.add(target)
    this.#o.peers.send(to, { sip, branch, envelope }, (result) => this.#heard(routed, target, result), { deadlineMs })
  }

  #heard(routed: Routed, target: string, result: HopResult): void {
    if (routed.isEnded) return
    if (result.kind !== 'response' || result.status >= 200) routed.sentTo.delete(target)
    const isAnswer = result.kind === 'response' && !result.envelope?.misdirected
    // An answer counts, whoever gives it first. What else an earlier owner says counts no more.
    if (!isAnswer && (routed.isParked || routed.target !== target)) return
    switch (result.kind) {
      case 'response': {
        const { sip, envelope, status } = result
        if (envelope?.misdirected) {
          this.#count('misdirected')
          this.#parkForRetry(routed, 'moving')
          return
        }
        if (status >= 200) {
          this.#answered.add()
          this.#end(routed)
        }
        for (const arrival of arrivals(routed)) arrival.reply(sip, envelope)
        return
      }
      case 'unreachable':
        this.#count(result.kind)
        this.#parkForRetry(routed, 'no-peer')
        return
      case 'timeout':
        this.#count(result.kind)
        this.#fail(routed, 'no-answer')
        return
      default:
        this.#count(result.kind)
        this.#fail(routed, 'no-peer')
    }
  }

  #parkForRetry(routed: Routed, why: ForwardFailure): void {
    const nowMs = this.#o.clock.monotonic()
    routed.why = why
    this.#park(routed, Math.min(routed.giveUpAtMs, nowMs + routed.retryMs))
    routed.retryMs = Math.min(RETRY_MS_MAX, routed.retryMs * 2)
  }

  #park(routed: Routed, untilMs: number): void {
    const leftMs = untilMs - this.#o.clock.monotonic()
    if (leftMs <= 0) {
      this.#fail(routed, routed.why)
      return
    }
    this.#sent.delete(routed)
    this.#unwatch(routed)
    const { sip } = routed.request
    if (this.#parkedCount >= this.#parkedMax || this.#parkedOctets + sip.length > PARKED_OCTETS_MAX) {
      this.#fail(routed, 'parked-full')
      return
    }
    this.#parked.add(routed)
    routed.isParked = true
    this.#parkedCount += 1
    this.#parkedOctets += sip.length
    this.#deadlines.add(routed, leftMs)
  }

  #unpark(routed: Routed): void {
    if (!routed.isParked) return
    routed.isParked = false
    this.#parked.delete(routed)
    this.#parkedCount -= 1
    this.#parkedOctets -= routed.request.sip.length
    this.#deadlines.remove(routed)
  }

  /** Its time to wait is over, or it is time to try again. */
  #lookAgain(routed: Routed): void {
    if (!routed.isParked) {
      this.#leftBehind(routed)
      return
    }
    this.#unpark(routed)
    if (this.#o.clock.monotonic() >= routed.giveUpAtMs) this.#fail(routed, routed.why)
    else this.#go(routed, this.#o.whereIs(routed.request.partition))
  }

  #changed(): void {
    for (const [partition, waiting] of this.#parked.entries()) {
      const place = this.#o.whereIs(partition)
      if (place.kind === 'moving') continue
      for (const routed of waiting) {
        // What one of them does may have changed the place for those behind it.
        if (!routed.isParked) continue
        this.#unpark(routed)
        this.#go(routed, this.#o.whereIs(partition))
      }
    }
    for (const [partition, waiting] of this.#sent.entries()) {
      const place = this.#o.whereIs(partition)
      for (const routed of waiting) if (this.#isElsewhere(routed, place)) this.#watch(routed)
    }
  }

  /** Whether the partition is served where the request is not. */
  #isElsewhere(routed: Routed, place: PartitionPlace): boolean {
    return place.kind === 'here' || (place.kind === 'at' && !routed.sentTo.has(place.member.target))
  }

  #watch(routed: Routed): void {
    if (routed.isWatched) return
    routed.isWatched = true
    this.#deadlines.add(routed, LEFT_BEHIND_MS)
  }

  #unwatch(routed: Routed): void {
    if (routed.isWatched) this.#deadlines.remove(routed)
    routed.isWatched = false
  }

  /** It goes to the new owner, too: whoever answers first, the other one's log knows the request. */
  #leftBehind(routed: Routed): void {
    routed.isWatched = false
    const place = this.#o.whereIs(routed.request.partition)
    if (!this.#isElsewhere(routed, place)) return
    this.#count('left-behind')
    routed.giveUpAtMs = Math.min(this.#o.clock.monotonic() + this.#parkMs, routed.dueMs)
    this.#go(routed, place)
  }

  #fail(routed: Routed, why: ForwardFailure): void {
    this.#end(routed)
    for (const arrival of arrivals(routed)) this.#refuse(arrival, why)
  }

  #refuse(request: ForwardRequest, why: ForwardFailure): void {
    this.#o.metrics.counter('rollcall_hop_unplaced_total', { why }).add()
    const envelope = createEnvelope({ misdirected: request.envelope.forwarded })
    process.nextTick(request.unavailable, why, envelope)
  }

  #end(routed: Routed): void {
    routed.isEnded = true
    this.#unpark(routed)
    this.#unwatch(routed)
    this.#sent.delete(routed)
    this.#byBranch.delete(routed.request.branch)
  }

  #count(outcome: string): void {
    this.#o.metrics.counter('rollcall_hop_forwarded_total', { outcome }).add()
  }
}

function arrivals(routed: Routed): readonly ForwardRequest[] {
  return [routed.request, ...routed.again]
}
