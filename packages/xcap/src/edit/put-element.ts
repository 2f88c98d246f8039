import { childElements, type GraftPlace, graft, type XmlElement } from '@rollcall/xml'
import { XcapConflictError } from '../errors.ts'
import { bindingsInScope, ofName, type SelectorNames, selectElements } from '../select.ts'
import type { Step } from '../uri/node-selector.ts'
import { DOCUMENT_LIMITS } from '../usage.ts'
import { parseDocument, parseFragment } from './parse.ts'
import { splice } from './splice.ts'

/** A document that was changed, and whether a part came to be that was not there. */
export interface Edited {
  readonly octets: Buffer
  readonly root: XmlElement
  readonly isCreated: boolean
  /** The only element that is not as it was in the document before; absent: any may be another. */
  readonly changed?: XmlElement | undefined
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
  const element = parseFragment(trimmed, bindingsInScope(parent))
  const gap = existing ? replacing(existing) : insertion(place, parent, element)
  const changed = splice(octets, gap.start, gap.end, gap.tagName ? pairOfTags(gap.tagName, trimmed) : trimmed)
  // What was read already need not be read again, if it is sure that the whole can be.
  const isGrafted =
    gap.place !== undefined && changed.length <= DOCUMENT_LIMITS.bytesMax && graft(gap.place, element, DOCUMENT_LIMITS)
  const tree = isGrafted ? { root, changed: element } : { root: parseDocument(changed) }
  return idempotent(place, { octets: changed, isCreated: !existing, ...tree }, trimmed)
}

/** A GET of the same URI must give what was put (RFC 4825 section 8.2.3, RFC 4825 section 8.2.4). */
function idempotent({ steps, names }: ElementPlace, edited: Edited, body: Buffer): Edited {
  const [found, ...more] = selectElements(edited.root, steps, names)
  if (!found || more.length > 0 || !edited.octets.subarray(found.start, found.end).equals(body)) {
    throw new XcapConflictError({ condition: 'cannot-insert', phrase: 'the URI would not name what was put' })
  }
  return edited
}

/** The octets that the new element takes the place of. */
interface Gap {
  readonly start: number
  readonly end: number
  /** Where that is in the tree; absent for the root's place and in an empty-element tag. */
  readonly place?: GraftPlace | undefined
  /** Name of the empty-element tag that becomes a pair of tags. */
  readonly tagName?: Buffer
}

function replacing(existing: XmlElement): Gap {
  const { parent, start, end } = existing
  return { start, end, place: parent && { parent, index: parent.children.indexOf(existing), isReplaced: true, start } }
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

/** At the earliest place where it has so many siblings before it: right behind the last of them, or before the first one. */
function insertion({ octets, steps, names }: ElementPlace, parent: XmlElement | undefined, element: XmlElement): Gap {
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
  const gapAt = (start: number, index: number): Gap => ({
    start,
    end: start,
    place: { parent, index, isReplaced: false, start },
  })
  const before = siblings[position - 2]
  if (before) return gapAt(before.end, parent.children.indexOf(before) + 1)
  const [first] = siblings
  if (first) return gapAt(first.start, parent.children.indexOf(first))
  if (parent.contentStart !== parent.end) return gapAt(parent.contentEnd, parent.children.length)
  const tagName = octets.subarray(parent.start + 1, parent.nameEnd)
  return { start: parent.end - '/>'.length, end: parent.end, tagName }
}

/** What an empty-element tag ends in when it has a child. */
function pairOfTags(tagName: Buffer, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from('>'), body, Buffer.from('</'), tagName, Buffer.from('>')])
}

function withoutBlanksAround(body: Buffer): Buffer {
  const isBlank = (octet: number | undefined): boolean =>
    octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d
  let [start, end] = [0, body.length]
  while (start < end && isBlank(body[start])) start++
  while (end > start && isBlank(body[end - 1])) end--
  return body.subarray(start, end)
}
