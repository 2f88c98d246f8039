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
  LogTruncatedError,
  PartitionReleasedError,
  RecordTooLargeError,
  RevisionMismatchError,
  SnapshotUnderWayError,
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
export { prepareDataFolder } from './init/prepare-data-folder.ts'
export { repairDataFolder } from './init/repair-data-folder.ts'
export { KeyValue, type KeyValueEntry } from './kv/key-value.ts'
export {
  accountOf,
  BSF_CHALLENGES_BUCKET,
  BSF_CONTEXTS_BUCKET,
  DEFAULT_SHAPE,
  HSS_BUCKET,
  type LogService,
  NATS_SERVER_ROLE,
  partitionOf,
  type ReplicatedService,
  realmToken,
  STORE_SERVICES,
  type StoreService,
  type StoreShape,
  storeAdminRole,
  storeBackupRole,
  streamsOf,
} from './layout.ts'
export type { Appended } from './log/append-queue.ts'
export type { LoadedRecord } from './log/load-log.ts'
export type { LogEvent } from './log/log-event.ts'
export { RECORD_OCTETS_MAX } from './log/log-message.ts'
export { OwnedPartition } from './log/owned-partition.ts'
export { PartitionLogs, type PartitionLogsOptions, type TakeOptions } from './log/partition-logs.ts'
export {
  type Durability,
  type NatsClusterOptions,
  type NatsConfigOptions,
  renderNatsConfig,
} from './nats/nats-config.ts'
export { createNatsKey, NATS_KEY_VARIABLE } from './nats/nats-key.ts'
export { LeaseContendedError } from './replicas/errors.ts'
export type { HeldPartition, TakeContext, TakePartition } from './replicas/held-partition.ts'
export type { Lease } from './replicas/lease.ts'
export { DEFAULT_LEASE_TIMING, type LeaseTiming } from './replicas/lease-timing.ts'
export { logReplicaEvent } from './replicas/log-replica-event.ts'
export type { Member, Whereabouts } from './replicas/member.ts'
export type { ReplicaEvent } from './replicas/replica-event.ts'
export type { ReplicaGroup } from './replicas/replica-group.ts'
export { ReplicaView } from './replicas/replica-view.ts'
export { Replicas, type ReplicasOptions } from './replicas/replicas.ts'
export { ReplicatedStore } from './replicas/replicated-store.ts'
export { SealedRecordError, SealingKeysError } from './sealing/errors.ts'
export { type SealContext, Sealer } from './sealing/sealer.ts'
export { createSealingKeys } from './sealing/sealing-keys.ts'
export type { SnapshotResult } from './snapshot/partition-snapshots.ts'
export { type OpenState, StoreOpener } from './store-opener.ts'
export { createBackupKey, readBackupKey } from './tools/backup-key.ts'
export { type BackupOptions, backupStore } from './tools/backup-store.ts'
export {
  BackupExistsError,
  BackupFileError,
  BackupKeyError,
  RestoreStoppedError,
  StoreBrokenError,
  StoreNotEmptyError,
} from './tools/errors.ts'
export { type RestoreOptions, restoreStore } from './tools/restore-store.ts'
export { type StoreReadOptions, type VerifiedContent, type VerifyResult, verifyStore } from './tools/verify-store.ts'
