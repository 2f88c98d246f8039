import {
  assert,
  type Clock,
  type Impi,
  type Impu,
  type Random,
  RollcallError,
  systemClock,
  systemRandom,
} from '@rollcall/core'
import { isAlgorithmPair } from '@rollcall/esp'
import { UdpEncapsulation } from '@rollcall/esp-net'
import {
  createResponse,
  newTag,
  type ServerTransaction,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
} from '@rollcall/sip'
import type { Credentials } from './credentials.ts'
import { NoAnswerError, NotRegisteredError, UeClosedError } from './errors.ts'
import type { UeDropReason, UeEvent } from './events.ts'
import type { BindBackEnd } from './gm/back-end.ts'
import { type Flow, Gm } from './gm/gm.ts'
import { fileKeyLog } from './gm/key-log.ts'
import type { SaSetView } from './gm/sa-sets.ts'
import { exposeInternals } from './internals.ts'
import { Isim } from './isim.ts'
import type { IsimStore } from './isim-store.ts'
import { type Agent, createInitialRequest, newCallNames, protectRequest } from './presence/agent.ts'
import type { Notification } from './presence/notification.ts'
import { NotifyRouter } from './presence/notify-router.ts'
import { Publication, type PublishOptions } from './presence/publication.ts'
import { type SubscribeOptions, Subscription } from './presence/subscription.ts'
import { type ReactionWork, reactToNetwork } from './reg-event/reactions.ts'
import { RegEventWatch } from './reg-event/reg-event-watch.ts'
import { CONTACT_USER } from './registration/register-request.ts'
import { type RegisterHooks, Registrar, type Registration } from './registration/registrar.ts'
import { SerialQueue } from './serial-queue.ts'
import { DEFAULT_SETTINGS, timerNMs, type UeSettings } from './settings.ts'
import { Upkeep } from './upkeep.ts'

export interface UeOptions {
  readonly credentials: Credentials
  readonly isimStore: IsimStore
  readonly settings?: Partial<UeSettings>
  readonly clock?: Clock
  readonly random?: Random
  /** Appends the keys of each SA set in Wireshark's form: only for a person who asked for it. */
  readonly keyLogFile?: string | undefined
  readonly onEvent?: (event: UeEvent) => void
  /** User space ESP unless said otherwise. */
  readonly bindBackEnd?: BindBackEnd
}

/** What a UE knows of its registration. */
export interface RegistrationView {
  /** The implicit set; the first one is the default identity. */
  readonly associatedUris: readonly Impu[]
  readonly serviceRoute: readonly string[]
  readonly expiresAtMs: number
  /** Where requests reach the UE in its SAs. */
  readonly contact: string
}

/**
 * A whole UE with an ISIM: registers by IMS AKA, keeps its SAs, publishes and watches through them.
 *
 * It is switched on by `open`, and off by `close`, which says nothing to the network: de-register first.
 *
 * @see TS 24.229 clause 5.1, TS 33.203 clauses 6 and 7
 */
export class Ue implements AsyncDisposable {
  readonly impi: Impi
  readonly #credentials: Credentials
  readonly #settings: UeSettings
  readonly #clock: Clock
  readonly #random: Random
  readonly #onEvent: (event: UeEvent) => void
  readonly #gm: Gm
  readonly #registrar: Registrar
  readonly #agent: Agent
  readonly #router = new NotifyRouter()
  readonly #publications = new Set<Publication>()
  readonly #serial = new SerialQueue()
  readonly #upkeep: Upkeep
  readonly #regEvent: RegEventWatch
  readonly #drops = new Map<UeDropReason, number>()
  #isClosed = false

  private constructor(options: UeOptions, gm: Gm, link: Link) {
    this.#credentials = options.credentials
    this.impi = options.credentials.impi
    this.#settings = { ...DEFAULT_SETTINGS, ...options.settings }
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#onEvent = options.onEvent ?? (() => {})
    this.#gm = gm
    this.#registrar = new Registrar({
      credentials: options.credentials,
      settings: this.#settings,
      isim: new Isim(options.credentials.keys, options.isimStore),
      gm,
      clock: this.#clock,
      random: this.#random,
      keyLog: options.keyLogFile === undefined ? undefined : fileKeyLog(options.keyLogFile),
    })
    this.#agent = this.#createAgent()
    this.#upkeep = this.#createUpkeep()
    this.#regEvent = this.#createRegEventWatch()
    link.onRequest = (request, transaction) => this.#receive(request, transaction)
    link.onDrop = (reason) => this.#dropped(reason)
    link.onRenewalDue = () => this.#upkeep.renew()
    gm.sets.onExpired = () => this.#upkeep.lost(undefined)
    exposeInternals(this, {
      gm,
      registrar: this.#registrar,
      agent: this.#agent,
      register: async (hooks) => void (await this.#registerWith(hooks)),
    })
  }

  /**
   * Opens the UE's sockets. It says nothing to the network yet.
   *
   * @throws UeAddressError when its address is taken.
   */
  static async open(options: UeOptions): Promise<Ue> {
    const settings = { ...DEFAULT_SETTINGS, ...options.settings }
    const { localAddress, pcscf, encapsulation } = options.credentials
    const isPair = settings.suites.every(({ alg, ealg }) => isAlgorithmPair(alg, ealg))
    assert(isPair && settings.suites.length > 0, 'a UE offers pairs of algorithms that go together')
    const link: Link = { onRequest: () => {}, onDrop: () => {}, onRenewalDue: () => {} }
    const gm = await Gm.open({
      localAddress,
      unprotectedPort: settings.unprotectedPort,
      encapsulationPort: settings.encapsulationPort,
      pcscf,
      encapsulation,
      timers: settings.timers,
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      bindBackEnd: options.bindBackEnd ?? ((o) => UdpEncapsulation.bind(o)),
      onRequest: (request, transaction) => link.onRequest(request, transaction),
      onDrop: (reason) => link.onDrop(reason),
      onRenewalDue: () => link.onRenewalDue(),
    })
    return new Ue(options, gm, link)
  }

  /** The default public identity: as the network says, before that as the ISIM says. */
  get identity(): Impu {
    return this.#registrar.registration?.associatedUris[0] ?? this.#credentials.impus[0]
  }

  /** The registration, while there is one. */
  get registration(): RegistrationView | undefined {
    const registration = this.#registrar.registration
    return registration && this.#view(registration)
  }

  /** The SA sets there are now, the newest last. */
  get saSets(): readonly SaSetView[] {
    return this.#gm.sets.views()
  }

  /** How messages are protected now: `udp-enc-tun aes-cbc hmac-sha-1-96`; undefined without a registration. */
  get protection(): string | undefined {
    const set = this.#gm.sets.established
    return set && `${this.#gm.backEnd.mode.toLowerCase()} ${set.ealg} ${set.alg}`
  }

  /** What came in and was thrown away, by reason. */
  get drops(): ReadonlyMap<UeDropReason, number> {
    return this.#drops
  }

  /** NOTIFYs that came in the SAs so far, wanted or not. */
  get receivedNotifies(): number {
    return this.#router.notifies
  }

  /**
   * Registers from scratch, unprotected at first.
   *
   * @throws RegistrationRefusedError, NetworkAuthenticationError, SecurityAgreementFailedError, MalformedAnswerError,
   * NoAnswerError, UeClosedError
   */
  register(): Promise<RegistrationView> {
    return this.#serial.run(async () => {
      const registration = await this.#registrar.register()
      return this.#registered(registration, { isInitial: true })
    })
  }

  /**
   * Registers again over the SAs; challenged, the UE has new ones afterwards, and the old ones end after their time.
   *
   * @throws NotRegisteredError, and what `register` throws.
   */
  reregister(): Promise<RegistrationView> {
    return this.#serial.run(async () => {
      const setBefore = this.#gm.sets.established?.id
      const view = this.#registered(await this.#registrar.reregister(), { isInitial: false })
      if (this.#gm.sets.established?.id !== setBefore) await this.#useNewSet()
      return view
    })
  }

  /**
   * Lets the SAs go, which the P-CSCF has lost, and registers from scratch; dialogs and publications go on in the new
   * ones.
   *
   * @see TS 24.229 clause 5.1.1.2.1
   */
  reregisterFromScratch(): Promise<RegistrationView> {
    return this.#serial.run(async () => {
      this.#registrar.forget()
      await this.#gm.sets.clear()
      return this.#registered(await this.#registrar.register(), { isInitial: true })
    })
  }

  /**
   * Takes the registration back; subscriptions end, publications live on until their Expires.
   *
   * @throws NotRegisteredError, and what `register` throws.
   */
  deregister(): Promise<void> {
    return this.#serial.run(async () => {
      await this.#registrar.deregister()
      this.#rest('deregistered')
      this.#emit({ kind: 'deregistered' })
    })
  }

  /**
   * Publishes event state; the publication is kept alive until it is removed.
   *
   * @throws PublicationRefusedError, NotRegisteredError, NoAnswerError, MessageTooLargeError, MalformedAnswerError
   */
  async publish(options: PublishOptions): Promise<Publication> {
    const publication = new Publication(this.#agent, options, (ended) => this.#publications.delete(ended))
    await publication.start()
    this.#publications.add(publication)
    return publication
  }

  /**
   * Takes back what an earlier run published, by its entity-tag.
   *
   * @throws PublicationRefusedError with 412 when the network does not know it any more; NotRegisteredError,
   * NoAnswerError
   */
  async unpublish(o: { entityTag: string; eventPackage?: string }): Promise<void> {
    const { entityTag: replaces, ...rest } = o
    await new Publication(this.#agent, { ...rest, body: Buffer.alloc(0), replaces }, () => {}).remove()
  }

  /**
   * Subscribes to the state of a presentity; the subscription is kept alive until it is ended.
   *
   * @throws SubscriptionRefusedError, NotRegisteredError, NoAnswerError, MalformedAnswerError
   */
  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const subscription = this.#createSubscription(options)
    await subscription.start()
    return subscription
  }

  /**
   * Asks once for the state of a presentity.
   *
   * @throws SubscriptionRefusedError, NoNotificationError, NotRegisteredError, NoAnswerError, MalformedAnswerError
   * @see RFC 6665 section 4.4.3
   */
  async fetch(options: Omit<SubscribeOptions, 'expiresSeconds'>): Promise<Notification> {
    const subscription = this.#createSubscription({ ...options, expiresSeconds: 0 })
    await subscription.start()
    try {
      return await subscription.next(timerNMs(this.#settings.timers))
    } finally {
      subscription.end('fetched')
    }
  }

  /**
   * Asks the P-CSCF whether it still has our SAs.
   *
   * @throws NoAnswerError when it does not; NotRegisteredError
   */
  async checkAlive(): Promise<void> {
    const set = this.#gm.sets.established
    if (!set) throw new NotRegisteredError()
    const request = createInitialRequest(this.#agent, {
      method: 'OPTIONS',
      uri: `sip:${set.remote.address}:${set.remote.portS}`,
      names: newCallNames(this.#random),
      cseq: 1,
      headers: [],
    })
    // Without a route: it is for the P-CSCF itself.
    await this.#agent.send(request, { isInitial: false })
  }

  /** Switches the UE off: nothing is said to the network, and what is under way ends with UeClosedError. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#rest('closed')
    await this.#gm.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #registerWith(hooks: RegisterHooks): Promise<RegistrationView> {
    return this.#serial.run(async () => {
      const isAgain = this.#registrar.registration !== undefined
      const registered = isAgain ? this.#registrar.reregister(hooks) : this.#registrar.register(hooks)
      return this.#registered(await registered, { isInitial: !isAgain })
    })
  }

  #createSubscription(options: SubscribeOptions): Subscription {
    const subscription = new Subscription(this.#agent, options, (ended) => {
      this.#router.remove(ended)
      this.#emit({ kind: 'subscription-ended', uri: ended.uri, reason: ended.endReason ?? 'ended' })
    })
    this.#router.add(subscription)
    return subscription
  }

  #registered(registration: Registration, o: { readonly isInitial: boolean }): RegistrationView {
    const { expiresAtMs } = registration
    this.#upkeep.registered((expiresAtMs - this.#clock.now()) / 1000)
    this.#emit({ kind: 'registered', expiresAtMs })
    this.#regEvent.registered(o)
    return this.#view(registration)
  }

  /**
   * The P-CSCF goes on in the old set until it hears us in the new one. A UE that watches says nothing of itself for
   * hours, so it says something now.
   *
   * @see TS 24.229 clause 5.2.2.2, TS 33.203 clause 7.4.2a
   */
  async #useNewSet(): Promise<void> {
    try {
      await this.checkAlive()
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error
      this.#emit({ kind: 'refresh-failed', what: 'registration', error })
    }
  }

  /** Whatever the network was told is told again; each thing minds its own failures from then on. */
  async #sayAgain(): Promise<void> {
    // The subscription to the own registration was made anew with it.
    const subscriptions = this.#router.all().filter(({ eventPackage }) => eventPackage !== 'reg')
    const kept = [...subscriptions, ...this.#publications]
    const outcomes = await Promise.allSettled(kept.map((one) => one.refresh()))
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !(outcome.reason instanceof RollcallError)) throw outcome.reason
    }
  }

  /** Stops everything that happens by itself. */
  #rest(reason: string): void {
    this.#upkeep.stop()
    for (const publication of [...this.#publications]) publication.end()
    this.#releaseDialogs(reason)
  }

  #releaseDialogs(reason: string): void {
    this.#regEvent.stop()
    for (const subscription of this.#router.all()) subscription.end(reason)
  }

  #receive(request: SipRequest, transaction: ServerTransaction<Flow>): void {
    const setId = transaction.flow.kind === 'protected' ? transaction.flow.setId : ''
    let answer: { status: number; headers?: readonly (readonly [string, string])[] }
    try {
      answer = this.#router.receive(request, setId)
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      answer = { status: 400 }
    }
    const { status, headers = [] } = answer
    transaction.respond(createResponse(request, status, { headers, toTag: newTag(this.#random) }))
  }

  #createRegEventWatch(): RegEventWatch {
    const ue = this
    const reactions: ReactionWork = {
      settings: this.#settings,
      serial: this.#serial,
      registrar: this.#registrar,
      sets: this.#gm.sets,
      upkeep: this.#upkeep,
      releaseDialogs: (reason) => this.#releaseDialogs(reason),
      rest: (reason) => this.#rest(reason),
      emit: (event) => this.#emit(event),
    }
    return new RegEventWatch(this.#clock, this.#settings, {
      get isRegistered() {
        return ue.#registrar.registration !== undefined
      },
      get ownContact() {
        return { uri: ue.#contact().slice(1, -1), instance: ue.#credentials.instance }
      },
      createSubscription: () => {
        const options = {
          uri: this.identity,
          eventPackage: 'reg',
          expiresSeconds: this.#settings.regEventSeconds,
        } as const
        const subscription = new Subscription(this.#agent, options, (ended) => this.#router.remove(ended))
        this.#router.add(subscription)
        return subscription
      },
      learn: (own, setId) => void reactToNetwork(reactions, own, setId),
      dropped: () => this.#dropped('malformed'),
      emit: (event) => this.#emit(event),
    })
  }

  #createAgent(): Agent {
    const ue = this
    return {
      clock: this.#clock,
      random: this.#random,
      settings: this.#settings,
      get identity() {
        return ue.identity
      },
      get contact() {
        return ue.#contact()
      },
      send: (request, o) => this.#send(request, o.isInitial),
      emit: (event) => this.#emit(event),
      refreshFailed: (what, error) => this.#upkeep.failed(what, error),
    }
  }

  #createUpkeep(): Upkeep {
    return new Upkeep(this.#clock, this.#settings, {
      reregister: () => this.reregister(),
      reregisterFromScratch: () => this.reregisterFromScratch(),
      checkAlive: () => this.checkAlive(),
      sayAgain: () => this.#sayAgain(),
      emit: (event) => this.#emit(event),
    })
  }

  async #send(request: SipRequest, isInitial: boolean): Promise<SipResponse> {
    const registration = this.#registrar.registration
    const set = this.#gm.sets.established
    if (this.#isClosed) throw new UeClosedError()
    if (!registration || !set) throw new NotRegisteredError()
    const protection = {
      reachableAt: this.#registrar.contact,
      route: [`<sip:${set.remote.address}:${set.remote.portS};lr>`, ...registration.serviceRoute],
      securityServer: registration.securityServer,
      preferredIdentity: this.identity,
      accessNetworkInfo: this.#settings.accessNetworkInfo,
    }
    protectRequest(request, protection, this.#random, isInitial)
    return await this.#gm.request(request, { kind: 'protected', setId: set.id })
  }

  #contact(): string {
    const { address, port } = this.#registrar.contact
    return `<sip:${CONTACT_USER}@${address}:${port}>`
  }

  #view(registration: Registration): RegistrationView {
    const { associatedUris, serviceRoute, expiresAtMs } = registration
    return { associatedUris, serviceRoute, expiresAtMs, contact: this.#contact() }
  }

  #dropped(reason: UeDropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1)
    this.#emit({ kind: 'dropped', reason })
  }

  #emit(event: UeEvent): void {
    this.#onEvent(event)
  }
}

/** What `Gm` calls; the UE is made after it. */
interface Link {
  onRequest: (request: SipRequest, transaction: ServerTransaction<Flow>) => void
  onDrop: (reason: UeDropReason) => void
  onRenewalDue: () => void
}
