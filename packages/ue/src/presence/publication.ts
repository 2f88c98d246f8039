import { type Impu, RollcallError, type Timer } from '@rollcall/core'
import { entityTag, expires, minExpires, type SipResponse } from '@rollcall/sip'
import { isSuccess, isTransient, readAnswer, refusalOf, retryAfterMs } from '../answer.ts'
import { MalformedAnswerError, PublicationEndedError, PublicationRefusedError } from '../errors.ts'
import { SerialQueue } from '../serial-queue.ts'
import { type Agent, createInitialRequest, newCallNames } from './agent.ts'

/** What to publish. */
export interface PublishOptions {
  readonly body: Buffer
  /** `application/pidf+xml` unless said otherwise. */
  readonly contentType?: string
  /** `presence` unless said otherwise. */
  readonly eventPackage?: string
  readonly expiresSeconds?: number
  /** Our own identity unless said otherwise; another's is refused by the network. */
  readonly presentity?: Impu
  /** Entity-tag of an earlier publication that this one takes the place of, if the network still knows it. */
  readonly replaces?: string
}

type Operation = 'initial' | 'modify' | 'refresh' | 'remove'

/** The time between a refresh that failed and the next one, unless the network says another. */
const RETRY_MS = 5_000

/**
 * A publication of event state, kept alive until it is removed.
 *
 * Operations run one after the other, since each 2xx brings the entity-tag that the next one needs.
 *
 * @see RFC 3903 section 4
 */
export class Publication {
  readonly presentity: Impu
  readonly eventPackage: string
  readonly #agent: Agent
  readonly #contentType: string
  readonly #askedSeconds: number
  readonly #serial = new SerialQueue()
  readonly #onEnd: (publication: Publication) => void
  #body: Buffer
  #entityTag: string | undefined
  #expiresAtMs = 0
  #timer: Timer | undefined
  #hasEnded = false

  /** Of use to `Ue` alone. */
  constructor(agent: Agent, o: PublishOptions, onEnd: (publication: Publication) => void) {
    this.#agent = agent
    this.#body = o.body
    this.#contentType = o.contentType ?? 'application/pidf+xml'
    this.#askedSeconds = o.expiresSeconds ?? agent.settings.publicationSeconds
    this.#onEnd = onEnd
    this.#entityTag = o.replaces
    this.eventPackage = o.eventPackage ?? 'presence'
    this.presentity = o.presentity ?? agent.identity
  }

  /**
   * Publishes for the first time.
   *
   * @throws PublicationRefusedError, MalformedAnswerError, and what `Agent.send` throws.
   */
  start(): Promise<void> {
    return this.#serial.run(() =>
      this.#entityTag === undefined ? this.#run('initial') : this.#orAnew(() => this.#run('modify')),
    )
  }

  /** SIP-ETag of the last 2xx. */
  get entityTag(): string | undefined {
    return this.#entityTag
  }

  get expiresAtMs(): number {
    return this.#expiresAtMs
  }

  /** Replaces what was published. @throws PublicationRefusedError with 412 when the network has lost it. */
  modify(body: Buffer): Promise<void> {
    return this.#serial.run(async () => {
      this.#body = body
      await this.#run('modify')
    })
  }

  /** Says that it still holds. @throws PublicationRefusedError with 412 when the network has lost it. */
  refresh(): Promise<void> {
    return this.#serial.run(() => this.#run('refresh'))
  }

  /** Takes it back. Does nothing when that is done. */
  remove(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#hasEnded) return
      await this.#run('remove')
      this.end()
    })
  }

  /** Keeps it alive no longer; at the network it ends by its Expires. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#timer?.cancel()
    this.#onEnd(this)
  }

  async #run(operation: Operation): Promise<void> {
    if (this.#hasEnded) throw new PublicationEndedError()
    let seconds = operation === 'remove' ? 0 : this.#askedSeconds
    let response = await this.#send(operation, seconds)
    const longer = response.status === 423 && seconds > 0 ? readAnswer(() => minExpires(response)) : undefined
    if (longer !== undefined && longer > seconds) {
      seconds = longer
      response = await this.#send(operation, seconds)
    }
    if (!isSuccess(response)) throw new PublicationRefusedError(refusalOf(response))
    if (operation !== 'remove') this.#take(response, seconds)
  }

  #take(response: SipResponse, askedSeconds: number): void {
    const tag = readAnswer(() => entityTag(response, 'SIP-ETag'))
    const granted = readAnswer(() => expires(response)) ?? askedSeconds
    if (tag === undefined) throw new MalformedAnswerError('the 200 to a PUBLISH has no SIP-ETag')
    this.#entityTag = tag
    this.#expiresAtMs = this.#agent.clock.now() + granted * 1000
    if (granted > 0) this.#refreshAfter((granted * 1000) / 2)
  }

  #send(operation: Operation, seconds: number): Promise<SipResponse> {
    const headers: [string, string][] = [
      ['Event', this.eventPackage],
      ['Expires', String(seconds)],
    ]
    if (operation !== 'initial' && this.#entityTag !== undefined) headers.push(['SIP-If-Match', this.#entityTag])
    const hasBody = operation === 'initial' || operation === 'modify'
    if (hasBody) headers.push(['Content-Type', this.#contentType])
    const request = createInitialRequest(this.#agent, {
      method: 'PUBLISH',
      uri: this.presentity,
      names: newCallNames(this.#agent.random),
      cseq: 1,
      headers,
      ...(hasBody ? { body: this.#body } : {}),
    })
    return this.#agent.send(request, { isInitial: true })
  }

  #refreshAfter(delayMs: number): void {
    this.#timer?.cancel()
    if (!this.#agent.settings.refreshes || this.#hasEnded) return
    this.#timer = this.#agent.clock.setTimer(delayMs, () => void this.#refreshByItself())
  }

  async #refreshByItself(): Promise<void> {
    try {
      await this.#serial.run(() => this.#orAnew(() => this.#run('refresh')))
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      if (this.#hasEnded) return
      if (isTransient(error)) this.#refreshAfter(retryAfterMs(error, RETRY_MS))
      else this.end()
      this.#agent.refreshFailed('publication', error)
    }
  }

  /** A lost entity-tag is never tried again: what it stood for is published anew (RFC 3903 section 4.3). */
  async #orAnew(operation: () => Promise<void>): Promise<void> {
    try {
      await operation()
    } catch (error) {
      if (!(error instanceof PublicationRefusedError) || error.status !== 412) throw error
      await this.#run('initial')
    }
  }
}
