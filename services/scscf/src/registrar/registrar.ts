import type { AuthenticationVector } from '@rollcall/aka'
import { assertNever, type Clock, type Impi, type Timer } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import type {
  Attempt,
  AttemptEffect,
  AttemptInput,
  AttemptRules,
  BoundInstance,
  CxOutcome,
  RegisterAnswer,
  StoreOutcome,
} from './attempt.ts'
import { type AttemptLimits, Attempts } from './attempts.ts'
import { isDeregistration, type RegisterRequest } from './register-request.ts'
import { step } from './step.ts'

/** What the registrar asks of the HSS. None of these rejects: an HSS that is away is an outcome. */
export interface RegistrarCx {
  authorize(request: RegisterRequest): Promise<CxOutcome<object>>
  fetchVector(
    request: RegisterRequest,
    resync: Buffer | undefined,
  ): Promise<CxOutcome<{ readonly vector: AuthenticationVector }>>
  assign(request: RegisterRequest, isReregistration: boolean): Promise<CxOutcome<{ readonly profile: ServiceProfile }>>
  report(type: 'failure' | 'timeout', impi: Impi, impu: RegisterRequest['impu']): void
}

/** What the registrar asks of the registrations. */
export interface RegistrarStore {
  boundInstance(impi: Impi): (BoundInstance & { readonly sourceAddress: string }) | undefined
  /** Resolves when the record is durable, or cannot be. */
  bind(request: RegisterRequest, profile: ServiceProfile): Promise<StoreOutcome>
  unbind(request: RegisterRequest): Promise<StoreOutcome>
}

/** Who hears of what was decided. */
export interface RegistrarEvents {
  challenged(request: RegisterRequest, isResynchronisation: boolean): void
  verified(request: RegisterRequest): void
  accepted(request: RegisterRequest, isDeregistration: boolean): void
  refused(request: RegisterRequest, reason: Extract<RegisterAnswer, { kind: 'refused' }>['reason']): void
  timedOut(attempt: Attempt): void
}

export interface RegistrarOptions {
  readonly clock: Clock
  readonly cx: RegistrarCx
  readonly store: RegistrarStore
  readonly events: RegistrarEvents
  readonly limits: AttemptLimits
  readonly rules: AttemptRules
  /** reg-await-auth: how long a challenge waits for its answer (TS 24.229 table 7.8.1). */
  readonly awaitAuthMs: number
}

/** Carries out what `step` decides, and keeps the attempts that are pending. */
export class Registrar {
  readonly #options: RegistrarOptions
  readonly #attempts: Attempts
  readonly #timers = new Map<string, Timer>()
  readonly #waiting = new Map<RegisterRequest, (answer: RegisterAnswer) => void>()
  #tellIdle: (() => void) | undefined
  #isStopped = false

  constructor(options: RegistrarOptions) {
    this.#options = options
    this.#attempts = new Attempts(options.limits)
  }

  /** Attempts that are pending. */
  get attempts(): number {
    return this.#attempts.size
  }

  /** Decides about `request`; each request is answered once. */
  handle(request: RegisterRequest): Promise<RegisterAnswer> {
    return new Promise((resolve) => {
      if (this.#isStopped) {
        resolve({ kind: 'refused', reason: 'not-served-here' })
        return
      }
      this.#waiting.set(request, resolve)
      this.#register(request)
    })
  }

  /** Resolves when nobody waits for an answer, or after `msMax`. */
  async whenIdle(msMax: number): Promise<void> {
    if (this.#waiting.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tellIdle = resolve
    const timer = this.#options.clock.setTimer(msMax, resolve)
    await promise
    timer.cancel()
  }

  /** Forgets every attempt; who waits for an answer is told to ask another replica. */
  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    for (const request of [...this.#waiting.keys()]) {
      this.#answer(request, { kind: 'refused', reason: 'not-served-here' })
    }
  }

  #register(request: RegisterRequest): void {
    const key = this.#attempts.keyOf(request)
    const attempt = this.#attempts.get(request.impi, key)
    const bound = this.#options.store.boundInstance(request.impi)
    if (!attempt) {
      const admission = this.#attempts.admit(request, bound?.sourceAddress === request.source.host)
      if (admission.kind === 'refused') {
        this.#answer(request, { kind: 'refused', reason: admission.reason })
        return
      }
      if (admission.dropped) this.#stopTimer(admission.dropped)
    }
    this.#run(attempt, { kind: 'register', request, bound }, key)
  }

  #resume(impi: Impi, key: string, input: AttemptInput): void {
    // What was asked for before comes too late.
    if (this.#isStopped) return
    this.#run(this.#attempts.get(impi, key), input, key)
  }

  #run(before: Attempt | undefined, input: AttemptInput, key: string): void {
    const { attempt, effects } = step(before, input, key, this.#options.rules)
    if (attempt) this.#attempts.put(attempt)
    else if (before) this.#attempts.delete(before)
    if (before && attempt?.phase.kind !== 'challenged') this.#stopTimer(before)
    if (attempt?.phase.kind === 'challenged' && attempt !== before) this.#startTimer(attempt)
    if (before && input.kind === 'timed-out' && !attempt) this.#options.events.timedOut(before)
    for (const effect of effects) this.#carryOut(effect, key)
  }

  #carryOut(effect: AttemptEffect, key: string): void {
    const { cx, store, events } = this.#options
    switch (effect.kind) {
      case 'authorize': {
        const { request } = effect
        void cx.authorize(request).then((outcome) => {
          this.#resume(request.impi, key, { kind: 'authorized', outcome, bound: store.boundInstance(request.impi) })
        })
        return
      }
      case 'fetch': {
        const { request, resync } = effect
        void cx.fetchVector(request, resync).then((outcome) => {
          if (outcome.kind === 'success') events.challenged(request, resync !== undefined)
          this.#resume(request.impi, key, { kind: 'fetched', outcome })
        })
        return
      }
      case 'assign': {
        const { request } = effect
        const isReregistration = store.boundInstance(request.impi) !== undefined
        void cx
          .assign(request, isReregistration)
          .then((outcome) => this.#resume(request.impi, key, { kind: 'assigned', outcome }))
        return
      }
      case 'bind': {
        const { request, profile } = effect
        void store
          .bind(request, profile)
          .then((outcome) => this.#resume(request.impi, key, { kind: 'stored', outcome }))
        return
      }
      case 'unbind': {
        const { request } = effect
        void store.unbind(request).then((outcome) => this.#resume(request.impi, key, { kind: 'stored', outcome }))
        return
      }
      case 'report':
        cx.report(effect.type, effect.impi, effect.impu)
        return
      case 'verified':
        events.verified(effect.request)
        return
      case 'answer':
        this.#answer(effect.request, effect.answer)
        return
      default:
        assertNever(effect)
    }
  }

  #answer(request: RegisterRequest, answer: RegisterAnswer): void {
    const { events } = this.#options
    if (!this.#waiting.has(request)) return
    if (answer.kind === 'refused') events.refused(request, answer.reason)
    else if (answer.kind === 'accepted') events.accepted(request, isDeregistration(request))
    const resolve = this.#waiting.get(request)
    this.#waiting.delete(request)
    resolve?.(answer)
    if (this.#waiting.size === 0) this.#tellIdle?.()
  }

  #startTimer(attempt: Attempt): void {
    const { impi, key } = attempt
    this.#stopTimer(attempt)
    const timer = this.#options.clock.setTimer(this.#options.awaitAuthMs, () => {
      this.#timers.delete(timerName(attempt))
      this.#resume(impi, key, { kind: 'timed-out' })
    })
    this.#timers.set(timerName(attempt), timer)
  }

  #stopTimer(attempt: Attempt): void {
    this.#timers.get(timerName(attempt))?.cancel()
    this.#timers.delete(timerName(attempt))
  }
}

function timerName({ impi, key }: Attempt): string {
  return `${impi} ${key}`
}
