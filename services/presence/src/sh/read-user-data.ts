import { type Impu, parseImpu } from '@rollcall/core'
import { listPolicy, type PresencePolicy } from '@rollcall/policy'
import type { UserDataResponse } from '@rollcall/proto-gen/sh'

/** What the Presence Server may know of a presentity (TS 29.328 clause 6.1.1). */
export interface UserData {
  /** First sip: identity of the implicit set: what partitions are chosen by. */
  readonly canonical: Impu
  readonly partition: number
  /** Every identity of the set that is not barred. */
  readonly impus: readonly Impu[]
  readonly policy: PresencePolicy
  /** Of all this, at the HSS: grows with each change. */
  readonly revision: bigint
}

/**
 * Reads what the HSS told, asked or not. Without a policy nobody may watch.
 *
 * @throws InvalidIdentityError
 */
export function readUserData(
  told: Omit<UserDataResponse, 'found'>,
  partitionOf: (canonical: Impu) => number,
): UserData {
  const canonical = parseImpu(told.canonicalImpu)
  // guard: no-policy — a presentity without a policy is watched by nobody
  const { defaultAllow, allow, block } = told.presencePolicy ?? { defaultAllow: false, allow: [], block: [] }
  const options = { defaultAllow, allow: allow.map(parseImpu), block: block.map(parseImpu) }
  return {
    canonical,
    partition: partitionOf(canonical),
    impus: told.impus.map(parseImpu),
    policy: listPolicy(options),
    revision: told.revision,
  }
}
