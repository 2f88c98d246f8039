import { SipSyntaxError } from '../errors.ts'
import { formatNameAddr, parseNameAddr } from '../name-addr.ts'
import { type NewParams, type Params, paramValue } from '../params.ts'
import { withoutParams } from './elements.ts'

/** P-Served-User: for whom an application server acts, in which role and state. */
export interface ServedUser {
  readonly uri: string
  readonly displayName?: string | undefined
  readonly sessionCase?: 'orig' | 'term' | undefined
  readonly registrationState?: 'reg' | 'unreg' | undefined
  /** After a diversion by the served user (RFC 8498 section 4): then there is no session case. */
  readonly isOrigCdiv?: boolean | undefined
  /** All other parameters. */
  readonly params?: Params | undefined
}

const HEADER = 'P-Served-User'
const TYPED = ['sescase', 'regstate', 'orig-cdiv']

/**
 * Reads P-Served-User.
 *
 * @throws SipSyntaxError also for a session case or a state that is neither of the two.
 * @see RFC 5502 section 6; RFC 8498 section 7
 */
export function parseServedUser(text: string): ServedUser {
  const { uri, displayName, params } = parseNameAddr(text, HEADER)
  return {
    uri,
    displayName,
    sessionCase: oneOf(params, 'sescase', ['orig', 'term']),
    registrationState: oneOf(params, 'regstate', ['reg', 'unreg']),
    isOrigCdiv: params.has('orig-cdiv'),
    params: withoutParams(params, TYPED),
  }
}

function oneOf<V extends string>(params: Params, name: string, values: readonly V[]): V | undefined {
  if (!params.has(name)) return undefined
  const value = paramValue(params, name)?.toLowerCase()
  const found = values.find((each) => each === value)
  if (found === undefined) throw new SipSyntaxError(HEADER, `has an unknown ${name}`)
  return found
}

/** The inverse. */
export function formatServedUser(user: ServedUser): string {
  const params: NewParams = new Map()
  if (user.sessionCase !== undefined) params.set('sescase', user.sessionCase)
  if (user.registrationState !== undefined) params.set('regstate', user.registrationState)
  if (user.isOrigCdiv === true) params.set('orig-cdiv', true)
  for (const [name, value] of user.params ?? []) params.set(name, value)
  return formatNameAddr({ displayName: user.displayName, uri: user.uri, params })
}
