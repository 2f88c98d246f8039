import { childElements, type XmlElement } from '@rollcall/xml'
import type { XcapConflict } from '../errors.ts'
import { COMMON_POLICY, OMA_COMMON_POLICY, OMA_PRES_RULES, PRES_RULES, RULES_SCHEMA } from '../schema/common-policy.ts'
import { schemaProblem } from '../schema/schema.ts'
import type { XcapUsage } from '../usage.ts'
import { attributeText } from './uniqueness.ts'

/** Most rules of a document. `Choice:` */
const RULES_MAX = 1_000
const MEDIA_TYPE = 'application/auth-policy+xml'

/** Presence rules (RFC 5025 section 9). `index.xml` is what some clients ask for. */
export const PRESENCE_RULES_USAGE: XcapUsage = {
  auid: 'pres-rules',
  mediaType: MEDIA_TYPE,
  defaultNamespace: PRES_RULES,
  namespaces: [PRES_RULES, COMMON_POLICY],
  trees: ['users'],
  hasDocument: (name) => name === 'index',
  isWritable: true,
  validate: (root, { changed }) => rulesetProblem(root, changed),
}

/** OMA's name for the same, with its extensions. `Choice:` of its default namespaces that clients assume, common policy's. */
export const OMA_PRESENCE_RULES_USAGE: XcapUsage = {
  auid: 'org.openmobilealliance.pres-rules',
  mediaType: MEDIA_TYPE,
  defaultNamespace: COMMON_POLICY,
  namespaces: [COMMON_POLICY, PRES_RULES, OMA_COMMON_POLICY, OMA_PRES_RULES],
  trees: ['users'],
  hasDocument: (name) => name === 'pres-rules',
  isWritable: true,
  validate: (root, { changed }) => rulesetProblem(root, changed) ?? conditionsProblem(root),
}

function rulesetProblem(root: XmlElement, changed: XmlElement | undefined): XcapConflict | undefined {
  const phrase = schemaProblem(root, RULES_SCHEMA, changed) ?? repeatedId(root)
  if (phrase !== undefined) return { condition: 'schema-validation-error', phrase }
  if (childElements(root).length > RULES_MAX)
    return { condition: 'constraint-failure', phrase: `more than ${RULES_MAX} rules` }
  return undefined
}

/** The ids of rules are of type xs:ID: each is there once (RFC 4745 section 13). */
function repeatedId(root: XmlElement): string | undefined {
  const ids = new Set<string>()
  for (const rule of childElements(root)) {
    const id = attributeText(rule, 'id') ?? ''
    // guard: rule-id-once — the explanation of a decision, and what takes rules over, know a rule by its id
    if (ids.has(id)) return 'two rules of one id'
    ids.add(id)
  }
  return undefined
}

const WHO: ReadonlySet<string> = new Set([
  `${COMMON_POLICY} identity`,
  `${OMA_COMMON_POLICY} external-list`,
  `${OMA_COMMON_POLICY} anonymous-request`,
  `${OMA_COMMON_POLICY} other-identity`,
])

/** A rule says in one way whom it is about (OMA Presence XDM, presence authorization rules). */
function conditionsProblem(root: XmlElement): XcapConflict | undefined {
  for (const rule of childElements(root)) {
    const conditions = childElements(rule).find(({ name }) => name === 'conditions')
    const who = conditions
      ? childElements(conditions).filter(({ namespace, name }) => WHO.has(`${namespace} ${name}`))
      : []
    if (who.length > 1)
      return { condition: 'constraint-failure', phrase: 'a rule with several conditions about who asks' }
  }
  return undefined
}
