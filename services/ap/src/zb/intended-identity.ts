import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import type { User } from '../ua/user.ts'

/** Whom a request is for, and what is asserted of its sender. */
export type Assertion =
  | { readonly kind: 'asserted'; readonly identities: readonly Impu[]; readonly intended: Impu | undefined }
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'foreign'; readonly status: 400 | 403 }

/**
 * What the server behind is told of who the user is: the identity that he wants to be, if it is one of his; all of his
 * when he wants none in particular.
 *
 * `header` is the value of X-3GPP-Intended-Identity, in quotes as annex G has it or, as some write it, without or in angle brackets.
 *
 * @see TS 24.109 clause 7.2, TS 24.109 annex G, TS 33.222 clause 6.5
 */
export function assertIdentity(header: string | readonly string[] | undefined, user: User): Assertion {
  if (header === undefined) return { kind: 'asserted', identities: user.identities, intended: undefined }
  const intended = typeof header === 'string' ? readIntended(header) : undefined
  if (intended === undefined) return { kind: 'refused', reason: 'malformed', status: 400 }
  // guard: intended-identity — nobody acts as a user that he is not (TS 33.222 clause 6.5)
  if (!user.identities.includes(intended)) return { kind: 'refused', reason: 'foreign', status: 403 }
  return { kind: 'asserted', identities: [intended], intended }
}

function readIntended(value: string): Impu | undefined {
  const text = value.trim()
  const bare = (/^"([^"\\]+)"$/.exec(text)?.[1] ?? text).replace(/^<(.*)>$/, '$1')
  // Exactly one: several would leave it open which one is meant.
  if (bare.includes('"') || bare.includes(',')) return undefined
  try {
    return parseImpu(bare)
  } catch (error) {
    if (error instanceof InvalidIdentityError) return undefined
    throw error
  }
}
