import { childElements, textOf, type XmlElement } from '@rollcall/xml'
import { attributeOf, owned } from './element-attribute.ts'
import { OMA_PRES_RULES, PRES_RULES } from './namespaces.ts'
import {
  type ChoiceKind,
  choiceKey,
  NOTHING_PERMITTED,
  type PermissionSet,
  type Selection,
  USER_INPUT_PROVISIONS,
  type UserInputProvision,
  unknownAttributeKey,
} from './permissions.ts'
import { schemeKey, serviceUriKey } from './uri-key.ts'

/** Boolean transformations of RFC 5025 section 3.3.2, without `provide-`. */
const ATTRIBUTES: ReadonlySet<string> = new Set([
  'activities',
  'class',
  'deviceID',
  'mood',
  'note',
  'place-is',
  'place-type',
  'privacy',
  'relationship',
  'sphere',
  'status-icon',
  'time-offset',
])

/** Those that OMA adds. */
const OMA_ATTRIBUTES: ReadonlySet<string> = new Set([
  'willingness',
  'network-availability',
  'session-participation',
  'registration-state',
  'barring-state',
])

/** By what each of the three kinds may be chosen, besides `all-…`. */
const CHOICES = {
  services: new Set(['service-uri', 'service-uri-scheme', 'occurrence-id', 'class']),
  devices: new Set(['deviceID', 'occurrence-id', 'class']),
  persons: new Set(['occurrence-id', 'class']),
} as const satisfies Record<string, ReadonlySet<string>>

type ChosenKind = keyof typeof CHOICES

/**
 * Reads the children of `transformations`: what a rule lets a watcher see. Those that are not understood provide
 * nothing (RFC 4745 section 6.2).
 *
 * @see RFC 5025 section 3.3
 */
export function readProvisions(elements: readonly XmlElement[]): PermissionSet {
  const chosen: Record<ChosenKind, Selection> = { services: new Set(), devices: new Set(), persons: new Set() }
  const attributes = new Set<string>()
  const unknownAttributes = new Set<string>()
  let userInput: UserInputProvision = 'false'
  let allAttributes = false
  for (const element of elements) {
    const name = /^provide-(.+)$/.exec(element.name)?.[1]
    if (name === undefined) continue
    if (element.namespace === OMA_PRES_RULES) {
      if (OMA_ATTRIBUTES.has(name) && isTrue(element)) attributes.add(`oma:${name}`)
      if (name === 'geopriv' && textOf(element).trim() === 'full') attributes.add('oma:geopriv')
    } else if (element.namespace !== PRES_RULES) continue
    else if (isChosenKind(name)) chosen[name] = union(chosen[name], readSelection(name, element))
    else if (name === 'user-input') userInput = readUserInput(element)
    else if (name === 'all-attributes') allAttributes = true
    else if (name === 'unknown-attribute') readUnknownAttribute(element, unknownAttributes)
    else if (ATTRIBUTES.has(name) && isTrue(element)) attributes.add(name)
  }
  return { ...chosen, allAttributes, attributes, userInput, unknownAttributes }
}

/**
 * What several rules provide together: sets are united, of booleans one true is enough, of levels the greatest counts
 * (RFC 4745 section 10.2).
 */
export function combineProvisions(sets: readonly PermissionSet[]): PermissionSet {
  let whole: PermissionSet = NOTHING_PERMITTED
  for (const set of sets) {
    whole = {
      services: union(whole.services, set.services),
      devices: union(whole.devices, set.devices),
      persons: union(whole.persons, set.persons),
      allAttributes: whole.allAttributes || set.allAttributes,
      attributes: new Set([...whole.attributes, ...set.attributes]),
      userInput: greater(whole.userInput, set.userInput),
      unknownAttributes: new Set([...whole.unknownAttributes, ...set.unknownAttributes]),
    }
  }
  return whole
}

function union(a: Selection, b: Selection): Selection {
  return a === 'all' || b === 'all' ? 'all' : new Set([...a, ...b])
}

function greater(a: UserInputProvision, b: UserInputProvision): UserInputProvision {
  return USER_INPUT_PROVISIONS.indexOf(a) >= USER_INPUT_PROVISIONS.indexOf(b) ? a : b
}

function isChosenKind(name: string): name is ChosenKind {
  return Object.hasOwn(CHOICES, name)
}

function readSelection(kind: ChosenKind, element: XmlElement): Selection {
  const choices = new Set<string>()
  const known: ReadonlySet<string> = CHOICES[kind]
  for (const child of childElements(element)) {
    const { name, namespace } = child
    const text = owned(textOf(child).trim())
    if (namespace === PRES_RULES && name === `all-${kind}`) return 'all'
    if (namespace === PRES_RULES && known.has(name)) choices.add(choiceKey(name as ChoiceKind, valueKey(name, text)))
    else if (namespace === OMA_PRES_RULES && name === 'service-id' && kind === 'services') {
      choices.add(choiceKey('service-id', text))
    }
  }
  return choices
}

function valueKey(name: string, text: string): string {
  if (name === 'service-uri') return serviceUriKey(text)
  return name === 'service-uri-scheme' ? schemeKey(`${text}:`) : text
}

function readUserInput(element: XmlElement): UserInputProvision {
  const text = textOf(element).trim()
  return USER_INPUT_PROVISIONS.find((level) => level === text) ?? 'false'
}

function readUnknownAttribute(element: XmlElement, into: Set<string>): void {
  const [name, namespace] = [attributeOf(element, 'name')?.trim(), attributeOf(element, 'ns')?.trim()]
  if (name && namespace !== undefined && isTrue(element)) into.add(unknownAttributeKey(namespace, name))
}

/** The two spellings of true in xs:boolean. */
function isTrue(element: XmlElement): boolean {
  return /^\s*(?:true|1)\s*$/.test(textOf(element))
}
