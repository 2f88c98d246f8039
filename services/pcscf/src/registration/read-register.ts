import { type Impi, type Impu, InvalidIdentityError, parseImpi, parseImpu } from '@rollcall/core'
import {
  type AuthParams,
  callId,
  cseq,
  expires,
  parseAuth,
  parseContacts,
  type SipRequest,
  SipSyntaxError,
  toUri,
} from '@rollcall/sip'

/** What the P-CSCF decides by. */
export interface RegisterFacts {
  readonly impi: Impi
  /** The public identity being registered. */
  readonly impu: Impu
  readonly callId: string
  readonly cseq: number
  /** Undefined for `*`: whatever is bound. */
  readonly contact: { readonly uri: string; readonly instance: string } | undefined
  /** What the UE asked for; undefined when it left that to the network. */
  readonly expiresSeconds: number | undefined
  readonly challenge: ChallengeAnswer
}

/** What stands in Authorization besides who. */
interface ChallengeAnswer {
  readonly nonce: string
  /** A response that is not empty. */
  readonly hasResponse: boolean
  readonly hasAuts: boolean
}

const NO_CHALLENGE: ChallengeAnswer = { nonce: '', hasResponse: false, hasAuts: false }

/**
 * Reads a REGISTER.
 *
 * @throws SipSyntaxError and InvalidIdentityError: 400.
 * @see TS 24.229 clause 5.1.1.2
 */
export function readRegister(request: SipRequest): RegisterFacts {
  const impu = parseImpu(toUri(request))
  const authorization = digestOf(request)
  const username = authorization?.params.get('username')?.value
  const contact = contactOf(request)
  return {
    impi: username === undefined ? impiOf(impu) : parseImpi(username),
    impu,
    callId: callId(request),
    cseq: cseq(request).sequence,
    contact: contact && { uri: contact.uri, instance: contact.instance },
    expiresSeconds: contact?.expiresSeconds ?? expires(request),
    challenge: authorization ? challengeOf(authorization) : NO_CHALLENGE,
  }
}

function digestOf(request: SipRequest): AuthParams | undefined {
  const all = request.headers.getAll('Authorization').map((line) => parseAuth(line))
  const digests = all.filter(({ scheme }) => scheme.toLowerCase() === 'digest')
  if (digests.length > 1) throw new SipSyntaxError('Authorization', 'more than one Digest')
  return digests[0]
}

function challengeOf({ params }: AuthParams): ChallengeAnswer {
  return {
    nonce: params.get('nonce')?.value ?? '',
    hasResponse: (params.get('response')?.value ?? '') !== '',
    hasAuts: params.has('auts'),
  }
}

/**
 * A first REGISTER may come without Authorization: its private identity is then the public one without its scheme.
 *
 * @see TS 24.229 clause 5.4.1.2.1
 */
function impiOf(impu: Impu): Impi {
  const user = /^sips?:(.+)$/.exec(impu)?.[1]?.replace(/:\d+$/, '')
  if (user === undefined) throw new InvalidIdentityError('IMPI', impu)
  return parseImpi(user)
}

/** One contact a UE: who registers several at once is no UE of ours. */
function contactOf(
  request: SipRequest,
): { uri: string; instance: string; expiresSeconds: number | undefined } | undefined {
  const contacts = parseContacts(request.headers.getAll('Contact'))
  if (contacts === '*') return undefined
  const [contact] = contacts
  if (!contact || contacts.length > 1) throw new SipSyntaxError('Contact', 'there must be one')
  const { uri, instance = '', expiresSeconds } = contact
  return { uri, instance, expiresSeconds }
}
