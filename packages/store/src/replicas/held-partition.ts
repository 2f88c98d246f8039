/** What a service makes of a partition that it was told to take. */
export interface HeldPartition {
  /** The epoch that it was taken by. */
  readonly epoch: bigint
  /**
   * Sequence of the last record of its log that is known to be acknowledged: `OwnedPartition.acknowledged`. It only grows, and
   * is asked for after the end, too.
   */
  readonly acknowledged: bigint
  /** Resolves when somebody else has it, with the reason; noticed at an append, not before. */
  readonly lost: Promise<unknown>
  /** Stops taking, makes durable and answers what was decided, and ends. When it resolves nothing of it leaves any more. */
  release(): Promise<void>
  /** Ends at once: it belongs to somebody else, or may. Nothing of it leaves any more. */
  drop(): void
}

/** What a partition is taken with. */
export interface TakeContext {
  /**
   * Resolves when no earlier owner can tell anybody anything any more: at once after a hand-over in peace, else when its
   * lease has ended. What takes something away from a watcher is acknowledged only then. It comes after the take is done,
   * and never when the partition is lost before.
   */
  readonly sole: Promise<void>
  /**
   * Sequence of a record that somebody was told is acknowledged; 0 when none is known. A log that ends before it has lost
   * records: give it to `PartitionLogs.take`, which refuses that.
   */
  readonly floor: bigint
  /** Aborted when the partition is not to be had any more: a take under way may then fail at once. */
  readonly signal: AbortSignal
}

/** Takes partitions: the service's side of `Replicas`. Resolves when the log is loaded and the partition may serve. */
export type TakePartition = (partition: number, context: TakeContext) => Promise<HeldPartition>
