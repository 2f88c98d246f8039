import type { Random } from '@rollcall/core'
import { SpiExhaustedError } from '../errors.ts'

/** Ten decimal digits always, which is how TS 33.203 annex H writes an SPI, and far from the reserved 0 to 255. */
const SPI_MIN = 1_000_000_000
const SPI_COUNT = 2 ** 32 - SPI_MIN
/** With 100,000 SPIs in use out of three thousand million, even the second try is rare. */
const TRIES_MAX = 16

/**
 * Our inbound SPIs: random, each unique on this address, and none that the UE chose, so that no packet fits in both
 * directions.
 *
 * @see TS 33.203 clause 7.1; RFC 4303 section 2.1
 */
export class SpiAllocator {
  readonly #random: Random
  readonly #inUse = new Set<number>()

  constructor(random: Random) {
    this.#random = random
  }

  get size(): number {
    return this.#inUse.size
  }

  /**
   * Takes `spiPc` and `spiPs` for a set, different from each other and from all in `foreign`, the UE's.
   *
   * @throws SpiExhaustedError
   */
  takePair(foreign: readonly number[]): { spiPc: number; spiPs: number } {
    const spiPc = this.#take(foreign)
    try {
      return { spiPc, spiPs: this.#take(foreign) }
    } catch (error) {
      this.#inUse.delete(spiPc)
      throw error
    }
  }

  /** Gives SPIs back, when their SAs are deleted and not earlier. */
  release(...spis: readonly number[]): void {
    for (const spi of spis) this.#inUse.delete(spi)
  }

  #take(foreign: readonly number[]): number {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const spi = SPI_MIN + (this.#random.bytes(6).readUIntBE(0, 6) % SPI_COUNT)
      if (this.#inUse.has(spi) || foreign.includes(spi)) continue
      this.#inUse.add(spi)
      return spi
    }
    throw new SpiExhaustedError()
  }
}
