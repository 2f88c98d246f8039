import type { Impu } from '@rollcall/core'
import { domainOfIdentity } from './uri-key.ts'
import { identitiesForRules, type WatcherIdentity } from './watcher-identity.ts'

/** A watcher as rules see him. */
export interface Subject {
  /** Empty for all who are not authenticated, or hide. */
  readonly identities: readonly Impu[]
  /** Of each identity that has one. */
  readonly domains: readonly string[]
  /** Asserted, and asks to stay unnamed: what OMA's `anonymous-request` is about. */
  readonly isAnonymousRequest: boolean
}

/** `Choice:` a watcher whom nobody vouches for makes no anonymous request: he is not let in by a rule about those. */
export function subjectOf(watcher: WatcherIdentity): Subject {
  const identities = identitiesForRules(watcher)
  const domains: string[] = []
  for (const identity of identities) {
    const domain = domainOfIdentity(identity)
    if (domain !== undefined) domains.push(domain)
  }
  return { identities, domains, isAnonymousRequest: watcher.kind === 'pseudonymous' }
}
