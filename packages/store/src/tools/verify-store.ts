import type { Clock } from '@rollcall/core'
import { connectStore, type StoreConnection, type StoreTls } from '../connection.ts'
import { LogCorruptError } from '../errors.ts'
import { HSS_BUCKET, STORE_SERVICES, type StoreService } from '../layout.ts'
import { findStored, type StoredService } from './find-stored.ts'
import { type ContentDigest, EntryDigest, RecordDigest } from './record-digest.ts'
import { keptHeaders, readStoredBucket } from './stored-bucket.ts'
import { logSubjectOf, readStoredPartition, type StoredPartition } from './stored-partition.ts'

/** A key of a bucket, as `KeyValue` takes it. */
const BUCKET_SUBJECT = /^\$KV\.[a-z]+\.[A-Za-z0-9_=/-]+(?:\.[A-Za-z0-9_=/-]+)*$/

/** How the tools reach a store: by certificates of the roles `storeBackupRole(service)`, which may read and nothing else. */
export interface StoreReadOptions {
  readonly url: string
  readonly clock: Clock
  readonly backupTlsOf: (service: StoreService) => StoreTls
  readonly services?: readonly StoreService[]
  readonly signal?: AbortSignal
}

/** One partition or bucket that was read whole. */
export interface VerifiedContent extends ContentDigest {
  /** Subject of its log, or name of its bucket. */
  readonly name: string
}

export interface VerifyResult {
  readonly contents: readonly VerifiedContent[]
  /** A line each: stream or subject, sequence, what is wrong. Of each log and each snapshot the first. */
  readonly problems: readonly string[]
}

/**
 * Reads everything that services keep and checks it as a load does: streams as they should be, each log's chain, each snapshot's
 * manifest and chunks, the frame of each record, each entry of a bucket. Services may run meanwhile. It changes nothing.
 *
 * @throws StoreRefusedError, StoreUnavailableError, StoreDeniedError, JetStreamError
 */
export async function verifyStore(o: StoreReadOptions): Promise<VerifyResult> {
  const contents: VerifiedContent[] = []
  const problems: string[] = []
  for (const service of o.services ?? STORE_SERVICES) {
    await using connection = await connectReader(o, service)
    const stored = await findStored(connection, service)
    problems.push(...stored.problems)
    for (const place of stored.partitions) await verifyPartition(connection, place, contents, problems)
    if (service === 'hss') await verifyBucket(connection, stored, contents, problems)
  }
  return { contents, problems }
}

/** A connection that may read what a service keeps. */
export async function connectReader(o: StoreReadOptions, service: StoreService): Promise<StoreConnection> {
  return await connectStore({
    url: o.url,
    tls: o.backupTlsOf(service),
    service: 'storebackup',
    clock: o.clock,
    ...(o.signal && { signal: o.signal }),
  })
}

async function verifyPartition(
  connection: StoreConnection,
  place: StoredPartition,
  contents: VerifiedContent[],
  problems: string[],
): Promise<void> {
  let digest = new RecordDigest()
  try {
    await readStoredPartition(connection, place, {
      begin: async () => {
        digest = new RecordDigest()
      },
      chunk: async () => {},
      messages: async () => {},
      record: (record) => digest.add(record),
      discard: async () => {},
    })
    contents.push({ name: logSubjectOf(place), ...digest.finish() })
  } catch (error) {
    if (!(error instanceof LogCorruptError)) throw error
    problems.push(`stream ${place.stream}: ${error.message}`)
  }
}

async function verifyBucket(
  connection: StoreConnection,
  { streams }: StoredService,
  contents: VerifiedContent[],
  problems: string[],
): Promise<void> {
  for (const { name } of streams) {
    const digest = new EntryDigest()
    await readStoredBucket(connection, {
      stream: name,
      bucket: HSS_BUCKET,
      give: async (entries) => {
        for (const { subject, message } of entries) {
          if (!BUCKET_SUBJECT.test(subject)) {
            problems.push(`stream ${name}: ${subject} at sequence ${message.sequence} is no key of a bucket`)
          }
          digest.add(subject, keptHeaders(message), message.data)
        }
      },
    })
    contents.push({ name, ...digest.finish() })
  }
}
