import type { XmlElement } from '@rollcall/xml'
import { XcapConflictError } from '../errors.ts'
import { selectElements } from '../select.ts'
import { parseDocument } from './parse.ts'
import type { Edited, ElementPlace } from './put-element.ts'
import { splice } from './splice.ts'

/**
 * Takes an element out; white space around it stays.
 *
 * @throws XcapConflictError `cannot-delete` where the URI would name another element then, or for the root.
 * @see RFC 4825 section 8.4
 */
export function deleteElement({ octets, steps, names }: ElementPlace, element: XmlElement): Edited {
  if (!element.parent)
    throw new XcapConflictError({ condition: 'cannot-delete', phrase: 'a document has a root element' })
  const changed = splice(octets, element.start, element.end, Buffer.alloc(0))
  const root = parseDocument(changed)
  if (selectElements(root, steps, names).length > 0) {
    throw new XcapConflictError({ condition: 'cannot-delete', phrase: 'the URI would name another element' })
  }
  return { octets: changed, root, isCreated: false }
}
