import type { XmlElement, XmlLimits } from '@rollcall/xml'
import type { XcapConflict } from './errors.ts'
import type { XcapTree } from './uri/xcap-uri.ts'

/** What a kind of document is, and may hold (RFC 4825 section 5). */
export interface XcapUsage {
  readonly auid: string
  /** Of its documents. */
  readonly mediaType: string
  /** Of unprefixed names in node selectors (RFC 4825 section 5.2). */
  readonly defaultNamespace: string
  /** Namespaces that the server understands of it, for xcap-caps. */
  readonly namespaces: readonly string[]
  /** In which trees it has documents. */
  readonly trees: readonly XcapTree['kind'][]
  /** Whether a document of this name may be there. */
  readonly hasDocument: (name: string) => boolean
  /** False where the server makes the documents itself. */
  readonly isWritable: boolean
  /** What is wrong with a document, beyond its being well-formed; `xui` is whose it is. */
  readonly validate: (root: XmlElement, context: ValidationContext) => XcapConflict | undefined
}

/** What a document is checked against besides itself. */
export interface ValidationContext {
  readonly xui: string
  readonly octets: Buffer
  /** The only element that is not as it was in the version before, which was valid; absent: any may be another. */
  readonly changed?: XmlElement | undefined
}

/** What a stored document may have: an XCAP document is read as a tree at each change. */
export const DOCUMENT_LIMITS: XmlLimits = { bytesMax: 65_536, attributesMax: 32, bindingsMax: 64 }
