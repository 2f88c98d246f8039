import { assertNever, InvalidIdentityError } from '@rollcall/core'
import { isReservedSpi, type SipRequest, SipSyntaxError } from '@rollcall/sip'
import { contactKey } from '../contacts/contact.ts'
import type { PcscfContext } from '../context.ts'
import type { Incoming } from '../edge/incoming.ts'
import { localResponse, type Refusal } from '../edge/local-answers.ts'
import { CORE_FAILURES, type CoreOutcome } from '../mw/core-link.ts'
import { envelopeOf } from '../mw/envelope.ts'
import { mayForward, newIcid } from '../mw/requests.ts'
import type { SaSetView } from '../sa/sa-table.ts'
import { readSecurityClient, type SecurityAgreement } from '../sec-agree/security-client.ts'
import { checkSecurityVerify, mirrorsSet } from '../sec-agree/security-verify.ts'
import { type Attempt, attemptKey } from './attempts.ts'
import { Conclusions, type RegistrationWatch } from './conclusions.ts'
import { toCoreRegister } from './core-register.ts'
import { checkOfferPorts } from './offer-ports.ts'
import { type RegisterFacts, readRegister } from './read-register.ts'
import { homeOf, leadsTo, viaProblemOf } from './register-origin.ts'
import type { Registering } from './registering.ts'

/**
 * REGISTER from a UE, up to the core: which of the messages of a registration it is, whether it may be that, and what we
 * say about it. What comes back is for `Conclusions`.
 *
 * @see TS 24.229 clause 5.2.2.2; TS 33.203 clauses 6.1, 7.2 and 7.3
 */
export class Registrations {
  readonly #context: PcscfContext
  readonly #conclusions: Conclusions

  constructor(context: PcscfContext, regEvent: RegistrationWatch) {
    this.#context = context
    this.#conclusions = new Conclusions(context, regEvent)
  }

  /** Takes a REGISTER; it is answered once. */
  handle(incoming: Incoming): void {
    try {
      this.#handle(incoming)
    } catch (error) {
      if (!(error instanceof SipSyntaxError) && !(error instanceof InvalidIdentityError)) throw error
      this.#refuse(incoming, { status: 400, reason: 'register-malformed' })
    }
  }

  #handle(incoming: Incoming): void {
    const { request, set } = incoming
    const facts = readRegister(request)
    const way = mayForward(request, this.#context.config.host)
    if (!way.ok) {
      this.#refuse(incoming, { status: way.status, reason: 'loop-or-hops' })
      return
    }
    const viaProblem = viaProblemOf(incoming)
    // guard: register-via — a REGISTER comes from its UE itself, from where its SA ends
    if (viaProblem) {
      this.#refuseIdentity(incoming, facts, viaProblem)
      return
    }
    if (!set) {
      this.#beginUnprotected(incoming, facts)
      return
    }
    // guard: sa-impi — the private identity is the one that the SA belongs to
    if (facts.impi !== set.impi) {
      this.#refuseForeign(incoming, facts, set)
      return
    }
    switch (set.state) {
      case 'temporary':
        this.#answerChallenge(incoming, facts, set)
        return
      case 'established':
      case 'old':
        this.#beginProtected(incoming, facts, set)
        return
      case 'closing':
        this.#refuse(incoming, { status: 403, reason: 'set-closing' })
        return
      default:
        assertNever(set.state)
    }
  }

  /** SM1 from whom nothing is known. What there is already stays as it is until the UE has proven who it is. */
  #beginUnprotected(incoming: Incoming, facts: RegisterFacts): void {
    const { config, sets, impiBuckets } = this.#context
    const { address } = incoming.source
    const isKnownSource = this.#isKnownSource(facts, address)
    const offer = readSecurityClient(incoming.request, config.secAgree)
    if (!offer.ok) {
      this.#refuse(incoming, offer)
      return
    }
    const { agreement } = offer
    this.#warnOfSpis(agreement)
    const ports = checkOfferPorts({
      offer: agreement.chosen,
      impi: facts.impi,
      set: undefined,
      proven: sets.provenAt(address),
    })
    if (ports) this.#refuse(incoming, ports)
    else if (!isKnownSource && !impiBuckets.take(facts.impi)) {
      this.#refuse(incoming, { status: 503, reason: 'impi-rate', retry: true })
    } else this.#begin(incoming, facts, agreement, isKnownSource)
  }

  /** A re-registration, or a de-registration, in an established set. */
  #beginProtected(incoming: Incoming, facts: RegisterFacts, set: SaSetView): void {
    const { config, sets, attempts } = this.#context
    const { challenge } = facts
    // The answer to a challenge belongs into the set that the challenge made: there it proves that the keys are the same.
    const challenged = challenge.hasResponse && !challenge.hasAuts && attempts.ofNonce(facts.impi, challenge.nonce)
    // guard: sm7-own-set — the answer to a challenge comes on the set that the challenge made
    if (challenged) {
      this.#refuseIdentity(incoming, facts, 'answer-on-other-set')
      return
    }
    if (facts.contact && contactKey(facts.impi, facts.contact.instance) !== set.contact) {
      this.#refuseIdentity(incoming, facts, 'instance-mismatch')
      return
    }
    const isOffering = incoming.request.headers.has('Security-Client')
    const offer = isOffering ? readSecurityClient(incoming.request, config.secAgree) : undefined
    if (offer && !offer.ok) {
      this.#refuse(incoming, offer)
      return
    }
    const agreement = offer?.agreement
    if (agreement) this.#warnOfSpis(agreement)
    if (!mirrorsSet(incoming.request, this.#context.securityServers.textOf(set))) {
      this.#context.events.corrected('security-verify')
    }
    const proven = sets.provenAt(set.remote.address)
    const ports = agreement && checkOfferPorts({ offer: agreement.chosen, impi: facts.impi, set, proven })
    if (ports) this.#refuse(incoming, ports)
    else this.#begin(incoming, facts, agreement, true)
  }

  #begin(incoming: Incoming, facts: RegisterFacts, agreement: Attempt['agreement'], isKnownSource: boolean): void {
    const { attempts, sets, contacts, random, clock } = this.#context
    const known = facts.contact && contacts.find(contactKey(facts.impi, facts.contact.instance), clock.now())
    if (!this.#isPossible(incoming, known !== undefined)) return
    const attempt: Attempt = {
      key: attemptKey(facts.impi, incoming.source, facts.callId),
      impi: facts.impi,
      callId: facts.callId,
      registrationId: known?.registrationId ?? random.bytes(16),
      origin: incoming.flow,
      originSet: incoming.set?.id,
      address: incoming.source.address,
      agreement,
      challenge: undefined,
    }
    const begun = attempts.begin(attempt, isKnownSource)
    if (!begun.ok) {
      this.#refuse(incoming, { status: 503, reason: begun.reason, retry: true })
      return
    }
    for (const ended of [begun.restarted, begun.dropped]) {
      if (ended) sets.tell(ended.impi, { kind: 'restarted', attempt: ended.key })
    }
    this.#forward(this.#registering(incoming, facts, attempt, false))
  }

  /** SM7: on the temporary set alone, and only if it is what SM1 and SM6 agreed on. */
  #answerChallenge(incoming: Incoming, facts: RegisterFacts, set: SaSetView): void {
    const { attempts, config } = this.#context
    const attempt = attempts.ofSet(set.id)
    const challenge = attempt?.challenge
    if (!attempt || !challenge) {
      this.#refuse(incoming, { status: 403, reason: 'no-attempt' })
      return
    }
    const registering = this.#registering(incoming, facts, attempt, true)
    if (challenge.isBeingAnswered) {
      this.#refuse(incoming, { status: 500, reason: 'answer-under-way', retry: true })
      return
    }
    // guard: sm7-call-id — an answer belongs to the attempt that was challenged
    if (facts.callId !== attempt.callId) {
      this.#conclusions.fail(registering, { status: 403, reason: 'call-id-mismatch' })
      return
    }
    const isOther = facts.contact && set.contact !== undefined
    if (isOther && contactKey(facts.impi, facts.contact.instance) !== set.contact) {
      this.#conclusions.fail(registering, { status: 403, reason: 'instance-mismatch' })
      return
    }
    const verified = checkSecurityVerify(incoming.request, challenge.agreed, config.secAgree)
    if (!verified.ok) {
      this.#conclusions.fail(registering, verified)
      return
    }
    if (!this.#isPossible(incoming, true, (refusal) => this.#conclusions.fail(registering, refusal))) return
    challenge.isBeingAnswered = true
    this.#forward(registering)
  }

  /** RFC 4303 section 2.1 keeps 1 to 255 back; phones and networks in the field use them all the same. */
  #warnOfSpis({ chosen }: SecurityAgreement): void {
    if (isReservedSpi(chosen.spiC) || isReservedSpi(chosen.spiS)) this.#context.events.corrected('reserved-spi')
  }

  /** The private identity is not the one that the set belongs to: on a temporary one, that ends the registration. */
  #refuseForeign(incoming: Incoming, facts: RegisterFacts, set: SaSetView): void {
    const { attempts, events } = this.#context
    const attempt = set.state === 'temporary' ? attempts.ofSet(set.id) : undefined
    if (!attempt) {
      this.#refuseIdentity(incoming, facts, 'impi-mismatch')
      return
    }
    events.identityRefused('impi-mismatch', 'REGISTER', { impi: set.impi, impu: facts.impu })
    this.#conclusions.fail(this.#registering(incoming, facts, attempt, true), { status: 403, reason: 'impi-mismatch' })
  }

  /** Whether a REGISTER can be carried to its end now; if not, it is refused before anything is decided. */
  #isPossible(
    incoming: Incoming,
    isKnownContact: boolean,
    refuse: (refusal: Refusal) => void = (refusal) => this.#refuse(incoming, refusal),
  ): boolean {
    const { changes, contacts, config, core, tokens } = this.#context
    if (!changes.isAvailable || tokens.isEmpty) refuse({ status: 503, reason: 'store-unavailable', retry: true })
    else if (!isKnownContact && contacts.size >= config.contactsMax) {
      refuse({ status: 503, reason: 'contacts-full', retry: true })
    } else if (!core.has(homeOf(incoming))) refuse({ status: 404, reason: 'core-no-route' })
    else return true
    return false
  }

  #forward(registering: Registering): void {
    const { incoming } = registering
    const request = { ...incoming.request, headers: incoming.request.headers.clone() }
    try {
      this.#prepare(registering, request)
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      // The attempt has begun: it must end as well.
      this.#conclusions.fail(registering, { status: 400, reason: 'register-malformed' })
      return
    }
    const { core } = this.#context
    core.send(homeOf(incoming), request, envelopeOf(incoming), (outcome) => this.#onOutcome(registering, outcome))
  }

  #prepare({ incoming, facts, isAnswer, path }: Registering, request: SipRequest): void {
    const { config, random } = this.#context
    const isProven = incoming.set !== undefined && (!isAnswer || facts.challenge.hasResponse)
    toCoreRegister(request, {
      source: incoming.source,
      isProtected: incoming.set !== undefined,
      integrityProtected: isProven ? 'yes' : 'no',
      path,
      icid: newIcid(random),
      ...config,
    })
  }

  #onOutcome(registering: Registering, outcome: CoreOutcome): void {
    switch (outcome.kind) {
      case 'failed':
        this.#conclusions.fail(registering, { ...CORE_FAILURES[outcome.reason], reason: outcome.reason })
        return
      case 'response':
        this.#conclusions.conclude(registering, outcome.response)
        return
      default:
        assertNever(outcome)
    }
  }

  /** The registration that the Path will name: the UE's present one, else the one that the attempt would make. */
  #registering(incoming: Incoming, facts: RegisterFacts, attempt: Attempt, isAnswer: boolean): Registering {
    const { clock, config, contacts, tokens } = this.#context
    const known = facts.contact && contacts.find(contactKey(facts.impi, facts.contact.instance), clock.now())
    const registrationId = known?.registrationId ?? attempt.registrationId
    const path = `<sip:${tokens.make(registrationId) ?? ''}@${config.host};lr>`
    return { incoming, facts, attempt, isAnswer, registrationId, path }
  }

  /** Where this private identity is registered now: by its SA sets, or after a restart by its contacts. */
  #isKnownSource(facts: RegisterFacts, address: string): boolean {
    const { sets, contacts, clock } = this.#context
    if (sets.provenAt(address).some((set) => set.impi === facts.impi)) return true
    return contacts.ofImpi(facts.impi, clock.now()).some(({ contactUri }) => leadsTo(contactUri, address))
  }

  #refuse(incoming: Incoming, refusal: Refusal): void {
    this.#context.events.refused(refusal.reason)
    incoming.answer(localResponse(incoming.request, refusal, this.#context.random))
  }

  #refuseIdentity(incoming: Incoming, facts: RegisterFacts, reason: string): void {
    this.#context.events.identityRefused(reason, 'REGISTER', {
      impi: incoming.set?.impi ?? facts.impi,
      impu: facts.impu,
    })
    incoming.answer(localResponse(incoming.request, { status: 403 }, this.#context.random))
  }
}
