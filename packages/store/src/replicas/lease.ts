/**
 * The right to tell: an owner cut off from the store must not go on telling watchers under old rules.
 *
 * @see ARCHITECTURE, decision 3
 */
export interface Lease {
  /**
   * True within one lease length, by the monotonic clock, of having sent the last acknowledged heartbeat. Ask it anew at each
   * NOTIFY and each read, as near to the socket as can be.
   */
  readonly isLive: boolean
  /** Calls `listener` when the lease becomes live or ends, until the returned function is called. */
  onChange(listener: (isLive: boolean) => void): () => void
}
