/** One line of a benchmark's result. */
export interface BenchRow {
  /** What was measured. */
  readonly name: string
  /** Under which load. */
  readonly case: string
  readonly ops_per_s: number
  readonly p50_ms: number
  readonly p99_ms: number
  /** CPU time an operation, user and system, of each process. */
  readonly cpu_us: Readonly<Record<string, number>>
  /** Resident memory of each process at the end. */
  readonly rss_mb: Readonly<Record<string, number>>
}
