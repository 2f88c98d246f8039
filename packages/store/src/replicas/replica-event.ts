/** What an operator may want to know of the replicas; for logs, metrics and audit. */
export type ReplicaEvent =
  /** This process is a member now; `tookOver` when the lease was another incarnation's. */
  | { readonly kind: 'joined'; readonly incarnation: string; readonly tookOver: boolean }
  | { readonly kind: 'left' }
  /** The right to tell began or ended. */
  | { readonly kind: 'lease'; readonly isLive: boolean }
  /** Somebody else revoked this one, or has taken over its name: it has dropped everything. */
  | { readonly kind: 'deposed'; readonly why: 'revoked' | 'overtaken' }
  /** This one has revoked a silent one. */
  | { readonly kind: 'revoked'; readonly replica: string; readonly silentMs: number }
  | { readonly kind: 'taken'; readonly partition: number; readonly epoch: bigint; readonly durationMs: number }
  | { readonly kind: 'take-failed'; readonly partition: number; readonly error: unknown }
  /** No earlier owner can tell anything any more. */
  | { readonly kind: 'sole'; readonly partition: number; readonly waitedMs: number }
  | { readonly kind: 'released'; readonly partition: number; readonly durationMs: number }
  /** Given up at once: this one was deposed, somebody has a higher epoch, or the log said that it is another's. */
  | { readonly kind: 'dropped'; readonly partition: number; readonly why: 'deposed' | 'overtaken' | 'lost' }
