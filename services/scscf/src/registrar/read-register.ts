import { type Impi, InvalidIdentityError, parseImpi, parseImpu } from '@rollcall/core'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import {
  type AuthParams,
  callId,
  cseq,
  expires,
  formatNameAddr,
  isTokenEqual,
  type NameAddr,
  optionTags,
  paramValue,
  parseAuth,
  parseDeltaSeconds,
  parseNameAddr,
  parseSipUri,
  parseVia,
  type SipRequest,
  SipSyntaxError,
  sameSipUri,
  toUri,
  unquote,
} from '@rollcall/sip'
import type { RequestKey } from '@rollcall/store'
import type { Refusal, RefusalReason } from '../refusal.ts'
import type {
  RegisterAuthorization,
  RegisterRequest,
  RequestedBinding,
  RequestedContact,
  SourceAddress,
} from './register-request.ts'

/** Rules for what is read. */
export interface ReadRules {
  /** The home domain. */
  readonly realm: string
  readonly expiresSecondsMin: number
}

export type RegisterReading =
  | { readonly ok: true; readonly request: RegisterRequest }
  | { readonly ok: false; readonly refusal: Refusal }

/** Option tags that a REGISTER may require of us. `sec-agree` is not one: the P-CSCF takes it out. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set(['path'])

/** Contacts of one REGISTER: more than any UE has addresses. */
const CONTACTS_PER_REGISTER_MAX = 8

/** Where a UE is when its Via names no port (RFC 3261 section 18.1.1). */
const SIP_PORT = 5060

/**
 * Reads a REGISTER as the P-CSCF sent it. What the registrar may believe comes from the envelope: how it was protected,
 * and which private identity the security association is bound to.
 *
 * @see TS 24.229 clauses 5.4.1.2.1 and 5.4.1.2.2, RFC 3261 section 10.3
 */
export function readRegister(sip: SipRequest, envelope: Envelope, rules: ReadRules): RegisterReading {
  try {
    return read(sip, envelope, rules)
  } catch (error) {
    if (error instanceof SipSyntaxError || error instanceof InvalidIdentityError) return refused('malformed')
    throw error
  }
}

function read(sip: SipRequest, envelope: Envelope, rules: ReadRules): RegisterReading {
  if (parseSipUri(sip.uri).host.toLowerCase() !== rules.realm) return refused('foreign-domain')
  const unknown = optionTags(sip, 'Require').filter((tag) => !KNOWN_EXTENSIONS.has(tag))
  if (unknown.length > 0) return refused('bad-extension', ['Unsupported', unknown.join(', ')])
  const aor = toUri(sip)
  if (!/^sip:/i.test(aor)) return refused('not-sip-identity')
  const impu = parseImpu(aor)
  const credentials = readCredentials(sip)
  const impi = impiOf(credentials, aor)
  // guard: envelope-impi — the IMPI of a REGISTER is the one that the P-CSCF knows its SA by
  if (envelope.impi !== '' && envelope.impi !== impi) return refused('impi-mismatch')
  const isProtected = isProtectedBySa(envelope, impi, credentials)
  const contacts = sip.headers.list('Contact')
  if (contacts.length === 0 || contacts.length > CONTACTS_PER_REGISTER_MAX) return refused('contact-count')
  const requested = readContacts(sip, contacts)
  if (!requested) return refused('contact-instances')
  if (requested.kind === 'all' && (expires(sip) !== 0 || contacts.length > 1)) return refused('malformed')
  const spans = requested.kind === 'all' ? [0] : requested.bindings.map(({ expiresSeconds }) => expiresSeconds)
  if (spans.some((span) => span !== undefined && span > 0 && span < rules.expiresSecondsMin)) {
    return refused('interval-too-brief', ['Min-Expires', String(rules.expiresSecondsMin)])
  }
  const path = sip.headers.list('Path')
  if (path.length === 0) return refused('path-missing')
  const { source, branch } = readSource(sip)
  const id = { callId: callId(sip), cseq: cseq(sip).sequence }
  return {
    ok: true,
    request: {
      ...id,
      key: requestKey(id, { branch, source, impi, isProtected }),
      impi,
      impu,
      source,
      isProtected,
      authorization: readAuthorization(sip, credentials),
      contact: requested,
      expiresSeconds: longest(spans),
      path,
      traceparent: envelope.traceparent,
      sip,
    },
  }
}

function refused(reason: RefusalReason, ...headers: (readonly [string, string])[]): RegisterReading {
  return { ok: false, refusal: { reason, headers } }
}

/** The first Digest credentials; others are for somebody else. */
function readCredentials(sip: SipRequest): AuthParams | undefined {
  const all = sip.headers.getAll('Authorization').map((value) => parseAuth(value))
  return all.find(({ scheme }) => isTokenEqual(scheme, 'Digest'))
}

/** Without credentials the IMPI is derived from the IMPU: without scheme, port and parameters (TS 24.229 5.4.1.2.1). */
function impiOf(credentials: AuthParams | undefined, aor: string): Impi {
  const username = credentials?.params.get('username')?.value
  if (username !== undefined) return parseImpi(username)
  const { user, host } = parseSipUri(aor)
  return parseImpi(`${user ?? ''}@${host}`)
}

/** Both must say so: the envelope, which the P-CSCF's certificate backs, and the parameter, which only it can set. */
function isProtectedBySa(envelope: Envelope, impi: Impi, credentials: AuthParams | undefined): boolean {
  const isSa =
    envelope.accessSecurity === AccessSecurity.ACCESS_SECURITY_IPSEC_3GPP ||
    envelope.accessSecurity === AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN
  const mark = credentials?.params.get('integrity-protected')?.value
  // guard: protected-by-sa — both the envelope and the mark must say that it came over an SA
  return isSa && envelope.impi === impi && mark !== undefined && isTokenEqual(mark, 'yes')
}

function readAuthorization(sip: SipRequest, credentials: AuthParams | undefined): RegisterAuthorization {
  const value = (name: string): string | undefined => credentials?.params.get(name)?.value
  const nonce = value('nonce')
  if (nonce === undefined || nonce === '') return { kind: 'none' }
  const auts = value('auts')
  if (auts !== undefined) return { kind: 'resynchronise', nonce, auts }
  const response = value('response')
  if (response === undefined || response === '') return { kind: 'no-response', nonce }
  return {
    kind: 'response',
    nonce,
    digest: {
      username: value('username') ?? '',
      realm: value('realm') ?? '',
      uri: value('uri') ?? '',
      response,
      algorithm: value('algorithm'),
      qop: value('qop')?.toLowerCase(),
      nc: value('nc'),
      cnonce: value('cnonce'),
      body: sip.body,
    },
  }
}

/**
 * All that the UE names; undefined when they are not of one instance, for one IMPI is on one UE (readings). The Contact's
 * own `expires` is stronger than the header field (RFC 3261 section 10.2.1.1).
 */
function readContacts(sip: SipRequest, values: readonly string[]): RequestedContact | undefined {
  if (values.includes('*')) return { kind: 'all' }
  const nameAddrs = values.map((value) => parseNameAddr(value, 'Contact'))
  const instances = new Set(nameAddrs.map(({ params }) => instanceOf(params)))
  // guard: contact-instances — one IMPI is on one UE, also within one REGISTER
  if (instances.size > 1) return undefined
  const bindings: RequestedBinding[] = []
  for (const nameAddr of nameAddrs) {
    const { uri, params } = nameAddr
    parseSipUri(uri)
    if (bindings.some((other) => sameSipUri(other.uri, uri))) throw new SipSyntaxError('Contact', 'is there twice')
    const own = paramValue(params, 'expires')
    const expiresSeconds = own === undefined ? expires(sip) : parseDeltaSeconds(own, 'Contact')
    bindings.push({ uri, value: formatNameAddr(withoutExpires(nameAddr)), expiresSeconds })
  }
  const hasRegId = nameAddrs.some(({ params }) => params.has('reg-id'))
  return { kind: 'some', instance: [...instances][0] ?? '', bindings, hasRegId }
}

function instanceOf(params: NameAddr['params']): string {
  const instance = paramValue(params, '+sip.instance')
  return instance === undefined ? '' : unquote(instance)
}

/** Undefined when one is left to us. */
function longest(spans: readonly (number | undefined)[]): number | undefined {
  let most = 0
  for (const span of spans) {
    if (span === undefined) return undefined
    most = Math.max(most, span)
  }
  return most
}

function withoutExpires(nameAddr: NameAddr): NameAddr {
  const params = new Map(nameAddr.params)
  params.delete('expires')
  return { ...nameAddr, params }
}

/** The lowest Via is the UE's; the P-CSCF wrote down where it got the request from (RFC 3581 section 4). */
function readSource(sip: SipRequest): { source: SourceAddress; branch: string } {
  const lowest = sip.headers.list('Via').at(-1)
  if (lowest === undefined) throw new SipSyntaxError('Via', 'is absent')
  const { host, port, params } = parseVia(lowest)
  const rport = paramValue(params, 'rport')
  const sourcePort = rport === undefined ? (port ?? SIP_PORT) : Number(rport)
  return {
    source: { host: paramValue(params, 'received') ?? host, port: sourcePort },
    branch: paramValue(params, 'branch') ?? '',
  }
}

/**
 * Call-ID, CSeq and branch of a REGISTER in the clear can be read by anybody on the way. The key holds besides where it
 * came from and how it was protected, so that no stranger is answered with what the user was answered.
 */
function requestKey(
  id: Pick<RequestKey, 'callId' | 'cseq'>,
  sender: {
    readonly branch: string
    readonly source: SourceAddress
    readonly impi: Impi
    readonly isProtected: boolean
  },
): RequestKey {
  const { branch, source, impi, isProtected } = sender
  return { ...id, branch: JSON.stringify([branch, source.host, source.port, impi, isProtected]) }
}
