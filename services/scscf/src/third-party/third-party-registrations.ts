import type { Clock, Impu, Random, Timer } from '@rollcall/core'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import { startSpan, traceparentOf } from '@rollcall/runtime'
import { compileProfile, type FilterCriterion } from '../ifc/filter-criteria.ts'
import type { AcceptedAnswer } from '../registrar/attempt.ts'
import type { RegisterRequest } from '../registrar/register-request.ts'
import type { EndedContact } from '../registrations/ended-registration.ts'
import type { RecentEnd } from '../registrations/recent-ends.ts'
import {
  type Contact,
  isBarred,
  liveContacts,
  type RegistrationSet,
  usableIdentities,
} from '../registrations/registration.ts'
import type { RegistrationListener } from '../registrations/registration-listener.ts'
import type { NetworkEnd } from '../registrations/registrations.ts'
import { isServerFailure } from '../sip/forward-failure.ts'
import type { Forwarder, ForwardOutcome } from '../sip/forwarder.ts'
import { criteriaMet, type RegistrationKind } from './occasions.ts'
import { type AfterFailure, type ThirdPartyOutcome, ThirdPartyQueue, type Wanted } from './third-party-queue.ts'
import { writeThirdPartyRegister } from './third-party-register.ts'

/** One transaction waits so long for its answer: an application server that is alive answers at once. */
const TRANSACTION_MS = 10_000
/** Choice: tries within 64*T1 count as the one transaction whose failure ends the registration (TS 24.229 clause 5.4.1.7). */
const TERMINATE_AFTER_MS = 32_000
/** A registration is told for so long, then the next re-registration tells it. */
const REGISTERED_TELL_MS = 300_000
/** Of an end nobody else tells. */
const ENDED_TELL_MS = 900_000
/** After a take-over one set is told about in this time: the application servers know most of it. */
const RESUME_MS = 100

/** The registrations of the partition, as far as they are needed. */
export interface ToldRegistrations {
  readonly sets: readonly RegistrationSet[]
  get(canonicalImpu: Impu): RegistrationSet | undefined
  recentEnds(): readonly RecentEnd[]
  /** Ends contacts because the network says so. */
  end(canonicalImpu: Impu, end: NetworkEnd): Promise<unknown>
}

/** Who hears of it. */
export interface ThirdPartyEvents {
  /** A third-party REGISTER ended so, or was not sent at all. */
  thirdPartyTold(outcome: ThirdPartyOutcome | 'given-up' | 'dropped'): void
  /** Default handling ends the registration. */
  thirdPartyTerminated(criterion: FilterCriterion): void
}

export interface ThirdPartyOptions {
  readonly clock: Clock
  readonly random: Random
  readonly realm: string
  readonly host: string
  readonly forwarder: Pick<Forwarder, 'send' | 'trusts'>
  readonly registrations: () => ToldRegistrations
  readonly isLive: () => boolean
  readonly events: ThirdPartyEvents
}

/**
 * Tells application servers who is registered, for one partition: after each change that is durable, and after the answer
 * to the UE, which waits for none of it. After a take-over nobody knows what the owner before has told: each set is told
 * anew, one after the other, and so are recent ends. What has been told already changes nothing there.
 *
 * @see TS 24.229 clause 5.4.1.7
 */
export class ThirdPartyRegistrations implements RegistrationListener {
  readonly #o: ThirdPartyOptions
  readonly #queue: ThirdPartyQueue
  /** Sets of which it is unknown what was told. */
  readonly #unsure = new Map<Impu, RecentEnd | undefined>()
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: ThirdPartyOptions) {
    this.#o = options
    this.#queue = new ThirdPartyQueue({
      clock: options.clock,
      isLive: options.isLive,
      send: (wanted, on) => this.#send(wanted, on),
      afterFailure: (wanted, sinceMs) => this.#afterFailure(wanted, sinceMs),
      onDropped: () => options.events.thirdPartyTold('dropped'),
    })
  }

  /** Application servers that are to be told something now. */
  get pending(): number {
    return this.#queue.size
  }

  registered(
    set: RegistrationSet,
    contact: Contact,
    kind: 'initial' | 're-registration',
    request: RegisterRequest,
    answer?: AcceptedAnswer,
  ): void {
    this.#tell(set, contact, [kind], request, answer)
  }

  deregistered(
    set: RegistrationSet,
    contact: Contact,
    reason: EndedContact['reason'],
    request?: RegisterRequest,
    answer?: AcceptedAnswer,
  ): void {
    // Of what took its place, or of another S-CSCF's user, somebody else tells.
    if (reason === 'replaced') return
    if (reason === 'moved') {
      this.#unsure.delete(set.canonicalImpu)
      this.#queue.put(set.canonicalImpu, [])
      return
    }
    const isOver = liveContacts(set, this.#o.clock.now()).length === 0
    this.#tell(set, contact, [isOver ? 'de-registration' : 're-registration'], request, answer)
  }

  /** The partition is ours: tells again what may not have been told. */
  begin(): void {
    const { sets, recentEnds } = this.#registrations()
    // Ends first: nobody else tells of them.
    for (const end of recentEnds) if (end.ended.reason !== 'moved') this.#unsure.set(end.canonicalImpu, end)
    for (const { canonicalImpu } of sets) {
      this.#unsure.delete(canonicalImpu)
      this.#unsure.set(canonicalImpu, undefined)
    }
    this.#resume()
  }

  /** Tells nothing more: the next owner does. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#unsure.clear()
    this.#queue.stop()
  }

  #registrations() {
    const registrations = this.#o.registrations()
    return { sets: registrations.sets, recentEnds: registrations.recentEnds() }
  }

  #resume(): void {
    if (this.#isStopped || this.#unsure.size === 0) return
    this.#timer = this.#o.clock.setTimer(RESUME_MS, () => {
      if (this.#queue.isIdle) this.#resumeOne()
      this.#resume()
    })
  }

  #resumeOne(): void {
    const next = this.#unsure.entries().next()
    if (next.done) return
    const [canonicalImpu, end] = next.value
    this.#unsure.delete(canonicalImpu)
    const set = this.#o.registrations().get(canonicalImpu)
    const contact = set && liveContacts(set, this.#o.clock.now()).at(-1)
    if (contact) {
      this.#tell(set, contact, ['initial', 're-registration'])
      return
    }
    if (!end?.contact || !end.profile) return
    const { profile } = end
    const gone = { canonicalImpu, profile, criteria: compileProfile(profile), contacts: new Map() }
    this.#tell(gone, end.contact, ['de-registration'], undefined, undefined, end.atMs)
  }

  #tell(
    set: RegistrationSet,
    contact: Contact,
    kinds: readonly RegistrationKind[],
    request?: RegisterRequest,
    answer?: AcceptedAnswer,
    toldAtMs = this.#o.clock.now(),
  ): void {
    const { canonicalImpu } = set
    this.#unsure.delete(canonicalImpu)
    const sip = request?.sip
    const live = liveContacts(set, this.#o.clock.now())
    const expiresAtMs = live.length > 0 ? Math.max(...live.map((one) => one.expiresAtMs)) : undefined
    const criteria = criteriaMet(set, contact, { kinds, sip, realm: this.#o.realm })
    const common = { canonicalImpu, impu: toldIdentity(set, contact), expiresAtMs, toldAtMs }
    const occasion = sip && { sip, answer }
    this.#queue.put(
      canonicalImpu,
      criteria.map((criterion) => ({ ...common, criterion, occasion })),
    )
  }

  #send(wanted: Wanted, on: (outcome: ThirdPartyOutcome) => void): void {
    const { clock, forwarder, host, realm, random, events } = this.#o
    const { criterion, impu, expiresAtMs, occasion, toldAtMs } = wanted
    const { serverName, serverHost, thirdParty: contents } = criterion
    const leftMs = expiresAtMs === undefined ? 0 : expiresAtMs - clock.now()
    const expiresSeconds = Math.max(0, Math.ceil(leftMs / 1_000))
    const isTrusted = forwarder.trusts(serverHost)
    const request = writeThirdPartyRegister(
      { serverName, contents, impu, expiresSeconds, occasion },
      { host, realm, random, isTrusted },
    )
    const span = startSpan('SIP REGISTER', { kind: 'client', attributes: { 'rollcall.sip.method': 'REGISTER' } })
    const vouched = { accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN, impi: '', assertedIdentities: [] }
    const forward = {
      request,
      vouched,
      receivedAtMs: BigInt(toldAtMs),
      traceparent: traceparentOf(span),
      deadlineAtMs: clock.monotonic() + TRANSACTION_MS,
    }
    forwarder.send(serverHost, forward, (outcome) => {
      const result = outcomeOf(outcome)
      if (result === undefined) return
      span.end()
      events.thirdPartyTold(result)
      on(result)
    })
  }

  #afterFailure(wanted: Wanted, sinceMs: number): AfterFailure {
    const { events } = this.#o
    const { criterion, expiresAtMs } = wanted
    const isTerminating = criterion.defaultHandling === 'terminated' && expiresAtMs !== undefined
    const tellMs = expiresAtMs === undefined ? ENDED_TELL_MS : isTerminating ? TERMINATE_AFTER_MS : REGISTERED_TELL_MS
    if (sinceMs < tellMs) return 'retry'
    events.thirdPartyTold('given-up')
    if (isTerminating) {
      events.thirdPartyTerminated(criterion)
      this.#terminate(wanted.canonicalImpu)
    }
    return 'give-up'
  }

  /** Network-initiated de-registration of the whole set (TS 24.229 clause 5.4.1.7). */
  #terminate(canonicalImpu: Impu): void {
    const end: NetworkEnd = { isMeant: () => true, reason: 'deactivated', retryAfterSeconds: 0, isOfHss: false }
    // What cannot be written is no worse than before: the registration goes on, and the next one is told again.
    void this.#o.registrations().end(canonicalImpu, end)
  }
}

/** The identity of the UE's REGISTER; the default one in its place when that is barred. */
function toldIdentity({ profile }: RegistrationSet, { registeredImpu }: Contact): Impu {
  if (!isBarred(profile, registeredImpu)) return registeredImpu
  return usableIdentities(profile)[0] ?? registeredImpu
}

function outcomeOf(outcome: ForwardOutcome): ThirdPartyOutcome | undefined {
  if (isServerFailure(outcome)) return 'failed'
  if (outcome.kind !== 'response' || outcome.response.status < 200) return undefined
  return outcome.response.status < 300 ? 'delivered' : 'refused'
}
