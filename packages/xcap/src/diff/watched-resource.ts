import { XcapUriError } from '../errors.ts'
import { namesSameUser } from '../uri/same-user.ts'
import { parseFolder, parseXcapUri, type XcapUri } from '../uri/xcap-uri.ts'

/** What a subscriber hears of (RFC 5875 section 4.4). */
export type WatchedResource =
  /** All documents whose path begins so: an AUID, `users`, a user, folders. */
  | { readonly kind: 'collection'; readonly path: readonly string[] }
  | { readonly kind: 'document'; readonly uri: XcapUri }
  /** An element or an attribute. */
  | { readonly kind: 'part'; readonly uri: XcapUri }

/**
 * Reads one URI of a subscription. Of a collection only those documents are told that the subscriber may read.
 *
 * @param relative to the XCAP root; with a slash at its end it names a collection.
 * @throws XcapUriError also for namespace bindings, which no notification can tell.
 * @see RFC 5875 section 4.4; RFC 5875 section 4.7
 */
export function parseWatchedResource(relative: string): WatchedResource {
  if (relative.endsWith('/')) return { kind: 'collection', path: parseFolder(relative.slice(0, -1)) }
  const uri = parseXcapUri(`/${relative}`)
  if (uri.node?.kind === 'namespaces')
    throw new XcapUriError('XCAP_URI_NOT_FOUND', 'namespace bindings are not watched')
  return { kind: uri.node ? 'part' : 'document', uri }
}

/** Whether a document is the one, in the collection, or the one of the part that is watched. */
export function isWatched(resource: WatchedResource, place: Pick<XcapUri, 'auid' | 'tree' | 'document'>): boolean {
  const path = segmentsOf(place)
  const watched = resource.kind === 'collection' ? resource.path : segmentsOf(resource.uri)
  if (resource.kind === 'collection' ? watched.length >= path.length : watched.length !== path.length) return false
  return watched.every((segment, i) => (i === 2 ? isSameOwner(segment, path) : segment === path[i]))
}

function segmentsOf({ auid, tree, document }: Pick<XcapUri, 'auid' | 'tree' | 'document'>): readonly string[] {
  return [auid, ...(tree.kind === 'global' ? ['global'] : ['users', tree.xui]), ...document.split('/')]
}

function isSameOwner(segment: string, [, kind, owner = '']: readonly string[]): boolean {
  return kind === 'users' ? namesSameUser(segment, owner) : segment === owner
}
