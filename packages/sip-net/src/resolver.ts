import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import type { Clock } from '@rollcall/core'
import { NameUnresolvedError } from './errors.ts'

/** Addresses of a name, of either family. */
export type AddressLookup = (host: string) => Promise<readonly string[]>

/** Choice: name servers say how long an answer holds, `lookup` does not tell; so long a move of a peer may take to be seen. */
const FRESH_MS = 5_000
/** A name that has no address is not asked for again with each message. */
const FAILURE_MS = 1_000
/** Names are those of a table that a person writes, and of what recorded routes name. */
const NAMES_MAX = 1_024
/** More addresses than this are not tried anyway. */
const ADDRESSES_MAX = 16

interface Entry {
  readonly addresses: Promise<readonly string[]>
  readonly untilMs: number
}

/**
 * A and AAAA of a host, kept for some seconds. The port is always given, so that neither NAPTR nor SRV is asked (RFC 3263
 * section 4.1, RFC 3263 section 4.2); the hosts file counts, since the system's resolver is asked.
 */
export class Resolver {
  readonly #clock: Clock
  readonly #lookup: AddressLookup
  readonly #entries = new Map<string, Entry>()

  constructor(o: { readonly clock: Clock; readonly lookup?: AddressLookup }) {
    this.#clock = o.clock
    this.#lookup = o.lookup ?? systemLookup
  }

  /** Names that are remembered. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Addresses of `host` in the order in which they are to be tried: the families by turns, the first one first (RFC 8305
   * section 4). An address, also one in brackets, is itself.
   *
   * @throws NameUnresolvedError
   */
  async resolve(host: string): Promise<readonly string[]> {
    const literal = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
    if (isIP(literal) !== 0) return [literal]
    const name = host.toLowerCase()
    const known = this.#entries.get(name)
    const nowMs = this.#clock.monotonic()
    if (known && nowMs < known.untilMs) return await known.addresses
    const addresses = this.#ask(name)
    this.#entries.delete(name)
    // guard: resolver-names — names that strangers' routes hold must not fill our memory
    if (this.#entries.size >= NAMES_MAX) this.#forgetOldest()
    this.#entries.set(name, { addresses, untilMs: nowMs + FRESH_MS })
    addresses.catch(() => {
      const untilMs = this.#clock.monotonic() + FAILURE_MS
      if (this.#entries.get(name)?.addresses === addresses) this.#entries.set(name, { addresses, untilMs })
    })
    return await addresses
  }

  async #ask(name: string): Promise<readonly string[]> {
    let found: readonly string[]
    try {
      found = await this.#lookup(name)
    } catch (error) {
      throw new NameUnresolvedError(name, { cause: error })
    }
    if (found.length === 0) throw new NameUnresolvedError(name)
    return byTurns(found).slice(0, ADDRESSES_MAX)
  }

  #forgetOldest(): void {
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.#entries.delete(oldest.value)
  }
}

/** The first of each family, then the second of each, beginning with the family that came first. */
function byTurns(addresses: readonly string[]): string[] {
  const isFirstSix = isIPv6(addresses[0] ?? '')
  const first = addresses.filter((address) => isIPv6(address) === isFirstSix)
  const second = addresses.filter((address) => isIPv6(address) !== isFirstSix)
  return Array.from({ length: Math.max(first.length, second.length) }, (_, index) => [
    ...first.slice(index, index + 1),
    ...second.slice(index, index + 1),
  ]).flat()
}

async function systemLookup(host: string): Promise<string[]> {
  return (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address)
}
