import type { NamespaceBinding } from './namespace-scope.ts'

/** An attribute that is no namespace declaration, with where it stands: offsets in octets. */
export interface XmlAttribute {
  /** Without prefix. */
  readonly name: string
  readonly prefix: string
  /** Empty for none: an unprefixed attribute is in no namespace. */
  readonly namespace: string
  /** Normalised (XML 1.0 section 3.3.3). */
  readonly value: string
  /** From its name to behind its closing quote. */
  readonly start: number
  readonly end: number
  /** Between the quotes. */
  readonly valueStart: number
  readonly valueEnd: number
}

/** An element with where it stands: offsets in octets from the document's beginning. */
export interface XmlElement {
  readonly kind: 'element'
  /** Without prefix. */
  readonly name: string
  readonly prefix: string
  /** Empty for none. */
  readonly namespace: string
  readonly attributes: readonly XmlAttribute[]
  /** Its own namespace declarations. */
  readonly declarations: readonly NamespaceBinding[]
  readonly parent: XmlElement | undefined
  /** Elements and text in order; comments are left out. */
  readonly children: readonly (XmlElement | XmlText)[]
  /** From `<` of the start tag to behind the end tag. */
  readonly start: number
  readonly end: number
  /** Behind the name in the start tag. */
  readonly nameEnd: number
  /** Between the tags; both are `end` where the element is one empty-element tag. */
  readonly contentStart: number
  readonly contentEnd: number
}

/** A run of character data, or a CDATA section. */
export interface XmlText {
  readonly kind: 'text'
  /** References undone, line ends made one. */
  readonly text: string
  readonly start: number
  readonly end: number
}

/** The elements among the children. */
export function childElements({ children }: XmlElement): XmlElement[] {
  const elements: XmlElement[] = []
  for (const child of children) if (child.kind === 'element') elements.push(child)
  return elements
}

/** The character data directly in the element, that of its children left out. */
export function textOf({ children }: XmlElement): string {
  let text = ''
  for (const child of children) if (child.kind === 'text') text += child.text
  return text
}
