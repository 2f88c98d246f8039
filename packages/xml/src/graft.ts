import { DEPTH_MAX, type XmlLimits } from './limits.ts'
import type { XmlElement, XmlText } from './tree.ts'

/** Where an element goes in a tree. */
export interface GraftPlace {
  readonly parent: XmlElement
  /** Among the children of the parent. */
  readonly index: number
  /** The child there goes; otherwise it comes behind the new one. */
  readonly isReplaced: boolean
  /** Where the new one begins in the octets. */
  readonly start: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Makes a tree that of the document in which an element was put in or replaced, without reading all of it again: what
 * `parseXml` gives of the changed octets. The tree and the element are used up by that.
 *
 * @param element read alone with the declarations around its place, as `parseXml` gives it.
 * @returns whether it was done: when reading the whole might find it too deep, or too much declared, nothing is changed.
 */
export function graft(
  { parent, index, isReplaced, start }: GraftPlace,
  element: XmlElement,
  limits: XmlLimits,
): boolean {
  const replaced = isReplaced ? parent.children[index] : undefined
  // guard: xml-graft-fits — what is put in small pieces is no deeper, and declares no more, than what is put at once
  if (!fits(parent, element, limits) || (isReplaced && !replaced)) return false
  const children = parent.children as (XmlElement | XmlText)[]
  const by = element.end - element.start - (replaced ? replaced.end - replaced.start : 0)
  shift(element, start - element.start)
  ;(element as Mutable<XmlElement>).parent = parent
  children.splice(index, replaced ? 1 : 0, element)
  let [inner, outer]: [XmlElement, XmlElement | undefined] = [element, parent]
  for (; outer; [inner, outer] = [outer, outer.parent]) {
    for (let i = outer.children.indexOf(inner) + 1; i < outer.children.length; i++) shiftNode(outer.children[i], by)
    const open: Mutable<XmlElement> = outer
    open.contentEnd += by
    open.end += by
  }
  return true
}

/** As much as the limits for sure let stand there: declarations are counted all together, wherever they are in the element. */
function fits(parent: XmlElement, element: XmlElement, { bindingsMax }: XmlLimits): boolean {
  let [depth, bindings] = [0, 0]
  for (let one: XmlElement | undefined = parent; one; one = one.parent) {
    depth++
    bindings += one.declarations.length
  }
  const own = measure(element)
  return depth + own.depth <= DEPTH_MAX && bindings + own.bindings <= bindingsMax
}

function measure({ children, declarations }: XmlElement): { readonly depth: number; readonly bindings: number } {
  let [depth, bindings] = [0, declarations.length]
  for (const child of children) {
    if (child.kind !== 'element') continue
    const below = measure(child)
    depth = Math.max(depth, below.depth)
    bindings += below.bindings
  }
  return { depth: depth + 1, bindings }
}

function shiftNode(node: XmlElement | XmlText | undefined, by: number): void {
  if (node?.kind === 'element') shift(node, by)
  if (node?.kind !== 'text') return
  const text: Mutable<XmlText> = node
  text.start += by
  text.end += by
}

function shift(element: XmlElement, by: number): void {
  const open: Mutable<XmlElement> = element
  open.start += by
  open.end += by
  open.nameEnd += by
  open.contentStart += by
  open.contentEnd += by
  for (const one of element.attributes) {
    const attribute: Mutable<typeof one> = one
    attribute.start += by
    attribute.end += by
    attribute.valueStart += by
    attribute.valueEnd += by
  }
  for (const child of element.children) shiftNode(child, by)
}
