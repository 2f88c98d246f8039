import { childElements, textOf, type XmlElement } from '@rollcall/xml'

/** Whether the text of an element or the value of an attribute is of a type. White space around it is taken off. */
export type TextType = (text: string) => boolean

/** What an attribute of no namespace is. Attributes of other namespaces are taken anywhere. */
export interface AttributeType {
  readonly type: TextType
  readonly isRequired?: boolean
}

/** Some elements in a row that are alike: named ones, or those of foreign namespaces. */
export interface Particle {
  readonly of: readonly ElementType[]
  /** Elements of namespaces that the schema does not know may be here, too; what is in them is not looked at. */
  readonly foreign?: boolean
  readonly min?: number
  readonly max?: number
}

/** A kind of element of a schema: the subset of XML Schema that the formats behind XCAP use. */
export interface ElementType {
  readonly name: string
  readonly namespace: string
  readonly attributes?: Readonly<Record<string, AttributeType>>
  /** Text of this type and no elements; or elements, particle by particle, and no text. */
  readonly content: TextType | readonly Particle[]
  /** `repeats`: the whole row of particles once and more. */
  readonly repeats?: boolean
}

/** A root element's type, and the namespaces of which nothing else is valid than what stands here. */
export interface Schema {
  readonly root: ElementType
  readonly namespaces: ReadonlySet<string>
}

/**
 * Checks a document against its schema. Elements of namespaces that are known and of which there is no type are refused, those
 * of unknown ones taken where any element may be (RFC 4825 section 8.2.5).
 *
 * @param changed the only element that is not as it was when all was valid: only it, what is in it and what it is in are looked at.
 * @returns what is wrong first, for people, or undefined.
 */
export function schemaProblem(root: XmlElement, schema: Schema, changed?: XmlElement): string | undefined {
  return new Validation(schema.namespaces, changed).problem(root, schema.root)
}

export const anyText: TextType = () => true
/** An xs:ID: an NCName (Namespaces in XML 1.0 section 3). */
export const idType: TextType = (text) => /^[A-Za-z_\u0080-\uffff][\w.\-\u0080-\uffff]*$/.test(text)
export const uriType: TextType = (text) => text !== '' && !/\s/.test(text)
export const booleanType: TextType = (text) => ['true', 'false', '1', '0'].includes(text)
export const tokenType: TextType = (text) => text !== ''
export const oneOf =
  (...values: readonly string[]): TextType =>
  (text) =>
    values.includes(text)

function attributesProblem(element: XmlElement, { attributes = {} }: ElementType): string | undefined {
  for (const [name, { type, isRequired }] of Object.entries(attributes)) {
    const value = element.attributes.find((one) => one.name === name && one.namespace === '')?.value.trim()
    if (value === undefined ? isRequired : !type(value)) return `attribute ${name} of ${element.name}`
  }
  const unknown = element.attributes.find(({ name, namespace }) => namespace === '' && !Object.hasOwn(attributes, name))
  return unknown && `${element.name} has no attribute ${unknown.name}`
}

/** One document on its way through. */
class Validation {
  readonly #known: ReadonlySet<string>
  readonly #changed: XmlElement | undefined
  /** What the changed element is in. */
  readonly #around = new Set<XmlElement>()

  constructor(known: ReadonlySet<string>, changed: XmlElement | undefined) {
    this.#known = known
    this.#changed = changed
    for (let one = changed?.parent; one; one = one.parent) this.#around.add(one)
  }

  /** @param isNew whether anything in the element may be another than before. */
  problem(element: XmlElement, type: ElementType, isNew = this.#changed === undefined): string | undefined {
    if (element.name !== type.name || element.namespace !== type.namespace) return `${type.name} is expected`
    const isChanged = isNew || element === this.#changed
    if (!isChanged && !this.#around.has(element)) return undefined
    return attributesProblem(element, type) ?? this.#content(element, type, isChanged)
  }

  #content(element: XmlElement, { content, repeats }: ElementType, isNew: boolean): string | undefined {
    const children = childElements(element)
    if (typeof content === 'function') {
      if (children.length > 0) return `${element.name} holds text`
      return content(textOf(element).trim()) ? undefined : `text of ${element.name}`
    }
    if (hasText(element)) return `${element.name} holds no text`
    let at = 0
    do {
      const before = at
      for (const particle of content) {
        const { end, problem } = this.#particle(element, children, at, particle, isNew)
        if (problem !== undefined) return problem
        at = end
      }
      if (at === before) break
    } while (repeats && at < children.length)
    const rest = children[at]
    return rest && `${rest.name} in ${element.name}`
  }

  #particle(
    parent: XmlElement,
    children: readonly XmlElement[],
    start: number,
    { of, foreign = false, min = 0, max = Number.POSITIVE_INFINITY }: Particle,
    isNew: boolean,
  ): { readonly end: number; readonly problem?: string | undefined } {
    let end = start
    for (let child = children[end]; child && end - start < max; child = children[end]) {
      const { name, namespace } = child
      const type = of.find((one) => one.name === name && one.namespace === namespace)
      const isForeign = foreign && namespace !== '' && !this.#known.has(namespace)
      if (!type && !isForeign) break
      const problem = type && this.problem(child, type, isNew)
      if (problem !== undefined) return { end, problem }
      end++
    }
    if (end - start >= min) return { end }
    return { end, problem: `${parent.name} needs ${of.map(({ name }) => name).join(' or ')}` }
  }
}

function hasText({ children }: XmlElement): boolean {
  return children.some((child) => child.kind === 'text' && child.text.trim() !== '')
}
