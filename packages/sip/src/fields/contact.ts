import { parseDeltaSeconds } from '../delta-seconds.ts'
import { SipSyntaxError } from '../errors.ts'
import { formatNameAddr, type NameAddr, parseNameAddr } from '../name-addr.ts'
import type { NewParams, Params } from '../params.ts'
import { quote, unquote } from '../quoted-string.ts'
import { formatQvalue, parseQvalue } from '../qvalue.ts'
import { parseSipUri } from '../sip-uri.ts'
import { elementsOf } from './elements.ts'

/** One element of Contact with what registrar and edge look at. All parameters are in `params` as well. */
export interface ContactValue extends NameAddr {
  readonly expiresSeconds: number | undefined
  readonly q: number | undefined
  /** `+sip.instance` without quotes, with its angle brackets: `<urn:gsma:imei:…>` (RFC 5626 section 4.1). */
  readonly instance: string | undefined
  /** RFC 5626 section 4.2. */
  readonly regId: number | undefined
}

const HEADER = 'Contact'

/** What a registrar means by an `expires` that is malformed (RFC 3261 section 20.10). */
const MALFORMED_EXPIRES_SECONDS = 3_600

/** RFC 5626 section 10: `reg-id` is 1 to 2^31 - 1. */
const REG_ID_MAX = 2 ** 31 - 1

/**
 * Reads Contact over all its lines. `*` stands for whatever is bound, and stands alone.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 sections 10.2.2 and 20.10; RFC 5626 section 10
 */
export function parseContacts(lines: readonly string[]): '*' | ContactValue[] {
  const elements = elementsOf(lines, HEADER)
  if (!elements.includes('*')) return elements.map(parseContact)
  if (elements.length > 1) throw new SipSyntaxError(HEADER, 'has others beside *')
  return '*'
}

function parseContact(text: string): ContactValue {
  const nameAddr = parseNameAddr(text, HEADER)
  const { params } = nameAddr
  const q = params.get('q')
  const instance = params.get('+sip.instance')
  const regId = params.get('reg-id')
  return {
    ...nameAddr,
    expiresSeconds: expiresOf(params),
    q: q === undefined ? undefined : parseQvalue(q, HEADER),
    instance: typeof instance === 'string' ? unquote(instance) : undefined,
    regId: regId === undefined ? undefined : parseRegId(regId),
  }
}

function expiresOf(params: Params): number | undefined {
  const value = params.get('expires')
  if (value === undefined) return undefined
  // Digits are read; another value is no reason to refuse, but to assume an hour.
  return value !== true && /^[0-9]+$/.test(value) ? parseDeltaSeconds(value, HEADER) : MALFORMED_EXPIRES_SECONDS
}

function parseRegId(value: string | true): number {
  const id = typeof value === 'string' && /^[0-9]{1,10}$/.test(value) ? Number(value) : 0
  if (id < 1 || id > REG_ID_MAX) throw new SipSyntaxError(HEADER, 'has a reg-id that is none')
  return id
}

/** One element; what is given by name is written over the parameters. */
export function formatContact(
  contact: Pick<ContactValue, 'uri'> & { readonly [K in keyof ContactValue]?: ContactValue[K] | undefined },
): string {
  const params: NewParams = new Map(contact.params ?? [])
  if (contact.q !== undefined) params.set('q', formatQvalue(contact.q))
  if (contact.instance !== undefined) params.set('+sip.instance', quote(contact.instance))
  if (contact.regId !== undefined) params.set('reg-id', String(contact.regId))
  if (contact.expiresSeconds !== undefined) params.set('expires', String(contact.expiresSeconds))
  return formatNameAddr({ displayName: contact.displayName, uri: contact.uri, params })
}

/**
 * Whether requests to this Contact take the flow that it was registered over: its URI has the `ob` parameter.
 *
 * @throws SipSyntaxError when the URI is no SIP URI.
 * @see RFC 5626 section 5.4
 */
export function isOutboundContact(contact: Pick<NameAddr, 'uri'>): boolean {
  return parseSipUri(contact.uri).params.has('ob')
}

/**
 * What `keep` in the topmost Via says: it is offered without value, and granted with the seconds between two
 * keep-alives (0: the receiver does not care).
 *
 * @throws SipSyntaxError
 * @see RFC 6223 sections 4 and 9
 */
export function parseKeep(params: Params): 'offered' | number | undefined {
  const value = params.get('keep')
  if (value === undefined) return undefined
  return value === true ? 'offered' : parseDeltaSeconds(value, 'Via')
}

/** Flow-Timer: after how many seconds without a keep-alive a flow counts as dead (RFC 5626 section 10). */
export function parseFlowTimer(text: string): number {
  return parseDeltaSeconds(text, 'Flow-Timer')
}
