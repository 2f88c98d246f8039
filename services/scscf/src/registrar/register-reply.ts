import { assertNever, type Random } from '@rollcall/core'
import { formatAuth, newTag } from '@rollcall/sip'
import { type Reply, refusalReply } from '../sip/answers.ts'
import type { AcceptedAnswer, Challenge, RegisterAnswer } from './attempt.ts'

/** What is replied to a REGISTER. Its receiver is the P-CSCF: a challenge holds CK and IK for it. */
export function registerReply(
  answer: RegisterAnswer,
  options: { readonly realm: string; readonly random: Random },
): Reply {
  switch (answer.kind) {
    case 'challenge': {
      const value = challengeHeader(answer.challenge, options.realm)
      return { status: 401, toTag: newTag(options.random), headers: [['WWW-Authenticate', value]] }
    }
    case 'accepted':
      return acceptedReply(answer.answer)
    case 'refused':
      return refusalReply({ reason: answer.reason }, options.random)
    default:
      return assertNever(answer)
  }
}

/** A 200 as the log has it. */
export function acceptedReply(answer: AcceptedAnswer): Reply {
  return { status: 200, ...answer }
}

/**
 * The challenge with the keys for the security associations. Choice: the realm is the home domain, as in the conformance
 * tests, and `stale` is never said, for it would say that the response before was right, which nobody looked at.
 *
 * @see TS 24.229 clauses 5.4.1.2.1A and 7.2A.1, RFC 3310 section 3.2, RFC 4169 section 3
 */
function challengeHeader({ nonce, algorithm, vector }: Challenge, realm: string): string {
  return formatAuth({
    scheme: 'Digest',
    params: new Map([
      ['realm', { value: realm, quoted: true }],
      ['nonce', { value: nonce, quoted: true }],
      ['algorithm', { value: algorithm, quoted: false }],
      ['qop', { value: 'auth', quoted: true }],
      ['ck', { value: vector.ck.reveal().toString('hex'), quoted: true }],
      ['ik', { value: vector.ik.reveal().toString('hex'), quoted: true }],
    ]),
  })
}
