import type { Clock } from '@rollcall/core'
import type { BootstrappedSession } from './bootstrapping.ts'

/** A key that ends this soon would end amid the request. */
const MARGIN_MS = 2_000

/**
 * Keeps the one bootstrapped session of an ISIM: in memory alone, until it expires, is replaced, or the UE goes off. Several who
 * need a new one share one bootstrapping.
 *
 * @see TS 33.220 clauses 4.4.8 and 4.5.2
 */
export class KeyKeeper {
  readonly #clock: Clock
  readonly #bootstrap: (tmpi: string | undefined) => Promise<BootstrappedSession>
  #session: BootstrappedSession | undefined
  /** Of the last session, also when that has expired. */
  #tmpi: string | undefined
  #running: Promise<BootstrappedSession> | undefined

  constructor(clock: Clock, bootstrap: (tmpi: string | undefined) => Promise<BootstrappedSession>) {
    this.#clock = clock
    this.#bootstrap = bootstrap
  }

  /** The session, while it lives. */
  get current(): BootstrappedSession | undefined {
    const session = this.#session
    // guard: ks-expired — a key past its lifetime is none (TS 33.220 clause 4.5.2)
    if (session !== undefined && session.expiresAtMs - MARGIN_MS <= this.#clock.now()) this.#session = undefined
    return this.#session
  }

  /** The session when it lives and is not the one with `refused`, else a new one. */
  take(refused?: string): Promise<BootstrappedSession> {
    const session = this.current
    if (session !== undefined && session.btid !== refused) return Promise.resolve(session)
    this.#running ??= this.#renew()
    return this.#running
  }

  /** Lets the key go. */
  forget(): void {
    this.#session = undefined
    this.#tmpi = undefined
  }

  async #renew(): Promise<BootstrappedSession> {
    try {
      this.#session = undefined
      const session = await this.#bootstrap(this.#tmpi)
      this.#session = session
      this.#tmpi = session.tmpi
      return session
    } finally {
      this.#running = undefined
    }
  }
}
