import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  RegistrationType,
  type ServicePointTrigger,
  SessionCase,
} from '@rollcall/proto-gen/cx'
import type { Problems } from './problems.ts'

/** Bounds of one profile: what an S-CSCF evaluates for each request must end. */
const CRITERIA_MAX = 64
const TRIGGERS_MAX = 64
const GROUPS_MAX = 16
const EXPRESSION_LETTERS_MAX = 1_024
/** Of one application server: it goes into each third-party REGISTER. */
const SERVICE_INFO_LETTERS_MAX = 4_096

const METHOD = /^[A-Z]{1,16}$/
/** A SIP URI that routes loosely: what goes into a Route header field (RFC 3261 section 19.1.1). */
const LOOSE_SIP_URI = /^sips?:[^\s<>"]{1,255};lr(?:;[^\s<>"]*)?$/i

/**
 * Checks initial filter criteria; they come back as they were given.
 *
 * @see TS 29.228 annex B.2.2, B.2.3
 */
export function validateFilterCriteria(
  given: readonly InitialFilterCriteria[],
  problems: Problems,
): InitialFilterCriteria[] {
  const path = 'service_profile.initial_filter_criteria'
  problems.require(given.length <= CRITERIA_MAX, path, `must be at most ${CRITERIA_MAX}`)
  const priorities = new Set<number>()
  for (const [index, criteria] of given.entries()) {
    const at = `${path}[${index}]`
    problems.require(!priorities.has(criteria.priority), `${at}.priority`, `${criteria.priority} is there twice`)
    priorities.add(criteria.priority)
    validateCriteria(criteria, at, problems)
  }
  return [...given]
}

function validateCriteria(criteria: InitialFilterCriteria, at: string, problems: Problems): void {
  const server = criteria.applicationServer
  problems.require(
    LOOSE_SIP_URI.test(server?.serverName ?? ''),
    `${at}.application_server.server_name`,
    'must be a SIP URI with ;lr',
  )
  problems.require(
    server?.defaultHandling !== DefaultHandling.UNRECOGNIZED,
    `${at}.application_server.default_handling`,
    'is unknown',
  )
  problems.require(
    criteria.profilePartIndicator !== ProfilePartIndicator.UNRECOGNIZED,
    `${at}.profile_part_indicator`,
    'is unknown',
  )
  problems.require(
    (server?.serviceInfo ?? '').length <= SERVICE_INFO_LETTERS_MAX,
    `${at}.application_server.service_info`,
    `must be at most ${SERVICE_INFO_LETTERS_MAX} letters long`,
  )
  const triggers = criteria.triggerPoint?.spt
  if (!triggers) return
  problems.require(
    triggers.length >= 1 && triggers.length <= TRIGGERS_MAX,
    `${at}.trigger_point.spt`,
    `must be 1 to ${TRIGGERS_MAX}; leave trigger_point out for a criterion that always matches`,
  )
  for (const [index, trigger] of triggers.entries()) {
    validateTrigger(trigger, `${at}.trigger_point.spt[${index}]`, problems)
  }
}

function validateTrigger(spt: ServicePointTrigger, at: string, problems: Problems): void {
  problems.require(spt.group.length <= GROUPS_MAX, `${at}.group`, `must be at most ${GROUPS_MAX}`)
  const { trigger } = spt
  validateRegistrationTypes(spt, at, problems)
  switch (trigger?.$case) {
    case 'method':
      problems.require(METHOD.test(trigger.value), `${at}.method`, 'must be a SIP method in capital letters')
      return
    case 'sessionCase':
      problems.require(
        trigger.value !== SessionCase.SESSION_CASE_UNSPECIFIED && trigger.value !== SessionCase.UNRECOGNIZED,
        `${at}.session_case`,
        'is unknown',
      )
      return
    case 'sipHeader':
      problems.require(trigger.value.header !== '', `${at}.sip_header.header`, 'is missing')
      validateExpression(trigger.value.header, `${at}.sip_header.header`, problems)
      validateExpression(trigger.value.content, `${at}.sip_header.content`, problems)
      return
    case 'requestUri':
      problems.require(trigger.value !== '', `${at}.request_uri`, 'is missing')
      validateExpression(trigger.value, `${at}.request_uri`, problems)
      return
    case 'sessionDescription':
      problems.require(trigger.value.line !== '', `${at}.session_description.line`, 'is missing')
      validateExpression(trigger.value.line, `${at}.session_description.line`, problems)
      validateExpression(trigger.value.content, `${at}.session_description.content`, problems)
      return
    case undefined:
      problems.add(at, 'must have a method, a session case, a header, a request URI or a session description')
  }
}

/** A kind of registration belongs to a REGISTER (TS 29.228 annex B.2.3). */
function validateRegistrationTypes(
  { trigger, registrationTypes }: ServicePointTrigger,
  at: string,
  problems: Problems,
) {
  if (registrationTypes.length === 0) return
  const isRegister = trigger?.$case === 'method' && trigger.value === 'REGISTER'
  problems.require(isRegister, `${at}.registration_types`, 'are for the method REGISTER alone')
  const unknown: RegistrationType[] = [RegistrationType.REGISTRATION_TYPE_UNSPECIFIED, RegistrationType.UNRECOGNIZED]
  const isKnown = registrationTypes.every((type) => !unknown.includes(type))
  const isOnce = new Set(registrationTypes).size === registrationTypes.length
  problems.require(isKnown && isOnce, `${at}.registration_types`, 'must be known, and each there once')
}

/** A rough check that spares the operator a criterion that every S-CSCF skips; the S-CSCF has the last word. */
function validateExpression(expression: string, at: string, problems: Problems): void {
  problems.require(
    expression.length <= EXPRESSION_LETTERS_MAX,
    at,
    `must be at most ${EXPRESSION_LETTERS_MAX} letters long`,
  )
  problems.attempt(at, 'is no extended regular expression', () => new RegExp(expression))
}
