import type { Random } from '@rollcall/core'

/** What a branch starts with that was made by RFC 3261 (section 8.1.1.7). */
export const BRANCH_COOKIE = 'z9hG4bK'

/** A branch that no other request has: 128 random bits. */
export function newBranch(random: Random): string {
  return BRANCH_COOKIE + random.bytes(16).toString('hex')
}

/** A tag: 64 random bits, where 32 are asked for (RFC 3261 section 19.3). */
export function newTag(random: Random): string {
  return random.bytes(8).toString('hex')
}

/** A Call-ID: 128 random bits; Choice: without a host, which tells a watcher where we are (RFC 3261 section 8.1.1.4). */
export function newCallId(random: Random): string {
  return random.bytes(16).toString('hex')
}
