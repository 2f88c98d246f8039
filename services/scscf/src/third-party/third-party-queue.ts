import type { Clock, Impu, Timer } from '@rollcall/core'
import type { FilterCriterion } from '../ifc/filter-criteria.ts'
import type { Occasion } from './third-party-register.ts'

/** A transaction that failed is tried again after 1, 2, 4 … 30 s. */
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 30_000
/** Transactions at once in one partition: a slow application server holds up no more than these. */
const IN_FLIGHT_MAX = 32
/** Application servers that wait to be told, in one partition. */
const SLOTS_MAX = 10_000

/** What an application server is to hear of a set: the newest state, whatever it was told before. */
export interface Wanted {
  readonly criterion: FilterCriterion
  readonly canonicalImpu: Impu
  readonly impu: Impu
  /** When the last contact ends; undefined when there is none any more. */
  readonly expiresAtMs: number | undefined
  /** When it came to be so. */
  readonly toldAtMs: number
  readonly occasion: Occasion | undefined
}

/** How a transaction ended. */
export type ThirdPartyOutcome =
  | 'delivered'
  /** A final answer that no other try would change. */
  | 'refused'
  /** 408, 5xx or no answer. */
  | 'failed'

/** What becomes of something that could not be delivered. */
export type AfterFailure = 'retry' | 'give-up'

export interface ThirdPartyQueueOptions {
  readonly clock: Clock
  /** Sends; `on` is called once and never before this returns. */
  readonly send: (wanted: Wanted, on: (outcome: ThirdPartyOutcome) => void) => void
  /** Whether anything may be told now. */
  readonly isLive: () => boolean
  /** Whether it still matters, `sinceMs` after the first try. */
  readonly afterFailure: (wanted: Wanted, sinceMs: number) => AfterFailure
  readonly onDropped: (wanted: Wanted) => void
}

interface Slot {
  wanted: Wanted
  /** What is under way. */
  sent: Wanted | undefined
  failures: number
  firstMs: number
  timer: Timer | undefined
  isQueued: boolean
}

/**
 * Who is to be told what: one transaction an application server and set at a time, the newest state only. What has been
 * overtaken is never sent again, so that an application server does not hear of an end after a new beginning.
 */
export class ThirdPartyQueue {
  readonly #o: ThirdPartyQueueOptions
  /** By set, then by application server; the oldest first. */
  readonly #sets = new Map<Impu, Map<string, Slot>>()
  readonly #ready: Slot[] = []
  #size = 0
  #inFlight = 0
  #isStopped = false

  constructor(options: ThirdPartyQueueOptions) {
    this.#o = options
  }

  /** Application servers that wait to be told, or are being told. */
  get size(): number {
    return this.#size
  }

  /** Whether there is room for one more transaction. */
  get isIdle(): boolean {
    return this.#ready.length === 0 && this.#inFlight < IN_FLIGHT_MAX
  }

  /** The state of a set changed: this is to be told, and what was to be told before is not any more. */
  put(canonicalImpu: Impu, wanted: readonly Wanted[]): void {
    if (this.#isStopped) return
    const slots = this.#sets.get(canonicalImpu) ?? new Map<string, Slot>()
    const names = new Set(wanted.map(({ criterion }) => criterion.serverName))
    for (const [name, slot] of slots) if (!names.has(name) && !slot.sent) this.#remove(slot)
    for (const one of wanted) this.#want(one)
  }

  /** Tells nothing more. */
  stop(): void {
    this.#isStopped = true
    for (const slots of this.#sets.values()) for (const { timer } of slots.values()) timer?.cancel()
    this.#sets.clear()
    this.#ready.length = 0
    this.#size = 0
  }

  #want(wanted: Wanted): void {
    const { canonicalImpu, criterion } = wanted
    const slots = this.#sets.get(canonicalImpu) ?? new Map<string, Slot>()
    this.#sets.set(canonicalImpu, slots)
    const known = slots.get(criterion.serverName)
    if (known) {
      known.wanted = wanted
      known.failures = 0
      known.firstMs = this.#o.clock.monotonic()
      if (!known.sent) this.#enqueue(known)
      return
    }
    this.#makeRoom()
    const firstMs = this.#o.clock.monotonic()
    const slot: Slot = { wanted, sent: undefined, failures: 0, firstMs, timer: undefined, isQueued: false }
    slots.set(criterion.serverName, slot)
    this.#size += 1
    this.#enqueue(slot)
  }

  /** At the bound the oldest beginning is forgotten: ends matter more, for nobody else tells of them. */
  #makeRoom(): void {
    // guard: third-party-queue-max — an application server that is away must not fill the memory
    if (this.#size < SLOTS_MAX) return
    let oldest: Slot | undefined
    for (const slots of this.#sets.values()) {
      for (const slot of slots.values()) {
        if (slot.sent) continue
        oldest ??= slot
        if (slot.wanted.expiresAtMs === undefined) continue
        this.#drop(slot)
        return
      }
    }
    if (oldest) this.#drop(oldest)
  }

  #drop(slot: Slot): void {
    this.#remove(slot)
    this.#o.onDropped(slot.wanted)
  }

  #remove(slot: Slot): void {
    slot.timer?.cancel()
    const { canonicalImpu, criterion } = slot.wanted
    const slots = this.#sets.get(canonicalImpu)
    if (slots?.get(criterion.serverName) !== slot) return
    slots.delete(criterion.serverName)
    this.#size -= 1
    if (slots.size === 0) this.#sets.delete(canonicalImpu)
  }

  #enqueue(slot: Slot): void {
    slot.timer?.cancel()
    slot.timer = undefined
    if (slot.isQueued) return
    slot.isQueued = true
    this.#ready.push(slot)
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT_MAX) {
      const slot = this.#ready.shift()
      if (!slot) return
      slot.isQueued = false
      if (this.#isThere(slot) && !slot.sent) this.#send(slot)
    }
  }

  #isThere(slot: Slot): boolean {
    return this.#sets.get(slot.wanted.canonicalImpu)?.get(slot.wanted.criterion.serverName) === slot
  }

  #send(slot: Slot): void {
    const { wanted } = slot
    // guard: third-party-lease — whose partition may be another's by now tells nobody who is registered
    if (!this.#o.isLive()) {
      this.#again(slot)
      return
    }
    slot.sent = wanted
    this.#inFlight += 1
    this.#o.send(wanted, (outcome) => {
      this.#inFlight -= 1
      if (!this.#isStopped) this.#ended(slot, wanted, outcome)
      this.#pump()
    })
  }

  #ended(slot: Slot, sent: Wanted, outcome: ThirdPartyOutcome): void {
    slot.sent = undefined
    if (!this.#isThere(slot)) return
    if (slot.wanted !== sent) this.#enqueue(slot)
    else if (outcome !== 'failed') this.#remove(slot)
    else {
      const after = this.#o.afterFailure(sent, this.#o.clock.monotonic() - slot.firstMs)
      // It may have caused something newer to be told.
      if (slot.wanted !== sent) this.#enqueue(slot)
      else if (after === 'retry') this.#again(slot)
      else this.#remove(slot)
    }
  }

  #again(slot: Slot): void {
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(slot.failures, 10))
    slot.failures += 1
    slot.timer = this.#o.clock.setTimer(waitMs, () => this.#enqueue(slot))
  }
}
