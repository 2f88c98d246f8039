export { AnsweredRequests, type RequestKey } from './answered-requests.ts'
export {
  type ConnectStoreOptions,
  connectStore,
  StoreConnection,
  type StoreStatus,
  type StoreTls,
} from './connection.ts'
export {
  FencedError,
  InvalidKeyError,
  JetStreamError,
  KeyExistsError,
  LogCorruptError,
  PartitionReleasedError,
  RecordTooLargeError,
  RevisionMismatchError,
  StoreDeniedError,
  StoreFullError,
  StoreOverloadedError,
  StoreRefusedError,
  StoreServerIdentityError,
  StoreUnavailableError,
  StreamMismatchError,
  StreamMissingError,
} from './errors.ts'
export { checkDataFolder, type DataFolder } from './init/data-folder.ts'
export {
  FirstInstallationError,
  InvalidNatsKeyError,
  LedgerBrokenError,
  LedgerMissingError,
  NatsKeyMismatchError,
  StreamLostError,
  StreamUnreadableError,
} from './init/errors.ts'
export { type InitStoreOptions, initStore } from './init/init-store.ts'
export { KeyValue, type KeyValueEntry } from './kv/key-value.ts'
export {
  accountOf,
  DEFAULT_SHAPE,
  HSS_BUCKET,
  type LogService,
  NATS_SERVER_ROLE,
  partitionOf,
  realmToken,
  STORE_SERVICES,
  type StoreService,
  type StoreShape,
  storeAdminRole,
  streamsOf,
} from './layout.ts'
export type { Appended } from './log/append-queue.ts'
export type { LoadedRecord } from './log/load-log.ts'
export type { LogEvent } from './log/log-event.ts'
export { RECORD_OCTETS_MAX } from './log/log-message.ts'
export { OwnedPartition } from './log/owned-partition.ts'
export { PartitionLogs, type PartitionLogsOptions } from './log/partition-logs.ts'
export { type Durability, type NatsConfigOptions, renderNatsConfig } from './nats/nats-config.ts'
export { createNatsKey, NATS_KEY_VARIABLE } from './nats/nats-key.ts'
export { SealedRecordError, SealingKeysError } from './sealing/errors.ts'
export { type SealContext, Sealer } from './sealing/sealer.ts'
export { createSealingKeys } from './sealing/sealing-keys.ts'
export { type OpenState, StoreOpener } from './store-opener.ts'
