import { childElements, type NamespaceBinding, type XmlAttribute, type XmlElement } from '@rollcall/xml'

/** What an element holds, apart. */
export interface Content {
  readonly elements: readonly XmlElement[]
  /** What stands before, between and behind its elements, as written: text and comments. One more than elements. */
  readonly gaps: readonly string[]
}

/** @param octets of the document. */
export function contentOf(element: XmlElement, octets: Buffer): Content {
  const elements = childElements(element)
  let at = element.contentStart
  const gaps = elements.map(({ start, end }) => {
    const gap = octets.toString('utf8', at, start)
    at = end
    return gap
  })
  return { elements, gaps: [...gaps, octets.toString('utf8', at, element.contentEnd)] }
}

/** Whether elements have the same names and declarations, these in any order. */
export function sameName(one: XmlElement, other: XmlElement): boolean {
  return (
    one.name === other.name &&
    one.prefix === other.prefix &&
    one.namespace === other.namespace &&
    one.declarations.length === other.declarations.length &&
    one.declarations.every((binding) => other.declarations.some((it) => sameBinding(it, binding)))
  )
}

export function sameAttribute(one: XmlAttribute, other: XmlAttribute): boolean {
  return one.name === other.name && one.prefix === other.prefix && one.namespace === other.namespace
}

/** An element and the octets of its document. */
export type Placed = readonly [element: XmlElement, octets: Buffer]

/**
 * Whether two elements are one in canonical XML with comments, the same being declared around them. Text that is written in
 * another way, with a reference for a character, counts as other text: that tells too much, never too little.
 */
export function sameElement([one, oneOctets]: Placed, [other, otherOctets]: Placed): boolean {
  // Most are equal as they stand.
  if (oneOctets.subarray(one.start, one.end).equals(otherOctets.subarray(other.start, other.end))) return true
  if (!sameName(one, other) || one.attributes.length !== other.attributes.length) return false
  for (const attribute of one.attributes) {
    const twin = other.attributes.find((it) => sameAttribute(it, attribute))
    if (twin?.value !== attribute.value) return false
  }
  const [a, b] = [contentOf(one, oneOctets), contentOf(other, otherOctets)]
  if (a.elements.length !== b.elements.length || a.gaps.some((gap, i) => gap !== b.gaps[i])) return false
  return a.elements.every((element, i) => {
    const twin = b.elements[i]
    return twin !== undefined && sameElement([element, oneOctets], [twin, otherOctets])
  })
}

/** Comments before and behind the root element. */
export function outerComments(root: XmlElement, octets: Buffer): string {
  const outside = octets.toString('utf8', 0, root.start) + octets.toString('utf8', root.end)
  return (outside.match(/<!--.*?-->/gs) ?? []).join('')
}

function sameBinding(one: NamespaceBinding, other: NamespaceBinding): boolean {
  return one.prefix === other.prefix && one.uri === other.uri
}
