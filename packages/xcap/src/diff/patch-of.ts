import type { XmlElement } from '@rollcall/xml'
import { bindingsInScope } from '../select.ts'
import { DocumentTrees } from './document-trees.ts'
import { operationText, type PatchContent, type PatchOperation, type WhiteSpace } from './patch-operation.ts'
import { type Content, contentOf, outerComments, sameAttribute, sameElement, sameName } from './same-content.ts'

/**
 * How a document became another: what to do, in this order, to get from the one to what is the other in canonical XML with
 * comments. It finds what requests change, and does not look for the shortest way between any two documents.
 *
 * @param old and `next`: documents as they are kept.
 * @returns no operations when only the octets differ; undefined when telling is not shorter than the whole document, or
 *   something outside of the root element changed.
 * @see RFC 5261 section 4; RFC 5874 section 3; RFC 5875 section 4.7
 */
export function patchOf(
  old: Buffer,
  next: Buffer,
  trees = new DocumentTrees(2),
): readonly PatchOperation[] | undefined {
  const operations = new Comparison(old, next, trees).operations()
  if (!operations) return undefined
  const length = operations.reduce((sum, operation) => sum + Buffer.byteLength(operationText(operation, 'd')), 0)
  return length < next.length ? operations : undefined
}

/** A stretch of children that differ: from `start` on, so many elements there and here. */
interface Stretch {
  readonly start: number
  readonly removed: number
  readonly added: number
}

class Comparison {
  readonly #old: Buffer
  readonly #next: Buffer
  readonly #trees: DocumentTrees

  constructor(old: Buffer, next: Buffer, trees: DocumentTrees) {
    this.#old = old
    this.#next = next
    this.#trees = trees
  }

  operations(): PatchOperation[] | undefined {
    const [one, other] = [this.#trees.of(this.#old), this.#trees.of(this.#next)]
    if (outerComments(one, this.#old) !== outerComments(other, this.#next)) return undefined
    return this.#within(one, other, '*')
  }

  /** Changes inside of an element; undefined when it has to be replaced. */
  #within(one: XmlElement, other: XmlElement, sel: string): PatchOperation[] | undefined {
    if (!sameName(one, other)) return undefined
    const attributes = attributeChanges(one, other, sel)
    const children = attributes && this.#children(one, other, sel)
    return children && [...attributes, ...children]
  }

  #children(one: XmlElement, other: XmlElement, sel: string): PatchOperation[] | undefined {
    const [a, b] = [contentOf(one, this.#old), contentOf(other, this.#next)]
    const stretch = this.#stretch(a, b)
    const { start, removed, added } = stretch
    const gaps = [a.gaps.slice(start, start + removed + 1), b.gaps.slice(start, start + added + 1)] as const
    if (removed === added) {
      // As many as before: each is looked into. Text between them that changed has no name that is safe beside comments.
      return gaps[0].every((gap, i) => gap === gaps[1][i]) ? this.#pairs(a, b, stretch, sel) : undefined
    }
    if (removed === 0) return this.#addition(a, b, stretch, sel)
    return added === 0 ? removal(gaps[0], gaps[1][0] ?? '', stretch, sel) : undefined
  }

  /** What is the same at both ends is left out. */
  #stretch(a: Content, b: Content): Stretch {
    const [lengthA, lengthB] = [a.elements.length, b.elements.length]
    const shorter = Math.min(lengthA, lengthB)
    let start = 0
    while (start < shorter && a.gaps[start] === b.gaps[start] && this.#same(a.elements[start], b.elements[start]))
      start++
    let end = 0
    while (
      end < shorter - start &&
      a.gaps[lengthA - end] === b.gaps[lengthB - end] &&
      this.#same(a.elements[lengthA - end - 1], b.elements[lengthB - end - 1])
    ) {
      end++
    }
    return { start, removed: lengthA - start - end, added: lengthB - start - end }
  }

  #same(one: XmlElement | undefined, other: XmlElement | undefined): boolean {
    return one !== undefined && other !== undefined && sameElement([one, this.#old], [other, this.#next])
  }

  #pairs(a: Content, b: Content, { start, removed }: Stretch, sel: string): PatchOperation[] {
    const operations: PatchOperation[] = []
    for (let i = start; i < start + removed; i++) {
      const [one, other] = [a.elements[i], b.elements[i]]
      if (!one || !other || this.#same(one, other)) continue
      const place = child(sel, i)
      operations.push(...(this.#within(one, other, place) ?? [this.#replacement(other, place)]))
    }
    return operations
  }

  #replacement(other: XmlElement, sel: string): PatchOperation {
    return { kind: 'replace', sel, content: this.#content(other, other.start, other.end) }
  }

  /** New elements go in with the text on the one side of them that was not there. */
  #addition(a: Content, b: Content, { start, added }: Stretch, sel: string): PatchOperation[] | undefined {
    const [first, last] = [b.elements[start], b.elements[start + added - 1]]
    if (!first || !last) return undefined
    const gap = a.gaps[start]
    const [before, behind] = [b.elements[start - 1], b.elements[start + added]]
    if (gap === b.gaps[start + added]) {
      const content = this.#content(first, before?.end ?? first.parent?.contentStart ?? first.start, last.end)
      if (before) return [{ kind: 'add', sel: child(sel, start - 1), pos: 'after', content }]
      return [{ kind: 'add', sel, pos: 'prepend', content }]
    }
    if (gap !== b.gaps[start]) return undefined
    const content = this.#content(first, first.start, behind?.start ?? first.parent?.contentEnd ?? last.end)
    if (behind) return [{ kind: 'add', sel: child(sel, start), pos: 'before', content }]
    return [{ kind: 'add', sel, pos: 'append', content }]
  }

  #content({ parent }: XmlElement, start: number, end: number): PatchContent {
    return { xml: this.#next.toString('utf8', start, end), declarations: bindingsInScope(parent) }
  }
}

/** Elements that are gone, the last one first, so that the others keep their positions until it is their turn. */
function removal(
  gaps: readonly string[],
  left: string,
  { start, removed }: Stretch,
  sel: string,
): PatchOperation[] | undefined {
  // Two line ends of a reader, who has each by itself, would become one.
  if (gaps.some((gap, i) => gap.endsWith('\r') && gaps[i + 1]?.startsWith('\n'))) return undefined
  if (left === gaps.join('')) {
    return Array.from({ length: removed }, (_, i) => ({ kind: 'remove', sel: child(sel, start + removed - 1 - i) }))
  }
  const ws = removed === 1 ? whiteSpaceTaken(gaps, left) : undefined
  return ws && [{ kind: 'remove', sel: child(sel, start), ws }]
}

/** By `ws` goes a whole text node of white space beside the element, and nothing else (RFC 5261 section 4.5). */
function whiteSpaceTaken([before = '', after = '']: readonly string[], left: string): WhiteSpace | undefined {
  const isBlank = (gap: string): boolean => /^[ \t\r\n]+$/.test(gap)
  if (left === after && isBlank(before)) return 'before'
  if (left === before && isBlank(after)) return 'after'
  return left === '' && isBlank(before) && isBlank(after) ? 'both' : undefined
}

/** Undefined for attributes with a prefix, which would need the reader's declarations to be those of the document. */
function attributeChanges(one: XmlElement, other: XmlElement, sel: string): PatchOperation[] | undefined {
  const operations: PatchOperation[] = []
  for (const attribute of one.attributes) {
    const twin = other.attributes.find((it) => sameAttribute(it, attribute))
    const { name, prefix } = attribute
    if (twin?.value === attribute.value) continue
    if (prefix !== '') return undefined
    operations.push(
      twin ? { kind: 'replace-attribute', sel, name, value: twin.value } : { kind: 'remove-attribute', sel, name },
    )
  }
  for (const attribute of other.attributes) {
    if (one.attributes.some((it) => sameAttribute(it, attribute))) continue
    const { name, prefix, value } = attribute
    if (prefix !== '') return undefined
    operations.push({ kind: 'add-attribute', sel, name, value })
  }
  return operations
}

function child(sel: string, index: number): string {
  return `${sel}/*[${index + 1}]`
}
