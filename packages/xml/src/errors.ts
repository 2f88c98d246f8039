import { RollcallError } from '@rollcall/core'

/** What can be wrong with a document. */
export type XmlErrorCode =
  /** Longer than the limit. */
  | 'XML_TOO_LARGE'
  /** Not UTF-8, or another encoding is declared. */
  | 'XML_ENCODING'
  /** Not well-formed XML 1.0, or outside of the subset that is read. */
  | 'XML_MALFORMED'
  /** DOCTYPE, processing instruction, or an entity that only a DOCTYPE could have declared. */
  | 'XML_FORBIDDEN'
  /** An undeclared prefix, or a declaration that Namespaces in XML 1.0 forbids. */
  | 'XML_NAMESPACE'
  /** Too deep, too many attributes, too many declarations, a name or identifier too long. */
  | 'XML_LIMIT'
  /** Well-formed, but not what RFC 3863, RFC 4479 or RFC 3858 asks for. */
  | 'XML_STRUCTURE'

/** The octets are no presence document that we take. Never shows the document's content. */
export class XmlError extends RollcallError {
  override readonly name = 'XmlError'
  readonly code: XmlErrorCode
  readonly detail: string
  /** Where, in octets from the document's beginning. */
  readonly offset: number
  constructor(code: XmlErrorCode, detail: string, offset: number) {
    super(`${detail} at octet ${offset}`)
    this.code = code
    this.detail = detail
    this.offset = offset
  }
}
