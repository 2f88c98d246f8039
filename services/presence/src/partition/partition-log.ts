import type { LoadedRecord, OwnedPartition, TakeOptions } from '@rollcall/store'

/** What an owner uses of a partition that it took. */
export type PartitionLog = Pick<
  OwnedPartition,
  'acknowledged' | 'append' | 'drop' | 'epoch' | 'isAvailable' | 'lost' | 'release' | 'snapshot' | 'wantsSnapshot'
>

/** Where partitions are taken from: `PartitionLogs` of the store. */
export interface PartitionSource {
  take(partition: number, load: (record: LoadedRecord) => void, o: TakeOptions): Promise<PartitionLog>
}
