import type { Impu } from '@rollcall/core'
import type { EndedContact } from './ended-registration.ts'
import type { RegistrationSet } from './registration.ts'

/** Who tells subscribers what became of a set (RFC 3680). Each call comes when the change is durable. */
export interface RegistrationWatcher {
  changed(change: WatchedChange): void
}

export interface WatchedChange {
  readonly canonicalImpu: Impu
  /** As it is then; undefined or without contacts when there is nothing bound any more. */
  readonly set: RegistrationSet | undefined
  readonly ended: readonly EndedContact[]
  /** False for a mere refresh, which is told with the next change. One that ends a shortened time is news. */
  readonly isNews: boolean
}
