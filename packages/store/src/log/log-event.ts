/** What an operator may want to know of a partition; for logs and metrics. */
export type LogEvent =
  | {
      /** A message was acknowledged. */
      readonly kind: 'appended'
      readonly partition: string
      readonly records: number
      readonly octets: number
      readonly durationMs: number
    }
  /** The outcome of an append is open, or the stream is full: the partition takes nothing until it is settled. */
  | { readonly kind: 'unavailable'; readonly partition: string; readonly reason: 'no-answer' | 'full' }
  /** The append is settled; the partition goes on. */
  | { readonly kind: 'available'; readonly partition: string }
  | { readonly kind: 'taken'; readonly partition: string; readonly records: number; readonly durationMs: number }
  | { readonly kind: 'fenced'; readonly partition: string }
  | {
      /** A snapshot is in force, and what lay below it is purged. */
      readonly kind: 'snapshot'
      readonly partition: string
      readonly records: number
      readonly octets: number
      readonly durationMs: number
    }
  /** A snapshot failed, with the stable code of why; the one before it stays in force. */
  | { readonly kind: 'snapshot-failed'; readonly partition: string; readonly code: string }
