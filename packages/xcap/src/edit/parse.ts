import { type NamespaceBinding, parseXml, type XmlElement, XmlError } from '@rollcall/xml'
import { XcapConflictError } from '../errors.ts'
import { DOCUMENT_LIMITS } from '../usage.ts'

/** A whole document. @throws XcapConflictError `not-utf-8`, `not-well-formed`, `constraint-failure` (RFC 4825 section 11.1). */
export function parseDocument(octets: Buffer): XmlElement {
  return parsed(octets, [], 'not-well-formed')
}

/**
 * One element, without a prolog, in which prefixes may be used that are bound around its place (RFC 4825 section 8.2.2).
 *
 * @throws XcapConflictError `not-xml-frag`, `not-utf-8`, `constraint-failure`.
 */
export function parseFragment(octets: Buffer, outer: readonly NamespaceBinding[]): XmlElement {
  const element = parsed(octets, outer, 'not-xml-frag')
  if (element.start !== 0 || element.end !== octets.length) throw new XcapConflictError({ condition: 'not-xml-frag' })
  return element
}

function parsed(
  octets: Buffer,
  outer: readonly NamespaceBinding[],
  malformed: 'not-well-formed' | 'not-xml-frag',
): XmlElement {
  try {
    return parseXml(octets, DOCUMENT_LIMITS, outer)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    switch (error.code) {
      case 'XML_ENCODING':
        throw new XcapConflictError({ condition: 'not-utf-8' })
      case 'XML_FORBIDDEN':
      case 'XML_LIMIT':
      case 'XML_TOO_LARGE':
        // Well-formed maybe, but nothing that is taken here: DOCTYPE, too deep, too many attributes.
        throw new XcapConflictError({ condition: 'constraint-failure', phrase: error.detail })
      default:
        throw new XcapConflictError({ condition: malformed, phrase: error.message })
    }
  }
}
