import { setTimeout as delay } from 'node:timers/promises'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import { NoAnswerError, type Publication, PublicationRefusedError, type Ue } from '@rollcall/ue'

/** Between two attempts of a client that was told to come back later; nothing is synchronised by it. */
const AGAIN_MS = 100

/** Publishes one state after the other while parts of the network die, and remembers the newest that was answered 2xx. */
export class PersistentPublisher {
  acknowledged = -1
  attempted = -1
  readonly #ue: Ue
  #publication: Publication | undefined
  #isStopped = false
  #work: Promise<void> | undefined

  constructor(ue: Ue) {
    this.#ue = ue
  }

  start(): void {
    this.#isStopped = false
    this.#work = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#work
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.attempted += 1
      const body = writePidf({
        entity: this.#ue.identity,
        tupleId: 'a',
        basic: 'open',
        note: `state ${this.attempted}`,
      })
      try {
        if (this.#publication) await this.#publication.modify(body)
        else this.#publication = await this.#ue.publish({ body })
        this.acknowledged = this.attempted
      } catch (error) {
        const status = error instanceof PublicationRefusedError ? error.status : undefined
        // What nobody answered may be there all the same: the next one finds another entity-tag (RFC 3903 section 4.4).
        if (status === 412) this.#publication = undefined
        else if (status !== 503 && !(error instanceof NoAnswerError)) throw error
        await delay(AGAIN_MS)
      }
    }
  }
}

/** Newest state in a notification's document; -1 when there is none. */
export function stateIn(body: Buffer): number {
  const notes = readPidfSummary(body).tuples.flatMap((tuple) => tuple.notes)
  return Math.max(-1, ...notes.map((note) => Number(/state (\d+)/.exec(note)?.[1] ?? -1)))
}
