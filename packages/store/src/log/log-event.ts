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
