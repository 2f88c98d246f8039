import type { Impu } from '@rollcall/core'
import {
  documentPath,
  isWatched,
  mayAccess,
  parseWatchedResource,
  type WatchedResource,
  type XcapTree,
  XcapUriError,
} from '@rollcall/xcap'
import { SELECTOR_OCTETS_MAX, SELECTORS_MAX } from '../limits.ts'
import { documentOfKey, usageOf } from './documents.ts'

/**
 * How much a notification says of a changed document: its entity-tags, or the operations that lead from one to the next as
 * well, each change by itself or all of them together.
 *
 * @see RFC 5875 section 4.3
 */
export const DIFF_PROCESSINGS = ['no-patching', 'xcap-patching', 'aggregate'] as const
export type DiffProcessing = (typeof DIFF_PROCESSINGS)[number]

/** What a subscription to `xcap-diff` watches. */
export interface XcapSelection {
  /** XCAP root as the subscriber knows it, with a slash at its end. */
  readonly root: string
  /** Behind the root, octet for octet as they were asked for. */
  readonly selectors: readonly string[]
  readonly processing: DiffProcessing
}

/**
 * The selectors that are a user's own, of documents that are kept here, each once. What is not is left out, as if it were
 * not there: whether another's document exists is nobody's to know. A collection is named by the identity as it is known
 * here, however it was spelled.
 *
 * @see RFC 5875 section 4.4
 */
export function ownSelectors(selectors: readonly string[], identities: readonly Impu[]): string[] {
  const own = new Set<string>()
  for (const selector of selectors) {
    const resource = watchedBy(selector)
    if (!resource) continue
    const { auid, tree } = whoseOf(resource)
    const identity = tree && identities.find((one) => mayAccess({ tree }, 'GET', [one]))
    // guard: xcap-diff-foreign — nobody hears of another's documents
    if (tree && identity === undefined) continue
    if (tree?.kind === 'global' || usageOf(auid) === undefined) continue
    if (resource.kind !== 'collection' || identity === undefined) own.add(ownText(selector))
    else own.add(collectionOf(auid, identity, resource.path.slice(3)))
  }
  return [...own]
}

/** Whether a selection has room in memory and in the log. */
export function isTooMuch(selectors: readonly string[]): boolean {
  const octets = selectors.reduce((sum, selector) => sum + Buffer.byteLength(selector), 0)
  return selectors.length > SELECTORS_MAX || octets > SELECTOR_OCTETS_MAX
}

/** Collections of all documents of a user: what a SUBSCRIBE without a body asks for. */
export function everything(auids: readonly string[], resource: Impu): string[] {
  return auids.map((auid) => collectionOf(auid, resource, []))
}

/** Reads a selector of a selection; undefined for one that makes no sense. */
export function watchedBy(selector: string): WatchedResource | undefined {
  try {
    return parseWatchedResource(selector)
  } catch (error) {
    if (error instanceof XcapUriError) return undefined
    throw error
  }
}

/** By which of the user's identities a resource names documents: her own where it names nobody. */
export function nameIn(resource: WatchedResource, own: Impu): string {
  const { tree } = whoseOf(resource)
  return tree?.kind === 'users' ? tree.xui : own
}

/** Whether a resource has to do with a document of the user. */
export function concerns(resource: WatchedResource, key: string, own: Impu): boolean {
  return isWatched(resource, { ...documentOfKey(key), tree: { kind: 'users', xui: nameIn(resource, own) } })
}

/** A collection may be of everybody's documents. */
function whoseOf(resource: WatchedResource): { readonly auid: string; readonly tree: XcapTree | undefined } {
  if (resource.kind !== 'collection') return resource.uri
  const [auid = '', kind, xui] = resource.path
  if (kind === undefined || (kind === 'users' && xui === undefined)) return { auid, tree: undefined }
  return { auid, tree: kind === 'users' && xui !== undefined ? { kind, xui } : { kind: 'global' } }
}

function collectionOf(auid: string, xui: Impu, folders: readonly string[]): string {
  const path = documentPath({ auid, tree: { kind: 'users', xui }, document: [...folders, 'any'].join('/') })
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** What a parser cuts out of a body holds on to all of it; this is kept for as long as the subscription. */
function ownText(text: string): string {
  return Buffer.from(text).toString()
}
