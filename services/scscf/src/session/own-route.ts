/** What a Route of ours means, told by the user part of its URI. */
export type OwnRoute =
  /** Service-Route: originating procedures for a registered user (TS 24.229 clause 5.4.3.2). */
  | { readonly kind: 'orig' }
  /** Terminating procedures, from another S-CSCF (TS 24.229 clause 5.4.3.3). */
  | { readonly kind: 'term' }
  /** An application server gives a request back: the original dialog identifier (TS 24.229 clause 5.4.3.4). */
  | { readonly kind: 'odi'; readonly token: string }
  /** Recorded in a dialog, or unknown. */
  | { readonly kind: 'dialog' }

const ODI_PREFIX = 'odi-'

/** Reads the user part of a Route that names this node. */
export function readOwnRoute(user: string | undefined): OwnRoute {
  if (user === 'orig' || user === 'term') return { kind: user }
  if (user?.startsWith(ODI_PREFIX)) return { kind: 'odi', token: user.slice(ODI_PREFIX.length) }
  return { kind: 'dialog' }
}

/** The Service-Route value: requests of registered users come back by it. */
export function serviceRoute(host: string): string {
  return ownRoute('orig', host)
}

/** The Record-Route of one leg; each leg has its own. */
export function recordRoute(leg: 'originating' | 'terminating', host: string): string {
  return ownRoute(leg === 'originating' ? 'dialog-orig' : 'dialog-term', host)
}

/** The Route that leads back from an application server. */
export function odiRoute(token: string, host: string): string {
  return ownRoute(`${ODI_PREFIX}${token}`, host)
}

function ownRoute(user: string, host: string): string {
  return `<sip:${user}@${host};lr>`
}
