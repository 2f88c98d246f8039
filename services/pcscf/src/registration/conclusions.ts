import { assert, type Impi, RollcallError } from '@rollcall/core'
import { expandKeys, InvalidSaSetError } from '@rollcall/esp'
import { ownText, parseSecurityMechanisms, type SipResponse, SipSyntaxError } from '@rollcall/sip'
import { type Contact, contactKey } from '../contacts/contact.ts'
import type { Change } from '../contacts/record.ts'
import type { PcscfContext } from '../context.ts'
import type { Flow } from '../edge/flow.ts'
import { localResponse, type Refusal } from '../edge/local-answers.ts'
import { type ChallengeKeys, takeChallengeKeys } from '../mw/challenge-keys.ts'
import { type RegistrationCharging, readRegistrationCharging } from '../mw/charging.ts'
import { stripToUe } from '../mw/trust-boundary.ts'
import type { SaSetView } from '../sa/sa-table.ts'
import { refuseAgreement } from '../sec-agree/refusal.ts'
import type { SecurityAgreement } from '../sec-agree/security-client.ts'
import { type Grant, readGrant } from './read-grant.ts'
import type { Registering } from './registering.ts'

/** Who wants to know of registrations that began and ended here. */
export interface RegistrationWatch {
  registered(contact: Contact): void
  ended(contact: Contact): void
}

/**
 * How a REGISTER ends: what the core's response, or its absence, does to SA sets and contacts, and what the UE is told
 * in which set.
 *
 * @see TS 24.229 clause 5.2.2.2; TS 33.203 clauses 7.3 and 7.4
 */
export class Conclusions {
  readonly #context: PcscfContext
  readonly #watch: RegistrationWatch

  constructor(context: PcscfContext, watch: RegistrationWatch) {
    this.#context = context
    this.#watch = watch
  }

  /** Ends a registration with an answer of our own. */
  fail(registering: Registering, refusal: Refusal): void {
    const { incoming } = registering
    this.#tellRefusal(registering, refusal.reason, refusal.status)
    const flow = this.#end(registering)
    incoming.answer(localResponse(incoming.request, refusal, this.#context.random), flow)
  }

  /** Ends a registration, or takes it a step further, as the core's final response says. */
  conclude(registering: Registering, response: SipResponse): void {
    // Before anything else: whatever becomes of this response, the keys are not in it any more.
    const keys = takeChallengeKeys(response.headers)
    const charging = readRegistrationCharging(response.headers)
    stripToUe(response.headers)
    response.headers.remove('Security-Server')
    if (response.status === 401) void this.#challenge(registering, response, keys)
    else if (response.status < 300) this.#succeed(registering, response, charging)
    else this.#passOn(registering, response)
  }

  /** An error of the core's: the UE learns it where it began, and keeps the sets that it had. */
  #passOn(registering: Registering, response: SipResponse): void {
    this.#tellRefusal(registering, registering.isAnswer ? 'core-refused-answer' : 'core-refused', response.status)
    registering.incoming.answer(response, this.#end(registering))
  }

  #tellRefusal({ incoming, facts }: Registering, reason: string, status: number): void {
    this.#context.events.registrationRefused(reason, {
      status,
      isProtected: incoming.set !== undefined,
      identities: { impi: facts.impi, impu: facts.impu },
      traceparent: incoming.traceparent,
    })
  }

  /**
   * Forgets the attempt, and takes what it made out of use. Returns where a final error goes: where SM1 came from, while
   * that is there (TS 33.203 clause 7.4).
   */
  #end(registering: Registering): Flow {
    const { attempt, isAnswer, incoming } = registering
    const { attempts, sets } = this.#context
    if (isAnswer && incoming.set) sets.tell(incoming.set.impi, { kind: 'failed', id: incoming.set.id })
    if (isAnswer || !attempt.challenge) attempts.end(attempt)
    return this.#originOf(registering)
  }

  #originOf({ attempt, incoming }: Registering): Flow {
    const isGone = attempt.originSet !== undefined && !this.#context.sets.find(attempt.originSet)
    return isGone ? incoming.flow : attempt.origin
  }

  /**
   * 401: the keys stay here, in a temporary set of SAs; the UE gets the challenge and our Security-Server, where SM1 came
   * from. Without both keys it gets 500, for a challenge that makes no SAs would end in a registration without any.
   */
  async #challenge(registering: Registering, response: SipResponse, keys: ChallengeKeys | undefined): Promise<void> {
    const { incoming, attempt } = registering
    const { attempts, events, securityServers } = this.#context
    const { agreement } = attempt
    if (!attempts.isPending(attempt)) this.fail(registering, { status: 500, reason: 'attempt-superseded' })
    else if (!keys) this.fail(registering, { status: 500, reason: 'challenge-without-keys' })
    else if (!agreement) this.fail(registering, this.#offerMissing())
    else {
      const set = await this.#makeSet(registering, agreement, keys)
      if (!set) return
      if (!attempts.isPending(attempt)) {
        this.#context.sets.tell(attempt.impi, { kind: 'restarted', attempt: attempt.key })
        this.fail(registering, { status: 500, reason: 'attempt-superseded' })
        return
      }
      const securityServerText = securityServers.textOf(set)
      const securityServer = parseSecurityMechanisms([securityServerText])
      const agreed = { securityClient: agreement.securityClient, securityServer, securityServerText }
      attempts.challenged(attempt, { setId: set.id, nonce: keys.nonce, agreed, isBeingAnswered: false })
      events.challenged(set, incoming.traceparent)
      response.headers.set('Security-Server', securityServerText)
      response.headers.add('Supported', 'sec-agree')
      incoming.answer(response, this.#originOf(registering))
    }
  }

  /** A UE in an established set need not offer new SAs, unless it is challenged (TS 24.229 clause 5.2.2.2 3b). */
  #offerMissing(): Refusal {
    return refuseAgreement(421, 'security-client-missing', this.#context.config.secAgree.pairs)
  }

  async #makeSet(
    registering: Registering,
    { chosen, pair }: SecurityAgreement,
    keys: ChallengeKeys,
  ): Promise<SaSetView | undefined> {
    const { attempt } = registering
    const { portC, portS, spiC, spiS } = chosen
    this.#context.attempts.unchallenged(attempt)
    try {
      return await this.#context.sets.challenge({
        impi: attempt.impi,
        attempt: attempt.key,
        origin: attempt.originSet,
        remote: { address: attempt.address, portC, portS, spiC, spiS },
        keys: expandKeys({ ck: keys.ck, ik: keys.ik, integrity: pair.alg, encryption: pair.ealg }),
      })
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      const isUesFault = error instanceof InvalidSaSetError
      this.fail(
        registering,
        isUesFault ? { status: 400, reason: 'sa-unusable' } : { status: 503, reason: 'sa-exhausted', retry: true },
      )
      return undefined
    }
  }

  #succeed(registering: Registering, response: SipResponse, charging: RegistrationCharging): void {
    const { incoming, facts, isAnswer } = registering
    // A 200 to what proved nothing would make a registration without SAs: our own core never gives one.
    if (!incoming.set || (isAnswer && !facts.challenge.hasResponse)) {
      this.fail(registering, { status: 500, reason: 'success-unproven' })
      return
    }
    let grant: Grant
    try {
      grant = readGrant(response, facts)
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      this.fail(registering, { status: 502, reason: 'grant-malformed' })
      return
    }
    if (grant.expiresSeconds === 0) void this.#deregister(registering, incoming.set, response)
    else void this.#register(registering, incoming.set, response, { ...grant, charging })
  }

  /** 200: the contact is noted; when that is durable, the set it came on is promoted, and then the UE is told. */
  async #register(
    registering: Registering,
    set: SaSetView,
    response: SipResponse,
    grant: Grant & { readonly charging: RegistrationCharging },
  ): Promise<void> {
    const { incoming, facts, attempt, isAnswer } = registering
    const { attempts, clock, contacts, events, sets } = this.#context
    assert(facts.contact, 'what is registered has a contact')
    const isTaken = sets
      .provenAt(set.remote.address)
      .some((other) => other.impi !== set.impi && other.remote.portS === set.remote.portS)
    if (isTaken) {
      this.fail(registering, { status: 403, reason: 'port-us-taken' })
      return
    }
    const grantedMs = grant.expiresSeconds * 1000
    const contact: Contact = {
      registrationId: registering.registrationId,
      impi: facts.impi,
      instance: ownText(facts.contact.instance),
      contactUri: ownText(facts.contact.uri),
      impus: grant.impus,
      associatedUris: grant.associatedUris.map(ownText),
      serviceRoute: grant.serviceRoute.map(ownText),
      path: registering.path,
      expiresAtMs: clock.now() + grantedMs,
      charging: grant.charging,
      register: { callId: ownText(facts.callId), cseq: facts.cseq },
    }
    contacts.bind(contact)
    if (!(await this.#isDurable([{ kind: 'contact-bound', contact }], incoming.traceparent))) {
      this.fail(registering, { status: 503, reason: 'store-unavailable', retry: true })
      return
    }
    attempts.end(attempt)
    const key = contactKey(contact.impi, contact.instance)
    if (isAnswer) {
      sets.tell(set.impi, { kind: 'authenticated', id: set.id, contact: key, grantedMs })
      events.authenticated(sets.find(set.id) ?? set, incoming.traceparent)
    } else {
      sets.tell(set.impi, { kind: 'refreshed', id: set.id, grantedMs })
    }
    incoming.answer(response)
    this.#watch.registered(contact)
  }

  /** 200 to a de-registration: nothing goes to this UE any more but the 200 itself and its retransmissions. */
  async #deregister(registering: Registering, set: SaSetView, response: SipResponse): Promise<void> {
    const { incoming, facts, attempt, isAnswer } = registering
    const { attempts, contacts, events, sets } = this.#context
    const ended = this.#contactsOf(facts.impi, facts.contact?.instance)
    const changes = ended.map(({ registrationId }): Change => {
      contacts.remove(registrationId)
      return { kind: 'contact-removed', registrationId, reason: 'unregistered' }
    })
    if (!(await this.#isDurable(changes, incoming.traceparent))) {
      this.fail(registering, { status: 503, reason: 'store-unavailable', retry: true })
      return
    }
    attempts.end(attempt)
    const keys = new Set(ended.map(({ impi, instance }) => contactKey(impi, instance)))
    if (facts.contact) keys.add(contactKey(facts.impi, facts.contact.instance))
    for (const contact of keys) {
      sets.tell(set.impi, { kind: 'deregistered', contact, id: isAnswer ? set.id : undefined })
    }
    events.registrationEnded('unregistered', facts.impi)
    incoming.answer(response)
    for (const contact of ended) this.#watch.ended(contact)
  }

  /** The contact of one UE, or for `*` all of the private identity. */
  #contactsOf(impi: Impi, instance: string | undefined): Contact[] {
    const { contacts, clock } = this.#context
    const all = contacts.ofImpi(impi, clock.now())
    return instance === undefined ? all : all.filter((contact) => contact.instance === instance)
  }

  async #isDurable(changes: readonly Change[], traceparent: string): Promise<boolean> {
    try {
      await Promise.all(changes.map((change) => this.#context.changes.append(change, traceparent)))
      return true
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#context.log.warn({ err: error }, 'a registration could not be written')
      return false
    }
  }
}
