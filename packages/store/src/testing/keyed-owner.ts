import { assert } from '@rollcall/core'
import { FencedError, PartitionReleasedError, StoreFullError, StoreUnavailableError } from '../errors.ts'
import type { OwnedPartition } from '../log/owned-partition.ts'
import type { PartitionLogs } from '../log/partition-logs.ts'
import { takeUntilTaken } from './race.ts'

/** A service in small: each key counts up, and the state is the last count of each. */
export class KeyedOwner {
  /** What this owner decided. */
  readonly state = new Map<string, number>()
  /** What was acknowledged to it. */
  readonly acknowledged = new Map<string, number>()
  /** Snapshots that came into force. */
  snapshots = 0
  readonly owned: OwnedPartition
  readonly #padding: string
  #isStopped = false
  #working: Promise<unknown> = Promise.resolve()

  private constructor(owned: OwnedPartition, loaded: Map<string, number>, padding: string) {
    this.owned = owned
    this.#padding = padding
    for (const [key, count] of loaded) this.state.set(key, count)
  }

  /** Takes a partition, as soon as the store lets it, and loads it. Each record is padded to about `octets`. */
  static async take(logs: PartitionLogs, partition: number | string, o: { octets?: number } = {}): Promise<KeyedOwner> {
    const loaded = new Map<string, number>()
    const owned = await takeUntilTaken(logs, partition, ({ record }) => {
      const [key = '', count = ''] = record.toString().split('=')
      loaded.set(key, Number.parseInt(count, 10))
    })
    return new KeyedOwner(owned, loaded, ` ${'.'.repeat(o.octets ?? 0)}`)
  }

  /** Counts keys of its own up, one append outstanding each, until stopped or fenced; snapshots all the time if wanted. */
  work(o: { keys: number; prefix: string; withSnapshots?: boolean }): void {
    const workers = Array.from({ length: o.keys }, (_, n) => this.#count(`${o.prefix}${n}`))
    this.#working = Promise.all([...workers, ...(o.withSnapshots ? [this.#snapshot()] : [])])
  }

  /** Counts a key up once. */
  async countUp(key: string): Promise<void> {
    const count = (this.state.get(key) ?? 0) + 1
    this.state.set(key, count)
    await this.owned.append(Buffer.from(`${key}=${count}${this.#padding}`))
    this.acknowledged.set(key, count)
  }

  /** The state as it is now, as records: later changes are not in it. */
  records(): Iterable<Buffer> {
    const entries = [...this.state]
    const padding = this.#padding
    return (function* () {
      for (const [key, count] of entries) yield Buffer.from(`${key}=${count}${padding}`)
    })()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#working
  }

  async #count(key: string): Promise<void> {
    while (!this.#isStopped) {
      if (!this.owned.isAvailable) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        continue
      }
      try {
        await this.countUp(key)
      } catch (error) {
        if (isEnd(error)) return
        assert(error instanceof StoreUnavailableError || error instanceof StoreFullError, String(error))
      }
    }
  }

  async #snapshot(): Promise<void> {
    while (!this.#isStopped) {
      if (!this.owned.isAvailable) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        continue
      }
      try {
        await this.owned.snapshot(this.records())
        this.snapshots += 1
      } catch (error) {
        if (isEnd(error)) return
        assert(error instanceof StoreUnavailableError || error instanceof StoreFullError, String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

function isEnd(error: unknown): boolean {
  return error instanceof FencedError || error instanceof PartitionReleasedError
}

/** What was acknowledged and is not there, or not as far on. */
export function lostOf(acknowledged: ReadonlyMap<string, number>, loaded: ReadonlyMap<string, number>): string[] {
  return [...acknowledged].filter(([key, count]) => (loaded.get(key) ?? 0) < count).map(([key, n]) => `${key}=${n}`)
}
