import type { Impi, Impu } from '@rollcall/core'
import type { RecordSealer } from './bucket.ts'

/** First token of the subscription records' keys: what `list` walks. */
export const SUBSCRIPTION_PREFIX = 'sub'

/** The names of the records in the bucket: a kind and a keyed hash, so that no key tells who a subscriber is. */
export class RecordKeys {
  readonly #sealer: Pick<RecordSealer, 'hash'>

  constructor(sealer: Pick<RecordSealer, 'hash'>) {
    this.#sealer = sealer
  }

  subscription(subscriptionId: string): string {
    return `${SUBSCRIPTION_PREFIX}.${this.#sealer.hash('subscription', subscriptionId)}`
  }

  impi(impi: Impi): string {
    return `impi.${this.#sealer.hash('impi', impi)}`
  }

  impu(impu: Impu): string {
    return `impu.${this.#sealer.hash('impu', impu)}`
  }

  sqn(impi: Impi): string {
    return `sqn.${this.#sealer.hash('impi', impi)}`
  }

  location(subscriptionId: string): string {
    return `loc.${this.#sealer.hash('subscription', subscriptionId)}`
  }
}
