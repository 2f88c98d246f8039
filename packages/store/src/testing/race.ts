import { assert, type Random, seededRandom } from '@rollcall/core'
import { FencedError, PartitionReleasedError, StoreUnavailableError } from '../errors.ts'
import type { LoadedRecord } from '../log/load-log.ts'
import type { OwnedPartition } from '../log/owned-partition.ts'
import type { PartitionLogs } from '../log/partition-logs.ts'

/** A record that its owner was told is durable, with where. */
export interface AcknowledgedRecord {
  readonly text: string
  readonly sequence: bigint
  readonly epoch: bigint
}

const WORKERS = 8
const TAKE_MS_MAX = 60_000

/**
 * An owner that appends as fast as it can until it is fenced, and does not know when it is replaced. Every record is another
 * one.
 */
export class RacingOwner {
  readonly owned: OwnedPartition
  readonly acknowledged: AcknowledgedRecord[] = []
  /** Records whose outcome is open, or that were under way when another one became the owner. */
  readonly unanswered: string[] = []
  readonly ended: Promise<void>
  readonly #name: string

  constructor(owned: OwnedPartition, name: string) {
    this.owned = owned
    this.#name = name
    const workers = Array.from({ length: WORKERS }, (_, worker) => this.#append(worker))
    this.ended = Promise.all(workers).then(() => {})
  }

  async #append(worker: number): Promise<void> {
    for (let n = 0; ; n += 1) {
      const text = `${this.#name}.${worker}.${n}`
      try {
        const { sequence, epoch } = await this.owned.append(Buffer.from(text))
        this.acknowledged.push({ text, sequence, epoch })
      } catch (error) {
        if (error instanceof StoreUnavailableError && error.outcome === 'refused') {
          await new Promise((resolve) => setTimeout(resolve, 2))
          continue
        }
        this.unanswered.push(text)
        if (error instanceof FencedError || error instanceof PartitionReleasedError) return
        assert(error instanceof StoreUnavailableError, String(error))
      }
    }
  }
}

/** What a race has shown. */
export interface RaceResult {
  readonly handOvers: number
  readonly acknowledged: number
  /** Acknowledged and sequenced behind a later owner's epoch. */
  readonly lateWrites: readonly AcknowledgedRecord[]
  /** Acknowledged and not in the log where the acknowledgement says, or twice in it. */
  readonly missing: readonly AcknowledgedRecord[]
  /** In the log and never sent, or refused at once. */
  readonly strangers: readonly string[]
}

/**
 * Two sides take a partition from each other again and again, both appending all the time. `beforeTake` may do harm in between.
 * The log is then read and compared with what each owner was told.
 */
export async function race(o: {
  sides: readonly [PartitionLogs, PartitionLogs]
  partition: number
  handOvers: number
  seed: string
  beforeTake?: (round: number) => Promise<void>
}): Promise<RaceResult> {
  const random = seededRandom(o.seed)
  const owners: RacingOwner[] = []
  for (let round = 0; round <= o.handOvers; round += 1) {
    await o.beforeTake?.(round)
    const owned = await takeUntilTaken(o.sides[round % 2 === 0 ? 0 : 1], o.partition, () => {})
    owners.push(new RacingOwner(owned, String(round)))
    await untilAcknowledged(owners, 1 + below(random, 20))
  }
  const loaded: LoadedRecord[] = []
  const last = await takeUntilTaken(o.sides[0], o.partition, (record) => {
    loaded.push({ ...record, record: Buffer.from(record.record) })
  })
  await Promise.all(owners.map((owner) => owner.ended))
  await last.release()
  return compare(owners, loaded, [...owners.map(({ owned }) => owned.epoch), last.epoch])
}

/** Takes a partition; a store that has no leader now is waited for. */
export async function takeUntilTaken(
  logs: PartitionLogs,
  partition: number | string,
  load: (record: LoadedRecord) => void,
): Promise<OwnedPartition> {
  const endMs = performance.now() + TAKE_MS_MAX
  for (;;) {
    const loaded: LoadedRecord[] = []
    try {
      const owned = await logs.take(partition, (record) => {
        loaded.push({ ...record, record: Buffer.from(record.record) })
      })
      for (const record of loaded) load(record)
      return owned
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || performance.now() > endMs) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function compare(
  owners: readonly RacingOwner[],
  loaded: readonly LoadedRecord[],
  epochs: readonly bigint[],
): RaceResult {
  const found = new Map<string, LoadedRecord>()
  const twice = new Set<string>()
  for (const record of loaded) {
    const text = record.record.toString()
    if (found.has(text)) twice.add(text)
    found.set(text, record)
  }
  const acknowledged = owners.flatMap((owner) => owner.acknowledged)
  const nextEpoch = new Map(epochs.slice(0, -1).map((epoch, n) => [epoch, epochs[n + 1] ?? 0n]))
  const known = new Set([...acknowledged.map(({ text }) => text), ...owners.flatMap((owner) => owner.unanswered)])
  return {
    handOvers: owners.length - 1,
    acknowledged: acknowledged.length,
    lateWrites: acknowledged.filter(({ sequence, epoch }) => sequence >= (nextEpoch.get(epoch) ?? 0n)),
    missing: acknowledged.filter(({ text, sequence, epoch }) => {
      const record = found.get(text)
      return record?.sequence !== sequence || record.epoch !== epoch || twice.has(text)
    }),
    strangers: [...found.keys()].filter((text) => !known.has(text)),
  }
}

async function untilAcknowledged(owners: readonly RacingOwner[], records: number): Promise<void> {
  const owner = owners.at(-1)
  const endMs = performance.now() + TAKE_MS_MAX
  while (owner && owner.acknowledged.length < records) {
    assert(performance.now() < endMs, 'an owner makes progress')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function below(random: Random, bound: number): number {
  return random.bytes(4).readUInt32BE(0) % bound
}
