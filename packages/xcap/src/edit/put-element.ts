import { childElements, type XmlElement } from '@rollcall/xml'
import { XcapConflictError } from '../errors.ts'
import { bindingsInScope, ofName, type SelectorNames, selectElements } from '../select.ts'
import type { Step } from '../uri/node-selector.ts'
import { parseDocument, parseFragment } from './parse.ts'
import { splice } from './splice.ts'

/** A document that was changed, and whether a part came to be that was not there. */
export interface Edited {
  readonly octets: Buffer
  readonly root: XmlElement
  readonly isCreated: boolean
}

/** The part that a request names. */
export interface ElementPlace {
  readonly octets: Buffer
  readonly root: XmlElement
  readonly steps: readonly Step[]
  readonly names: SelectorNames
  /** URI of the first `count` steps, for `no-parent`. */
  readonly ancestorUri: (count: number) => string
}

/**
 * Puts an element in the place of the one that the selector names, or makes it where it says.
 *
 * @throws XcapConflictError `no-parent`, `cannot-insert`, `not-xml-frag`, `not-utf-8`.
 * @see RFC 4825 section 8.2.3
 */
export function putElement(place: ElementPlace, body: Buffer): Edited {
  const { octets, root, steps, names } = place
  const trimmed = withoutBlanksAround(body)
  const parent = parentOf(place)
  const [existing, ...more] = selectElements(root, steps, names)
  if (more.length > 0) throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'several elements are named' })
  const outer = bindingsInScope(parent)
  const element = parseFragment(trimmed, outer)
  const changed = existing
    ? splice(octets, existing.start, existing.end, trimmed)
    : insert(place, parent, element, trimmed)
  return idempotent(place, changed, trimmed, existing === undefined)
}

/** A GET of the same URI must give what was put (RFC 4825 section 8.2.3). */
function idempotent({ steps, names }: ElementPlace, octets: Buffer, body: Buffer, isCreated: boolean): Edited {
  const root = parseDocument(octets)
  const [found, ...more] = selectElements(root, steps, names)
  if (!found || more.length > 0 || !octets.subarray(found.start, found.end).equals(body)) {
    throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'the URI would not name what was put' })
  }
  return { octets, root, isCreated }
}

/** The element that the new one goes into; undefined for the root's place. */
function parentOf({ root, steps, names, ancestorUri }: ElementPlace): XmlElement | undefined {
  if (steps.length === 1) return undefined
  const [parent, ...more] = selectElements(root, steps.slice(0, -1), names)
  if (parent && more.length === 0) return parent
  let count = steps.length - 2
  while (count > 0 && selectElements(root, steps.slice(0, count), names).length !== 1) count--
  throw new XcapConflictError({ condition: 'no-parent', ancestor: ancestorUri(count) })
}

function insert(
  { octets, steps, names }: ElementPlace,
  parent: XmlElement | undefined,
  element: XmlElement,
  body: Buffer,
): Buffer {
  const step = steps.at(-1)
  // There is one root element, and it is not the one that is named.
  if (!parent || !step)
    throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'the root element is another' })
  const children = childElements(parent)
  const siblings = step.name
    ? ofName(children, step, names)
    : step.position === undefined
      ? children.filter((one) => one.name === element.name && one.namespace === element.namespace)
      : children
  const position = step.position ?? siblings.length + 1
  if (position < 1 || position > siblings.length + 1) {
    throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'there is no such position' })
  }
  const next = siblings[position - 1]
  if (next) return splice(octets, next.start, next.start, body)
  const last = siblings.at(-1)
  return last ? splice(octets, last.end, last.end, body) : appendChild(octets, parent, body)
}

/** An empty-element tag becomes a pair of tags. */
function appendChild(octets: Buffer, parent: XmlElement, body: Buffer): Buffer {
  const isEmptyTag = parent.contentStart === parent.end
  if (!isEmptyTag) return splice(octets, parent.contentEnd, parent.contentEnd, body)
  const tagName = octets.subarray(parent.start + 1, parent.nameEnd)
  const pair = Buffer.concat([Buffer.from('>'), body, Buffer.from('</'), tagName, Buffer.from('>')])
  return splice(octets, parent.end - '/>'.length, parent.end, pair)
}

function withoutBlanksAround(body: Buffer): Buffer {
  const isBlank = (octet: number | undefined): boolean =>
    octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d
  let [start, end] = [0, body.length]
  while (start < end && isBlank(body[start])) start++
  while (end > start && isBlank(body[end - 1])) end--
  return body.subarray(start, end)
}
