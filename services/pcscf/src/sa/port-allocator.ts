import { PortExhaustedError } from '../errors.ts'

/**
 * Our protected client ports. Each set gets a `port_pc` that no other set of the same UE address has, so that the
 * selectors of old and new sets differ; UEs at different addresses share ports.
 *
 * @see TS 33.203 clause 7.4: the P-CSCF changes port_pc with each new set, and keeps port_ps
 */
export class PortAllocator {
  readonly #first: number
  readonly #count: number
  readonly #byAddress = new Map<string, Set<number>>()
  #turn = 0

  constructor(o: { readonly first: number; readonly count: number }) {
    this.#first = o.first
    this.#count = o.count
  }

  /** Addresses that have a port. */
  get size(): number {
    return this.#byAddress.size
  }

  /**
   * A port that no set towards `address` has. Ports go round, so that one just given back rests a while.
   *
   * @throws PortExhaustedError
   */
  take(address: string): number {
    const taken = this.#byAddress.get(address) ?? new Set()
    for (let tries = 0; tries < this.#count; tries++) {
      const port = this.#first + (this.#turn++ % this.#count)
      if (taken.has(port)) continue
      taken.add(port)
      this.#byAddress.set(address, taken)
      return port
    }
    throw new PortExhaustedError(address)
  }

  release(address: string, port: number): void {
    const taken = this.#byAddress.get(address)
    if (!taken) return
    taken.delete(port)
    if (taken.size === 0) this.#byAddress.delete(address)
  }
}
