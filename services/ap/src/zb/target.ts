import type { Naf, Route } from '../nafs/naf.ts'

/** What a request's target means. */
export type Target =
  | { readonly kind: 'document'; readonly path: string; readonly auid: string; readonly route: Route }
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'traversal' | 'outside'; readonly status: 400 | 404 }

const NOTHING = /^(?:\.|%2e){1,2}$/i
/** Printable ASCII without what no URI may hold (RFC 3986 section 2). */
const URI_TEXT = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/
const NODE_SELECTOR = '/~~'
const AUID = /^[A-Za-z0-9._-]{1,100}$/

/**
 * Reads a target: below the NAF's XCAP root its first segment is the application usage, and that says where it goes. What
 * another reader might take for another document is refused and never put right.
 *
 * `target` is as it came: a path, or an absolute URI, which a server must take (RFC 9112 section 3.2.2).
 *
 * @see RFC 4825 section 6, TS 24.109 clause 7.3
 */
export function readTarget(target: string, naf: Naf): Target {
  const path = pathOf(target, naf.fqdn)
  if (path === undefined || !URI_TEXT.test(path) || path.includes('#')) return refused('malformed', 400)
  const documentEnd = documentPathEnd(path)
  const document = path.slice(0, documentEnd)
  // guard: traversal — a path that climbs could reach another user's tree behind a check of its beginning
  if (document.split('/').some((segment) => NOTHING.test(segment))) return refused('traversal', 400)
  // guard: encoded-separator — a separator in disguise, or a NUL, makes two readers see two paths
  if (/%00|%5c/i.test(document) || document.slice(1).includes('//')) return refused('traversal', 400)
  if (!document.startsWith(naf.xcapRoot)) return refused('outside', 404)
  const auid = document.slice(naf.xcapRoot.length).split('/', 1)[0] ?? ''
  if (!AUID.test(auid)) return refused('outside', 404)
  const route =
    naf.routes.find(({ auids }) => auids.includes(auid)) ?? naf.routes.find(({ auids }) => auids.includes('*'))
  if (route === undefined) return refused('outside', 404)
  return { kind: 'document', path, auid, route }
}

function pathOf(target: string, fqdn: string): string | undefined {
  if (target.startsWith('/')) return target
  const absolute = /^https?:\/\/([^/?#@]*)(\/.*)$/i.exec(target)
  const host = absolute?.[1]?.toLowerCase().replace(/:\d+$/, '')
  return host === fqdn ? absolute?.[2] : undefined
}

/** Where the document selector ends: at the node selector or the query. */
function documentPathEnd(path: string): number {
  const ends = [path.indexOf(`${NODE_SELECTOR}/`), path.indexOf('?')].filter((at) => at >= 0)
  if (path.endsWith(NODE_SELECTOR)) ends.push(path.length - NODE_SELECTOR.length)
  return Math.min(path.length, ...ends)
}

function refused(reason: 'malformed' | 'traversal' | 'outside', status: 400 | 404): Target {
  return { kind: 'refused', reason, status }
}
