import { DATA_MODEL, GEOPRIV, OMA_PIDF, PIDF, RPID } from './namespaces.ts'
import { type Permissions, unknownAttributeKey } from './permissions.ts'

/**
 * What an element of a presence document is to the rules: part of what was chosen, which goes with it; known, by the
 * name of its transformation without `provide-`; `user-input`, which has levels; or unknown, by its key.
 */
export type PresenceAttribute =
  | { readonly kind: 'core' }
  | { readonly kind: 'known'; readonly name: string }
  | { readonly kind: 'user-input' }
  | { readonly kind: 'unknown'; readonly key: string }

const CORE: PresenceAttribute = { kind: 'core' }

/**
 * Attributes that transformations name (RFC 5025 section 3.3.2, one by one there; OMA's). `Choice:` `overriding-willingness` goes with
 * `willingness`, and `service-description` with the service, which it names.
 */
const KNOWN: ReadonlyMap<string, PresenceAttribute> = new Map<string, PresenceAttribute>([
  ...[
    'activities',
    'class',
    'mood',
    'place-is',
    'place-type',
    'privacy',
    'relationship',
    'sphere',
    'status-icon',
    'time-offset',
  ].map((name) => entry(RPID, name, name)),
  [unknownAttributeKey(RPID, 'user-input'), { kind: 'user-input' }],
  entry(DATA_MODEL, 'deviceID', 'deviceID'),
  entry(DATA_MODEL, 'note', 'note'),
  entry(PIDF, 'note', 'note'),
  entry(OMA_PIDF, 'willingness', 'oma:willingness'),
  entry(OMA_PIDF, 'overriding-willingness', 'oma:willingness'),
  entry(OMA_PIDF, 'network-availability', 'oma:network-availability'),
  entry(OMA_PIDF, 'session-participation', 'oma:session-participation'),
  entry(OMA_PIDF, 'registration-state', 'oma:registration-state'),
  entry(OMA_PIDF, 'barring-state', 'oma:barring-state'),
  [unknownAttributeKey(OMA_PIDF, 'service-description'), CORE],
  entry(GEOPRIV, 'geopriv', 'oma:geopriv'),
])

function entry(namespace: string, localName: string, name: string): [string, PresenceAttribute] {
  return [unknownAttributeKey(namespace, localName), { kind: 'known', name }]
}

/** What an element inside a tuple, person or device, or beside them, is to the rules. */
export function presenceAttributeOf(namespace: string, localName: string): PresenceAttribute {
  const key = unknownAttributeKey(namespace, localName)
  return KNOWN.get(key) ?? { kind: 'unknown', key }
}

/** Whether it may be seen at all; of `user-input` something. */
export function isProvided(attribute: PresenceAttribute, permissions: Permissions): boolean {
  if (attribute.kind === 'core' || permissions.allAttributes) return true
  switch (attribute.kind) {
    case 'known':
      // guard: policy-known-attribute — an attribute is seen only by its own transformation
      return permissions.attributes.has(attribute.name)
    case 'user-input':
      return permissions.userInput !== 'false'
    case 'unknown':
      // guard: policy-unknown-attribute — what we do not know is seen only where a rule names it
      return permissions.unknownAttributes.has(attribute.key)
  }
}
