import { parseDateTime } from '@rollcall/pidf'
import { childElements, textOf, type XmlElement } from '@rollcall/xml'
import { attributeOf, owned } from './element-attribute.ts'
import { COMMON_POLICY, OMA_COMMON_POLICY } from './namespaces.ts'
import type { Condition, IdentityAlternative, Period } from './rule.ts'
import { sphereKey } from './sphere.ts'
import { domainKey, identityKey, isReadableDomain, isReadableIdentity } from './uri-key.ts'

/** Reads the children of `conditions` (RFC 4745 section 7; OMA XDM's common-policy extensions). */
export function readConditions(elements: readonly XmlElement[]): readonly Condition[] {
  return elements.map(readCondition)
}

function readCondition(element: XmlElement): Condition {
  const { name, namespace } = element
  if (namespace === COMMON_POLICY) {
    switch (name) {
      case 'identity':
        return { kind: 'identity', alternatives: childElements(element).flatMap(readAlternative) }
      case 'sphere':
        return { kind: 'sphere', values: readSpheres(attributeOf(element, 'value') ?? '') }
      case 'validity':
        return { kind: 'validity', periods: readPeriods(childElements(element)) }
    }
  }
  if (namespace === OMA_COMMON_POLICY) {
    switch (name) {
      case 'anonymous-request':
      case 'other-identity':
        return { kind: name }
      case 'external-list':
        return { kind: 'external-list', anchors: readAnchors(element) }
    }
  }
  // guard: policy-unknown-condition — a rule with a condition that we do not understand never applies
  return { kind: 'unknown', name: owned(name) }
}

/** An alternative of `identity`; none for what is not understood, which then matches nobody. */
function readAlternative(element: XmlElement): IdentityAlternative[] {
  if (element.namespace !== COMMON_POLICY) return []
  switch (element.name) {
    case 'one':
      return readOne(element)
    case 'many':
      return readMany(element)
    default:
      return []
  }
}

function readOne(element: XmlElement): IdentityAlternative[] {
  const id = attributeOf(element, 'id')
  // An extension inside narrows in a way that we do not know.
  if (id === undefined || childElements(element).length > 0) return []
  return [{ kind: 'one', id: identityKey(id) }]
}

function readMany(element: XmlElement): IdentityAlternative[] {
  const exceptIds = new Set<string>()
  const exceptDomains = new Set<string>()
  for (const child of childElements(element)) {
    const isExcept = child.name === 'except' && child.namespace === COMMON_POLICY
    const id = attributeOf(child, 'id')
    const domain = attributeOf(child, 'domain')
    const key = id === undefined ? undefined : identityKey(id)
    const isUnderstood = isExcept && (id !== undefined || domain !== undefined)
    // guard: policy-except-understood — an exception that we cannot read might be of the very watcher who asks
    if (!isUnderstood || (key !== undefined && !isReadableIdentity(key))) return []
    if (key !== undefined) exceptIds.add(key)
    const host = domain === undefined ? undefined : domainKey(domain)
    // guard: policy-except-domain-read — likewise one whose domain is none: it would be no watcher's, and leave out nobody
    if (host !== undefined && !isReadableDomain(host)) return []
    if (host !== undefined) exceptDomains.add(host)
  }
  const domain = attributeOf(element, 'domain')
  return [{ kind: 'many', domain: domain === undefined ? undefined : domainKey(domain), exceptIds, exceptDomains }]
}

function readSpheres(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean).map(sphereKey))
}

/** Pairs of `from` and `until`; one that is not complete, readable and with a zone counts for nothing. */
function readPeriods(elements: readonly XmlElement[]): readonly Period[] {
  const periods: Period[] = []
  for (let i = 0; i < elements.length; i++) {
    const [from, until] = [elements[i], elements[i + 1]]
    if (!from || !until || !isNamed(from, 'from') || !isNamed(until, 'until')) continue
    const [fromMs, untilMs] = [instantOf(from), instantOf(until)]
    if (fromMs !== undefined && untilMs !== undefined) periods.push({ fromMs, untilMs })
    i++
  }
  return periods
}

function isNamed(element: XmlElement, name: string): boolean {
  return element.name === name && element.namespace === COMMON_POLICY
}

/** `Choice:` without a zone the text names no instant. */
function instantOf(element: XmlElement): number | undefined {
  const text = textOf(element).trim()
  return /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? parseDateTime(text) : undefined
}

function readAnchors(element: XmlElement): readonly string[] {
  return childElements(element).flatMap((entry) => {
    const anchor = attributeOf(entry, 'anc')?.trim()
    return entry.name === 'entry' && entry.namespace === OMA_COMMON_POLICY && anchor ? [anchor] : []
  })
}
