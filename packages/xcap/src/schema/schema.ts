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
  /** Elements of other namespaces than the schema's may be here, too; what is in them is not looked at. */
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

/**
 * Checks an element and all below it against its type.
 *
 * @returns what is wrong first, for people, or undefined.
 */
export function schemaProblem(element: XmlElement, type: ElementType): string | undefined {
  if (element.name !== type.name || element.namespace !== type.namespace) return `${type.name} is expected`
  return attributesProblem(element, type) ?? contentProblem(element, type)
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

function contentProblem(element: XmlElement, { content, repeats }: ElementType): string | undefined {
  const children = childElements(element)
  if (typeof content === 'function') {
    if (children.length > 0) return `${element.name} holds text`
    return content(textOf(element).trim()) ? undefined : `text of ${element.name}`
  }
  if (textOf(element).trim() !== '') return `${element.name} holds no text`
  let at = 0
  do {
    const before = at
    for (const particle of content) {
      const { end, problem } = particleProblem(element, children, at, particle)
      if (problem !== undefined) return problem
      at = end
    }
    if (at === before) break
  } while (repeats && at < children.length)
  const rest = children[at]
  return rest && `${rest.name} in ${element.name}`
}

function particleProblem(
  parent: XmlElement,
  children: readonly XmlElement[],
  start: number,
  { of, foreign = false, min = 0, max = Number.POSITIVE_INFINITY }: Particle,
): { readonly end: number; readonly problem?: string | undefined } {
  let end = start
  for (let child = children[end]; child && end - start < max; child = children[end]) {
    const { name, namespace } = child
    const type = of.find((one) => one.name === name && one.namespace === namespace)
    const isForeign = foreign && namespace !== '' && namespace !== parent.namespace
    if (!type && !isForeign) break
    const problem = type && schemaProblem(child, type)
    if (problem !== undefined) return { end, problem }
    end++
  }
  if (end - start >= min) return { end }
  return { end, problem: `${parent.name} needs ${of.map(({ name }) => name).join(' or ')}` }
}
