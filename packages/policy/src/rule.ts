import type { PermissionSet } from './permissions.ts'
import type { SubHandling } from './sub-handling.ts'

/** One rule as it was read (RFC 4745 section 7). */
export interface Rule {
  readonly id: string
  /** All must hold; none: the rule always applies. */
  readonly conditions: readonly Condition[]
  readonly handling: SubHandling
  readonly provides: PermissionSet
}

export type Condition =
  | { readonly kind: 'identity'; readonly alternatives: readonly IdentityAlternative[] }
  /** One of them is the presentity's: tokens as `sphereKey` (RFC 4745 section 7.3). */
  | { readonly kind: 'sphere'; readonly values: ReadonlySet<string> }
  /** One of the periods must have come and not be over. */
  | { readonly kind: 'validity'; readonly periods: readonly Period[] }
  | { readonly kind: 'anonymous-request' }
  | { readonly kind: 'other-identity' }
  | { readonly kind: 'external-list'; readonly anchors: readonly string[] }
  /** Not understood, so it never holds (RFC 4745 section 6.2). */
  | { readonly kind: 'unknown'; readonly name: string }

export type ConditionKind = Condition['kind']

export type IdentityAlternative =
  /** By `identityKey`. */
  { readonly kind: 'one'; readonly id: string } | Many

/** Everybody who is authenticated, of one domain or of all, except some (RFC 4745 section 7.1). */
export interface Many {
  readonly kind: 'many'
  readonly domain: string | undefined
  readonly exceptIds: ReadonlySet<string>
  readonly exceptDomains: ReadonlySet<string>
}

/** From the first instant, up to but not including the second (RFC 4745 section 7.4). */
export interface Period {
  readonly fromMs: number
  readonly untilMs: number
}
