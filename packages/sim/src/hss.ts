import { type Impu, parseImpu } from '@rollcall/core'
import { listPolicy, type ListPolicyOptions } from '@rollcall/policy'
import type { readUserData } from '@rollcall/presence/partition'

/** What the HSS tells of a user. */
export type Told = Parameters<typeof readUserData>[0]

/** The HSS: it is never away, and knows one policy of each presentity. */
export class Hss {
  readonly #policies = new Map<Impu, { readonly revision: bigint; readonly options: ListPolicyOptions }>()
  readonly #onStored: (presentity: Impu, revision: bigint, isBlocked: (watcher: string) => boolean) => void
  #revision = 0n

  constructor(onStored: (presentity: Impu, revision: bigint, isBlocked: (watcher: string) => boolean) => void) {
    this.#onStored = onStored
  }

  /** Stores a policy, and gives its revision. */
  setPolicy(presentity: Impu, options: ListPolicyOptions): bigint {
    this.#revision += 1n
    this.#policies.set(presentity, { revision: this.#revision, options })
    const policy = listPolicy(options)
    this.#onStored(presentity, this.#revision, (watcher) => {
      return policy.decide({ identities: [parseImpu(watcher)] }) === 'block'
    })
    return this.#revision
  }

  userData(presentity: Impu): Told {
    const { revision = 0n, options } = this.#policies.get(presentity) ?? {}
    const { defaultAllow = false, allow = [], block = [] } = options ?? {}
    const presencePolicy = { defaultAllow, allow: [...allow], block: [...block] }
    return { canonicalImpu: presentity, impus: [presentity], presencePolicy, revision }
  }

  /** Who is blocked now. */
  blocked(presentity: Impu): readonly Impu[] {
    return this.#policies.get(presentity)?.options.block ?? []
  }
}
