/** A partition that was read from the store. */
export interface LoadedPartition {
  readonly durationMs: number
  /** When it was done, in milliseconds of `performance.now()`. */
  readonly atMs: number
}

/** What a Presence Server's log lines tell: which partitions it holds, how fast it loaded them, its snapshots. */
export class PresenceLog {
  readonly #held = new Set<number>()
  readonly #snapshotOctets = new Map<string, number>()
  #loads: LoadedPartition[] = []

  /** Takes a line; what is no JSON of the log is none of it. */
  readonly onLine = (line: string): void => {
    const entry = parseLine(line)
    if (!entry) return
    const { msg, partition } = entry
    if (msg === 'partition taken') this.#held.add(Number(partition))
    else if (/^partition (?:released|lost|dropped)$/.test(msg)) this.#held.delete(Number(partition))
    else if (entry.kind === 'taken' && 'records' in entry) {
      this.#loads.push({ durationMs: Number(entry.durationMs), atMs: performance.now() })
    } else if (entry.kind === 'snapshot') this.#snapshotOctets.set(String(partition), Number(entry.octets))
  }

  /** Partitions that it serves. */
  get held(): ReadonlySet<number> {
    return this.#held
  }

  /** Snapshots in force, together. */
  get snapshotOctets(): number {
    return [...this.#snapshotOctets.values()].reduce((sum, octets) => sum + octets, 0)
  }

  /** Partitions that were loaded since it was asked last. */
  takeLoads(): readonly LoadedPartition[] {
    const loads = this.#loads
    this.#loads = []
    return loads
  }

  /** Its process is gone, and another begins. */
  restart(): void {
    this.#held.clear()
    this.#loads = []
  }
}

/** How long anything was being loaded, in milliseconds: partitions are loaded side by side. */
export function loadingMs(loads: readonly LoadedPartition[]): number {
  let busyMs = 0
  let untilMs = Number.NEGATIVE_INFINITY
  const spans = loads.map(({ atMs, durationMs }) => ({ fromMs: atMs - durationMs, toMs: atMs }))
  for (const { fromMs, toMs } of spans.sort((a, b) => a.fromMs - b.fromMs)) {
    busyMs += Math.max(0, toMs - Math.max(fromMs, untilMs))
    untilMs = Math.max(untilMs, toMs)
  }
  return busyMs
}

function parseLine(line: string): ({ readonly msg: string } & Readonly<Record<string, unknown>>) | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null || !('msg' in entry) || typeof entry.msg !== 'string')
      return undefined
    return { ...entry, msg: entry.msg }
  } catch {
    return undefined
  }
}
