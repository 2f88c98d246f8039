import type { Endpoint } from '../addresses.ts'
import type { RequestNumbers } from './load-messages.ts'
import { branchOf, isResponse, statusOf } from './read-message.ts'
import type { UdpSockets } from './udp-sockets.ts'

/** T1, and Timer F = 64*T1 (RFC 3261 section 17.1.2.2). */
const T1_MS = 500
const T2_MS = 4_000
const TIMER_F_MS = 64 * T1_MS
/** How often it is looked who has waited for too long. */
const LOOK_MS = 10
/** A request of the load is shorter. */
const REQUEST_OCTETS_MAX = 2_048
/** The branch is the slot in front of this many serial numbers. */
const SERIALS = 1e10

/** Answers of the world, in place of a status: nobody answered within Timer F. */
export const NO_ANSWER = 408
const UNAVAILABLE = 503

interface Slot {
  readonly index: number
  readonly octets: Buffer
  length: number
  /** 0 when the slot is free. */
  branch: number
  socket: number
  server: Endpoint
  sentMs: number
  resendMs: number
  resendAfterMs: number
  resendAfterMsMax: number
  isPatient: boolean
  done: ((status: number, response: Buffer | undefined) => void) | undefined
}

/** How a request is sent. */
export interface RequestOptions {
  readonly server: Endpoint
  readonly serial: number
  readonly write: (into: Buffer, numbers: RequestNumbers) => number
  /** Told once, with the final response. */
  readonly done: (status: number, response: Buffer | undefined) => void
  /**
   * Sent again each time this has passed, in place of Timer E's times, and also when the answer was 503: the same
   * request, so that it is carried out once however often it comes.
   */
  readonly resendEachMs?: number
}

/** The requests that are under way: non-INVITE client transactions over UDP (RFC 3261 section 17.1.2), told by a slot. */
export class Requests implements Disposable {
  readonly #sockets: UdpSockets
  readonly #slots: Slot[]
  readonly #free: Slot[]
  readonly #look: NodeJS.Timeout
  /** Requests that were sent again. */
  resent = 0
  /** Responses to nothing that is under way. */
  strays = 0
  /** 503s to requests that went on being sent. */
  refused = 0

  constructor(sockets: UdpSockets, slots: number, fallback: Endpoint) {
    this.#sockets = sockets
    this.#slots = Array.from({ length: slots }, (_, index) => ({
      index,
      octets: Buffer.alloc(REQUEST_OCTETS_MAX),
      length: 0,
      branch: 0,
      socket: index % sockets.ports.length,
      server: fallback,
      sentMs: 0,
      resendMs: 0,
      resendAfterMs: 0,
      resendAfterMsMax: 0,
      isPatient: false,
      done: undefined,
    }))
    this.#free = [...this.#slots].reverse()
    this.#look = setInterval(() => this.#resend(), LOOK_MS)
  }

  /** The moment at which it was sent first comes back, in milliseconds of `performance.now()`. */
  send(o: RequestOptions): number {
    const slot = this.#free.pop()
    if (!slot) throw new RangeError('more is outstanding than there are slots')
    slot.branch = (slot.index + 1) * SERIALS + o.serial
    const port = this.#sockets.ports[slot.socket] ?? 0
    slot.length = o.write(slot.octets, { branch: slot.branch, serial: o.serial, port })
    slot.server = o.server
    slot.done = o.done
    slot.sentMs = performance.now()
    slot.resendAfterMs = o.resendEachMs ?? T1_MS
    slot.resendAfterMsMax = o.resendEachMs ?? T2_MS
    slot.isPatient = o.resendEachMs !== undefined
    slot.resendMs = slot.sentMs + slot.resendAfterMs
    this.#sockets.send(slot.socket, slot.octets, slot.length, slot.server)
    return slot.sentMs
  }

  /** Takes what is a response, and says whether it was one. */
  take(message: Buffer): boolean {
    if (!isResponse(message)) return false
    const branch = branchOf(message)
    const slot = this.#slots[Math.floor(branch / SERIALS) - 1]
    const status = statusOf(message)
    if (!slot?.done || slot.branch !== branch) this.strays += 1
    else if (status === UNAVAILABLE && slot.isPatient) this.refused += 1
    else if (status >= 200) this.#end(slot, status, message)
    return true
  }

  [Symbol.dispose](): void {
    clearInterval(this.#look)
  }

  #end(slot: Slot, status: number, response: Buffer | undefined): void {
    const { done } = slot
    slot.done = undefined
    slot.branch = 0
    this.#free.push(slot)
    done?.(status, response)
  }

  #resend(): void {
    const nowMs = performance.now()
    for (const slot of this.#slots) {
      if (!slot.done || slot.resendMs > nowMs) continue
      if (nowMs - slot.sentMs > TIMER_F_MS) {
        this.#end(slot, NO_ANSWER, undefined)
        continue
      }
      slot.resendAfterMs = Math.min(2 * slot.resendAfterMs, slot.resendAfterMsMax)
      slot.resendMs = nowMs + slot.resendAfterMs
      this.resent += 1
      this.#sockets.send(slot.socket, slot.octets, slot.length, slot.server)
    }
  }
}
