import { type Clock, type Impu, VirtualClock } from '@rollcall/core'
import type { Answer } from '../actor/decision.ts'
import { DEFAULT_TERMS } from '../actor/terms.ts'
import type { AnswerListener, UnavailableReason } from '../partition/answers.ts'
import { AppendLoad } from '../partition/append-load.ts'
import { type Notice, noticeBody } from '../partition/notice.ts'
import type { NotifyOutcome } from '../partition/notify-outcome.ts'
import { PartitionOwner } from '../partition/owner.ts'
import type { CurrentPolicy, OwnedRequest, PartitionLimits } from '../partition/owner-context.ts'
import { SnapshotTurn } from '../partition/snapshot-turn.ts'
import { ALICE, ALICE_TEL, ALICES_POLICY } from './inputs.ts'
import { MemoryLog } from './memory-log.ts'
import { PlayedLease } from './played-lease.ts'

/** A NOTIFY that was sent. */
export interface SentNotify {
  readonly notice: Notice
  readonly cseq: number
  readonly body: string
  readonly mayLeave: () => boolean
  readonly done: (outcome: NotifyOutcome) => void
}

/** What a request heard, in time. */
export interface Heard {
  answer: Answer | undefined
  unavailable: UnavailableReason | undefined
}

/** An owner with everything around it played: the log, the clock, the watchers. */
export class Stage {
  readonly clock: VirtualClock
  readonly log = new MemoryLog()
  readonly lease = new PlayedLease()
  readonly load: AppendLoad
  readonly sent: SentNotify[] = []
  readonly ended: string[] = []
  readonly snapshots: unknown[] = []
  /** What watchers answer at once; undefined: the test answers by `done`. */
  watchers: NotifyOutcome | undefined = 'delivered'
  /** What the next owner is taken with. */
  sole: Promise<void> = Promise.resolve()
  readonly limits: PartitionLimits
  readonly #owners: Clock
  readonly #notifyIntervalMs: number
  #key = 0

  constructor(
    o: {
      readonly limits?: Partial<PartitionLimits>
      readonly notifyIntervalMs?: number
      readonly load?: AppendLoad
      /** What moves time. */
      readonly virtual?: VirtualClock
      /** What the owner goes by; the same, unless told otherwise. */
      readonly clock?: Clock
    } = {},
  ) {
    this.clock = o.virtual ?? new VirtualClock()
    this.#owners = o.clock ?? this.clock
    this.limits = { presentities: 1_000, subscriptions: 100_000, bodyOctets: 10_000_000, ...o.limits }
    this.#notifyIntervalMs = o.notifyIntervalMs ?? 0
    this.load = o.load ?? new AppendLoad()
  }

  async own(): Promise<PartitionOwner> {
    const { lease, load, sole, limits } = this
    const clock = this.#owners
    const owner = await PartitionOwner.take(
      this.log,
      { partition: 3, lease, sole, floor: 0n },
      {
        clock,
        terms: DEFAULT_TERMS,
        limits,
        load,
        snapshots: new SnapshotTurn(),
        notifyGraceMs: 300_000,
        notifyIntervalMs: {
          presence: this.#notifyIntervalMs,
          'presence.winfo': this.#notifyIntervalMs,
          'xcap-diff': this.#notifyIntervalMs,
        },
        sendNotify: (_, notice, cseq, mayLeave, done) => {
          const body = String(noticeBody(notice, cseq - 1, clock.now()) ?? '')
          this.sent.push({ notice, cseq, body, mayLeave, done })
          const outcome = this.watchers
          if (outcome) process.nextTick(() => done(outcome))
        },
        events: {
          expired: () => {},
          ended: (_, __, reason) => void this.ended.push(reason),
          notified: () => {},
          fanOut: () => {},
          snapshot: (_, error) => void this.snapshots.push(error),
        },
      },
    )
    await settled()
    return owner
  }

  /** Hands in a request about alice; the same `key` is the same request. */
  ask(
    owner: PartitionOwner,
    input: OwnedRequest['input'],
    o: { readonly key?: string; readonly presentity?: Impu; readonly policy?: CurrentPolicy } = {},
  ): Heard {
    const heard: Heard = { answer: undefined, unavailable: undefined }
    const listener: AnswerListener = {
      answer: (answer) => {
        heard.answer = answer
      },
      unavailable: (reason) => {
        heard.unavailable = reason
      },
    }
    const branch = o.key ?? `z9hG4bK-${++this.#key}`
    const policy = o.policy ?? { revision: 1n, policy: ALICES_POLICY, impus: [ALICE, ALICE_TEL] }
    const key = { callId: 'call', cseq: 1, branch }
    const presentity = o.presentity ?? ALICE
    owner.request({ presentity, key, traceparent: '', input, policy, decided: () => {} }, listener)
    return heard
  }

  /** Lets time pass, and everything settle that it brings. */
  async pass(ms: number): Promise<void> {
    await settled()
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000))
      await settled()
    }
  }

  /** Takes what was sent so far. */
  take(): SentNotify[] {
    return this.sent.splice(0)
  }
}

/** Resolves when promises and ticks that are due have run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
