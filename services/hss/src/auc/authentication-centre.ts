import { type AuthenticationVector, generateVector, type SqnSlice, verifyAuts } from '@rollcall/aka'
import type { Random } from '@rollcall/core'
import type { SubscriberRepository } from '../subscribers/repository.ts'
import type { PrivateUser, Subscriber } from '../subscribers/subscriber.ts'
import type { SqnOwner, SqnReservations } from './sqn-reservations.ts'

/** Octets of RAND and AUTS (TS 33.102 clauses 6.3.2 and 6.3.3). */
const RAND_OCTETS = 16
const AUTS_OCTETS = 14

/** What a UE sent to report a synchronisation failure: the RAND of the challenge that it refused, and its AUTS. */
export interface Resynchronisation {
  readonly rand: Buffer
  readonly auts: Buffer
}

/** A fresh vector, and what became of the AUTS. */
export interface VectorResult {
  readonly vector: AuthenticationVector
  /** `refused`: MAC-S is wrong, so nothing was changed (TS 33.102 clause 6.3.5). */
  readonly resynchronisation: 'none' | 'done' | 'refused'
}

/** Splits the Cx form RAND‖AUTS (TS 29.229 clause 6.3.11); undefined when it has another length. */
export function parseResynchronisation(octets: Buffer): Resynchronisation | undefined {
  if (octets.length !== RAND_OCTETS + AUTS_OCTETS) return undefined
  return { rand: octets.subarray(0, RAND_OCTETS), auts: octets.subarray(RAND_OCTETS) }
}

/** The AuC: makes authentication vectors, each with a sequence number of its own. */
export class AuthenticationCentre {
  readonly #repository: SubscriberRepository
  readonly #reservations: SqnReservations
  readonly #random: Random

  constructor(options: {
    readonly repository: SubscriberRepository
    readonly reservations: SqnReservations
    readonly random: Random
  }) {
    this.#repository = options.repository
    this.#reservations = options.reservations
    this.#random = options.random
  }

  /**
   * Makes a vector for the IMS domain, by Milenage or TUAK as the user is provisioned, after resynchronisation when
   * `resync` is given and its MAC-S is right. MAC-S is verified before anything else, so that a forged AUTS costs no write.
   *
   * `consumer` is who asks: each has IND values of its own, so that vectors of one that are presented late are still fresh
   * after those of another (readings, Access 8).
   *
   * @see TS 33.102 clauses 6.3.2, 6.3.5 and C.3.4
   */
  async makeVector(
    subscriber: Subscriber,
    user: PrivateUser,
    o: { readonly consumer: SqnSlice; readonly resync?: Resynchronisation | undefined },
  ): Promise<VectorResult> {
    const { consumer, resync } = o
    const keys = this.#repository.keysOf(subscriber, user)
    const owner: SqnOwner = { impi: user.impi, generation: subscriber.generation, initialSqn: user.initialSqn }
    const sqnMs = resync && verifyAuts(keys, resync)
    const sqn =
      sqnMs === undefined
        ? await this.#reservations.take(owner, consumer)
        : await this.#reservations.takeAfterResynchronisation(owner, consumer, sqnMs)
    const vector = generateVector(keys, { sqn, amf: user.amf, rand: this.#random.bytes(RAND_OCTETS) })
    const resynchronisation = resync === undefined ? 'none' : sqnMs === undefined ? 'refused' : 'done'
    return { vector, resynchronisation }
  }
}
