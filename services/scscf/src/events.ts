import type { AuditEvent, AuditEventName, Logger, Metrics } from '@rollcall/runtime'
import type { CxCommand } from './cx/cx-client.ts'
import type { FilterCriterion, SkippedCriterion } from './ifc/filter-criteria.ts'
import { REFUSALS, type RefusalReason } from './refusal.ts'
import type { NotifyOutcome } from './reg-event/notify-outcome.ts'
import type { Attempt } from './registrar/attempt.ts'
import type { RegisterRequest } from './registrar/register-request.ts'
import type { RegistrarEvents } from './registrar/registrar.ts'
import type { EndedRegistration } from './registrations/ended-registration.ts'
import type { SessionEvents } from './session/session-router.ts'
import type { Incoming } from './sip/incoming.ts'
import type { ThirdPartyEvents } from './third-party/third-party-registrations.ts'

/** Refusals that say who somebody is not. The others of status 403 are refused registrations. */
const IDENTITY_REASONS: ReadonlySet<RefusalReason> = new Set([
  'peer-role',
  'impi-mismatch',
  'user-unknown',
  'identities-dont-match',
  'no-served-user',
  'not-registered',
  'served-user-barred',
  'no-service-route',
  'not-in-dialog',
  'reg-event-denied',
])

/** Refusals by which an authentication failed. */
const AUTHENTICATION_REASONS: ReadonlySet<RefusalReason> = new Set(['wrong-res', 'mac-failure', 'challenge-limit'])

/** The one place where the S-CSCF tells what it decided: counters for everything, the audit for who may what. */
export class ScscfEvents implements RegistrarEvents, SessionEvents, ThirdPartyEvents {
  readonly #metrics: Metrics
  readonly #audit: (event: AuditEvent) => void
  readonly #log: Logger

  constructor(options: {
    readonly metrics: Metrics
    readonly audit: (event: AuditEvent) => void
    readonly log: Logger
  }) {
    this.#metrics = options.metrics
    this.#audit = options.audit
    this.#log = options.log
  }

  challenged(request: RegisterRequest, isResynchronisation: boolean): void {
    const reason = isResynchronisation ? 'resynchronisation' : request.isProtected ? 're-authentication' : 'initial'
    this.#tell('auth.challenge', 'allowed', reason, request)
  }

  verified(request: RegisterRequest): void {
    this.#tell('auth.success', 'allowed', 'right-res', request)
  }

  accepted(request: RegisterRequest, isDeregistration: boolean): void {
    if (isDeregistration) this.#tell('registration.ended', 'allowed', 'unregistered', request)
    else this.#tell('registration.stored', 'allowed', 'bound', request)
  }

  refused(request: RegisterRequest, reason: RefusalReason): void {
    this.#count(reason)
    if (AUTHENTICATION_REASONS.has(reason)) this.#tell('auth.failure', 'failed', reason, request)
    else if (IDENTITY_REASONS.has(reason)) this.#tell('identity.refused', 'refused', reason, request)
    else if (REFUSALS[reason] === 403) this.#tell('registration.refused', 'refused', reason, request)
  }

  timedOut({ impi, impu }: Attempt): void {
    this.#audit({ event: 'auth.failure', outcome: 'failed', reason: 'no-answer', identities: { impi, impu } })
  }

  /** A private identity has no contact any more: its time ran out, or the network ended it. */
  ended({ impi, impu, reason }: EndedRegistration): void {
    this.#audit({ event: 'registration.ended', outcome: 'allowed', reason, identities: { impi, impu } })
  }

  /** A NOTIFY of registration state was answered, or could not be. */
  regNotified(outcome: NotifyOutcome): void {
    this.#metrics.counter('rollcall_scscf_reg_notifies_total', { outcome }).add()
  }

  reginfoTruncated(omitted: number): void {
    this.#log.warn({ omitted }, 'registration information was too long for a message; some of it was left out')
  }

  /** A request was refused before or beside the registrar. */
  requestRefused(incoming: Incoming, reason: RefusalReason): void {
    this.#count(reason)
    if (!IDENTITY_REASONS.has(reason)) return
    const { envelope, role, request, traceparent } = incoming
    const { impi } = envelope
    this.#audit({
      event: 'identity.refused',
      outcome: 'refused',
      reason,
      identities: { impi, impu: envelope.assertedIdentities[0] },
      detail: { method: request.method, peer: role },
      traceparent,
    })
  }

  dropped(reason: 'no-request' | 'unanswerable'): void {
    this.#metrics.counter('rollcall_scscf_refused_total', { reason }).add()
  }

  serverFailed(criterion: FilterCriterion, handling: FilterCriterion['defaultHandling']): void {
    const { serverName, priority } = criterion
    this.#log.warn({ serverName, priority, handling }, 'an application server failed; default handling applies')
  }

  thirdPartyTold(outcome: Parameters<ThirdPartyEvents['thirdPartyTold']>[0]): void {
    this.#metrics.counter('rollcall_scscf_third_party_total', { outcome }).add()
  }

  thirdPartyTerminated({ serverName, priority }: FilterCriterion): void {
    this.#log.warn(
      { serverName, priority },
      'an application server heard of no registration; it ends, as its filter says',
    )
  }

  criteriaSkipped(skipped: readonly SkippedCriterion[]): void {
    if (skipped.length > 0) this.#log.warn({ skipped }, 'filter criteria that cannot be evaluated are skipped')
  }

  profileStale(): void {
    this.#log.debug('the HSS is away; a profile is used beyond its time')
  }

  hssUnavailable(command: CxCommand, code: string): void {
    this.#log.warn({ command, code }, 'the HSS gave no answer')
  }

  #count(reason: RefusalReason): void {
    this.#metrics.counter('rollcall_scscf_refused_total', { reason }).add()
  }

  #tell(event: AuditEventName, outcome: AuditEvent['outcome'], reason: string, request: RegisterRequest): void {
    const { impi, impu, traceparent } = request
    this.#audit({ event, outcome, reason, identities: { impi, impu }, traceparent })
  }
}
