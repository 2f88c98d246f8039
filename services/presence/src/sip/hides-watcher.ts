import { hidesIdentity, parsePrivacy, type SipHeaders } from '@rollcall/sip'

/** `Choice:` besides `id`, who has headers or user fields hidden by a privacy service means his name, too. */
const HIDING: readonly string[] = ['user', 'header']

/**
 * Whether the sender of a SUBSCRIBE asks that nobody be told who it is: then rules about names are not about it, and
 * watcher information does not name it.
 *
 * @see RFC 3323 section 4.2; RFC 3325 sections 7 and 9.3
 */
export function hidesWatcher(headers: SipHeaders): boolean {
  // guard: watcher-privacy — a wish that is spelled otherwise, or that nobody can read, hides as well
  if (hidesIdentity(headers)) return true
  const values = parsePrivacy(headers.getAll('Privacy'))
  return HIDING.some((value) => values.has(value))
}
