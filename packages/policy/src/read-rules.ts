import { childElements, parseXml, textOf, type XmlElement, XmlError } from '@rollcall/xml'
import { attributeOf } from './element-attribute.ts'
import { RulesError } from './errors.ts'
import { RULES_LIMITS as LIMITS, RULES_MAX } from './limits.ts'
import { COMMON_POLICY, PRES_RULES } from './namespaces.ts'
import { readConditions } from './read-conditions.ts'
import { readProvisions } from './read-provisions.ts'
import type { Rule } from './rule.ts'
import { lesserHandling, parseSubHandling, type SubHandling } from './sub-handling.ts'

/**
 * Reads the rules of one document. What is not understood gives no permission: a condition makes its rule never apply,
 * an action or transformation is as if it were not there (RFC 4745 section 6.2).
 *
 * @throws RulesError
 * @see RFC 4745 section 7; RFC 5025 section 3
 */
export function readRules(root: XmlElement): readonly Rule[] {
  return ruleElements(root).map(readRule)
}

/** The elements of the rules. @throws RulesError when it is no rules document, or has too many. */
export function ruleElements(root: XmlElement): readonly XmlElement[] {
  if (root.name !== 'ruleset' || root.namespace !== COMMON_POLICY) {
    throw new RulesError('RULES_STRUCTURE', 'the root is not ruleset')
  }
  const rules = childElements(root).filter((child) => isCommonPolicy(child, 'rule'))
  if (rules.length > RULES_MAX) throw new RulesError('RULES_LIMIT', `more than ${RULES_MAX} rules`)
  return rules
}

/** @throws RulesError */
export function parseRules(octets: Buffer): XmlElement {
  try {
    return parseXml(octets, LIMITS)
  } catch (cause) {
    if (cause instanceof XmlError) throw new RulesError('RULES_MALFORMED', cause.message, { cause })
    throw cause
  }
}

/** @throws RulesError for a rule without an id. */
export function readRule(element: XmlElement): Rule {
  const id = attributeOf(element, 'id')?.trim()
  if (!id) throw new RulesError('RULES_STRUCTURE', 'a rule without id')
  const conditions: XmlElement[] = []
  const actions: XmlElement[] = []
  const transformations: XmlElement[] = []
  for (const child of childElements(element)) {
    if (isCommonPolicy(child, 'conditions')) conditions.push(...childElements(child))
    else if (isCommonPolicy(child, 'actions')) actions.push(...childElements(child))
    else if (isCommonPolicy(child, 'transformations')) transformations.push(...childElements(child))
  }
  return {
    id,
    conditions: readConditions(conditions),
    handling: readHandling(actions),
    provides: readProvisions(transformations),
  }
}

/** `Choice:` of several in one rule, which the standard does not foresee, the strictest. */
function readHandling(actions: readonly XmlElement[]): SubHandling {
  let handling: SubHandling | undefined
  for (const action of actions) {
    if (action.name !== 'sub-handling' || action.namespace !== PRES_RULES) continue
    const one = parseSubHandling(textOf(action))
    handling = handling ? lesserHandling(handling, one) : one
  }
  // guard: policy-no-action — a rule that says nothing of subscriptions allows none (RFC 5025 section 3.2.1)
  return handling ?? 'block'
}

function isCommonPolicy(element: XmlElement, name: string): boolean {
  return element.name === name && element.namespace === COMMON_POLICY
}
