import { formatDigestChallenge, parseDigestChallenge, SipSyntaxError } from '@rollcall/sip'
import { type DigestAlgorithm, parseDigestAlgorithm } from './algorithm.ts'
import { MalformedDigestError } from './errors.ts'
import { parseQop, type Qop } from './response.ts'

/** A challenge that can be answered: its algorithm is one of ours, and it offers a qop. */
export interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  readonly qop: readonly Qop[]
  readonly opaque?: string | undefined
  readonly domain?: string | undefined
  /** The proof was right and its nonce too old: the same key answers the new one. */
  readonly isStale: boolean
}

/** The value of WWW-Authenticate (RFC 7616 section 3.3). */
export function formatChallenge(challenge: Challenge): string {
  return formatDigestChallenge({ ...challenge, params: new Map() })
}

/**
 * The Digest challenges in one value of WWW-Authenticate, in their order. Those of other schemes, with algorithms that are
 * not ours, or without a qop of ours are left out.
 *
 * @throws MalformedDigestError
 * @see RFC 7616 section 3.7, RFC 9110 section 11.6.1
 */
export function parseChallenges(value: string): Challenge[] {
  const challenges: Challenge[] = []
  for (const text of splitChallenges(value)) {
    if (!/^digest[ \t]/i.test(text)) continue
    const challenge = parseOne(text)
    if (challenge !== undefined) challenges.push(challenge)
  }
  return challenges
}

function parseOne(text: string): Challenge | undefined {
  try {
    const read = parseDigestChallenge(text)
    const algorithm = parseDigestAlgorithm(read.algorithm)
    const qop = read.qop.flatMap((word) => parseQop(word) ?? [])
    if (algorithm === undefined || qop.length === 0) return undefined
    const { realm, nonce, opaque, domain, isStale } = read
    return { realm, nonce, algorithm, qop, opaque, domain, isStale }
  } catch (error) {
    if (error instanceof SipSyntaxError) throw new MalformedDigestError('the challenge cannot be read')
    throw error
  }
}

/** At a comma outside of quotes after which a scheme stands: `token SP`, where a parameter has `token =`. */
function splitChallenges(value: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let at = 0; at < value.length; at++) {
    const char = value[at]
    if (isQuoted && char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === ',' && !isQuoted && startsChallenge(value, at + 1)) {
      parts.push(value.slice(start, at).trim())
      start = at + 1
    }
  }
  parts.push(value.slice(start).trim())
  return parts
}

const SCHEME = /[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]+[^ \t=,]|[ \t]*(?:,|$))/y

function startsChallenge(value: string, at: number): boolean {
  SCHEME.lastIndex = at
  return SCHEME.test(value)
}
