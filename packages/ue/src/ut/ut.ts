import { type Clock, type Impu, type Random, systemClock, systemRandom } from '@rollcall/core'
import type { Credentials } from '../credentials.ts'
import { Isim } from '../isim.ts'
import type { IsimStore } from '../isim-store.ts'
import { bootstrap } from './bootstrapping.ts'
import { KeyKeeper } from './key-keeper.ts'
import { findPlaces } from './places.ts'
import { PresenceRulesEditor } from './rules/editor.ts'
import { DEFAULT_UT_SETTINGS, type UtSettings } from './settings.ts'
import { UaClient } from './ua-client.ts'
import { XcapClient } from './xcap-client.ts'

export interface UtOptions {
  readonly credentials: Credentials
  /** The ISIM's; that of the UE with the same credentials may be the same one. */
  readonly isimStore: IsimStore
  /** The XUI; by default the first public identity of the credentials. */
  readonly identity?: Impu
  readonly settings?: Partial<UtSettings>
  readonly clock?: Clock
  readonly random?: Random
}

/** A bootstrapping as others may see it. */
export interface BootstrapView {
  readonly btid: string
  readonly expiresAtMs: number
}

/**
 * Ut of one UE: bootstraps with the ISIM when the network wants it, and manages the user's documents with the key. It needs no
 * registration.
 *
 * Ks is kept in memory alone and goes with `close`.
 *
 * @see TS 24.141 clause 6, TS 33.141 clause 5, TS 33.222
 */
export class Ut implements AsyncDisposable {
  readonly identity: Impu
  readonly xcap: XcapClient
  readonly rules: PresenceRulesEditor
  readonly #keys: KeyKeeper
  readonly #ua: UaClient

  private constructor(o: { identity: Impu; xcap: XcapClient; keys: KeyKeeper; ua: UaClient }) {
    this.identity = o.identity
    this.xcap = o.xcap
    this.rules = new PresenceRulesEditor(o.xcap, o.identity)
    this.#keys = o.keys
    this.#ua = o.ua
  }

  /**
   * Makes it ready; it says nothing to the network yet.
   *
   * @throws CredentialsError when the authorities' file cannot be read.
   */
  static async open(options: UtOptions): Promise<Ut> {
    const { credentials, isimStore } = options
    const settings = { ...DEFAULT_UT_SETTINGS, ...options.settings }
    const clock = options.clock ?? systemClock
    const random = options.random ?? systemRandom
    const places = await findPlaces(credentials)
    const isim = new Isim(credentials.keys, isimStore)
    const { impi } = credentials
    const { timeoutMs, usesTmpi } = settings
    const keys = new KeyKeeper(clock, (tmpi) =>
      bootstrap({ places, impi, isim, clock, random, timeoutMs, usesTmpi, tmpi }),
    )
    const ua = new UaClient({ places, settings, random }, keys)
    const identity = options.identity ?? credentials.impus[0]
    return new Ut({ identity, xcap: new XcapClient(ua, { rootPath: places.rootPath, identity }), keys, ua })
  }

  /**
   * Bootstraps now, also when there is a key that lives.
   *
   * @throws what `bootstrap` throws.
   */
  async bootstrap(): Promise<BootstrapView> {
    const { btid, expiresAtMs } = await this.#keys.take(this.#keys.current?.btid)
    return { btid, expiresAtMs }
  }

  /** The bootstrapping there is, while it lives. */
  get bootstrapped(): BootstrapView | undefined {
    const session = this.#keys.current
    return session && { btid: session.btid, expiresAtMs: session.expiresAtMs }
  }

  /** How the last request on Ua was protected: `tlsv1.3 tls_aes_256_gcm_sha384 digest`. */
  get protection(): string | undefined {
    return this.#ua.protection
  }

  /** Ends its connections and lets the key go. */
  async close(): Promise<void> {
    this.#keys.forget()
    this.#ua.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
