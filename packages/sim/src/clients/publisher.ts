import type { Impu } from '@rollcall/core'
import { writePidf } from '@rollcall/pidf'
import type { Chance } from '../chance.ts'
import type { Context } from '../context.ts'
import type { SimAnswer } from '../requests.ts'
import { Caller } from './caller.ts'

const EXPIRES_SECONDS_MAX = 20
const REST_MS_MAX = 1_500
const EXPIRES_SECONDS_LONG = 80_000
/** What ran out this close to now may be there or not. */
const SLACK_MS = 4_000

/** What may be there of a publication, by what its publisher knows. */
interface Known {
  readonly entityTag: string
  /** Notes of documents of which one is there: the acknowledged one, and those of which nobody knows. */
  readonly notes: readonly string[]
  readonly sinceMs: number
  readonly expiresSeconds: number
  /** Something may have changed or removed it, and nobody knows. */
  readonly isDoubtful: boolean
}

/** One presence user agent: it publishes, refreshes, changes and removes, one request at a time, for ever. */
export class Publisher extends Caller {
  readonly presentity: Impu
  #known: Known | undefined
  #notes = 0
  #isAsleep = false

  constructor(o: { context: Context; name: string; chance: Chance; presentity: Impu }) {
    super(o)
    this.presentity = o.presentity
  }

  start(): void {
    this.#rest()
  }

  /** Asks nothing new. */
  sleep(): void {
    this.#isAsleep = true
  }

  /** Publishes once, for long, and nothing more. */
  publishOnce(): void {
    this.#isAsleep = true
    this.#initial(EXPIRES_SECONDS_LONG)
  }

  /** Notes of which one must be shown now; undefined when nothing must. */
  expected(slackMs: number): readonly string[] | undefined {
    const known = this.#known
    if (!known || known.isDoubtful || this.#mayBeOver(known, slackMs)) return undefined
    return known.notes
  }

  #mayBeOver({ sinceMs, expiresSeconds }: Known, slackMs: number): boolean {
    return this.context.world.monotonic() - sinceMs >= expiresSeconds * 1_000 - SLACK_MS - slackMs
  }

  #rest(): void {
    if (this.#isAsleep) return
    this.context.world.setTimer(this.chance.between(100, REST_MS_MAX), () => !this.#isAsleep && this.#act())
  }

  #act(): void {
    const expiresSeconds = 2 + this.chance.below(EXPIRES_SECONDS_MAX)
    const known = this.#known
    if (!known) this.#initial(expiresSeconds)
    else if (this.chance.inThousand(600)) this.#change(known, expiresSeconds, this.#document())
    else if (this.chance.inThousand(700)) this.#change(known, expiresSeconds, undefined)
    else this.#change(known, 0, undefined)
  }

  #initial(expiresSeconds: number): void {
    const { note, body } = this.#document()
    const sinceMs = this.context.world.monotonic()
    this.call(this.presentity, { kind: 'publish', entityTag: undefined, expiresSeconds, body }, (answer) => {
      const entityTag = answer?.status === 200 ? answer.entityTag : undefined
      if (entityTag !== undefined)
        this.#known = { entityTag, notes: [note], sinceMs, expiresSeconds, isDoubtful: false }
      this.#rest()
    })
  }

  #change(known: Known, expiresSeconds: number, document: { note: string; body: Buffer } | undefined): void {
    const sinceMs = this.context.world.monotonic()
    const body = document?.body ?? Buffer.alloc(0)
    // Until it is answered, either may be there; what it leaves may run out from the moment that it was asked.
    this.#known = { ...known, isDoubtful: true }
    this.call(this.presentity, { kind: 'publish', entityTag: known.entityTag, expiresSeconds, body }, (answer) => {
      this.#known = this.#after(known, answer, { sinceMs, expiresSeconds, note: document?.note })
      this.#rest()
    })
  }

  #after(
    known: Known,
    answer: SimAnswer | undefined,
    asked: { sinceMs: number; expiresSeconds: number; note: string | undefined },
  ): Known | undefined {
    const { sinceMs, expiresSeconds, note } = asked
    switch (answer?.status) {
      case 200: {
        if (expiresSeconds === 0 || answer.entityTag === undefined) return undefined
        const notes = note === undefined ? known.notes : [note]
        return { entityTag: answer.entityTag, notes, sinceMs, expiresSeconds, isDoubtful: false }
      }
      case 412:
        if (!answer.isOvertaken && !known.isDoubtful && !this.#mayBeOver(known, this.context.clockSlackMs))
          this.context.witness.fault(`${this.name} got 412 for ${known.entityTag}, which was answered 200`)
        return undefined
      default:
        // Nobody knows whether it has landed: its answer would have named the tag that counts now.
        return { ...known, isDoubtful: true }
    }
  }

  #document(): { note: string; body: Buffer } {
    this.#notes += 1
    const note = `${this.name}.${this.#notes}`
    return { note, body: writePidf({ entity: this.presentity, tupleId: 'phone', basic: 'open', note }) }
  }
}
