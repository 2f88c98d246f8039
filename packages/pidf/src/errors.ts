import { RollcallError } from '@rollcall/core'

/** What can be wrong with a document. */
export type PidfErrorCode =
  /** Longer than the limit. */
  | 'PIDF_TOO_LARGE'
  /** Not UTF-8, or another encoding is declared. */
  | 'PIDF_ENCODING'
  /** Not well-formed XML 1.0, or outside of the subset that is read. */
  | 'PIDF_MALFORMED'
  /** DOCTYPE, processing instruction, or an entity that only a DOCTYPE could have declared. */
  | 'PIDF_FORBIDDEN'
  /** An undeclared prefix, or a declaration that Namespaces in XML 1.0 forbids. */
  | 'PIDF_NAMESPACE'
  /** Too deep, too many attributes, too many declarations, a name or identifier too long. */
  | 'PIDF_LIMIT'
  /** Well-formed, but not what RFC 3863, RFC 4479 or RFC 3858 asks for. */
  | 'PIDF_STRUCTURE'

/** The octets are no presence document that we take. Never shows the document's content. */
export class PidfError extends RollcallError {
  override readonly name = 'PidfError'
  readonly code: PidfErrorCode
  readonly detail: string
  /** Where, in octets from the document's beginning. */
  readonly offset: number
  constructor(code: PidfErrorCode, detail: string, offset: number) {
    super(`${detail} at octet ${offset}`)
    this.code = code
    this.detail = detail
    this.offset = offset
  }
}
