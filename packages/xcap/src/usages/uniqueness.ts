import { childElements, type XmlElement } from '@rollcall/xml'
import type { XcapConflict } from '../errors.ts'
import { percentEncoded } from '../uri/percent.ts'

/**
 * The value of an attribute of no namespace. Around a URI or an id white space counts for nothing, so two that differ in that
 * alone are one; in the name of a list, which is a string, it counts.
 */
export function attributeText(element: XmlElement, wanted: string): string | undefined {
  const value = element.attributes.find(({ name, namespace }) => name === wanted && namespace === '')?.value
  return wanted === 'name' ? value : value?.trim()
}

/**
 * The conflict of some elements whose attributes have values that one before them, or one elsewhere, has; with each of them.
 * Values are the same when they are the same text.
 *
 * @param isTaken whether a value is another's already, outside of these.
 * @see RFC 4825 section 11.1
 */
export function repetition(
  elements: readonly XmlElement[],
  attribute: string,
  defaultNamespace: string,
  isTaken: (value: string) => boolean = () => false,
): XcapConflict | undefined {
  const all = new Set(elements.map((element) => attributeText(element, attribute)))
  const values = new Set<string>()
  const exists: { field: string; alternatives: readonly string[] }[] = []
  for (const element of elements) {
    const value = attributeText(element, attribute)
    if (value === undefined) continue
    if (!values.has(value) && !isTaken(value)) {
      values.add(value)
      continue
    }
    // Enough to mend a document by, and no more work than that.
    if (exists.length === EXISTS_MAX) break
    const field = `${pathOf(element, defaultNamespace)}/@${attribute}`
    const alternative = alternativeTo(value, (other) => all.has(other) || isTaken(other))
    if (alternative !== undefined) all.add(alternative)
    exists.push({ field, alternatives: alternative === undefined ? [] : [alternative] })
  }
  return exists.length === 0 ? undefined : { condition: 'uniqueness-failure', exists }
}

/** Most values of one conflict that are told. `Choice:` */
const EXISTS_MAX = 16
/** Numbers that are tried; when all are taken nothing is proposed. */
const TRIES_MAX = 100

/** The value with a number behind it; before the `@` of a URI. */
function alternativeTo(value: string, isTaken: (value: string) => boolean): string | undefined {
  const at = value.lastIndexOf('@')
  const [start, end] = at < 0 ? [value, ''] : [value.slice(0, at), value.slice(at)]
  for (let number = 2; number <= TRIES_MAX; number++) {
    const other = `${start}-${number}${end}`
    if (!isTaken(other)) return other
  }
  return undefined
}

/** Node selector that names an element and needs no query: by position where its name is of another namespace. */
function pathOf(element: XmlElement, defaultNamespace: string): string {
  const { parent, name, namespace } = element
  if (!parent) return name
  const siblings = childElements(parent)
  const isDefault = namespace === defaultNamespace
  const alike = isDefault ? siblings.filter((one) => one.name === name && one.namespace === namespace) : siblings
  const step = `${isDefault ? name : '*'}[${alike.indexOf(element) + 1}]`
  return `${pathOf(parent, defaultNamespace)}/${percentEncoded(step)}`
}
