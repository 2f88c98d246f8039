import type { Role } from '@rollcall/runtime'
import type { RefusalReason } from '../refusal.ts'
import type { OwnRoute } from './own-route.ts'

/** What is looked at to tell what is to be done with a request that is no REGISTER. */
export interface RoutingFacts {
  /** Of the peer that sent it, by its certificate. */
  readonly role: Role
  /** The To header field has a tag: the request is in a dialog. */
  readonly isInDialog: boolean
  /** The topmost Route, when it is one of ours. */
  readonly ownRoute: OwnRoute | undefined
}

export type Procedure =
  | { readonly kind: 'in-dialog' }
  | { readonly kind: 'originating' }
  | { readonly kind: 'terminating' }
  | { readonly kind: 'returned'; readonly token: string; readonly replica: string }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }

/**
 * Which procedures apply, by who sent the request and by the Route it came on. Pure.
 *
 * A P-CSCF sends initial requests of its UEs on the Service-Route and no others: without it a request would slip past
 * the user's own filter criteria. An application server gives back what it was sent, and sends into dialogs. Another S-CSCF
 * sends to users of this one.
 *
 * @see TS 24.229 clauses 5.4.3.1 to 5.4.3.4
 */
export function classify(facts: RoutingFacts): Procedure {
  const { role, ownRoute } = facts
  if (role !== 'pcscf' && role !== 'presence' && role !== 'as' && role !== 'scscf')
    return { kind: 'refused', reason: 'peer-role' }
  if (facts.isInDialog) return { kind: 'in-dialog' }
  switch (role) {
    case 'pcscf':
      return ownRoute?.kind === 'orig' ? { kind: 'originating' } : { kind: 'refused', reason: 'no-service-route' }
    case 'presence':
    case 'as':
      return ownRoute?.kind === 'odi'
        ? { kind: 'returned', token: ownRoute.token, replica: ownRoute.replica }
        : { kind: 'refused', reason: 'not-in-dialog' }
    case 'scscf':
      return ownRoute === undefined || ownRoute.kind === 'term'
        ? { kind: 'terminating' }
        : { kind: 'refused', reason: 'peer-role' }
  }
}
