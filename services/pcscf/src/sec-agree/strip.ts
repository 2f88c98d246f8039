import type { SipHeaders } from '@rollcall/sip'

/**
 * Takes the security agreement out of a request before the core sees it: the header fields, and `sec-agree` out of
 * Require and Proxy-Require, where it would make the registrar answer 420. Other option tags stay.
 *
 * @see RFC 3329 section 2.3.1; TS 24.229 clause 5.2.2.2
 */
export function stripSecAgree(headers: SipHeaders): void {
  for (const name of ['Security-Client', 'Security-Verify', 'Security-Server']) headers.remove(name)
  for (const name of ['Require', 'Proxy-Require']) {
    const tags = headers.list(name)
    const kept = tags.filter((tag) => tag.trim().toLowerCase() !== 'sec-agree')
    if (kept.length === tags.length) continue
    if (kept.length === 0) headers.remove(name)
    else headers.set(name, kept.join(', '))
  }
}
