import type { Impi } from '@rollcall/core'
import { LocationRecord } from '@rollcall/proto-gen/hss'
import { KeyExistsError, RevisionMismatchError } from '@rollcall/store'
import { ConcurrentChangeError } from '../errors.ts'
import type { Bucket } from '../subscribers/bucket.ts'
import { decodeRecord, encodeRecord } from '../subscribers/record.ts'
import type { RecordKeys } from '../subscribers/record-keys.ts'
import type { Subscriber } from '../subscribers/subscriber.ts'

/** How often a change that met another replica's write starts again. */
const ATTEMPTS_MAX = 5

/** Who serves a subscription, and which of its private identities are registered (TS 23.228 clause 5.2.1). */
export interface Location {
  /** SIP URI of the S-CSCF; empty when none serves the user. */
  readonly serverName: string
  readonly registeredImpis: readonly Impi[]
  /** An S-CSCF was assigned for unregistered services alone. */
  readonly isUnregisteredService: boolean
}

/** Nobody serves the subscription. */
export const NO_LOCATION: Location = { serverName: '', registeredImpis: [], isUnregisteredService: false }

/** Whether one private identity at least is registered: the set is then registered (TS 29.228 clause 6.5.1). */
export function isRegistered(location: Location): boolean {
  return location.registeredImpis.length > 0
}

/** The locations, one record a subscription, changed by compare-and-set. */
export class Locations {
  readonly #bucket: Bucket
  readonly #keys: RecordKeys

  constructor(options: { readonly bucket: Bucket; readonly keys: RecordKeys }) {
    this.#bucket = options.bucket
    this.#keys = options.keys
  }

  async get(subscriber: Subscriber): Promise<Location> {
    return (await this.#read(subscriber)).location
  }

  /**
   * Applies `change`, which gives the new location or `refused`. Nothing is written when it changes nothing: a
   * re-registration costs no write.
   */
  async change(
    subscriber: Subscriber,
    change: (location: Location) => Location | 'refused',
  ): Promise<'done' | 'refused'> {
    const key = this.#keys.location(subscriber.subscriptionId)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const { location, revision } = await this.#read(subscriber)
      const next = change(location)
      if (next === 'refused') return 'refused'
      if (isSame(location, next)) return 'done'
      const value = encodeRecord(LocationRecord, {
        generation: subscriber.generation,
        serverName: next.serverName,
        registeredImpis: [...next.registeredImpis],
        unregisteredService: next.isUnregisteredService,
      })
      try {
        if (revision === undefined) await this.#bucket.create(key, value)
        else await this.#bucket.update(key, value, revision)
        return 'done'
      } catch (error) {
        if (!(error instanceof KeyExistsError || error instanceof RevisionMismatchError)) throw error
      }
    }
    throw new ConcurrentChangeError()
  }

  async #read(subscriber: Subscriber): Promise<{ location: Location; revision: bigint | undefined }> {
    const key = this.#keys.location(subscriber.subscriptionId)
    const entry = await this.#bucket.get(key)
    if (!entry) return { location: NO_LOCATION, revision: undefined }
    const record = decodeRecord(LocationRecord, key, entry.value)
    if (!record.generation.equals(subscriber.generation)) return { location: NO_LOCATION, revision: entry.revision }
    const location: Location = {
      serverName: record.serverName,
      registeredImpis: record.registeredImpis as Impi[],
      isUnregisteredService: record.unregisteredService,
    }
    return { location, revision: entry.revision }
  }
}

function isSame(one: Location, other: Location): boolean {
  return (
    one.serverName === other.serverName &&
    one.isUnregisteredService === other.isUnregisteredService &&
    one.registeredImpis.length === other.registeredImpis.length &&
    one.registeredImpis.every((impi) => other.registeredImpis.includes(impi))
  )
}
