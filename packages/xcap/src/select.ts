import { childElements, type NamespaceBinding, XML, type XmlAttribute, type XmlElement } from '@rollcall/xml'
import { XcapUriError } from './errors.ts'
import type { SelectedName, Step } from './uri/node-selector.ts'

/** What the names of a selector mean. */
export interface SelectorNames {
  /** Of unprefixed names of elements: the default document namespace of the application usage (RFC 4825 section 6.4). */
  readonly defaultNamespace: string
  readonly bindings: ReadonlyMap<string, string>
}

/** Namespace of an element's name. @throws XcapUriError for a prefix that the query does not bind. */
export function elementNamespace({ prefix }: SelectedName, names: SelectorNames): string {
  return prefix === '' ? names.defaultNamespace : bound(prefix, names)
}

/** Namespace of an attribute's name: none without a prefix. */
export function attributeNamespace({ prefix }: SelectedName, names: SelectorNames): string {
  return prefix === '' ? '' : bound(prefix, names)
}

/**
 * The elements that the steps lead to: one, if the selector names a resource.
 *
 * @see RFC 4825 section 6.3
 */
export function selectElements(root: XmlElement, steps: readonly Step[], names: SelectorNames): XmlElement[] {
  let found: XmlElement[] = []
  for (const [i, step] of steps.entries()) {
    found = i === 0 ? matching([root], step, names) : found.flatMap((one) => matching(childElements(one), step, names))
    if (found.length === 0) return []
  }
  return found
}

/** Those of `candidates` whose name fits the step. */
export function ofName(candidates: readonly XmlElement[], step: Step, names: SelectorNames): XmlElement[] {
  const { name } = step
  if (!name) return [...candidates]
  const namespace = elementNamespace(name, names)
  return candidates.filter((one) => one.name === name.name && one.namespace === namespace)
}

/** The attribute of an element, if it has it. */
export function attributeOf(element: XmlElement, name: SelectedName, names: SelectorNames): XmlAttribute | undefined {
  const namespace = attributeNamespace(name, names)
  return element.attributes.find((one) => one.name === name.name && one.namespace === namespace)
}

/** Declarations in scope inside the element, its own included; a later one hides an earlier one of the same prefix, or undoes it. */
export function bindingsInScope(element: XmlElement | undefined): NamespaceBinding[] {
  const inScope = new Map<string, string>()
  const chain: XmlElement[] = []
  for (let one = element; one; one = one.parent) chain.unshift(one)
  for (const { declarations } of chain) for (const { prefix, uri } of declarations) inScope.set(prefix, uri)
  return [...inScope].map(([prefix, uri]) => ({ prefix, uri })).filter(({ uri }) => uri !== '')
}

/** First the position among those of that name, then the attribute (RFC 4825 section 6.3). */
function matching(candidates: readonly XmlElement[], step: Step, names: SelectorNames): XmlElement[] {
  const { position, attribute } = step
  let found = ofName(candidates, step, names)
  if (position !== undefined) found = found.slice(position - 1, Math.max(position, 0))
  if (attribute) found = found.filter((one) => attributeOf(one, attribute.name, names)?.value === attribute.value)
  return found
}

/** `xml` needs no binding, and takes none (XPointer Framework section 3.3). */
function bound(prefix: string, { bindings }: SelectorNames): string {
  if (prefix === 'xml') return XML
  const namespace = bindings.get(prefix)
  if (namespace === undefined) throw new XcapUriError('XCAP_URI_MALFORMED', 'a prefix that the query does not bind')
  return namespace
}
