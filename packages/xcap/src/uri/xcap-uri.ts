import { XcapUriError } from '../errors.ts'
import { parseNamespaceQuery } from './namespace-query.ts'
import { type NodeSelector, parseNodeSelector } from './node-selector.ts'
import { percentDecoded, percentEncoded } from './percent.ts'

/** Longest URI that is read, in characters. */
const URI_MAX = 8_192
/** Most folders below a user's own. */
const SEGMENTS_MAX = 8

/** Whose a document is (RFC 4825 section 6.2). */
export type XcapTree =
  | { readonly kind: 'global' }
  | {
      readonly kind: 'users'
      /** XCAP User Identifier, decoded: `sip:alice@example.com`. */
      readonly xui: string
    }

/** What a request names: a document, or a part of one. */
export interface XcapUri {
  /** Path of the XCAP root, without a slash at its end; empty for none. */
  readonly root: string
  readonly auid: string
  readonly tree: XcapTree
  /** Name of the document in its tree, folders included: `index`. */
  readonly document: string
  /** What of the document; all of it when absent. */
  readonly node: NodeSelector | undefined
  /** Prefixes that the query binds, for the names in the node selector (RFC 4825 section 6.4). */
  readonly bindings: ReadonlyMap<string, string>
}

/** Separates the document selector from the node selector (RFC 4825 section 6). */
const SEPARATOR = '/~~/'

/**
 * Reads the path and query of a request, as it came: percent-encoded. The node selector is cut off before anything is
 * decoded, and each segment is decoded once.
 *
 * @param target `/AUID/users/XUI/DOCUMENT[/~~/NODE[?QUERY]]` behind `root`.
 * @param root path of the XCAP root without a slash at its end; empty for none.
 * @throws XcapUriError
 * @see RFC 4825 section 6
 */
export function parseXcapUri(target: string, root = ''): XcapUri {
  if (target.length > URI_MAX) throw new XcapUriError('XCAP_URI_MALFORMED', `more than ${URI_MAX} characters`)
  const [path = '', query] = cut(target, '?')
  if (!path.startsWith(`${root}/`)) throw new XcapUriError('XCAP_URI_NOT_FOUND', 'not below the XCAP root')
  const [documentPart = '', nodePart] = cut(path.slice(root.length + 1), SEPARATOR)
  const { auid, tree, document } = parseDocumentSelector(documentPart)
  const bindings = query === undefined ? new Map<string, string>() : parseNamespaceQuery(percentDecoded(query))
  const node = nodePart === undefined ? undefined : parseNodeSelector(percentDecoded(nodePart))
  return { root, auid, tree, document, node, bindings }
}

/** The path of a document below the XCAP root, without a slash before it. */
export function documentPath({ auid, tree, document }: Pick<XcapUri, 'auid' | 'tree' | 'document'>): string {
  const owner = tree.kind === 'global' ? ['global'] : ['users', tree.xui]
  return [auid, ...owner, ...document.split('/')].map(percentEncoded).join('/')
}

function parseDocumentSelector(text: string): Pick<XcapUri, 'auid' | 'tree' | 'document'> {
  const [auid = '', kind, ...rest] = parseFolder(text)
  if (kind === 'global') return { auid, tree: { kind }, document: named(rest) }
  const [xui, ...path] = rest
  if (kind !== 'users' || xui === undefined) throw new XcapUriError('XCAP_URI_NOT_FOUND', 'neither users nor global')
  return { auid, tree: { kind, xui }, document: named(path) }
}

/**
 * Reads the encoded path of a document or of a folder of them, without slashes around it: its segments, decoded.
 *
 * @throws XcapUriError
 * @see RFC 4825 section 6.2
 */
export function parseFolder(text: string): readonly string[] {
  const segments = text.split('/').map(percentDecoded)
  // guard: xcap-traversal — no segment leads out of the tree that it is in, whatever it is decoded to
  if (!segments.every(isPlainSegment)) throw new XcapUriError('XCAP_URI_NOT_FOUND', 'a segment that is no name')
  if (segments.length > SEGMENTS_MAX) throw new XcapUriError('XCAP_URI_NOT_FOUND', 'too many segments')
  return segments.map((segment, i) => (i === 2 && segments[1] === 'users' ? withScheme(segment) : segment))
}

function named(path: readonly string[]): string {
  if (path.length === 0) throw new XcapUriError('XCAP_URI_NOT_FOUND', 'no document')
  return path.join('/')
}

function isPlainSegment(segment: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are among what no name has.
  return segment !== '' && segment !== '.' && segment !== '..' && !/[/\\\u0000-\u001f\u007f]/.test(segment)
}

/** `Choice:` what some clients send without a scheme is a SIP URI. */
function withScheme(xui: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(xui) ? xui : `sip:${xui}`
}

function cut(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at)
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + at.length)]
}
