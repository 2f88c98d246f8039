import { parseDateTime } from '@rollcall/pidf'
import {
  anyText,
  booleanType,
  type ElementType,
  idType,
  oneOf,
  type Particle,
  type Schema,
  tokenType,
  uriType,
} from './schema.ts'

/** RFC 4745 section 13. */
export const COMMON_POLICY = 'urn:ietf:params:xml:ns:common-policy'
/** RFC 5025 section 7. */
export const PRES_RULES = 'urn:ietf:params:xml:ns:pres-rules'
/** Extensions of OMA to common policy and presence rules. */
export const OMA_COMMON_POLICY = 'urn:oma:xml:xdm:common-policy'
export const OMA_PRES_RULES = 'urn:oma:xml:prs:pres-rules'

const NOTHING: readonly Particle[] = []

const cp = (name: string, rest: Omit<ElementType, 'name' | 'namespace'>): ElementType => ({
  name,
  namespace: COMMON_POLICY,
  ...rest,
})
const pr = (name: string, rest: Omit<ElementType, 'name' | 'namespace'>): ElementType => ({
  name,
  namespace: PRES_RULES,
  ...rest,
})

const one = cp('one', {
  attributes: { id: { type: uriType, isRequired: true } },
  content: [{ of: [], foreign: true, max: 1 }],
})
const except = cp('except', { attributes: { domain: { type: tokenType }, id: { type: uriType } }, content: NOTHING })
const many = cp('many', { attributes: { domain: { type: tokenType } }, content: [{ of: [except], foreign: true }] })
const identity = cp('identity', { content: [{ of: [one, many], foreign: true, min: 1 }] })
const sphere = cp('sphere', { attributes: { value: { type: tokenType, isRequired: true } }, content: NOTHING })
const dateTime = (text: string): boolean => parseDateTime(text) !== undefined
const validity = cp('validity', {
  content: [
    { of: [cp('from', { content: dateTime })], min: 1, max: 1 },
    { of: [cp('until', { content: dateTime })], min: 1, max: 1 },
  ],
  repeats: true,
})
const externalList: ElementType = {
  name: 'external-list',
  namespace: OMA_COMMON_POLICY,
  content: [
    {
      of: [
        {
          name: 'entry',
          namespace: OMA_COMMON_POLICY,
          attributes: { anc: { type: uriType } },
          content: [{ of: [], foreign: true }],
        },
      ],
      foreign: true,
    },
  ],
}
const conditions = cp('conditions', { content: [{ of: [identity, sphere, validity, externalList], foreign: true }] })

/** `Choice:` the numbers of old documents are taken, too (RFC 5025 section 3.2.1 has the words). */
const subHandling = pr('sub-handling', {
  content: oneOf('block', 'confirm', 'polite-block', 'allow', '0', '10', '20', '30'),
})
const actions = cp('actions', { content: [{ of: [subHandling], foreign: true }] })

const empty = (name: string): ElementType => pr(name, { content: NOTHING })
const text = (name: string): ElementType => pr(name, { content: anyText })
const classOf = text('class')
const occurrenceId = text('occurrence-id')
const services: ElementType = pr('provide-services', {
  content: [
    {
      of: [empty('all-services'), text('service-uri'), text('service-uri-scheme'), occurrenceId, classOf],
      foreign: true,
    },
  ],
})
const devices = pr('provide-devices', {
  content: [{ of: [empty('all-devices'), text('deviceID'), occurrenceId, classOf], foreign: true }],
})
const persons = pr('provide-persons', {
  content: [{ of: [empty('all-persons'), occurrenceId, classOf], foreign: true }],
})
const booleans = [
  'activities',
  'class',
  'deviceID',
  'mood',
  'place-is',
  'place-type',
  'privacy',
  'relationship',
  'status-icon',
  'sphere',
  'time-offset',
  'note',
].map((name) => pr(`provide-${name}`, { content: booleanType }))
const userInput = pr('provide-user-input', {
  content: oneOf('false', 'bare', 'thresholds', 'full', '0', '10', '20', '30'),
})
const unknownAttribute = pr('provide-unknown-attribute', {
  attributes: { name: { type: tokenType, isRequired: true }, ns: { type: uriType, isRequired: true } },
  content: booleanType,
})
const transformations = cp('transformations', {
  content: [
    {
      of: [services, devices, persons, ...booleans, userInput, unknownAttribute, empty('provide-all-attributes')],
      foreign: true,
    },
  ],
})

const rule = cp('rule', {
  attributes: { id: { type: idType, isRequired: true } },
  content: [
    { of: [conditions], max: 1 },
    { of: [actions], max: 1 },
    { of: [transformations], max: 1 },
  ],
})

/** The root of a rules document (RFC 4745 section 13, RFC 5025 section 7). */
export const RULES_SCHEMA: Schema = {
  root: cp('ruleset', { content: [{ of: [rule] }] }),
  // `Choice:` OMA's are not among them: its releases add elements, and terminals send them.
  namespaces: new Set([COMMON_POLICY, PRES_RULES]),
}
