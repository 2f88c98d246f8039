/**
 * Of each partition the highest sequence of a record that is known to have been acknowledged: its log reaches at least so far,
 * or the store has lost something. It is merged from all leases that were seen, and told on in one's own, so that it outlives
 * each of them. Bounded by the number of partitions.
 */
export class Floors {
  readonly #partitions: number
  readonly #floors = new Map<number, bigint>()

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  /** 0 when nothing is known. */
  of(partition: number): bigint {
    return this.#floors.get(partition) ?? 0n
  }

  /** Takes in that this record was acknowledged. What is lower than what is known changes nothing. */
  raise(partition: number, sequence: bigint): void {
    if (partition < this.#partitions && sequence > this.of(partition)) this.#floors.set(partition, sequence)
  }

  merge(floors: ReadonlyMap<number, bigint>): void {
    for (const [partition, sequence] of floors) this.raise(partition, sequence)
  }

  /** As they are now. */
  get all(): ReadonlyMap<number, bigint> {
    return new Map(this.#floors)
  }
}
