import type { Clock, Impi, Random, Timer } from '@rollcall/core'
import type { EncryptionAlgorithm, EspKeys, IntegrityAlgorithm, SaEnd } from '@rollcall/esp'
import type { SaBackEnd } from '@rollcall/esp-net'
import { SaTableFullError } from '../errors.ts'
import { decideSaSets, type RemovalReason, type SaEffect, type SaInput, setInForce } from './decide-sa-sets.ts'
import type { PortAllocator } from './port-allocator.ts'
import type { SaLifetimes, SaSet } from './sa-set.ts'
import type { SpiAllocator } from './spi-allocator.ts'

/** Why a set is no more. A label. */
export type SetEnd = RemovalReason | 'not-installed' | 'stopped'

/** What does not change in a set's life. Its keys are at the back end alone. */
interface SaFacts {
  readonly impi: Impi
  /** Our end: `portC` is port_pc, `spiC` is spi_pc. */
  readonly local: SaEnd
  /** The UE's end: `portC` is port_uc, `spiC` is spi_uc. */
  readonly remote: SaEnd
  readonly integrity: IntegrityAlgorithm
  readonly encryption: EncryptionAlgorithm
}

/** A set with all that may be told of it. */
export interface SaSetView extends SaSet, SaFacts {}

/** What a challenge brings for a new temporary set. */
export interface NewSaSet {
  readonly impi: Impi
  readonly attempt: string
  /** The set that the REGISTER came on. */
  readonly origin: string | undefined
  readonly remote: SaEnd
  readonly keys: EspKeys
}

/** What the table needs of the world, and its bounds. */
export interface SaTableOptions {
  readonly backEnd: Pick<SaBackEnd, 'install' | 'remove'>
  readonly clock: Clock
  readonly random: Random
  readonly spis: SpiAllocator
  readonly ports: PortAllocator
  readonly lifetimes: SaLifetimes
  /** Our address towards the UEs, and the one protected server port. */
  readonly local: { readonly address: string; readonly portPs: number }
  readonly setsMax: number
  /** Told of each set after it has gone. */
  readonly onRemoved: (set: SaSetView, why: SetEnd) => void
  /** The back end could not remove a set. */
  readonly onRemoveFailed: (error: unknown) => void
}

/** The sets of one private identity, and the timer for the first of them to end. */
interface Group {
  sets: readonly SaSet[]
  timer: Timer | undefined
  /** When `timer` is due, on the monotonic clock. */
  dueMs: number
}

/**
 * All SA sets of this P-CSCF. What becomes of a set is `decideSaSets`'s decision; here is memory, time, SPIs and ports,
 * and the effects on the back end.
 *
 * @see TS 33.203 clause 7.1 for what the SA table of a P-CSCF holds
 */
export class SaTable {
  readonly #o: SaTableOptions
  readonly #groups = new Map<Impi, Group>()
  readonly #facts = new Map<string, SaFacts>()
  readonly #byAddress = new Map<string, Set<string>>()

  constructor(options: SaTableOptions) {
    this.#o = options
  }

  get size(): number {
    return this.#facts.size
  }

  /**
   * Makes the temporary set of a challenge: SPIs and port_pc are allocated, the SAs installed, and an earlier set of the
   * same attempt is gone.
   *
   * @throws SaTableFullError, SpiExhaustedError, PortExhaustedError and what the back end throws; then no set was made.
   */
  async challenge(o: NewSaSet): Promise<SaSetView> {
    if (this.#facts.size >= this.#o.setsMax) throw new SaTableFullError(this.#o.setsMax)
    const facts = this.#allocate(o)
    const id = this.#o.random.bytes(9).toString('base64url')
    this.#facts.set(id, facts)
    this.#index(facts.remote.address).add(id)
    const effects = this.#decide(o.impi, { kind: 'challenged', id, attempt: o.attempt, origin: o.origin })
    this.#removeAll(o.impi, effects)
    try {
      await this.#o.backEnd.install({ id, local: facts.local, remote: facts.remote, keys: o.keys })
    } catch (error) {
      this.#drop(o.impi, id)
      throw error
    }
    const made = this.find(id)
    if (!made) throw new SaTableFullError(this.#o.setsMax)
    return made
  }

  /** Tells the state machine of one private identity what happened. */
  tell(impi: Impi, input: Exclude<SaInput, { kind: 'challenged' }>): void {
    this.#removeAll(impi, this.#decide(impi, input))
  }

  /** The set `id`, while it lives. */
  find(id: string): SaSetView | undefined {
    const facts = this.#facts.get(id)
    const set = facts && this.#groups.get(facts.impi)?.sets.find((candidate) => candidate.id === id)
    if (!facts || !set || set.expiresAtMs <= this.#o.clock.monotonic()) return undefined
    return { ...set, ...facts }
  }

  /** All sets of a private identity, also of attempts that have proven nothing. */
  setsOf(impi: Impi): SaSetView[] {
    return this.#views(this.#groups.get(impi)?.sets.map((set) => set.id) ?? [])
  }

  /** The set in which a request to this contact goes out now. */
  inForce(impi: Impi, contact: string): SaSetView | undefined {
    const set = setInForce(this.#groups.get(impi)?.sets ?? [], contact, this.#o.clock.monotonic())
    return set && this.find(set.id)
  }

  /** The newest set that a contact has left which is registered no more. */
  lastClosing(impi: Impi, contact: string): SaSetView | undefined {
    return this.setsOf(impi).findLast((set) => set.contact === contact && set.state === 'closing' && set.isInUse)
  }

  /** The sets towards a UE address that speak for somebody: neither temporary nor closing. */
  provenAt(address: string): SaSetView[] {
    const views = this.#views(this.#byAddress.get(address) ?? [])
    return views.filter((set) => set.state === 'established' || set.state === 'old')
  }

  /** Removes every set. */
  stop(): void {
    for (const [impi, group] of this.#groups) {
      group.timer?.cancel()
      for (const set of group.sets) this.#remove(impi, set, 'stopped')
    }
    this.#groups.clear()
  }

  #allocate(o: NewSaSet): SaFacts {
    const { impi, remote, keys } = o
    const portC = this.#o.ports.take(remote.address)
    try {
      const { spiPc, spiPs } = this.#o.spis.takePair([remote.spiC, remote.spiS])
      const { address, portPs: portS } = this.#o.local
      const local: SaEnd = { address, portC, portS, spiC: spiPc, spiS: spiPs }
      return { impi, local, remote, integrity: keys.integrity, encryption: keys.encryption }
    } catch (error) {
      this.#o.ports.release(remote.address, portC)
      throw error
    }
  }

  #decide(impi: Impi, input: SaInput): readonly SaEffect[] {
    const group = this.#groups.get(impi) ?? { sets: [], timer: undefined, dueMs: 0 }
    this.#groups.set(impi, group)
    const { sets, effects } = decideSaSets(group.sets, input, this.#o.clock.monotonic(), this.#o.lifetimes)
    group.sets = sets
    this.#arm(impi, group)
    return effects
  }

  #removeAll(impi: Impi, effects: readonly SaEffect[]): void {
    for (const effect of effects) if (effect.kind === 'remove') this.#remove(impi, effect.set, effect.why)
  }

  /** A set that could not be installed: it leaves no trace. */
  #drop(impi: Impi, id: string): void {
    const group = this.#groups.get(impi)
    const set = group?.sets.find((candidate) => candidate.id === id)
    if (!group || !set) return
    group.sets = group.sets.filter((candidate) => candidate !== set)
    this.#arm(impi, group)
    this.#remove(impi, set, 'not-installed')
  }

  #remove(impi: Impi, set: SaSet, why: SetEnd): void {
    const facts = this.#facts.get(set.id)
    if (!facts) return
    this.#facts.delete(set.id)
    const { address } = facts.remote
    this.#byAddress.get(address)?.delete(set.id)
    if (this.#byAddress.get(address)?.size === 0) this.#byAddress.delete(address)
    // SPIs and port are free only when the SAs are deleted (TS 33.203 clause 7.1).
    const release = (): void => {
      this.#o.spis.release(facts.local.spiC, facts.local.spiS)
      this.#o.ports.release(address, facts.local.portC)
    }
    const removed = this.#o.backEnd.remove(set.id)
    if (removed) removed.then(release, this.#o.onRemoveFailed)
    else release()
    this.#o.onRemoved({ ...set, ...facts, impi }, why)
  }

  #arm(impi: Impi, group: Group): void {
    if (group.sets.length === 0) {
      group.timer?.cancel()
      group.timer = undefined
      this.#groups.delete(impi)
      return
    }
    let firstMs = Number.POSITIVE_INFINITY
    for (const { expiresAtMs } of group.sets) firstMs = Math.min(firstMs, expiresAtMs)
    // Each message that a UE sends is told to its group, and nearly none moves an end.
    if (group.timer && group.dueMs === firstMs) return
    group.timer?.cancel()
    group.dueMs = firstMs
    const delayMs = Math.max(0, firstMs - this.#o.clock.monotonic())
    group.timer = this.#o.clock.setTimer(delayMs, () => {
      group.timer = undefined
      this.tell(impi, { kind: 'elapsed' })
    })
  }

  #index(address: string): Set<string> {
    const known = this.#byAddress.get(address)
    if (known) return known
    const fresh = new Set<string>()
    this.#byAddress.set(address, fresh)
    return fresh
  }

  #views(ids: Iterable<string>): SaSetView[] {
    const views: SaSetView[] = []
    for (const id of ids) {
      const view = this.find(id)
      if (view) views.push(view)
    }
    return views
  }
}
