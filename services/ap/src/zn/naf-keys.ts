import {
  type Clock,
  type Impi,
  type Impu,
  InvalidIdentityError,
  parseImpi,
  parseImpu,
  Secret,
  Tally,
  TokenBuckets,
} from '@rollcall/core'
import { InvalidBtidError, parseBtid } from '@rollcall/gba'
import type { BootstrappingInfoRequest, BootstrappingInfoResponse } from '@rollcall/proto-gen/zn'
import { ExpiringCache } from '../cache/expiring-cache.ts'
import { LookupError } from '../errors.ts'

/** What the BSF says of a B-TID to one NAF under one Ua security protocol identifier. */
export interface NafKey {
  readonly ksNaf: Secret
  readonly expiresMs: number
  readonly impi: Impi | undefined
  /** Who the user may be here; empty when his settings say nothing of it. */
  readonly identities: readonly Impu[]
  readonly flags: readonly number[]
}

export interface NafKeyRequest {
  readonly btid: string
  readonly fqdn: string
  /** Five octets. */
  readonly uaProtocol: Buffer
  /** The first of them that the user has counts. */
  readonly gsids: readonly number[]
  /** Where it comes from, for limits. */
  readonly source: string
}

/** Asks the BSF over Zn. @throws LookupError */
export type AskBsf = (request: BootstrappingInfoRequest) => Promise<BootstrappingInfoResponse>

/** `Choice:` so many keys are kept, some 500 octets each; a user whose key had to go costs one more question. */
const KEYS_MAX = 50_000
/** `Choice:` an unknown B-TID is asked for again after this: who repeats it must not load the BSF. */
const UNKNOWN_MS = 2_000
/** Refusals have a place of their own: what strangers make up must not push keys out. */
const REFUSALS_MAX = 5_000
/**
 * `Choice:` unknown B-TIDs of one source at once, and then one each interval: who makes them up must not load the BSF. Wide,
 * since many UEs may share an address and all have old keys when a BSF has lost its store.
 */
const UNKNOWN_OF_SOURCE = { burst: 500, intervalMs: 100 }
/** Questions at once; beyond it the UE is told to come again. */
const ASKED_MAX = 500
/** `Choice:` of them for one source: the BSF answers within milliseconds, so that this is enough for some thousand UEs a second. */
const ASKED_OF_SOURCE_MAX = 32

/**
 * Keys of this proxy's NAFs, one for each B-TID and NAF_Id, from the BSF at first sight and kept until they expire.
 *
 * @see TS 33.220 clause 4.4.6, TS 33.220 clause 4.5.3, TS 29.109 clause 5.2
 */
export class NafKeys {
  readonly #ask: AskBsf
  readonly #clock: Clock
  readonly #known: ExpiringCache<NafKey>
  readonly #refused: ExpiringCache<LookupError>
  readonly #unknown: TokenBuckets
  readonly #asked = new Map<string, Promise<NafKey>>()
  readonly #askedOfSource = new Tally()

  constructor(o: { readonly ask: AskBsf; readonly clock: Clock; readonly keysMax?: number }) {
    this.#ask = o.ask
    this.#clock = o.clock
    this.#known = new ExpiringCache(o.clock, o.keysMax ?? KEYS_MAX)
    this.#refused = new ExpiringCache(o.clock, REFUSALS_MAX)
    this.#unknown = new TokenBuckets(o.clock, UNKNOWN_OF_SOURCE)
  }

  /** Keys and refusals kept now. */
  get size(): number {
    return this.#known.size + this.#refused.size
  }

  /** @throws LookupError */
  async get(request: NafKeyRequest): Promise<NafKey> {
    const { btid, fqdn, uaProtocol } = request
    const name = `${uaProtocol.toString('hex')} ${fqdn} ${btid}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const refused = this.#refused.get(name)
    if (refused !== undefined) throw refused
    const pending = this.#asked.get(name)
    if (pending) return pending
    // guard: key-btid — what cannot be a B-TID is not asked for, and not kept, however long it is
    if (!isBtid(btid)) throw new LookupError('unknown')
    // guard: key-unknown-source — a source that makes B-TIDs up is not asked about for a while
    if (!this.#unknown.has(request.source)) throw new LookupError('unavailable')
    if (this.#asked.size >= ASKED_MAX) throw new LookupError('unavailable')
    // guard: key-asked-source — one source must not hold all questions while the BSF is slow
    if (this.#askedOfSource.of(request.source) >= ASKED_OF_SOURCE_MAX) throw new LookupError('unavailable')
    const asked = this.#fetch(name, request)
    this.#asked.set(name, asked)
    this.#askedOfSource.add(request.source)
    try {
      return await asked
    } finally {
      this.#asked.delete(name)
      this.#askedOfSource.remove(request.source)
    }
  }

  async #fetch(name: string, { btid, fqdn, uaProtocol, gsids, source }: NafKeyRequest): Promise<NafKey> {
    try {
      const key = nafKeyOf(await this.#ask({ btid, nafFqdn: fqdn, uaProtocol, gsids: [...gsids] }), gsids)
      if (key.expiresMs <= this.#clock.now()) throw new LookupError('unknown')
      this.#known.set(name, key, key.expiresMs)
      return key
    } catch (error) {
      if (!(error instanceof LookupError)) throw error
      if (error.failure === 'unknown') this.#unknown.take(source)
      if (error.failure !== 'unavailable') this.#refused.set(name, error, this.#clock.now() + UNKNOWN_MS)
      throw error
    }
  }
}

function isBtid(text: string): boolean {
  try {
    parseBtid(text)
    return true
  } catch (error) {
    if (error instanceof InvalidBtidError) return false
    throw error
  }
}

function nafKeyOf(answer: BootstrappingInfoResponse, gsids: readonly number[]): NafKey {
  const uss = gsids.flatMap((gsid) => answer.uss.filter((one) => one.gsid === gsid && one.uids.length > 0))[0]
  const ksNaf = new Secret(answer.ksNaf)
  answer.ksNaf.fill(0)
  return {
    ksNaf,
    expiresMs: Number(answer.keyExpiryMs),
    impi: answer.impi === '' ? undefined : parseImpi(answer.impi),
    identities: identitiesOf(uss?.uids ?? []),
    flags: uss?.flags ?? [],
  }
}

/** The public identities among the names of a user; other names say nothing here. */
export function identitiesOf(uids: readonly string[]): Impu[] {
  return uids.flatMap((uid) => {
    try {
      return [parseImpu(uid)]
    } catch (error) {
      if (error instanceof InvalidIdentityError) return []
      throw error
    }
  })
}
