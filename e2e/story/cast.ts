import { type Impu, systemClock } from '@rollcall/core'
import { writePidf } from '@rollcall/pidf'
import {
  DEFAULT_SETTINGS,
  fileIsimStore,
  isimStateFile,
  type Publication,
  type Subscription,
  Ue,
  Ut,
  XcapNotFoundError,
} from '@rollcall/ue'
import { Wiretap } from '@rollcall/ue/adversary'
import type { UeName } from './people.ts'
import type { StoryStack } from './stack.ts'
import { expect } from './waiting.ts'
import { impuOf } from './world.ts'

/** What the story publishes lives no longer than this, so that a run that was cut off leaves nothing for long. */
const PUBLICATION_SECONDS = 600

/** One state that a terminal of the story published: what a watcher must see. */
export interface PublishedState {
  readonly note: string
  /** Tells it from the same words of an earlier run. */
  readonly timestamp: string
}

/** A span of time, by the wall clock. */
export interface TimeSpan {
  readonly startMs: number
  readonly endMs: number
}

/**
 * Who plays, and what the steps hand on to each other. A UE is switched on when it is first needed, and all are switched
 * off at the end.
 */
export class Cast implements AsyncDisposable {
  readonly stack: StoryStack
  /** What its terminals published, by UE. */
  readonly publications = new Map<UeName, Publication>()
  readonly published = new Map<UeName, PublishedState>()
  /** bob's subscription to alice. */
  bobWatches: Subscription | undefined
  /** alice's phone watches who watches her. */
  aliceWinfo: Subscription | undefined
  /** When the step `subscribe` was under way: its trace began then. */
  subscribed: TimeSpan | undefined
  /** When the PUBLISH was under way whose NOTIFY the trace is to link. */
  secondPublished: TimeSpan | undefined
  readonly #ues = new Map<UeName, Ue>()
  readonly #uts = new Map<string, Ut>()
  readonly #taps = new Map<UeName, Wiretap>()

  constructor(stack: StoryStack) {
    this.stack = stack
    // An attacker on the way overhears these two; it must be there before they are switched on.
    for (const name of ['alice-phone', 'bob'] as const) {
      const { localAddress } = stack.world.credentials[name]
      this.#taps.set(name, new Wiretap({ address: localAddress, port: DEFAULT_SETTINGS.encapsulationPort }))
    }
  }

  get alice(): Impu {
    return impuOf('alice', this.stack.world.domain)
  }

  /** The UE, switched on. */
  async ue(name: UeName): Promise<Ue> {
    const known = this.#ues.get(name)
    if (known) return known
    const { world, timers } = this.stack
    const ue = await Ue.open({
      credentials: world.credentials[name],
      isimStore: fileIsimStore(isimStateFile(world.fileOf(name))),
      settings: { timers, refreshes: false },
    })
    this.#ues.set(name, ue)
    return ue
  }

  /** Ut of the UE, with its ISIM; `identity` is whom it asks to be, by default who it is. */
  async ut(name: UeName, identity?: Impu): Promise<Ut> {
    const { world } = this.stack
    const key = `${name} ${identity ?? ''}`
    const known = this.#uts.get(key)
    if (known) return known
    const credentials = world.credentials[name]
    const isimStore = fileIsimStore(isimStateFile(world.fileOf(name)))
    const ut = await Ut.open({ credentials, isimStore, ...(identity && { identity }) })
    this.#uts.set(key, ut)
    return ut
  }

  /** Takes alice's rules away, so that what the operator provisioned counts again. */
  async removeRules(): Promise<void> {
    const ut = await this.ut('alice-phone')
    try {
      await ut.rules.remove()
    } catch (error) {
      if (!(error instanceof XcapNotFoundError)) throw error
    }
  }

  /** The UE, switched on and registered. */
  async registered(name: UeName): Promise<Ue> {
    const ue = await this.ue(name)
    if (ue.registration === undefined) await ue.register()
    return ue
  }

  /** The UEs that are registered now. */
  registeredNow(): [UeName, Ue][] {
    return [...this.#ues].filter(([, ue]) => ue.registration !== undefined)
  }

  /** What the attacker overheard last of a UE. */
  overheard(name: 'alice-phone' | 'bob'): Buffer {
    const packet = this.#taps.get(name)?.lastPacket
    expect(packet, `nothing of ${name} was overheard`)
    return packet
  }

  /** Publishes a state of alice's from one of her terminals, or replaces what it published. */
  async publish(name: UeName, o: { tupleId: string; note: string; activities?: readonly string[] }): Promise<void> {
    const ue = await this.registered(name)
    const nowMs = systemClock.now()
    const body = writePidf({ entity: this.alice, basic: 'open', timestampMs: nowMs, ...o })
    const existing = this.publications.get(name)
    if (existing) await existing.modify(body)
    else this.publications.set(name, await ue.publish({ body, expiresSeconds: PUBLICATION_SECONDS }))
    this.published.set(name, { note: o.note, timestamp: new Date(nowMs).toISOString() })
  }

  /** Switches everything off; nothing is said to the network. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const tap of this.#taps.values()) tap[Symbol.dispose]()
    await Promise.all([...this.#ues.values(), ...this.#uts.values()].map((one) => one.close()))
  }
}
