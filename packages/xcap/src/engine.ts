import { declarationText, type XmlElement } from '@rollcall/xml'
import { decideConditions } from './conditions.ts'
import { deleteElement } from './edit/delete-element.ts'
import { deleteAttribute, putAttribute } from './edit/edit-attribute.ts'
import { parseDocument } from './edit/parse.ts'
import { type Edited, type ElementPlace, putElement } from './edit/put-element.ts'
import { ERROR_MEDIA_TYPE, errorDocument } from './error-document.ts'
import { XcapConflictError, XcapUriError } from './errors.ts'
import { attributeOf, bindingsInScope, type SelectorNames, selectElements } from './select.ts'
import type { NodeSelector } from './uri/node-selector.ts'
import { percentEncoded } from './uri/percent.ts'
import { documentPath, type XcapUri } from './uri/xcap-uri.ts'
import { DOCUMENT_LIMITS, type XcapUsage } from './usage.ts'

/** Media types of parts (RFC 4825 section 15.2.1, RFC 4825 section 15.2.2, RFC 4825 section 15.2.3). */
export const ELEMENT_MEDIA_TYPE = 'application/xcap-el+xml'
export const ATTRIBUTE_MEDIA_TYPE = 'application/xcap-att+xml'
export const NAMESPACES_MEDIA_TYPE = 'application/xcap-ns+xml'

/** A document as it is kept: octets and entity-tag, which changes with each change (RFC 4825 section 8.5). */
export interface StoredDocument {
  readonly octets: Buffer
  /** Without quotes. */
  readonly etag: string
}

/** A request for a document or a part of one. Whether its sender may make it is decided before. */
export interface XcapRequest {
  readonly method: string
  readonly uri: XcapUri
  /** Without parameters, lower case; undefined when the header is absent. */
  readonly contentType: string | undefined
  readonly body: Buffer
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

/** What becomes of a request. Entity-tags are without quotes. */
export type XcapOutcome =
  | {
      readonly kind: 'read'
      readonly status: 200
      readonly mediaType: string
      readonly body: Buffer
      readonly etag: string
    }
  | { readonly kind: 'not-modified'; readonly status: 304; readonly etag: string }
  /**
   * The document is to be this from now on; undefined: it is to be removed. Status 201: a resource came to be. `root` is the
   * document as it was read, for who works on with it at once; it is much larger than the document, and not to be kept.
   */
  | {
      readonly kind: 'write'
      readonly status: 200 | 201
      readonly document: StoredDocument | undefined
      readonly root: XmlElement | undefined
    }
  | { readonly kind: 'refused'; readonly status: 400 | 404 | 412 | 413 }
  | { readonly kind: 'refused'; readonly status: 405; readonly allow: string }
  | { readonly kind: 'refused'; readonly status: 415; readonly accept: string }
  | { readonly kind: 'conflict'; readonly status: 409; readonly mediaType: string; readonly body: Buffer }

/**
 * Decides an XCAP request: a function of the request and of the document as it is now.
 *
 * @param newEtag the entity-tag of the next version, if there is one.
 * @see RFC 4825 sections 7 and 8
 */
export function decideXcap(
  request: XcapRequest,
  stored: StoredDocument | undefined,
  usage: XcapUsage,
  newEtag: string,
): XcapOutcome {
  const { uri } = request
  if (!usage.trees.includes(uri.tree.kind) || !usage.hasDocument(uri.document)) return { kind: 'refused', status: 404 }
  const allow = allowed(usage, uri.node)
  if (!allow.includes(request.method)) return { kind: 'refused', status: 405, allow: allow.join(', ') }
  if (request.body.length > DOCUMENT_LIMITS.bytesMax) return { kind: 'refused', status: 413 }
  try {
    return new Decision(request, stored, usage, newEtag).outcome()
  } catch (error) {
    if (error instanceof XcapUriError)
      return { kind: 'refused', status: error.code === 'XCAP_URI_NOT_FOUND' ? 404 : 400 }
    if (!(error instanceof XcapConflictError)) throw error
    return { kind: 'conflict', status: 409, mediaType: ERROR_MEDIA_TYPE, body: errorDocument(error.conflict) }
  }
}

/** Namespace bindings are read alone (RFC 4825 section 7.10). */
function allowed({ isWritable }: XcapUsage, node: NodeSelector | undefined): readonly string[] {
  return isWritable && node?.kind !== 'namespaces' ? ['GET', 'HEAD', 'PUT', 'DELETE'] : ['GET', 'HEAD']
}

/** One request on its way through. */
class Decision {
  readonly #request: XcapRequest
  readonly #stored: StoredDocument | undefined
  readonly #usage: XcapUsage
  readonly #newEtag: string
  readonly #names: SelectorNames
  readonly #root: XmlElement | undefined

  constructor(request: XcapRequest, stored: StoredDocument | undefined, usage: XcapUsage, newEtag: string) {
    this.#request = request
    this.#stored = stored
    this.#usage = usage
    this.#newEtag = newEtag
    this.#names = { defaultNamespace: usage.defaultNamespace, bindings: request.uri.bindings }
    this.#root = stored && request.uri.node ? parseDocument(stored.octets) : undefined
  }

  outcome(): XcapOutcome {
    const { method, ifMatch, ifNoneMatch } = this.#request
    const resource = this.#resource()
    const isRead = method === 'GET' || method === 'HEAD'
    const etag = resource && this.#stored?.etag
    if (isRead && (!resource || etag === undefined))
      return { kind: 'refused', status: ifMatch === undefined ? 404 : 412 }
    // Before the body is looked at: who is behind must read first anyway. What is put into a document has its tag before it
    // is there, so that no part can be put on condition that it is new (RFC 4825 section 8.2.6).
    const tag = method === 'PUT' ? this.#stored?.etag : etag
    const conditions = decideConditions({ ifMatch, ifNoneMatch }, tag, isRead)
    if (conditions === 'failed') return { kind: 'refused', status: 412 }
    if (conditions === 'not-modified') return { kind: 'not-modified', status: 304, etag: etag ?? '' }
    if (isRead && resource) return { kind: 'read', status: 200, ...resource, etag: etag ?? '' }
    return method === 'DELETE' ? this.#delete(resource !== undefined) : this.#put()
  }

  /** What is named, as a GET gives it; undefined when it is not there. */
  #resource(): { readonly mediaType: string; readonly body: Buffer } | undefined {
    const { node } = this.#request.uri
    if (!this.#stored) return undefined
    const { octets } = this.#stored
    if (!node) return { mediaType: this.#usage.mediaType, body: octets }
    const element = this.#element(node)
    if (!element) return undefined
    switch (node.kind) {
      case 'element':
        return { mediaType: ELEMENT_MEDIA_TYPE, body: octets.subarray(element.start, element.end) }
      case 'attribute': {
        const attribute = attributeOf(element, node.attribute, this.#names)
        if (!attribute) return undefined
        return { mediaType: ATTRIBUTE_MEDIA_TYPE, body: octets.subarray(attribute.valueStart, attribute.valueEnd) }
      }
      case 'namespaces':
        return { mediaType: NAMESPACES_MEDIA_TYPE, body: namespacesIn(element, octets) }
    }
  }

  /** The one element that the steps lead to. */
  #element({ steps }: NodeSelector): XmlElement | undefined {
    const found = this.#root ? selectElements(this.#root, steps, this.#names) : []
    return found.length === 1 ? found[0] : undefined
  }

  #put(): XcapOutcome {
    const { uri, body, contentType } = this.#request
    const { mediaType } = this.#usage
    const { node } = uri
    const wanted = !node ? mediaType : node.kind === 'attribute' ? ATTRIBUTE_MEDIA_TYPE : ELEMENT_MEDIA_TYPE
    if (contentType !== wanted) return { kind: 'refused', status: 415, accept: wanted }
    if (!node) {
      const root = parseDocument(body)
      return this.#write({ octets: body, root, isCreated: this.#stored === undefined })
    }
    const place = this.#place(node)
    if (node.kind === 'element') return this.#write(putElement(place, body))
    const element = this.#element(node)
    if (!element) throw this.#noParent(place, node)
    if (node.kind === 'attribute') return this.#write(putAttribute(place, element, node.attribute, body))
    return { kind: 'refused', status: 404 }
  }

  #delete(isThere: boolean): XcapOutcome {
    const { node } = this.#request.uri
    if (!isThere) return { kind: 'refused', status: 404 }
    if (!node) return { kind: 'write', status: 200, document: undefined, root: undefined }
    const element = this.#element(node)
    const place = this.#place(node)
    if (element && node.kind === 'element') return this.#write(deleteElement(place, element))
    const attribute =
      element && node.kind === 'attribute' ? attributeOf(element, node.attribute, this.#names) : undefined
    return attribute ? this.#write(deleteAttribute(place, attribute)) : { kind: 'refused', status: 404 }
  }

  /** @throws XcapConflictError when the document would not be valid any more (RFC 4825 section 8.2.5). */
  #write({ octets, root, isCreated, changed }: Edited): XcapOutcome {
    if (octets.length > DOCUMENT_LIMITS.bytesMax) return { kind: 'refused', status: 413 }
    const { tree } = this.#request.uri
    const conflict = this.#usage.validate(root, { xui: tree.kind === 'users' ? tree.xui : '', octets, changed })
    if (conflict) throw new XcapConflictError(conflict)
    // What is as it was keeps its tag: the same request again changes nothing.
    const etag = this.#stored?.octets.equals(octets) ? this.#stored.etag : this.#newEtag
    return { kind: 'write', status: isCreated ? 201 : 200, document: { octets, etag }, root }
  }

  #place(node: NodeSelector): ElementPlace {
    const { uri } = this.#request
    if (!this.#stored || !this.#root) throw new XcapConflictError({ condition: 'no-parent' })
    const ancestorUri = (count: number): string => {
      const path = `${uri.root}/${documentPath(uri)}`
      if (count === 0) return path
      const steps = node.steps.slice(0, count).map(({ text }) => percentEncoded(text))
      const query = [...uri.bindings]
        .map(([prefix, namespace]) => `xmlns(${prefix}=${percentEncoded(namespace.replace(/[()^]/g, '^$&'))})`)
        .join('')
      return `${path}/~~/${steps.join('/')}${query === '' ? '' : `?${query}`}`
    }
    return { octets: this.#stored.octets, root: this.#root, steps: node.steps, names: this.#names, ancestorUri }
  }

  #noParent({ root, ancestorUri }: ElementPlace, { steps }: NodeSelector): XcapConflictError {
    let count = steps.length - 1
    while (count > 0 && selectElements(root, steps.slice(0, count), this.#names).length !== 1) count--
    return new XcapConflictError({ condition: 'no-parent', ancestor: ancestorUri(count) })
  }
}

/** One empty element of the same name, with all that is declared in its scope (RFC 4825 section 7.10). */
function namespacesIn(element: XmlElement, octets: Buffer): Buffer {
  const declarations = bindingsInScope(element)
  const name = octets.toString('utf8', element.start + 1, element.nameEnd)
  return Buffer.from(`<${name}${declarations.map(declarationText).join('')}/>`)
}
