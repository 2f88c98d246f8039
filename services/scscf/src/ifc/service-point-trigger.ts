import { assertNever } from '@rollcall/core'
import { type ServicePointTrigger, SessionCase } from '@rollcall/proto-gen/cx'
import { CriterionError } from './errors.ts'
import { Expression } from './expression.ts'

/** What filter criteria look at in a request. */
export interface RequestFacts {
  readonly method: string
  readonly requestUri: string
  /** Names in their long form. */
  readonly headers: Iterable<readonly [name: string, value: string]>
  readonly sessionCase: SessionCase
}

/** A condition on a request. */
export type Condition = (facts: RequestFacts) => boolean

/** Of a header field's value and of a Request-URI this much is looked at: more than any filter needs. */
const TESTED_LETTERS_MAX = 4_096

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

function compileSubject({ trigger }: ServicePointTrigger): Condition {
  switch (trigger?.$case) {
    case 'method': {
      const method = trigger.value
      return (facts) => facts.method === method
    }
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
    case undefined:
      throw new CriterionError('a service point trigger without a subject')
    default:
      return assertNever(trigger)
  }
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
      if (!name.testWhole(fieldName)) continue
      if (!value || value.test(fieldValue.slice(0, TESTED_LETTERS_MAX))) return true
    }
    return false
  }
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
