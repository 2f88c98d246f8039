/**
 * Who takes part inside the trust domain: the last segment of a SPIFFE ID `spiffe://DOMAIN/ns/ims/sa/ROLE`. `as` is an
 * application server of another vendor: it speaks SIP over ISC and calls no rpc.
 */
export const ROLES = ['hss', 'scscf', 'pcscf', 'presence', 'bsf', 'ap', 'as', 'operator', 'storeadmin'] as const

export type Role = (typeof ROLES)[number]

const KNOWN: ReadonlySet<string> = new Set(ROLES)

export function isRole(text: string): text is Role {
  return KNOWN.has(text)
}
