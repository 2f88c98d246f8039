import type { Impu } from '@rollcall/core'
import type { HeldPartition } from '@rollcall/store'
import type { Deassignments } from '../cx/deassignments.ts'
import type { RegEvents } from '../reg-event/reg-events.ts'
import type { RegisterAnswers } from '../registrar/register-answers.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { PartitionLog } from '../registrations/partition-log.ts'
import type { RegistrationSet } from '../registrations/registration.ts'
import type { Registrations } from '../registrations/registrations.ts'
import type { ThirdPartyRegistrations } from '../third-party/third-party-registrations.ts'

/** REGISTERs that are under way when the partition is handed over get this long; then another replica is asked. */
const DRAIN_MS_MAX = 1_500

/** What a partition is made of. */
export interface PartitionParts {
  readonly registrations: Registrations
  readonly registrar: Registrar
  readonly registers: Pick<RegisterAnswers, 'handle'>
  readonly deassignments: Deassignments
  readonly regEvents: RegEvents
  readonly thirdParty: Pick<ThirdPartyRegistrations, 'begin' | 'stop' | 'pending'>
}

/** What requests need of a partition. */
export type PartitionUsers = Pick<ServedPartition, 'findByImpu' | 'isOwned' | 'registers' | 'regEvents'>

/** A partition that was taken: the registrations of its users, and everything that is in memory about them. */
export class ServedPartition implements HeldPartition {
  readonly number: number
  readonly registers: Pick<RegisterAnswers, 'handle'>
  readonly regEvents: Pick<RegEvents, 'subscribe' | 'resubscribe' | 'answered'>
  readonly #parts: PartitionParts
  readonly #log: PartitionLog
  readonly #onEnd: () => void
  #hasBegun = false

  constructor(o: {
    readonly number: number
    readonly parts: PartitionParts
    readonly log: PartitionLog
    /** It was released or dropped. */
    readonly onEnd: () => void
  }) {
    this.number = o.number
    this.registers = o.parts.registers
    this.regEvents = o.parts.regEvents
    this.#parts = o.parts
    this.#log = o.log
    this.#onEnd = o.onEnd
  }

  get epoch(): bigint {
    return this.#log.epoch
  }

  get acknowledged(): bigint {
    return this.#log.acknowledged
  }

  get lost(): Promise<unknown> {
    return this.#log.lost
  }

  /** It is announced: what it does by itself begins. */
  begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#parts.registrations.begin()
    this.#parts.regEvents.begin(this.#log.epoch)
    this.#parts.thirdParty.begin()
  }

  /** Whether this process may speak for the set. */
  isOwned(canonicalImpu: Impu): boolean {
    return this.#parts.registrations.isOwned(canonicalImpu)
  }

  findByImpu(impu: Impu): RegistrationSet | undefined {
    return this.#parts.registrations.findByImpu(impu)
  }

  /** For what the network does to contacts. */
  get registrations(): Pick<Registrations, 'end' | 'shorten' | 'replaceProfile'> {
    return this.#parts.registrations
  }

  /** Subscriptions to registration state. */
  get subscriptions(): number {
    return this.#parts.regEvents.size
  }

  /** Application servers that wait to hear of a registration. */
  get thirdPartyPending(): number {
    return this.#parts.thirdParty.pending
  }

  get sets(): readonly RegistrationSet[] {
    return this.#parts.registrations.sets
  }

  /** Registration sets with a contact at least. */
  get size(): number {
    return this.#parts.registrations.size
  }

  /** Registrations that wait for an answer to their challenge, or for the HSS. */
  get attempts(): number {
    return this.#parts.registrar.attempts
  }

  /**
   * Nothing new comes any more. What is under way is finished; an attempt whose challenge is with its UE is not handed
   * over, for its keys are never written: the next owner challenges the UE again.
   */
  async release(): Promise<void> {
    const { registrations, registrar, deassignments, regEvents, thirdParty } = this.#parts
    registrations.halt()
    await registrar.whenIdle(DRAIN_MS_MAX)
    registrar.stop()
    // The next owner tells the HSS of recent ends, and knows better who has come back since.
    deassignments.stop()
    // What is not told yet the next owner tells.
    regEvents.stop()
    thirdParty.stop()
    await registrations.release()
    this.#onEnd()
  }

  drop(): void {
    const { registrations, registrar, deassignments, regEvents, thirdParty } = this.#parts
    regEvents.stop()
    thirdParty.stop()
    registrations.drop()
    registrar.stop()
    deassignments.stop()
    this.#onEnd()
  }
}
