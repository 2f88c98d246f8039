/** What a Route of ours means, told by the user part of its URI. */
export type OwnRoute =
  /** Service-Route: originating procedures for a registered user (TS 24.229 clause 5.4.3.2). */
  | { readonly kind: 'orig' }
  /** Terminating procedures, from another S-CSCF (TS 24.229 clause 5.4.3.3). */
  | { readonly kind: 'term' }
  /**
   * An application server gives a request back: the original dialog identifier (TS 24.229 clause 5.4.3.4), and the name of
   * the replica that remembers it.
   */
  | { readonly kind: 'odi'; readonly token: string; readonly replica: string }
  /** Recorded in a dialog, or unknown. */
  | { readonly kind: 'dialog' }

/** The token, then the name of the replica that remembers it. */
const ODI = /^odi-([0-9a-f]+)-([A-Za-z0-9_-]+)$/

/** Reads the user part of a Route that names this node. */
export function readOwnRoute(user: string | undefined): OwnRoute {
  if (user === 'orig' || user === 'term') return { kind: user }
  const odi = ODI.exec(user ?? '')
  if (odi) return { kind: 'odi', token: odi[1] ?? '', replica: odi[2] ?? '' }
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

/** The Route that leads back from an application server, to the replica that remembers the request. */
export function odiRoute(token: string, o: { readonly replica: string; readonly host: string }): string {
  return ownRoute(`odi-${token}-${o.replica}`, o.host)
}

/** A Route that leads to this node, its user part telling what for. */
export function ownRoute(user: string, host: string): string {
  return `<sip:${user}@${host};lr>`
}
