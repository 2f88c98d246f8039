import type { Appended, LoadedRecord, OwnedPartition, TakeOptions } from '@rollcall/store'

/** What is needed of an owned partition. */
export type PartitionLog = Pick<
  OwnedPartition,
  'acknowledged' | 'epoch' | 'isAvailable' | 'lost' | 'release' | 'drop' | 'wantsSnapshot'
> & {
  append(record: Uint8Array, options: { readonly traceparent: string | undefined }): Promise<Appended>
  snapshot(records: Iterable<Uint8Array>): Promise<unknown>
}

/** What is needed of the service's partition logs. */
export interface PartitionSource {
  readonly partitions: number | undefined
  take(partition: number, load: (record: LoadedRecord) => void, o: TakeOptions): Promise<PartitionLog>
}
