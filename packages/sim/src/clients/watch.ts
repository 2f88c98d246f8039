import type { Impu } from '@rollcall/core'
import type { Chance } from '../chance.ts'
import type { Context } from '../context.ts'
import type { SimAnswer } from '../requests.ts'
import type { Caller } from './caller.ts'

const EXPIRES_SECONDS_MAX = 25
const EXPIRES_SECONDS_LONG = 80_000

/** A NOTIFY as it comes. */
export interface Notified {
  readonly presentity: string
  readonly dialog: string
  readonly subscriptionId: string
  readonly cseq: number
  readonly body: string | undefined
  readonly isLast: boolean
}

/** One dialog, as its watcher knows it. */
interface Dialog {
  readonly name: string
  subscriptionId: string | undefined
  cseq: number
  lastCseq: number
  lastBody: string | undefined
  /** Until then it surely lasts if all goes well, by true time. */
  lastsUntilMs: number
  /** Nobody knows what became of a request in it. */
  isDoubtful: boolean
}

/** One watcher's interest in one presentity: one dialog after the other. */
export class Watch {
  readonly presentity: Impu
  readonly #context: Context
  readonly #chance: Chance
  readonly #caller: Caller
  readonly #watcher: Impu
  #dialog: Dialog | undefined
  #serial = 0
  #isAsleep = false

  constructor(o: { context: Context; chance: Chance; caller: Caller; watcher: Impu; presentity: Impu }) {
    this.#context = o.context
    this.#chance = o.chance
    this.#caller = o.caller
    this.#watcher = o.watcher
    this.presentity = o.presentity
  }

  start(): void {
    this.#rest(50, 2_000)
  }

  /** Subscribes once, for long, and nothing more. */
  startOnce(): void {
    this.#isAsleep = true
    this.#subscribe(EXPIRES_SECONDS_LONG)
  }

  sleep(): void {
    this.#isAsleep = true
  }

  get dialog(): { readonly name: string; readonly lastBody: string | undefined } | undefined {
    return this.#dialog
  }

  /** Answers a NOTIFY of its dialogs. */
  notified({ dialog, subscriptionId, cseq, body, isLast }: Notified): number {
    const known = this.#dialog
    if (known?.name !== dialog || (known.subscriptionId ?? subscriptionId) !== subscriptionId) return 481
    if (cseq === known.lastCseq) return 200
    // RFC 3261 section 12.2.2: out of order.
    if (cseq < known.lastCseq) return 500
    known.subscriptionId = subscriptionId
    known.lastCseq = cseq
    known.lastBody = body
    if (isLast) this.#dialog = undefined
    return 200
  }

  #rest(lowMs: number, highMs: number): void {
    this.#context.world.setTimer(this.#chance.between(lowMs, highMs), () => !this.#isAsleep && this.#act())
  }

  #act(): void {
    const known = this.#dialog
    const expiresSeconds = 2 + this.#chance.below(EXPIRES_SECONDS_MAX)
    if (!known) this.#subscribe(expiresSeconds)
    else if (known.subscriptionId === undefined) this.#rest(500, 3_000)
    else this.#resubscribe(known, known.subscriptionId, this.#chance.inThousand(200) ? 0 : expiresSeconds)
  }

  #subscribe(expiresSeconds: number): void {
    this.#serial += 1
    const sinceMs = this.#context.world.monotonic()
    const known: Dialog = {
      name: `${this.#watcher}>${this.presentity}.${this.#serial}`,
      subscriptionId: undefined,
      cseq: 1,
      lastCseq: -1,
      lastBody: undefined,
      lastsUntilMs: sinceMs + expiresSeconds * 1_000,
      isDoubtful: false,
    }
    this.#dialog = known
    const asked = { kind: 'subscribe', watcher: this.#watcher, dialog: known.name, expiresSeconds } as const
    this.#caller.call(this.presentity, asked, (answer) => {
      if (answer?.status === 200) known.subscriptionId = answer.toTag
      else this.#forget(known)
      this.#rest(500, answer?.status === 200 ? 8_000 : 3_000)
    })
  }

  #resubscribe(known: Dialog, subscriptionId: string, expiresSeconds: number): void {
    const before = { ...known }
    const sentMs = this.#context.world.monotonic()
    known.cseq += 1
    known.isDoubtful = true
    const { name: dialog, cseq } = known
    const asked = {
      kind: 'resubscribe',
      watcher: this.#watcher,
      dialog,
      subscriptionId,
      expiresSeconds,
      cseq,
    } as const
    this.#caller.call(this.presentity, asked, (answer) => {
      this.#resubscribed(known, before, answer, { sentMs, expiresSeconds })
      this.#rest(500, 6_000)
    })
  }

  #resubscribed(
    known: Dialog,
    before: Dialog,
    answer: SimAnswer | undefined,
    asked: { sentMs: number; expiresSeconds: number },
  ): void {
    const { sentMs, expiresSeconds } = asked
    switch (answer?.status) {
      case 200:
        known.isDoubtful = false
        known.lastsUntilMs = sentMs + expiresSeconds * 1_000
        if (expiresSeconds === 0) this.#forget(known)
        return
      case 481:
        if (this.#dialog === known && !answer.isOvertaken) this.#checkLost(before)
        this.#forget(known)
        return
      case undefined:
      case 503:
        return
      default:
        this.#forget(known)
    }
  }

  /** The subscription is unknown: it must have run out, or been ended by its owner. */
  #checkLost({ name, isDoubtful, lastsUntilMs }: Dialog): void {
    const { world, clockSlackMs, witness } = this.#context
    const lasts = world.monotonic() + clockSlackMs < lastsUntilMs
    if (!isDoubtful && lasts && !witness.ended.has(name)) witness.fault(`${name} was answered 200, and then 481`)
  }

  #forget(known: Dialog): void {
    if (this.#dialog === known) this.#dialog = undefined
  }
}
