import { namesSameUser } from './uri/same-user.ts'
import type { XcapUri } from './uri/xcap-uri.ts'

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/**
 * Whether somebody may make a request: a user's documents are the user's alone, what is in the global tree everybody who is
 * authenticated reads, and nobody writes.
 *
 * @param identities public user identities that were authenticated; none: nobody.
 * @see RFC 4825 section 5.7; RFC 5025 section 9.9
 */
export function mayAccess({ tree }: Pick<XcapUri, 'tree'>, method: string, identities: readonly string[]): boolean {
  if (identities.length === 0) return false
  // guard: xcap-global-write — documents that are for everybody are nobody's to change
  if (tree.kind === 'global') return READS.has(method)
  // guard: xcap-foreign-tree — nobody reads or changes another's documents
  return identities.some((identity) => namesSameUser(identity, tree.xui))
}
