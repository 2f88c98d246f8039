import { assertNever } from '@rollcall/core'
import { RegistrationType, type ServicePointTrigger, SessionCase } from '@rollcall/proto-gen/cx'
import { compactForm } from '@rollcall/sip'
import { CriterionError } from './errors.ts'
import { Expression } from './expression.ts'

/** What filter criteria look at in a request. */
export interface RequestFacts {
  readonly method: string
  readonly requestUri: string
  /** Names in their long form. */
  readonly headers: Iterable<readonly [name: string, value: string]>
  readonly sessionCase: SessionCase
  /** Of a REGISTER. */
  readonly registrationType?: RegistrationType
  /** Session descriptions in the body; read when a trigger asks. */
  readonly sessionDescriptions?: () => readonly string[]
}

/** A condition on a request. */
export type Condition = (facts: RequestFacts) => boolean

/** Of a header field's value and of a Request-URI this much is looked at: more than any filter needs. */
const TESTED_LETTERS_MAX = 4_096
/** Lines of a session description that are looked at: more than a call of many media has. */
const SDP_LINES_MAX = 512

/**
 * Makes the condition of a service point trigger, negation included.
 *
 * @throws CriterionError, ExpressionError
 * @see TS 29.228 annex B.2.3 and annex F
 */
export function compileTrigger(spt: ServicePointTrigger): Condition {
  const condition = compileSubject(spt)
  return spt.conditionNegated ? (facts) => !condition(facts) : condition
}

function compileSubject({ trigger, registrationTypes }: ServicePointTrigger): Condition {
  if (registrationTypes.length > 0 && !(trigger?.$case === 'method' && trigger.value === 'REGISTER')) {
    throw new CriterionError('a registration type of what is no REGISTER')
  }
  switch (trigger?.$case) {
    case 'method':
      return compileMethod(trigger.value, registrationTypes)
    case 'sessionCase': {
      const sessionCase = trigger.value
      if (sessionCase === SessionCase.SESSION_CASE_UNSPECIFIED || sessionCase === SessionCase.UNRECOGNIZED) {
        throw new CriterionError('unknown session case')
      }
      return (facts) => facts.sessionCase === sessionCase
    }
    case 'sipHeader':
      return compileHeader(trigger.value.header, trigger.value.content)
    case 'requestUri':
      return compileRequestUri(trigger.value)
    case 'sessionDescription':
      return compileSessionDescription(trigger.value.line, trigger.value.content)
    case undefined:
      throw new CriterionError('a service point trigger without a subject')
    default:
      return assertNever(trigger)
  }
}

/** The method as it is, case and all; of a REGISTER what it does, when the filter says so. */
function compileMethod(method: string, registrationTypes: readonly RegistrationType[]): Condition {
  if (registrationTypes.length === 0) return (facts) => facts.method === method
  const unknown: RegistrationType[] = [RegistrationType.REGISTRATION_TYPE_UNSPECIFIED, RegistrationType.UNRECOGNIZED]
  if (registrationTypes.some((type) => unknown.includes(type))) throw new CriterionError('unknown registration type')
  return ({ method: given, registrationType }) =>
    given === method && registrationType !== undefined && registrationTypes.includes(registrationType)
}

/**
 * Some header field whose name matches has a value that matches; without `content` it is enough that it is there.
 * Choice: the name must match as a whole, or a filter on `To` would find `History-Info`.
 */
function compileHeader(header: string, content: string): Condition {
  if (header === '') throw new CriterionError('a header trigger without a name')
  const name = new Expression(header, { ignoreCase: true })
  const value = content === '' ? undefined : new Expression(content, { ignoreCase: false })
  return ({ headers }) => {
    for (const [fieldName, fieldValue] of headers) {
      if (!isNamed(name, fieldName)) continue
      if (!value || value.test(fieldValue.slice(0, TESTED_LETTERS_MAX))) return true
    }
    return false
  }
}

function isNamed(name: Expression, fieldName: string): boolean {
  if (name.testWhole(fieldName)) return true
  // A filter may name a header field by either form.
  const compact = compactForm(fieldName)
  return compact !== undefined && name.testWhole(compact)
}

/** Some line whose type letter matches has a value that matches; without `content` it is enough that it is there. */
function compileSessionDescription(line: string, content: string): Condition {
  if (line === '') throw new CriterionError('a session description trigger without a line')
  const type = new Expression(line, { ignoreCase: false })
  const value = content === '' ? undefined : new Expression(content, { ignoreCase: false })
  const matches = (text: string): boolean => {
    const [, letter, rest] = /^([^=]*)=([\s\S]*)$/.exec(text) ?? []
    if (letter === undefined || rest === undefined || !type.testWhole(letter)) return false
    return !value || value.test(rest.slice(0, TESTED_LETTERS_MAX))
  }
  return ({ sessionDescriptions }) =>
    (sessionDescriptions?.() ?? []).some((description) => description.split(/\r?\n/, SDP_LINES_MAX).some(matches))
}

/**
 * The expression is tested on `host[:port]` of a SIP URI and on the number of a tel URI (TS 29.228 annex F table F.1).
 * Choice: one that begins with a scheme is tested on the whole URI, as operators write such filters too.
 */
function compileRequestUri(text: string): Condition {
  if (text === '') throw new CriterionError('a Request-URI trigger without an expression')
  const expression = new Expression(text, { ignoreCase: false })
  const isOnWholeUri = /^\^?\(?(?:sips?|tel):/i.test(text)
  return ({ requestUri }) => {
    const tested = isOnWholeUri ? requestUri : hostPartOf(requestUri)
    return expression.test(tested.slice(0, TESTED_LETTERS_MAX))
  }
}

function hostPartOf(uri: string): string {
  const tel = /^tel:([^;?]*)/i.exec(uri)
  if (tel) return tel[1] ?? ''
  const sip = /^sips?:(?:[^@]*@)?([^;?]*)/i.exec(uri)
  return sip?.[1] ?? uri
}
