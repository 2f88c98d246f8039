import type { Impu } from '@rollcall/core'

/**
 * What is known of the lists that rules name by `external-list`: resource-lists documents, which the List Server owns.
 * Asked at each decision, so it must be quick, and must not change between a decision and the word that it did.
 */
export interface ListLookup {
  /** Whether the list has the identity; `undefined` while there is no copy of the list: such a rule fails closed. */
  contains(anchor: string, identity: Impu): boolean | undefined
}

/** No list is known. */
export const NO_LISTS: ListLookup = { contains: () => undefined }
