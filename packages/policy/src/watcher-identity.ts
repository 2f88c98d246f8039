import type { Impu } from '@rollcall/core'

/**
 * Who asks, decided once where the request comes in: never from a header that the watcher wrote.
 *
 * - `verified`: asserted over a protected Gm, or by a trusted domain (RFC 3325 section 5).
 * - `pseudonymous`: asserted likewise, but Privacy asks that the identity go no further (RFC 3323): rules see an
 *   anonymous watcher, and the presentity is never told who it is.
 * - `authenticated`: proved to the Presence Server itself by digest. `isAnonymous`: the From names nobody: rules see
 *   who it is, the presentity is never told.
 * - `unverified`: nobody vouches; `claimed` is what the request says, worth nothing.
 *
 * Identities are canonical, in the order asserted, and all of one watcher.
 *
 * @see RFC 5025 section 3.1.1.1; TS 24.141 clause 5.3.2
 */
export type WatcherIdentity =
  | { readonly kind: 'verified'; readonly identities: readonly Impu[] }
  | { readonly kind: 'pseudonymous'; readonly identities: readonly Impu[] }
  | { readonly kind: 'authenticated'; readonly identities: readonly Impu[]; readonly isAnonymous: boolean }
  | { readonly kind: 'unverified'; readonly claimed?: string }

/** The watcher that a trusted hop asserts: verified, or unverified when it asserts nothing. */
export function assertedWatcher(identities: readonly Impu[]): WatcherIdentity {
  return identities.length > 0 ? { kind: 'verified', identities } : { kind: 'unverified' }
}

const NOBODY: readonly Impu[] = []

/**
 * The identities by which rules know a watcher: none unless he is authenticated and does not hide (RFC 5025 section
 * 3.1.1).
 */
export function identitiesForRules(watcher: WatcherIdentity): readonly Impu[] {
  switch (watcher.kind) {
    case 'verified':
    case 'authenticated':
      return watcher.identities
    case 'pseudonymous':
    case 'unverified':
      // guard: policy-hidden-identity — no rule about a name matches a watcher who hides his, or whom nobody vouches for
      return NOBODY
  }
}

/** What winfo and all else that the presentity reads may call a watcher; absent: anonymous (RFC 3323 section 4.1). */
export function nameForPresentity(watcher: WatcherIdentity): Impu | undefined {
  switch (watcher.kind) {
    case 'verified':
      return watcher.identities[0]
    case 'authenticated':
      // guard: policy-anonymous-name — who asked for privacy is never named to the presentity
      return watcher.isAnonymous ? undefined : watcher.identities[0]
    case 'pseudonymous':
    case 'unverified':
      return undefined
  }
}
