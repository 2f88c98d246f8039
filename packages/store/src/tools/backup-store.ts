import { access, rename, rm } from 'node:fs/promises'
import type { Random, Secret } from '@rollcall/core'
import type { StoreConnection } from '../connection.ts'
import { LogCorruptError } from '../errors.ts'
import { streamInfo } from '../jetstream-api.ts'
import { HSS_BUCKET, STORE_SERVICES } from '../layout.ts'
import {
  type BackupSection,
  type BackupShapes,
  type BackupStream,
  backupBegin,
  encodeMessage,
  encodeSection,
} from './backup-format.ts'
import { BackupExistsError, StoreBrokenError } from './errors.ts'
import { findStored, type StoredService } from './find-stored.ts'
import { EntryDigest, RecordDigest } from './record-digest.ts'
import { SealedFileWriter } from './sealed-file.ts'
import { keptHeaders, readStoredBucket } from './stored-bucket.ts'
import { logSubjectOf, readStoredPartition, type StoredPartition } from './stored-partition.ts'
import { connectReader, type StoreReadOptions, type VerifiedContent } from './verify-store.ts'

const CALL_MS_MAX = 10_000

export interface BackupOptions extends StoreReadOptions {
  /** Not there yet; it appears under this name when it is whole. */
  readonly file: string
  readonly key: Secret
  readonly random: Random
}

/**
 * Writes everything that services keep into one sealed file, while they run. Each partition and each bucket is of one moment;
 * those of different ones are not. What lies encrypted at rest in NATS would lie open in such a file, but for sealed secrets:
 * so it is sealed by a key of its own, and nobody restores without it.
 *
 * @throws BackupExistsError; StoreBrokenError: a store that is not whole is not backed up as if it were; StoreRefusedError,
 *   StoreUnavailableError, StoreDeniedError, JetStreamError
 */
export async function backupStore(o: BackupOptions): Promise<readonly VerifiedContent[]> {
  const partial = `${o.file}.partial`
  const writer = await createFile(partial, o)
  try {
    const contents = await writeBackup(writer, o)
    await writer.finish()
    await rename(partial, o.file)
    return contents
  } catch (error) {
    await writer.abandon()
    await rm(partial, { force: true })
    throw error
  }
}

async function createFile(partial: string, o: BackupOptions): Promise<SealedFileWriter> {
  const isThere = await access(o.file).then(
    () => true,
    () => false,
  )
  if (isThere) throw new BackupExistsError(o.file)
  try {
    return await SealedFileWriter.create(partial, o.key, o.random)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw new BackupExistsError(partial)
    throw error
  }
}

async function writeBackup(writer: SealedFileWriter, o: BackupOptions): Promise<readonly VerifiedContent[]> {
  const services = o.services ?? STORE_SERVICES
  const contents: VerifiedContent[] = []
  const streams: BackupStream[] = []
  const shapes: Record<string, BackupShapes[string]> = {}
  const put = (section: BackupSection): Promise<void> => writer.write(encodeSection(section))
  await put(backupBegin(new Date(o.clock.now()), services))
  for (const service of services) {
    await using connection = await connectReader(o, service)
    const stored = await findStored(connection, service)
    if (stored.problems.length > 0) throw new StoreBrokenError(stored.problems)
    if (stored.shape) shapes[service] = stored.shape
    for (const place of stored.partitions) contents.push(await writePartition(connection, writer, place))
    if (service === 'hss') contents.push(...(await writeBuckets(connection, writer, stored)))
    // Read last: nothing in the file lies behind it.
    for (const { name } of stored.streams) {
      const { state } = await streamInfo(connection, name, CALL_MS_MAX)
      streams.push({ service, name, lastSequence: state.last_seq })
    }
  }
  await put({ kind: 'end', sections: contents.length, streams, shapes })
  return contents
}

async function writePartition(
  connection: StoreConnection,
  writer: SealedFileWriter,
  place: StoredPartition,
): Promise<VerifiedContent> {
  let digest = new RecordDigest()
  try {
    await readStoredPartition(connection, place, {
      begin: async (manifest) => {
        digest = new RecordDigest()
        const { floor: _, ...where } = place
        await writer.write(encodeSection({ kind: 'partition', ...where, manifest: manifest?.toString() ?? null }))
      },
      chunk: (subject, data) => writer.write(encodeMessage({ subject, sequence: 0, headers: [], data })),
      messages: async (messages) => {
        const subject = logSubjectOf(place)
        for (const { sequence, data } of messages) {
          await writer.write(encodeMessage({ subject, sequence, headers: [], data }))
        }
      },
      record: (record) => digest.add(record),
      discard: () => writer.write(encodeSection({ kind: 'discarded' })),
    })
  } catch (error) {
    if (!(error instanceof LogCorruptError)) throw error
    throw new StoreBrokenError([`stream ${place.stream}: ${error.message}`])
  }
  const content = digest.finish()
  await writer.write(encodeSection({ kind: 'complete', ...content }))
  return { name: logSubjectOf(place), ...content }
}

async function writeBuckets(
  connection: StoreConnection,
  writer: SealedFileWriter,
  { service, streams }: StoredService,
): Promise<VerifiedContent[]> {
  const contents: VerifiedContent[] = []
  for (const { name } of streams) {
    const digest = new EntryDigest()
    await writer.write(encodeSection({ kind: 'bucket', service, bucket: HSS_BUCKET, stream: name }))
    await readStoredBucket(connection, {
      stream: name,
      bucket: HSS_BUCKET,
      give: async (entries) => {
        for (const { subject, message } of entries) {
          const headers = keptHeaders(message)
          digest.add(subject, headers, message.data)
          const { sequence, data } = message
          await writer.write(encodeMessage({ subject, sequence, headers, data }))
        }
      },
    })
    const content = digest.finish()
    await writer.write(encodeSection({ kind: 'complete', ...content }))
    contents.push({ name, ...content })
  }
  return contents
}
