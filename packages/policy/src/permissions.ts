/** How much of `user-input` is provided (RFC 5025 section 3.3.2.12). */
export type UserInputProvision = 'false' | 'bare' | 'thresholds' | 'full'

/** Levels in ascending order, as they combine: the greatest wins. */
export const USER_INPUT_PROVISIONS: readonly UserInputProvision[] = ['false', 'bare', 'thresholds', 'full']

/**
 * By what a service, device or person is chosen: `class`, `occurrence-id`, `service-uri`, `service-uri-scheme`,
 * `deviceID` (RFC 5025 section 3.3.1), and `service-id` of OMA.
 */
export type ChoiceKind = 'class' | 'occurrence-id' | 'service-uri' | 'service-uri-scheme' | 'deviceID' | 'service-id'

/** A union of choices; each is a kind and a value, `choiceKey` makes the text. */
export type Selection = 'all' | ReadonlySet<string>

/** The text under which a selection knows a choice. */
export function choiceKey(kind: ChoiceKind, value: string): string {
  return `${kind} ${value}`
}

/** Name of an attribute for `Permissions.unknownAttributes`. */
export function unknownAttributeKey(namespace: string, localName: string): string {
  return `${namespace} ${localName}`
}

/** What is said of permissions before they are interned. */
export interface PermissionSet {
  readonly services: Selection
  readonly devices: Selection
  readonly persons: Selection
  /** `provide-all-attributes`: what else is named does not matter then. */
  readonly allAttributes: boolean
  /** Local names without `provide-`, `activities`; of OMA's with `oma:` before them, `oma:willingness`. */
  readonly attributes: ReadonlySet<string>
  readonly userInput: UserInputProvision
  readonly unknownAttributes: ReadonlySet<string>
}

/**
 * What a watcher may see of a presence document (RFC 5025 section 3.3). Interned: equal permissions are one object, so
 * that watchers may be grouped by it, and by its key over processes.
 */
export interface Permissions extends PermissionSet {
  /** Equal exactly for equal permissions. */
  readonly key: string
  /** Whether nothing is left out. */
  readonly isAll: boolean
}

/** Interned permissions, as long as somebody holds them. */
const interned = new Map<string, WeakRef<Permissions>>()
const forgotten = new FinalizationRegistry<string>((key) => {
  if (!interned.get(key)?.deref()) interned.delete(key)
})

/** Gives the one object of these permissions. */
export function internPermissions(set: PermissionSet): Permissions {
  const normal = normalised(set)
  const key = keyOf(normal)
  const known = interned.get(key)?.deref()
  if (known) return known
  const { services, devices, persons, allAttributes } = normal
  const isAll = services === 'all' && devices === 'all' && persons === 'all' && allAttributes
  const permissions: Permissions = Object.freeze({ ...normal, key, isAll })
  interned.set(key, new WeakRef(permissions))
  forgotten.register(permissions, key)
  return permissions
}

const NONE: ReadonlySet<string> = new Set()

/** With all attributes provided the single ones say nothing more. */
function normalised(set: PermissionSet): PermissionSet {
  if (!set.allAttributes) return set
  return { ...set, attributes: NONE, userInput: 'full', unknownAttributes: NONE }
}

function keyOf(set: PermissionSet): string {
  const { services, devices, persons, allAttributes, attributes, userInput, unknownAttributes } = set
  return JSON.stringify([
    ...[services, devices, persons].map((selection) => (selection === 'all' ? true : sorted(selection))),
    ...(allAttributes ? [true] : [sorted(attributes), userInput, sorted(unknownAttributes)]),
  ])
}

function sorted(names: ReadonlySet<string>): readonly string[] {
  return [...names].sort()
}

/** What who is not allowed may see, and who is allowed by rules that provide nothing. */
export const NOTHING_PERMITTED: Permissions = internPermissions({
  services: NONE,
  devices: NONE,
  persons: NONE,
  allAttributes: false,
  attributes: NONE,
  userInput: 'false',
  unknownAttributes: NONE,
})

/** Everything: the document as it is. */
export const ALL_PERMITTED: Permissions = internPermissions({
  services: 'all',
  devices: 'all',
  persons: 'all',
  allAttributes: true,
  attributes: NONE,
  userInput: 'full',
  unknownAttributes: NONE,
})
