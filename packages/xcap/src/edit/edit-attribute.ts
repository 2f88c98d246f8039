import { isUtf8 } from 'node:buffer'
import { XML, type XmlAttribute, type XmlElement } from '@rollcall/xml'
import { attributeValue, isAttributeValue } from '../attribute-value.ts'
import { XcapConflictError } from '../errors.ts'
import { attributeNamespace, attributeOf, bindingsInScope, type SelectorNames, selectElements } from '../select.ts'
import type { SelectedName } from '../uri/node-selector.ts'
import { parseDocument } from './parse.ts'
import type { Edited, ElementPlace } from './put-element.ts'
import { splice } from './splice.ts'

/**
 * Gives an element an attribute of this value, or another value to one that it has.
 *
 * @param body the value as it may stand between quotes.
 * @throws XcapConflictError `not-utf-8`, `not-xml-att-value`, `cannot-insert`.
 * @see RFC 4825 section 8.2.3; RFC 4825 section 8.2.4
 */
export function putAttribute(place: ElementPlace, element: XmlElement, name: SelectedName, body: Buffer): Edited {
  const { octets, names } = place
  // A namespace declaration is no attribute, and no GET would give it back (RFC 4825 section 6.3).
  if (name.prefix === '' && name.name === 'xmlns')
    throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'a namespace declaration is no attribute' })
  const quoted = quote(body)
  const existing = attributeOf(element, name, names)
  const changed = existing
    ? splice(octets, existing.valueStart - 1, existing.valueEnd + 1, quoted)
    : splice(octets, element.nameEnd, element.nameEnd, Buffer.concat([newName(element, name, names), quoted]))
  const root = parseDocument(changed)
  const [found, ...more] = selectElements(root, place.steps, names)
  // Its value may be what the selector told the element by.
  const isThere = found && attributeOf(found, name, names)?.value === attributeValue(body.toString())
  if (!isThere || more.length > 0) {
    throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'the URI would not name what was put' })
  }
  return { octets: changed, root, isCreated: existing === undefined }
}

/** Takes an attribute out, with the white space before it (RFC 4825 section 8.4). */
export function deleteAttribute({ octets }: ElementPlace, attribute: XmlAttribute): Edited {
  let { start } = attribute
  while (/\s/.test(String.fromCharCode(octets[start - 1] ?? 0))) start--
  const changed = splice(octets, start, attribute.end, Buffer.alloc(0))
  return { octets: changed, root: parseDocument(changed), isCreated: false }
}

function quote(body: Buffer): Buffer {
  if (!isUtf8(body)) throw new XcapConflictError({ condition: 'not-utf-8' })
  const value = body.toString()
  const mark = value.includes('"') ? "'" : '"'
  if (value.includes(mark) || !isAttributeValue(value)) throw new XcapConflictError({ condition: 'not-xml-att-value' })
  return Buffer.from(mark + value + mark)
}

/** ` name=` with a prefix that is bound there, when it needs one. */
function newName(element: XmlElement, { prefix, name }: SelectedName, names: SelectorNames): Buffer {
  if (prefix === '') return Buffer.from(` ${name}=`)
  const namespace = attributeNamespace({ prefix, name }, names)
  if (namespace === XML) return Buffer.from(` xml:${name}=`)
  const binding = bindingsInScope(element).find((one) => one.uri === namespace && one.prefix !== '')
  if (!binding)
    throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'no prefix is bound to its namespace' })
  return Buffer.from(` ${binding.prefix}:${name}=`)
}
