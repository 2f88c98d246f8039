import { digestPassword, digestResponse, encodeAuts } from '@rollcall/aka'
import type { Secret } from '@rollcall/core'
import { formatAuth } from '@rollcall/sip'
import type { Challenge } from './challenge.ts'

/** Whom the Authorization header is about. */
export interface DigestUser {
  readonly impi: string
  readonly domain: string
}

type Parameter = readonly [name: string, value: string, quoted: boolean]

/** One answer a challenge: nc never grows. */
const NC = '00000001'

/**
 * Authorization of an initial REGISTER: it names the private identity and answers nothing.
 *
 * @see TS 24.229 clause 5.1.1.2.2
 */
export function initialAuthorization(user: DigestUser): string {
  return format([...namesOf(user, user.domain), ['nonce', '', true], ['response', '', true]])
}

/**
 * Authorization that answers a challenge with RES, and with IK and CK where the challenge is one of AKAv2.
 *
 * @see RFC 3310 section 3.3, RFC 4169 section 3, TS 24.229 clause 5.1.1.5.1
 */
export function answerAuthorization(
  user: DigestUser,
  challenge: Challenge,
  answer: { readonly res: Secret; readonly ik: Secret; readonly ck: Secret },
  cnonce: string,
): string {
  const { realm, nonce, qop } = challenge
  const response = digestResponse({
    username: user.impi,
    realm,
    password: digestPassword(challenge.digest, answer),
    method: 'REGISTER',
    uri: uriOf(user),
    nonce,
    ...(qop === undefined ? {} : { qop, nc: NC, cnonce }),
  })
  const quality: readonly Parameter[] =
    qop === undefined
      ? []
      : [
          ['qop', qop, false],
          ['nc', NC, false],
          ['cnonce', cnonce, true],
        ]
  return format([...echo(user, challenge), ['response', response, true], ...quality])
}

/**
 * Authorization that tells the network that its challenge was no good: without `auts` its MAC was wrong, with it its SQN
 * was out of range.
 *
 * @see TS 24.229 clause 5.1.1.5.3, RFC 3310 section 3.4
 */
export function failureAuthorization(user: DigestUser, challenge: Challenge, auts: Buffer | undefined): string {
  const about: readonly Parameter[] = auts === undefined ? [] : [['auts', encodeAuts(auts), true]]
  return format([...echo(user, challenge), ['response', '', true], ...about])
}

function echo(user: DigestUser, challenge: Challenge): readonly Parameter[] {
  return [
    ...namesOf(user, challenge.realm),
    ['nonce', challenge.nonce, true],
    ['algorithm', challenge.algorithm, false],
    ...(challenge.opaque === undefined ? [] : [['opaque', challenge.opaque, true] as const]),
  ]
}

function namesOf(user: DigestUser, realm: string): readonly Parameter[] {
  return [
    ['username', user.impi, true],
    ['realm', realm, true],
    ['uri', uriOf(user), true],
  ]
}

function uriOf(user: DigestUser): string {
  return `sip:${user.domain}`
}

function format(parameters: readonly Parameter[]): string {
  return formatAuth({
    scheme: 'Digest',
    params: new Map(parameters.map(([name, value, quoted]) => [name, { value, quoted }])),
  })
}
