import type { Watcherinfo } from '@rollcall/pidf'

/** One NOTIFY, as a watcher reads it. */
export interface Notification {
  /** `active`, `pending`, `terminated`, or another token of RFC 6665 section 4.1.3. */
  readonly state: string
  /** Why, when terminated. */
  readonly reason: string | undefined
  readonly retryAfterSeconds: number | undefined
  /** Empty when there is no state to tell, as while pending. */
  readonly body: Buffer
  /** Of watcher information: all that this document and those before it say. */
  readonly watchers?: Watcherinfo
  readonly contentType: string | undefined
  readonly cseq: number
  readonly receivedAtMs: number
  /** The SA set in which it came, `SaSetView.id`. */
  readonly setId: string
}
