import { type Impu, parseImpu } from '@rollcall/core'
import { assertedWatcher, type ListPolicyOptions, listPolicy } from '@rollcall/policy'
import type { readUserData } from '@rollcall/presence/partition'
import type { World } from './loop/world.ts'
import type { Endpoint } from './network.ts'
import type { Witness } from './witness.ts'

/** What the HSS tells of a user. */
export type Told = Parameters<typeof readUserData>[0]

/** The HSS on the network. */
export const HSS: Endpoint = { name: 'hss' }

interface Stored {
  readonly revision: bigint
  readonly options: ListPolicyOptions
  readonly atMs: number
}

/** The HSS: it is never away, and knows all policies that a presentity ever had. */
export class Hss {
  readonly #world: World
  readonly #witness: Witness
  readonly #policies = new Map<string, Stored[]>()
  #revision = 0n

  constructor(o: { world: World; witness: Witness }) {
    this.#world = o.world
    this.#witness = o.witness
  }

  /** Stores a policy, and gives its revision. */
  setPolicy(presentity: Impu, options: ListPolicyOptions): bigint {
    this.#revision += 1n
    const revision = this.#revision
    const stored = { revision, options, atMs: this.#world.monotonic() }
    this.#policies.set(presentity, [...(this.#policies.get(presentity) ?? []), stored])
    const policy = listPolicy(options)
    this.#witness.policyStored(presentity, revision, (watcher) => {
      const identity = assertedWatcher([parseImpu(watcher)])
      return policy.decide(identity, { nowMs: 0, sphere: undefined }).handling === 'block'
    })
    return revision
  }

  userData(presentity: Impu): Told {
    const { revision = 0n, options } = this.#policies.get(presentity)?.at(-1) ?? {}
    const { defaultAllow = false, allow = [], block = [] } = options ?? {}
    const presencePolicy = { defaultAllow, allow: [...allow], block: [...block] }
    return { canonicalImpu: presentity, impus: [presentity], presencePolicy, revision }
  }

  /** Was a watcher blocked at any moment since then? */
  wasBlockedSince(presentity: Impu, watcher: Impu, sinceMs: number): boolean {
    const all = this.#policies.get(presentity) ?? []
    const since = all.filter(({ atMs }, index) => atMs >= sinceMs || (all[index + 1]?.atMs ?? Infinity) >= sinceMs)
    return since.some(({ options }) => options.block.includes(watcher))
  }
}
