import type { Until } from '../load/work.ts'

/** UEs by number. */
export interface Ues {
  readonly first: number
  readonly count: number
}

/** What the access generator can do. Each operation ends when all of its answers and NOTIFYs were right. */
export type AccessWork =
  /** Full registrations, one UE after the other. */
  | { readonly kind: 'register'; readonly ues: Ues; readonly outstanding: number; readonly until: Until }
  /** PUBLISHes, each until it was answered and the watchers of the UE were told. */
  | { readonly kind: 'publish'; readonly ues: Ues; readonly outstanding: number; readonly until: Until }
  /** New subscriptions of these UEs, each to the presence of the next one; or all to `presentity`. */
  | {
      readonly kind: 'subscribe'
      readonly ues: Ues
      readonly presentity?: number
      readonly outstanding: number
      readonly until: Until
    }
  /** PUBLISHes of one whom many watch; operations are NOTIFYs. */
  | { readonly kind: 'fanout'; readonly presentity: number; readonly until: Until }
