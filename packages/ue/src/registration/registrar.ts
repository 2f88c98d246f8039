import { assertNever, type Clock, type Impu, type Random, type Secret } from '@rollcall/core'
import { expandKeys, type SaSetParameters } from '@rollcall/esp'
import {
  minExpires,
  newBranch,
  newCallId,
  newTag,
  paramValue,
  type SipResponse,
  topVia,
  transactionLifetimeMs,
} from '@rollcall/sip'
import { isSuccess, readAnswer, refusalOf } from '../answer.ts'
import type { Credentials } from '../credentials.ts'
import type { Endpoint } from '../endpoint.ts'
import {
  NetworkAuthenticationError,
  NotRegisteredError,
  RegistrationRefusedError,
  SecurityAgreementFailedError,
} from '../errors.ts'
import { type Flow, type Gm, UNPROTECTED } from '../gm/gm.ts'
import type { KeyLog } from '../gm/key-log.ts'
import { createProposal, type Proposal, pickServerPort } from '../gm/proposal.ts'
import type { Isim } from '../isim.ts'
import type { UeSettings } from '../settings.ts'
import { answerAuthorization, failureAuthorization, initialAuthorization } from './authorization.ts'
import { type Challenge, readChallenge } from './challenge.ts'
import { createRegister } from './register-request.ts'
import { readGrant } from './registration.ts'

/** A UE answers no more than two invalid challenges in a row (TS 24.229 clause 5.1.1.5.3). */
const INVALID_CHALLENGES_MAX = 2
/** A registrar that sends one challenge after another is broken. */
const CHALLENGES_MAX = 6
/** How much longer than the registration its SAs live (TS 24.229 clause 5.1.1.5.1). */
const SA_BEYOND_REGISTRATION_MS = 30_000

/** What a registered UE holds. */
export interface Registration {
  readonly callId: string
  readonly fromTag: string
  /** CSeq used last in this registration. */
  readonly cseq: number
  /** The answer given last: a re-REGISTER repeats it (TS 24.229 clause 5.1.1.4.2). */
  readonly authorization: string
  /** Lines of the Security-Server of the last successful authentication: Security-Verify mirrors them. */
  readonly securityServer: readonly string[]
  readonly associatedUris: readonly Impu[]
  readonly serviceRoute: readonly string[]
  readonly expiresAtMs: number
}

/** Test hooks of `adversary.ts`; nothing else gives them. */
export interface RegisterHooks {
  readonly alterRes?: (res: Secret) => Secret
}

export interface RegistrarOptions {
  readonly credentials: Credentials
  readonly settings: UeSettings
  readonly isim: Isim
  readonly gm: Gm
  readonly clock: Clock
  readonly random: Random
  readonly keyLog: KeyLog | undefined
}

/** One run from the first REGISTER to its end: what stays the same and what is counted. */
interface Attempt extends RegisterHooks {
  readonly callId: string
  readonly fromTag: string
  cseq: number
  /** Where its first REGISTER goes, and every one that answers no challenge. */
  readonly origin: Flow
  /** Security-Verify of those REGISTERs; nothing outside of SAs. */
  readonly securityVerify: readonly string[]
  expiresSeconds: number
}

/** What is in a REGISTER besides. */
interface Round {
  readonly flow: Flow
  readonly proposal: Proposal
  readonly authorization: string
  readonly securityVerify: readonly string[]
}

/**
 * The registration procedures of a UE: IMS AKA, the security agreement, and the SAs that come of them.
 *
 * Not more than one procedure runs at a time; the caller sees to that.
 *
 * @see TS 24.229 clauses 5.1.1.2 to 5.1.1.6, TS 33.203 clauses 6.1 and 7
 */
export class Registrar {
  readonly #o: RegistrarOptions
  readonly #portUs: number
  /** Our address as the P-CSCF sees it: behind a NAT another than our own (TS 24.229 annex F.2.1). */
  #publicAddress: string
  #registration: Registration | undefined
  #setCount = 0

  constructor(options: RegistrarOptions) {
    this.#o = options
    this.#portUs = pickServerPort(options.random)
    this.#publicAddress = options.credentials.localAddress
  }

  get registration(): Registration | undefined {
    return this.#registration
  }

  /** Where protected requests reach us. */
  get contact(): Endpoint {
    return { address: this.#publicAddress, port: this.#portUs }
  }

  /** The network said that the registration lives only so long from now. */
  shorten(expiresSeconds: number): void {
    if (!this.#registration) return
    const expiresAtMs = this.#o.clock.now() + expiresSeconds * 1000
    this.#registration = { ...this.#registration, expiresAtMs: Math.min(this.#registration.expiresAtMs, expiresAtMs) }
  }

  /** The network said that these identities are not registered any more. Gives those which had been. */
  removeIdentities(impus: readonly Impu[]): Impu[] {
    const registration = this.#registration
    const removed = registration?.associatedUris.filter((impu) => impus.includes(impu)) ?? []
    if (!registration || removed.length === 0) return []
    const associatedUris = registration.associatedUris.filter((impu) => !impus.includes(impu))
    this.#registration = { ...registration, associatedUris }
    return removed
  }

  /** Forgets the registration without a word to the network: it was lost. */
  forget(): void {
    this.#registration = undefined
  }

  /**
   * Registers from scratch: the first REGISTER goes out unprotected. Sets that there are serve on until the new one is
   * established. A challenge without a whole Security-Server is abandoned, and the UE begins anew with a new Call-ID
   * (TS 24.229 clause 5.1.1.5.1).
   *
   * @throws RegistrationRefusedError, NetworkAuthenticationError, SecurityAgreementFailedError, MalformedAnswerError, and
   * what Gm.request throws.
   */
  async register(hooks: RegisterHooks = {}): Promise<Registration> {
    try {
      return await this.#registerAnew(hooks)
    } catch (error) {
      if (!(error instanceof SecurityAgreementFailedError) || !error.isIncomplete) throw error
      // `Choice:` once, so that a P-CSCF that never says more gets no REGISTER without end.
      return await this.#registerAnew(hooks)
    }
  }

  /** One attempt with a Call-ID of its own. */
  async #registerAnew(hooks: RegisterHooks): Promise<Registration> {
    const { random, settings, credentials } = this.#o
    this.#publicAddress = credentials.localAddress
    const attempt: Attempt = {
      ...hooks,
      callId: newCallId(random),
      fromTag: newTag(random),
      cseq: 0,
      origin: UNPROTECTED,
      securityVerify: [],
      expiresSeconds: settings.registrationSeconds,
    }
    return await this.#run(attempt, initialAuthorization(credentials))
  }

  /**
   * Registers again over the established SAs; challenged, the UE gets new ones.
   *
   * @throws NotRegisteredError, and what `register` throws.
   */
  async reregister(hooks: RegisterHooks = {}): Promise<Registration> {
    const { registration, attempt } = this.#again(this.#o.settings.registrationSeconds, hooks)
    return await this.#run(attempt, registration.authorization)
  }

  /**
   * Takes the registration back, and lets the SAs go.
   *
   * @throws NotRegisteredError, and what `register` throws.
   */
  async deregister(): Promise<void> {
    const { registration, attempt } = this.#again(0, {})
    await this.#run(attempt, registration.authorization)
  }

  #again(expiresSeconds: number, hooks: RegisterHooks): { registration: Registration; attempt: Attempt } {
    const registration = this.#registration
    const set = this.#o.gm.sets.established
    if (!registration || !set) throw new NotRegisteredError()
    const { callId, fromTag, cseq, securityServer } = registration
    const origin: Flow = { kind: 'protected', setId: set.id }
    return {
      registration,
      attempt: { ...hooks, callId, fromTag, cseq, origin, securityVerify: securityServer, expiresSeconds },
    }
  }

  async #run(attempt: Attempt, authorization: string): Promise<Registration> {
    let round: Round = {
      flow: attempt.origin,
      proposal: this.#propose(),
      authorization,
      securityVerify: attempt.securityVerify,
    }
    let challenge: Challenge | undefined
    let invalid = 0
    for (let challenges = 0; ; ) {
      const response = await this.#send(attempt, round)
      const { status } = response
      if (isSuccess(response)) return await this.#succeed(attempt, round, challenge, response)
      const longer = status === 423 ? readAnswer(() => minExpires(response)) : undefined
      if (longer !== undefined && longer > attempt.expiresSeconds && attempt.expiresSeconds > 0) {
        attempt.expiresSeconds = longer
        continue
      }
      await this.#abandon(attempt, round)
      if (status !== 401 || ++challenges > CHALLENGES_MAX) throw new RegistrationRefusedError(refusalOf(response))
      this.#learnAddress(attempt, response)
      challenge = readChallenge(response, { suites: this.#o.settings.suites, mode: this.#o.gm.backEnd.mode })
      const answer = await this.#o.isim.answer(challenge.rand, challenge.autn)
      switch (answer.kind) {
        case 'success':
          round = await this.#answer(attempt, round.proposal, challenge, answer)
          invalid = 0
          break
        case 'mac-failure':
        case 'sync-failure':
          if (++invalid > INVALID_CHALLENGES_MAX) {
            throw new NetworkAuthenticationError(answer.kind === 'mac-failure' ? 'mac' : 'sqn')
          }
          round = this.#complain(attempt, challenge, answer.kind === 'sync-failure' ? answer.auts : undefined)
          break
        default:
          assertNever(answer)
      }
    }
  }

  /** SM7: the answer goes out in the temporary set that the challenge's keys protect. */
  async #answer(
    attempt: Attempt,
    proposal: Proposal,
    challenge: Challenge,
    answer: { readonly res: Secret; readonly ck: Secret; readonly ik: Secret },
  ): Promise<Round> {
    const { offer } = challenge
    const set: SaSetParameters = {
      id: `ue-${++this.#setCount}`,
      local: {
        address: this.#publicAddress,
        portC: proposal.portUc,
        portS: proposal.portUs,
        spiC: proposal.spiUc,
        spiS: proposal.spiUs,
      },
      remote: {
        address: this.#o.credentials.pcscf.address,
        portC: offer.portC,
        portS: offer.portS,
        spiC: offer.spiC,
        spiS: offer.spiS,
      },
      keys: expandKeys({ ck: answer.ck, ik: answer.ik, integrity: offer.alg, encryption: offer.ealg }),
    }
    await this.#o.keyLog?.(set)
    try {
      await this.#o.gm.sets.addTemporary(set, this.#o.settings.regAwaitAuthMs)
    } catch (cause) {
      throw new SecurityAgreementFailedError("the P-CSCF's SPIs and ports cannot be used", { cause })
    }
    const res = attempt.alterRes?.(answer.res) ?? answer.res
    return {
      flow: { kind: 'protected', setId: set.id },
      proposal,
      authorization: answerAuthorization(this.#o.credentials, challenge, { ...answer, res }, newTag(this.#o.random)),
      securityVerify: challenge.securityServer,
    }
  }

  /** The network's challenge was no good: the UE says so where the attempt began, and offers an SA set anew. */
  #complain(attempt: Attempt, challenge: Challenge, auts: Buffer | undefined): Round {
    return {
      flow: attempt.origin,
      proposal: this.#propose(),
      authorization: failureAuthorization(this.#o.credentials, challenge, auts),
      securityVerify: attempt.securityVerify,
    }
  }

  async #succeed(
    attempt: Attempt,
    round: Round,
    challenge: Challenge | undefined,
    response: SipResponse,
  ): Promise<Registration> {
    const { gm, clock, credentials, settings } = this.#o
    if (round.flow.kind === 'unprotected') {
      throw new SecurityAgreementFailedError('the network registers us without a challenge and without SAs')
    }
    const grant = readGrant(response, { instance: credentials.instance, askedSeconds: attempt.expiresSeconds })
    const registration: Registration = {
      callId: attempt.callId,
      fromTag: attempt.fromTag,
      cseq: attempt.cseq,
      authorization: round.authorization,
      securityServer: round.securityVerify,
      associatedUris: grant.associatedUris,
      serviceRoute: grant.serviceRoute,
      expiresAtMs: clock.now() + grant.expiresSeconds * 1000,
    }
    if (attempt.expiresSeconds === 0 || grant.expiresSeconds === 0) {
      this.#registration = undefined
      await gm.sets.clear()
      return registration
    }
    const lifetimeMs = grant.expiresSeconds * 1000 + SA_BEYOND_REGISTRATION_MS
    if (challenge === undefined) gm.sets.extend(lifetimeMs)
    else {
      await gm.sets.establish(round.flow.setId, {
        lifetimeMs,
        graceMs: transactionLifetimeMs(settings.timers),
        isInitial: attempt.origin.kind === 'unprotected',
      })
    }
    this.#registration = registration
    return registration
  }

  async #send(attempt: Attempt, round: Round): Promise<SipResponse> {
    const { credentials, settings, gm, random } = this.#o
    attempt.cseq += 1
    // CSeq only grows within a Call-ID, also when the attempt comes to nothing (RFC 3261 section 10.2).
    if (this.#registration?.callId === attempt.callId) {
      this.#registration = { ...this.#registration, cseq: attempt.cseq }
    }
    const isProtected = round.flow.kind === 'protected'
    const request = createRegister({
      domain: credentials.domain,
      impu: credentials.impus[0],
      instance: credentials.instance,
      callId: attempt.callId,
      fromTag: attempt.fromTag,
      cseq: attempt.cseq,
      branch: newBranch(random),
      reachableAt: isProtected ? this.contact : gm.unprotected,
      isProtected,
      expiresSeconds: attempt.expiresSeconds,
      authorization: round.authorization,
      securityClient: round.proposal.securityClient,
      securityVerify: round.securityVerify,
      accessNetworkInfo: settings.accessNetworkInfo,
    })
    try {
      return await gm.request(request, round.flow)
    } catch (error) {
      await this.#abandon(attempt, round)
      throw error
    }
  }

  /** A temporary set whose REGISTER failed goes; the sets that there were stay (TS 33.203 clause 7.4.2a). */
  async #abandon(attempt: Attempt, round: Round): Promise<void> {
    if (round.flow.kind === 'protected' && round.flow !== attempt.origin) await this.#o.gm.sets.remove(round.flow.setId)
  }

  /** A 401 that tells us of another source address than ours was sent to us through a NAT. */
  #learnAddress(attempt: Attempt, response: SipResponse): void {
    if (attempt.origin.kind !== 'unprotected') return
    const received = paramValue(readAnswer(() => topVia(response)).params, 'received')
    if (received !== undefined) this.#publicAddress = received
  }

  #propose(): Proposal {
    const { gm, random, settings } = this.#o
    const spis = new Set<number>()
    const ports = new Set<number>()
    for (const { local, remote } of gm.sets.views()) {
      for (const spi of [local.spiC, local.spiS, remote.spiC, remote.spiS]) spis.add(spi)
      ports.add(local.portC)
    }
    return createProposal({
      random,
      portUs: this.#portUs,
      taken: { spis, ports },
      suites: settings.suites,
      mode: gm.backEnd.mode,
    })
  }
}
