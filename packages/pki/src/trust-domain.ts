import { type Clock, systemClock } from '@rollcall/core'
import { obtainAuthority } from './authority.ts'
import { isWhole, type PairFiles, pairFiles, readPair, writePair } from './files.ts'
import { isLeafCurrent, LEAF_LIFETIME_MS, makeLeaf } from './leaf.ts'
import { checkLeafRequest, type LeafRequest } from './leaf-request.ts'

/**
 * Makes `folder` hold a trust domain: `ca.crt`, `ca.key`, and `NAME.crt`, `NAME.key` for each leaf, all 0600.
 *
 * What is there and still good is kept: a leaf is made anew when its names or its role changed, when its authority
 * did, when less than 30 days are left, or when half of its pair is gone.
 *
 * @throws InvalidLeafError before anything is written.
 * @throws TrustDomainIncompleteError when half of the authority's pair is gone: every leaf hangs on it.
 */
export async function createTrustDomain(o: {
  folder: string
  trustDomain: string
  leaves: readonly LeafRequest[]
  clock?: Clock
}): Promise<void> {
  for (const leaf of o.leaves) checkLeafRequest(leaf)
  const clock = o.clock ?? systemClock
  const authority = await obtainAuthority(o.folder, o.trustDomain, clock)
  for (const leaf of o.leaves) {
    const kept = await readPair(o.folder, leaf.name)
    if (isWhole(kept) && isLeafCurrent(kept, authority, o.trustDomain, leaf, clock)) continue
    await writePair(o.folder, leaf.name, await makeLeaf(authority, o.trustDomain, leaf, clock, LEAF_LIFETIME_MS))
  }
}

/**
 * Writes one leaf, always a fresh one: one more beside the others, or a rotation of `leaf.name` under running processes.
 *
 * `authorityFolder` is where `ca.crt` and `ca.key` lie when not in `folder`: with another domain's folder there, the
 * leaf is one that a stranger signed. A `lifetimeMs` at or below zero gives a certificate that has ended.
 *
 * @throws InvalidLeafError
 */
export async function issueLeaf(o: {
  folder: string
  trustDomain: string
  leaf: LeafRequest
  authorityFolder?: string
  lifetimeMs?: number
  clock?: Clock
}): Promise<PairFiles> {
  checkLeafRequest(o.leaf)
  const clock = o.clock ?? systemClock
  const authority = await obtainAuthority(o.authorityFolder ?? o.folder, o.trustDomain, clock)
  const pair = await makeLeaf(authority, o.trustDomain, o.leaf, clock, o.lifetimeMs ?? LEAF_LIFETIME_MS)
  return await writePair(o.folder, o.leaf.name, pair)
}

/** Where the files of a leaf of `folder` lie, with its authority's certificate. */
export function leafFiles(folder: string, name: string): PairFiles & { readonly caFile: string } {
  return { ...pairFiles(folder, name), caFile: pairFiles(folder, 'ca').certFile }
}
