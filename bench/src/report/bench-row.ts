/** One line of a benchmark's result. */
export interface BenchRow {
  /** What was measured: a name of the command line. */
  readonly name: string
  /** Under which load, and on which side. */
  readonly case: string
  readonly ops_per_s: number
  readonly p50_ms: number
  readonly p99_ms: number
  /** CPU time an operation, user and system, of each process in microseconds. */
  readonly cpu_us: Readonly<Record<string, number>>
  /** Resident memory of each process at the end in megabytes (10^6 octets). */
  readonly rss_mb: Readonly<Record<string, number>>
  /** What else this case tells, e.g. the mean batch of the hop; units are in the names. */
  readonly more?: Readonly<Record<string, number>>
}

/** One case of both sides: above 1 ours is faster, or needs less. */
export interface RatioRow {
  readonly name: string
  readonly case: string
  readonly ours_per_s: number
  /** By the peer's mode. */
  readonly peer_per_s: Readonly<Record<string, number>>
  readonly ratio: Readonly<Record<string, number>>
  /** CPU time an operation of all processes of the peer, divided by ours. */
  readonly cpu_ratio: Readonly<Record<string, number>>
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly fdatasync_per_s: number
}

/** What `--json` writes. */
export interface BenchReport {
  readonly machine: Machine
  readonly rows: readonly BenchRow[]
  readonly ratios: readonly RatioRow[]
}
