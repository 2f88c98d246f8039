import { RollcallError } from '@rollcall/core'
import { childElements, parseXml, type XmlElement, XmlError, type XmlLimits } from '@rollcall/xml'

const RESOURCE_LISTS = 'urn:ietf:params:xml:ns:resource-lists'

/** Media type of the body of a subscription (RFC 5875 section 4.4). */
export const XCAP_DIFF_RESOURCES_MEDIA_TYPE = 'application/resource-lists+xml'

/** Most resources of one subscription; with more it is refused. `Choice:` */
const RESOURCES_MAX = 100
/** Longest relative URI; with a longer one the subscription is refused. `Choice:` */
const URI_MAX = 1_024
/** Largest body; a larger one is refused before it is read. `Choice:` */
const BODY_LIMITS: XmlLimits = { bytesMax: 65_536, attributesMax: 16, bindingsMax: 16 }

/** The body of a subscription names no resources that can be watched. */
export class XcapDiffResourcesError extends RollcallError {
  override readonly name = 'XcapDiffResourcesError'
  readonly code: 'XCAP_DIFF_MALFORMED' | 'XCAP_DIFF_TOO_MUCH'
  constructor(code: XcapDiffResourcesError['code'], detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.code = code
  }
}

/**
 * Reads what a subscriber wants to hear of: a flat list of URIs of collections (with a slash at the end), documents and parts
 * of them. What else may be in lists is passed over.
 *
 * @param xcapRoot with a slash at its end.
 * @returns the URIs relative to the XCAP root, each once, in the order in which they came.
 * @throws XcapDiffResourcesError for what is no such list, or asks for too much.
 * @see RFC 5875 section 4.4; RFC 4826 section 3.1
 */
export function parseXcapDiffResources(body: Buffer, xcapRoot: string): readonly string[] {
  const root = read(body)
  if (root.namespace !== RESOURCE_LISTS || root.name !== 'resource-lists') throw malformed('no resource-lists')
  const uris = new Set<string>()
  for (const list of named(root, 'list')) {
    for (const entry of named(list, 'entry')) {
      uris.add(relativeUri(entry, xcapRoot))
      // guard: xcap-diff-resources — one subscription costs no more than so many resources at each change
      if (uris.size > RESOURCES_MAX) throw tooMuch(`more than ${RESOURCES_MAX} resources`)
    }
  }
  if (uris.size === 0) throw malformed('it names no resource')
  return [...uris]
}

function read(body: Buffer): XmlElement {
  try {
    return parseXml(body, BODY_LIMITS)
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause
    const isTooMuch = cause.code === 'XML_TOO_LARGE' || cause.code === 'XML_LIMIT'
    throw new XcapDiffResourcesError(isTooMuch ? 'XCAP_DIFF_TOO_MUCH' : 'XCAP_DIFF_MALFORMED', cause.message, { cause })
  }
}

function named(parent: XmlElement, wanted: 'list' | 'entry'): XmlElement[] {
  return childElements(parent).filter(({ namespace, name }) => namespace === RESOURCE_LISTS && name === wanted)
}

function relativeUri(entry: XmlElement, xcapRoot: string): string {
  const text = entry.attributes.find(({ name, namespace }) => name === 'uri' && namespace === '')?.value.trim() ?? ''
  const uri = text.startsWith(xcapRoot) ? text.slice(xcapRoot.length) : text
  if (uri.length > URI_MAX) throw tooMuch(`a URI of more than ${URI_MAX} characters`)
  // What stands before the first slash is an AUID, which has no colon; a URI with a scheme or an authority is of elsewhere.
  if (!/^[^/:?#\s]+\/\S*$/.test(uri)) throw malformed('a URI that is not below the XCAP root')
  return uri
}

function malformed(detail: string): XcapDiffResourcesError {
  return new XcapDiffResourcesError('XCAP_DIFF_MALFORMED', detail)
}

function tooMuch(detail: string): XcapDiffResourcesError {
  return new XcapDiffResourcesError('XCAP_DIFF_TOO_MUCH', detail)
}
