import { readBatch } from '../jetstream-api.ts'
import { leaseStreamOf, type ReplicatedService } from '../layout.ts'
import { LeaseFormatError } from '../replicas/errors.ts'
import { decodeLease } from '../replicas/lease-record.ts'
import type { StoreLink } from '../store-link.ts'

const CALL_MS_MAX = 10_000
/** Far more replicas than a service has. */
const LEASES_MAX = 1_000
const OCTETS_MAX = 4 * 1024 * 1024

/** How far logs reach at least, by what all leases of a service say. */
export class StoredFloors {
  readonly #floors = new Map<string, bigint>()

  /**
   * Read it before the logs: what is acknowledged then is there.
   *
   * @throws StoreUnavailableError, StoreDeniedError, JetStreamError
   */
  static async read(connection: StoreLink, service: ReplicatedService): Promise<StoredFloors> {
    const floors = new StoredFloors()
    const { name, subjects } = leaseStreamOf(service)
    for (const subject of subjects) {
      await readBatch(connection, {
        stream: name,
        subject,
        from: 1,
        messagesMax: LEASES_MAX,
        octetsMax: OCTETS_MAX,
        timeoutMs: CALL_MS_MAX,
        onMessage: ({ data }, subject) => floors.#add(subject.split('.')[1] ?? '', data),
      })
    }
    return floors
  }

  /** 0 when nothing is known. `realm` as it stands in subjects. */
  of(realm: string, partition: number | string): bigint {
    return this.#floors.get(`${realm}.${partition}`) ?? 0n
  }

  /** Where something must be. */
  get places(): readonly { readonly realm: string; readonly partition: number }[] {
    return [...this.#floors.keys()].map((place) => {
      const [realm = '', partition] = place.split('.')
      return { realm, partition: Number(partition) }
    })
  }

  #add(realm: string, data: Buffer): void {
    try {
      for (const [partition, sequence] of decodeLease(data).floors) {
        if (sequence > this.of(realm, partition)) this.#floors.set(`${realm}.${partition}`, sequence)
      }
    } catch (error) {
      // A later release wrote it: it says nothing to this one.
      if (!(error instanceof LeaseFormatError)) throw error
    }
  }
}
