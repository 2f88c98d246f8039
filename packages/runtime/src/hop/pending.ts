import type { Clock } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import type { OutboundMessage } from './codec.ts'
import type { Waiting } from './deadlines.ts'
import type { HopResult } from './result.ts'

/** A request for the hop. `branch` is that of its topmost Via, by which its responses find it. */
export interface HopRequest {
  readonly sip: Buffer
  readonly branch: string
  readonly envelope: Envelope
}

/** What a sender may say of a request. */
export interface HopSendOptions {
  /** How long it waits for the final response; 64*T1 when it does not say. */
  readonly deadlineMs?: number
  /**
   * Asked each time that the request is about to be written to a stream: at first, after it has waited in a queue, and
   * when it goes out again. False ends it as `withdrawn`. It must not throw, and must not send.
   */
  readonly mayLeave?: () => boolean
}

/** Where else a request may go when its link loses it. */
export interface Elsewhere<L> {
  /** A link to another target that is there, or may be in a moment. */
  another(than: L): L | undefined
}

/** A request on its way. It is what the batcher sends and the deadlines watch. */
export class Pending<S, L> implements OutboundMessage, Waiting {
  readonly branch: string
  readonly sip: Buffer
  readonly envelope: Envelope
  readonly dueMs: number
  readonly on: (result: HopResult) => void
  readonly mayLeave: (() => boolean) | undefined
  readonly elsewhere: Elsewhere<L> | undefined
  readonly #clock: Clock
  tick = 0
  sends = 0
  isDone = false
  /** The stream that it went out on and that owes its response. */
  stream: S | undefined
  /** Until then it outlasts a peer that cannot be reached. */
  patientUntilMs = Number.NEGATIVE_INFINITY

  constructor(
    request: HopRequest,
    dueMs: number,
    clock: Clock,
    on: (result: HopResult) => void,
    mayLeave: (() => boolean) | undefined,
    elsewhere: Elsewhere<L> | undefined,
  ) {
    this.branch = request.branch
    this.sip = request.sip
    this.envelope = request.envelope
    this.dueMs = dueMs
    this.#clock = clock
    this.on = on
    this.mayLeave = mayLeave
    this.elsewhere = elsewhere
  }

  /** What the receiver may take: read when it goes out, after it has waited here. */
  get deadlineMs(): number {
    return Math.max(1, Math.round(this.dueMs - this.#clock.monotonic()))
  }
}
