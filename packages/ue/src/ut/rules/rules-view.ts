import { InvalidIdentityError, parseImpu } from '@rollcall/core'
import { childElements, parseXml, textOf, type XmlElement, XmlError } from '@rollcall/xml'
import { MalformedUtAnswerError } from '../errors.ts'
import { DOCUMENT_LIMITS } from '../limits.ts'
import { type Handling, isHandling } from './handling.ts'

export const COMMON_POLICY = 'urn:ietf:params:xml:ns:common-policy'
export const PRES_RULES = 'urn:ietf:params:xml:ns:pres-rules'

/** Whom a rule is about (RFC 4745 section 7.1). */
export type WhoCondition =
  | { readonly kind: 'one'; readonly id: string; readonly position: ConditionPosition }
  | {
      readonly kind: 'many'
      readonly domain: string | undefined
      readonly except: readonly { readonly id: string | undefined; readonly domain: string | undefined }[]
      readonly position: ConditionPosition
    }
  | { readonly kind: 'other'; readonly name: string; readonly position: ConditionPosition }

/** Which element it is: for a selector. */
export interface ConditionPosition {
  /** The n-th `identity` of the rule, the n-th of its name in there; from 1. */
  readonly identity: number
  readonly nth: number
  /** Children of that `identity`. */
  readonly siblings: number
}

/** A rule as far as it says who is handled how. */
export interface RuleView {
  readonly id: string
  readonly handling: Handling
  /** Empty: everybody, also whom nobody knows. */
  readonly who: readonly WhoCondition[]
  /** Names of the conditions besides: `sphere`, `validity`, … */
  readonly when: readonly string[]
  /** Names of the transformations: what is shown. */
  readonly shows: readonly string[]
}

/**
 * Reads a rules document.
 *
 * @throws MalformedUtAnswerError when it is none.
 * @see RFC 4745 section 13, RFC 5025 section 7
 */
export function readRules(octets: Buffer): readonly RuleView[] {
  const root = parse(octets)
  if (root.namespace !== COMMON_POLICY || root.name !== 'ruleset') throw new MalformedUtAnswerError('no ruleset')
  return childElements(root).filter(isNamed('rule')).map(readRule)
}

/** Whether a rule is about an identity: whatever its other conditions are. */
export function isAbout(condition: WhoCondition, identity: string): boolean {
  switch (condition.kind) {
    case 'one':
      return sameIdentity(condition.id, identity)
    case 'many': {
      const { domain, except } = condition
      if (domain !== undefined && !isOfDomain(identity, domain)) return false
      return !except.some(
        (one) =>
          (one.id !== undefined && sameIdentity(one.id, identity)) ||
          (one.domain !== undefined && isOfDomain(identity, one.domain)),
      )
    }
    case 'other':
      return false
  }
}

export function sameIdentity(a: string, b: string): boolean {
  return canonical(a) === canonical(b)
}

/** Text that is no identity is itself. */
function canonical(text: string): string {
  try {
    return parseImpu(text)
  } catch (error) {
    if (error instanceof InvalidIdentityError) return text
    throw error
  }
}

function isOfDomain(identity: string, domain: string): boolean {
  return identity.slice(identity.lastIndexOf('@') + 1).toLowerCase() === domain.toLowerCase()
}

function parse(octets: Buffer): XmlElement {
  try {
    return parseXml(octets, DOCUMENT_LIMITS)
  } catch (cause) {
    if (cause instanceof XmlError)
      throw new MalformedUtAnswerError(`rules that are no XML: ${cause.message}`, { cause })
    throw cause
  }
}

function readRule(rule: XmlElement): RuleView {
  const parts = childElements(rule)
  const conditions = parts.filter(isNamed('conditions')).flatMap(childElements)
  const handling = parts
    .filter(isNamed('actions'))
    .flatMap(childElements)
    .find(({ name, namespace }) => name === 'sub-handling' && namespace === PRES_RULES)
  const word = handling === undefined ? 'block' : textOf(handling).trim()
  return {
    id: attributeOf(rule, 'id') ?? '',
    // What nobody knows lets nobody in (RFC 5025 section 3.2.1).
    handling: isHandling(word) ? word : 'block',
    who: conditions.filter(isNamed('identity')).flatMap(readIdentity),
    when: conditions.filter((element) => !isNamed('identity')(element)).map(({ name }) => name),
    shows: parts
      .filter(isNamed('transformations'))
      .flatMap(childElements)
      .map(({ name }) => name),
  }
}

function readIdentity(element: XmlElement, index: number): WhoCondition[] {
  const children = childElements(element)
  const counts = new Map<string, number>()
  return children.map((child): WhoCondition => {
    const nth = (counts.get(child.name) ?? 0) + 1
    counts.set(child.name, nth)
    const position = { identity: index + 1, nth, siblings: children.length }
    if (isNamed('one')(child)) return { kind: 'one', id: attributeOf(child, 'id') ?? '', position }
    if (!isNamed('many')(child)) return { kind: 'other', name: child.name, position }
    const except = childElements(child)
      .filter(isNamed('except'))
      .map((one) => ({ id: attributeOf(one, 'id'), domain: attributeOf(one, 'domain') }))
    return { kind: 'many', domain: attributeOf(child, 'domain'), except, position }
  })
}

function isNamed(wanted: string): (element: XmlElement) => boolean {
  return ({ name, namespace }) => name === wanted && namespace === COMMON_POLICY
}

function attributeOf(element: XmlElement, wanted: string): string | undefined {
  return element.attributes.find(({ name, namespace }) => name === wanted && namespace === '')?.value
}
